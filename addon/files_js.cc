#include <cerrno>
#include <cstdint>

#include "addon.h"
#include "background.h"
#include "files.h"
#include "js.h"

namespace {

// The shape of FileBatch: see the typed contract.
struct Batch {
  std::vector<uint8_t> bytes;
  std::vector<uint32_t> offsets = {0};
  std::vector<int32_t> errors;

  explicit Batch(std::vector<FileContents> files) {
    size_t total = 0;
    for (const FileContents& file : files) total += file.bytes.size();
    if (total > UINT32_MAX) throw SystemError(EFBIG, "read");
    bytes.reserve(total);
    for (FileContents& file : files) {
      bytes.insert(bytes.end(), file.bytes.begin(), file.bytes.end());
      offsets.push_back(bytes.size());
      errors.push_back(file.error);
      file.bytes = {};
    }
  }
};

std::vector<std::string> texts(const Napi::Value& value) {
  if (!value.IsArray()) throw SystemError(EINVAL, "argument", "", "expected an array of strings");
  auto array = value.As<Napi::Array>();
  std::vector<std::string> result;
  for (uint32_t i = 0; i < array.Length(); i++) result.push_back(text(array.Get(i)));
  return result;
}

Napi::Value toJs(Napi::Env env, Batch& batch) {
  auto offsets = Napi::Uint32Array::New(env, batch.offsets.size());
  std::copy(batch.offsets.begin(), batch.offsets.end(), offsets.Data());
  auto errors = Napi::Int32Array::New(env, batch.errors.size());
  std::copy(batch.errors.begin(), batch.errors.end(), errors.Data());
  auto result = Napi::Object::New(env);
  result.Set("bytes", toBuffer(env, std::move(batch.bytes)));
  result.Set("offsets", offsets);
  result.Set("errors", errors);
  return result;
}

}  // namespace

void addFiles(Napi::Object exports) {
  setPromiseMethod(exports, "readFiles", [](const Napi::CallbackInfo& info) {
    auto paths = texts(info[0]);
    std::chrono::milliseconds deadline(unsigned32(info[1]));
    size_t maxBytes = unsigned32(info[2]);
    if (deadline.count() == 0) throw SystemError(EINVAL, "argument", "", "expected a deadline above 0");
    return onThread(info.Env(), [paths = std::move(paths), deadline, maxBytes]() -> Answer {
      auto batch = std::make_shared<Batch>(readFiles(paths, deadline, maxBytes));
      return [batch](Napi::Env env) { return toJs(env, *batch); };
    });
  });
}
