#include "connect.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "deadline.h"

namespace {

struct SocketAddress {
  sockaddr_storage storage = {};
  socklen_t bytes = 0;
};

SocketAddress parse(const std::string& address, uint16_t port) {
  SocketAddress parsed;
  auto* ipv4 = reinterpret_cast<sockaddr_in*>(&parsed.storage);
  auto* ipv6 = reinterpret_cast<sockaddr_in6*>(&parsed.storage);
  if (inet_pton(AF_INET, address.c_str(), &ipv4->sin_addr) == 1) {
    ipv4->sin_family = AF_INET;
    ipv4->sin_port = htons(port);
    parsed.bytes = sizeof(*ipv4);
  } else if (inet_pton(AF_INET6, address.c_str(), &ipv6->sin6_addr) == 1) {
    ipv6->sin6_family = AF_INET6;
    ipv6->sin6_port = htons(port);
    parsed.bytes = sizeof(*ipv6);
  } else {
    throw SystemError(EINVAL, "argument", "", "expected an IP address");
  }
  return parsed;
}

void waitUntilWritable(int socket, Deadline deadline) {
  while (true) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Deadline::clock::now()).count();
    pollfd waiting = {socket, POLLOUT, 0};
    int ready = poll(&waiting, 1, static_cast<int>(std::clamp<long long>(left, 0, INT_MAX)));
    if (ready > 0) return;
    if (ready < 0 && errno != EINTR) throw SystemError(errno, "poll");
    if (ready == 0) throw SystemError(ETIMEDOUT, "connect");
  }
}

}  // namespace

Descriptor connectTo(const std::string& address, uint16_t port, std::chrono::milliseconds timeout) {
  auto deadline = Deadline::clock::now() + timeout;
  SocketAddress to = parse(address, port);
  Descriptor socket(::socket(to.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) throw SystemError(errno, "socket");
  if (connect(socket.get(), reinterpret_cast<sockaddr*>(&to.storage), to.bytes) == 0) return socket;
  if (errno != EINPROGRESS) throw SystemError(errno, "connect", "", address);
  waitUntilWritable(socket.get(), deadline);
  int error = 0;
  socklen_t bytes = sizeof(error);
  if (getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &bytes) != 0) throw SystemError(errno, "getsockopt");
  if (error != 0) throw SystemError(error, "connect", "", address);
  return socket;
}
