#include "netlink.h"

#include <linux/netlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "descriptor.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMaxBytes = 16 << 20;
constexpr size_t kReceiveBytes = 256 << 10;
constexpr int kTries = 3;

void sendRequest(int socket, const NetlinkRequest& request) {
  std::vector<uint8_t> message(NLMSG_SPACE(request.payload.size()));
  auto* header = reinterpret_cast<nlmsghdr*>(message.data());
  header->nlmsg_len = NLMSG_LENGTH(request.payload.size());
  header->nlmsg_type = request.messageType;
  // What is no dump ends with an acknowledgement, as a dump does with NLMSG_DONE.
  header->nlmsg_flags = NLM_F_REQUEST | (request.isDump ? NLM_F_DUMP : NLM_F_ACK);
  if (!request.payload.empty()) memcpy(NLMSG_DATA(header), request.payload.data(), request.payload.size());
  if (send(socket, message.data(), message.size(), 0) < 0) throw SystemError(errno, "sendto");
}

// Answers the number of bytes, 0 when there is nothing from the kernel yet.
size_t receive(int socket, std::vector<uint8_t>& buffer, Clock::time_point deadline) {
  auto left = std::chrono::duration_cast<std::chrono::microseconds>(deadline - Clock::now()).count();
  if (left <= 0) throw SystemError(ETIMEDOUT, "recvfrom");
  timeval timeout = {left / 1000000, left % 1000000};
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
  sockaddr_nl sender = {};
  socklen_t senderBytes = sizeof(sender);
  // With MSG_TRUNC the answer is the true length, also of what did not fit.
  ssize_t length = recvfrom(socket, buffer.data(), buffer.size(), MSG_TRUNC, reinterpret_cast<sockaddr*>(&sender),
                            &senderBytes);
  if (length < 0 && errno == EINTR) return 0;
  if (length < 0) throw SystemError(errno == EAGAIN ? ETIMEDOUT : errno, "recvfrom");
  if (static_cast<size_t>(length) > buffer.size()) throw SystemError(EMSGSIZE, "recvfrom");
  return sender.nl_pid == 0 ? length : 0;
}

// NLMSG_ERROR and NLMSG_DONE both start with an error number, negative or 0.
void throwIfError(const nlmsghdr* header) {
  int number = 0;
  if (header->nlmsg_len >= NLMSG_LENGTH(sizeof(number))) memcpy(&number, NLMSG_DATA(header), sizeof(number));
  if (number < 0) throw SystemError(-number, "recvfrom");
}

struct Dump {
  std::vector<uint8_t> messages;
  bool done = false;
  bool interrupted = false;

  void append(const std::vector<uint8_t>& buffer, size_t received) {
    auto* header = reinterpret_cast<const nlmsghdr*>(buffer.data());
    for (auto left = static_cast<unsigned>(received); NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) {
      if (header->nlmsg_flags & NLM_F_DUMP_INTR) interrupted = true;
      if (header->nlmsg_type == NLMSG_ERROR || header->nlmsg_type == NLMSG_DONE) {
        throwIfError(header);
        done = true;
        return;
      }
      if (messages.size() + header->nlmsg_len > kMaxBytes) throw SystemError(EFBIG, "recvfrom");
      auto* start = reinterpret_cast<const uint8_t*>(header);
      messages.insert(messages.end(), start, start + header->nlmsg_len);
      messages.resize(NLMSG_ALIGN(messages.size()));
    }
  }
};

}  // namespace

std::vector<uint8_t> askNetlink(const NetlinkRequest& asked, std::chrono::milliseconds timeout) {
  auto deadline = Clock::now() + timeout;
  std::vector<uint8_t> buffer(kReceiveBytes);
  for (int i = 0; i < kTries; i++) {
    Descriptor netlink(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, asked.protocol));
    if (!netlink) throw SystemError(errno, "socket");
    sendRequest(netlink.get(), asked);
    Dump dump;
    while (!dump.done) dump.append(buffer, receive(netlink.get(), buffer, deadline));
    if (!dump.interrupted) return std::move(dump.messages);
  }
  throw SystemError(EINTR, "recvfrom", "", "what was asked for kept changing");
}
