#include "libbpf_log.h"

#include <bpf/libbpf.h>

#include <cstdarg>
#include <cstdio>

namespace {

constexpr size_t kWarningBytes = 4 << 10;
constexpr size_t kVerifierLogBytes = 16 << 10;

// libbpf hands over the verifier's log as one message between these.
constexpr char kLogStart[] = "-- BEGIN PROG LOAD LOG --\n";
constexpr char kLogEnd[] = "-- END PROG LOAD LOG --";

// Errors of libbpf itself; all of them say that the object is not what it should be.
constexpr int kFirstLibbpfError = 4000;

thread_local LibbpfLog* current = nullptr;

std::string tail(const std::string& text, size_t limit) {
  if (text.size() <= limit) return text;
  size_t line = text.find('\n', text.size() - limit);
  return text.substr(line == std::string::npos ? text.size() - limit : line + 1);
}

int collect(enum libbpf_print_level level, const char* format, va_list arguments) {
  if (!current || level != LIBBPF_WARN) return 0;
  va_list again;
  va_copy(again, arguments);
  int length = vsnprintf(nullptr, 0, format, again);
  va_end(again);
  if (length <= 0) return 0;
  std::string message(length, '\0');
  vsnprintf(message.data(), length + 1, format, arguments);
  current->append(std::move(message));
  return length;
}

}  // namespace

void silenceLibbpf() { libbpf_set_print(collect); }

LibbpfLog::LibbpfLog() { current = this; }

LibbpfLog::~LibbpfLog() { current = nullptr; }

void LibbpfLog::append(std::string message) {
  size_t start = message.find(kLogStart);
  if (start == std::string::npos) {
    warnings_ = tail(warnings_ + message, kWarningBytes);
    return;
  }
  start += sizeof(kLogStart) - 1;
  size_t end = message.rfind(kLogEnd);
  verifierLog_ = tail(message.substr(start, end - start), kVerifierLogBytes);
}

SystemError LibbpfLog::error(int negative, std::string syscall, std::string path) const {
  int number = negative <= -kFirstLibbpfError ? ENOEXEC : -negative;
  SystemError result(number, std::move(syscall), std::move(path), warnings_);
  result.verifierLog = verifierLog_;
  return result;
}
