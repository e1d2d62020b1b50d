#include <linux/rtnetlink.h>
#include <sched.h>
#include <sys/utsname.h>

#include <cerrno>
#include <memory>

#include "addon.h"
#include "background.h"
#include "connect.h"
#include "js.h"
#include "namespace.h"
#include "netlink.h"
#include "setting.h"

namespace {

std::string namespacePath(const Napi::Value& value) { return value.IsNull() ? "" : text(value); }

NetlinkRequest requestOf(const Napi::Value& value) {
  if (!value.IsObject()) throw SystemError(EINVAL, "argument", "", "expected an object");
  auto object = value.As<Napi::Object>();
  uint32_t messageType = unsigned32(object.Get("messageType"));
  if (messageType > UINT16_MAX) throw SystemError(EINVAL, "argument", "", "expected a message type of 16 bits");
  Bytes payload = bytes(object.Get("payload"));
  return {static_cast<int>(unsigned32(object.Get("protocol"))), static_cast<uint16_t>(messageType),
          object.Get("isDump").ToBoolean(), {payload.data, payload.data + payload.size}};
}

Napi::Promise ask(Napi::Env env, const std::string& path, const NetlinkRequest& asked, std::chrono::milliseconds timeout) {
  return onThread(env, [=]() -> Answer {
    enterNamespace(path, CLONE_NEWNET);
    auto messages = std::make_shared<std::vector<uint8_t>>(askNetlink(asked, timeout));
    return [messages](Napi::Env env) { return toBuffer(env, std::move(*messages)); };
  });
}

}  // namespace

void addNamespaces(Napi::Object exports) {
  setPromiseMethod(exports, "netlinkDump", [](const Napi::CallbackInfo& info) {
    std::string path = namespacePath(info[0]);
    uint32_t messageType = unsigned32(info[1]);
    std::chrono::milliseconds timeout(unsigned32(info[2]));
    if (messageType != RTM_GETLINK && messageType != RTM_GETADDR)
      throw SystemError(EINVAL, "argument", "", "expected RTM_GETLINK or RTM_GETADDR");
    std::vector<uint8_t> all(sizeof(ifinfomsg));
    return ask(info.Env(), path, {NETLINK_ROUTE, static_cast<uint16_t>(messageType), true, all}, timeout);
  });

  setPromiseMethod(exports, "netlinkRequest", [](const Napi::CallbackInfo& info) {
    std::string path = namespacePath(info[0]);
    NetlinkRequest asked = requestOf(info[1]);
    return ask(info.Env(), path, asked, std::chrono::milliseconds(unsigned32(info[2])));
  });

  setPromiseMethod(exports, "networkSetting", [](const Napi::CallbackInfo& info) {
    std::string path = namespacePath(info[0]);
    std::string name = text(info[1]);
    bool writes = !info[2].IsNull();
    std::string value = writes ? text(info[2]) : "";
    return onThread(info.Env(), [=]() -> Answer {
      enterNamespace(path, CLONE_NEWNET);
      std::string found = writes ? writeSetting(name, value) : readSetting(name);
      return [found](Napi::Env env) { return Napi::String::New(env, found); };
    });
  });

  setPromiseMethod(exports, "connectIn", [](const Napi::CallbackInfo& info) {
    std::string path = namespacePath(info[0]);
    std::string address = text(info[1]);
    uint32_t port = unsigned32(info[2]);
    if (port == 0 || port > UINT16_MAX) throw SystemError(EINVAL, "argument", "", "expected a port");
    std::chrono::milliseconds timeout(unsigned32(info[3]));
    return onThread(info.Env(), [=]() -> Answer {
      enterNamespace(path, CLONE_NEWNET);
      // Closed with the last copy of the answer, unless somebody took it.
      auto socket = std::make_shared<Descriptor>(connectTo(address, static_cast<uint16_t>(port), timeout));
      return [socket](Napi::Env env) { return Napi::Number::New(env, socket->release()); };
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
