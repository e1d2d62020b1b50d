#include <sys/resource.h>
#include <sys/statfs.h>

#include <cerrno>

#include "addon.h"
#include "js.h"

namespace {

double fileSystemType(const std::string& path) {
  struct statfs status;
  if (statfs(path.c_str(), &status) != 0) throw SystemError(errno, "statfs", path);
  return static_cast<uint32_t>(status.f_type);
}

// Without CAP_SYS_RESOURCE the hard limit is as far as it goes.
void raiseMemlock() {
  rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
  if (setrlimit(RLIMIT_MEMLOCK, &limit) == 0) return;
  if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0) throw SystemError(errno, "getrlimit");
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_MEMLOCK, &limit) != 0) throw SystemError(errno, "setrlimit");
}

}  // namespace

void addSystem(Napi::Object exports) {
  setMethod(exports, "fileSystemType", [](const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), fileSystemType(text(info[0])));
  });
  setMethod(exports, "raiseMemlock", [](const Napi::CallbackInfo& info) {
    raiseMemlock();
    return info.Env().Undefined();
  });
}
