#include "error.h"

#include <string.h>

namespace {

// Known inside the kernel only, but bpf(2) lets it out where a map or program type lacks an operation.
constexpr int kKernelNotSupported = 524;

std::string nameOf(int number) {
  if (number == kKernelNotSupported) return "ENOTSUPP";
  const char* name = strerrorname_np(number);
  return name ? name : "E" + std::to_string(number);
}

std::string describe(int number) {
  const char* text = strerrordesc_np(number);
  return text ? text : "Operation not supported";
}

std::string firstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

Napi::Error toError(Napi::Env env, const SystemError& error) {
  std::string message = nameOf(error.number) + ": " + describe(error.number) + ", " + error.syscall;
  if (!error.path.empty()) message += " '" + error.path + "'";
  if (!error.detail.empty()) message += ": " + firstLine(error.detail);

  Napi::Error result = Napi::Error::New(env, message);
  result.Set("code", nameOf(error.number));
  result.Set("errno", static_cast<double>(error.number));
  result.Set("syscall", error.syscall);
  if (!error.path.empty()) result.Set("path", error.path);
  if (!error.detail.empty()) result.Set("detail", error.detail);
  if (!error.verifierLog.empty()) result.Set("verifierLog", error.verifierLog);
  return result;
}
