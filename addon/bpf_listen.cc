#include <linux/netlink.h>
#include <sched.h>
#include <sys/socket.h>

#include <cerrno>

#include "background.h"
#include "bpf_object.h"
#include "descriptor.h"
#include "namespace.h"

namespace {

struct Listener {
  Descriptor socket;
  std::vector<uint8_t> cookie;
};

void set(int socket, int level, int option, int value, const char* what) {
  if (setsockopt(socket, level, option, &value, sizeof(value)) != 0) throw SystemError(errno, what);
}

std::vector<uint8_t> cookieOf(int socket) {
  std::vector<uint8_t> cookie(sizeof(uint64_t));
  socklen_t size = cookie.size();
  if (getsockopt(socket, SOL_SOCKET, SO_COOKIE, cookie.data(), &size) != 0)
    throw SystemError(errno, "getsockopt(SO_COOKIE)");
  return cookie;
}

// Nothing comes in before the filter is there.
Listener listen(int program, int protocol, int group) {
  Descriptor netlink(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
  if (!netlink) throw SystemError(errno, "socket");
  set(netlink.get(), SOL_SOCKET, SO_ATTACH_BPF, program, "setsockopt(SO_ATTACH_BPF)");
  sockaddr_nl anywhere = {};
  anywhere.nl_family = AF_NETLINK;
  if (bind(netlink.get(), reinterpret_cast<sockaddr*>(&anywhere), sizeof(anywhere)) != 0) throw SystemError(errno, "bind");
  set(netlink.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group, "setsockopt(NETLINK_ADD_MEMBERSHIP)");
  std::vector<uint8_t> cookie = cookieOf(netlink.get());
  return {std::move(netlink), std::move(cookie)};
}

}  // namespace

void addListening(Napi::Object target, std::shared_ptr<BpfObject> object) {
  setPromiseMethod(target, "listen", [object](const Napi::CallbackInfo& info) {
    object->loaded();
    auto program = std::make_shared<Descriptor>(Descriptor::duplicate(bpf_program__fd(object->program(text(info[0])))));
    std::string path = info[1].IsNull() ? "" : text(info[1]);
    int protocol = unsigned32(info[2]), group = unsigned32(info[3]);
    return onThread(info.Env(), [=]() -> Answer {
      enterNamespace(path, CLONE_NEWNET);
      auto listener = std::make_shared<Listener>(listen(program->get(), protocol, group));
      return [object, listener](Napi::Env env) {
        object->loaded();
        uint32_t id = object->nextLink++;
        object->sockets.emplace(id, std::move(listener->socket));
        auto result = Napi::Object::New(env);
        result.Set("link", id);
        result.Set("cookie", toBuffer(env, std::move(listener->cookie)));
        return result;
      };
    });
  });
}
