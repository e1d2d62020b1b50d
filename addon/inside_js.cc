#include "addon.h"
#include "background.h"
#include "inside.h"
#include "js.h"

namespace {

constexpr size_t kFigures = 6;

InsidePath pathOf(const Napi::Value& value) {
  if (!value.IsObject()) throw SystemError(EINVAL, "argument", "", "expected an array of objects");
  auto object = value.As<Napi::Object>();
  return {unsigned32(object.Get("pid")), unsigned53(object.Get("startTicks")), text(object.Get("path")),
          text(object.Get("place"))};
}

std::vector<InsidePath> pathsOf(const Napi::Value& value) {
  if (!value.IsArray()) throw SystemError(EINVAL, "argument", "", "expected an array of objects");
  auto array = value.As<Napi::Array>();
  std::vector<InsidePath> paths;
  for (uint32_t i = 0; i < array.Length(); i++) paths.push_back(pathOf(array.Get(i)));
  return paths;
}

Napi::Value toJs(Napi::Env env, const std::vector<InsideStatus>& all) {
  auto errors = Napi::Int32Array::New(env, all.size());
  auto figures = Napi::Float64Array::New(env, all.size() * kFigures);
  for (size_t i = 0; i < all.size(); i++) {
    const InsideStatus& one = all[i];
    errors[i] = one.error;
    size_t at = i * kFigures;
    for (uint64_t figure : {one.mountId, one.inode, one.device, one.sizeBytes, one.freeBytes, one.availableBytes})
      figures[at++] = static_cast<double>(figure);
  }
  auto result = Napi::Object::New(env);
  result.Set("errors", errors);
  result.Set("figures", figures);
  return result;
}

// The descriptor of each, or the negative errno.
Napi::Value toJs(Napi::Env env, std::vector<InsideFile>& all) {
  auto files = Napi::Int32Array::New(env, all.size());
  for (size_t i = 0; i < all.size(); i++) files[i] = all[i].error != 0 ? -all[i].error : all[i].file.release();
  return files;
}

std::chrono::milliseconds deadlineOf(const Napi::Value& value) {
  std::chrono::milliseconds deadline(unsigned32(value));
  if (deadline.count() == 0) throw SystemError(EINVAL, "argument", "", "expected a deadline above 0");
  return deadline;
}

}  // namespace

void addInside(Napi::Object exports) {
  setPromiseMethod(exports, "statInside", [](const Napi::CallbackInfo& info) {
    auto paths = pathsOf(info[0]);
    auto deadline = deadlineOf(info[1]);
    return onThread(info.Env(), [paths = std::move(paths), deadline]() -> Answer {
      auto all = std::make_shared<std::vector<InsideStatus>>(statInside(paths, deadline));
      return [all](Napi::Env env) { return toJs(env, *all); };
    });
  });
  setPromiseMethod(exports, "openInside", [](const Napi::CallbackInfo& info) {
    auto paths = pathsOf(info[0]);
    bool followsLinks = boolean(info[1]);
    auto deadline = deadlineOf(info[2]);
    return onThread(info.Env(), [paths = std::move(paths), followsLinks, deadline]() -> Answer {
      auto all = std::make_shared<std::vector<InsideFile>>(openInside(paths, followsLinks, deadline));
      return [all](Napi::Env env) { return toJs(env, *all); };
    });
  });
}
