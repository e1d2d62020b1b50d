#include <linux/rtnetlink.h>
#include <sched.h>
#include <sys/utsname.h>

#include <cerrno>

#include "addon.h"
#include "background.h"
#include "js.h"
#include "namespace.h"
#include "netlink.h"

namespace {

std::string namespacePath(const Napi::Value& value) { return value.IsNull() ? "" : text(value); }

}  // namespace

void addNamespaces(Napi::Object exports) {
  setPromiseMethod(exports, "netlinkDump", [](const Napi::CallbackInfo& info) {
    std::string path = namespacePath(info[0]);
    uint32_t messageType = unsigned32(info[1]);
    std::chrono::milliseconds timeout(unsigned32(info[2]));
    if (messageType != RTM_GETLINK && messageType != RTM_GETADDR)
      throw SystemError(EINVAL, "argument", "", "expected RTM_GETLINK or RTM_GETADDR");
    return onThread(info.Env(), [=]() -> Answer {
      enterNamespace(path, CLONE_NEWNET);
      auto messages = std::make_shared<std::vector<uint8_t>>(dumpRoutes(messageType, timeout));
      return [messages](Napi::Env env) { return toBuffer(env, std::move(*messages)); };
    });
  });

  setPromiseMethod(exports, "utsname", [](const Napi::CallbackInfo& info) {
    std::string path = namespacePath(info[0]);
    return onThread(info.Env(), [path]() -> Answer {
      enterNamespace(path, CLONE_NEWUTS);
      utsname names;
      if (uname(&names) != 0) throw SystemError(errno, "uname");
      return [names](Napi::Env env) {
        auto result = Napi::Object::New(env);
        result.Set("nodename", names.nodename);
        result.Set("release", names.release);
        result.Set("machine", names.machine);
        return result;
      };
    });
  });
}
