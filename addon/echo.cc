#include "echo.h"

#include <arpa/inet.h>
#include <linux/errqueue.h>
#include <linux/filter.h>
#include <linux/net_tstamp.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace {

constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr int kBufferBytes = 4 << 20;
// Longest message of ours, with headers of the link and options of IP.
constexpr size_t kMessageBytes = 512;

// Long enough that no driver pads the frame.
struct Echo {
  uint8_t type;
  uint8_t code;
  uint16_t checksum;
  uint16_t identifier;
  uint16_t sequence;
  uint8_t nonce[16];
  uint32_t index;
  uint8_t rest[36];
};
static_assert(sizeof(Echo) == 64);

// RFC 1071. Of ICMPv6 the kernel makes it.
uint16_t checksumOf(const Echo& echo) {
  uint16_t words[sizeof(Echo) / 2];
  memcpy(words, &echo, sizeof(echo));
  uint32_t sum = 0;
  for (uint16_t word : words) sum += word;
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum;
}

// Replies with this identifier alone. A filter sees IPv4 from the header of IP on, IPv6 from that of ICMP.
void attachFilter(int socket, bool ipv4, uint16_t identifier) {
  uint32_t wanted = ntohs(identifier);
  sock_filter four[] = {
      BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
      BPF_STMT(BPF_LD | BPF_B | BPF_IND, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ICMP_ECHOREPLY, 0, 3),
      BPF_STMT(BPF_LD | BPF_H | BPF_IND, offsetof(Echo, identifier)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, wanted, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, kMessageBytes),
      BPF_STMT(BPF_RET | BPF_K, 0),
  };
  sock_filter six[] = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ICMP6_ECHO_REPLY, 0, 3),
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(Echo, identifier)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, wanted, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, kMessageBytes),
      BPF_STMT(BPF_RET | BPF_K, 0),
  };
  sock_fprog program = {static_cast<unsigned short>(ipv4 ? std::size(four) : std::size(six)), ipv4 ? four : six};
  if (setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) != 0)
    throw SystemError(errno, "setsockopt(SO_ATTACH_FILTER)");
}

// Requests that wait for the address of a neighbour count as unsent for seconds: they must not leave the others without room.
void makeRoom(int socket) {
  int bytes = kBufferBytes;
  for (auto [force, most] : {std::pair{SO_SNDBUFFORCE, SO_SNDBUF}, std::pair{SO_RCVBUFFORCE, SO_RCVBUF}})
    if (setsockopt(socket, SOL_SOCKET, force, &bytes, sizeof(bytes)) != 0)
      setsockopt(socket, SOL_SOCKET, most, &bytes, sizeof(bytes));
}

Address addressOf(const sockaddr_storage& name) {
  Address address = {};
  if (name.ss_family == AF_INET6) {
    memcpy(address.data(), &reinterpret_cast<const sockaddr_in6&>(name).sin6_addr, 16);
  } else {
    memcpy(address.data(), kMapped, 12);
    memcpy(address.data() + 12, &reinterpret_cast<const sockaddr_in&>(name).sin_addr, 4);
  }
  return address;
}

struct Received {
  uint8_t data[kMessageBytes];
  size_t bytes;
  Address from;
  int64_t atNs;
};

// False: nothing there now. What came before and cannot be given to us is passed over.
bool receive(int socket, int flags, Received& received) {
  for (int tries = 0; tries < 16; tries++) {
    sockaddr_storage name = {};
    alignas(cmsghdr) char control[512];
    iovec part = {received.data, sizeof(received.data)};
    msghdr message = {};
    message.msg_name = &name;
    message.msg_namelen = sizeof(name);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    ssize_t bytes = recvmsg(socket, &message, flags | MSG_DONTWAIT);
    if (bytes < 0 && errno == EAGAIN) return false;
    if (bytes < 0) continue;
    received.bytes = bytes;
    received.from = addressOf(name);
    received.atNs = 0;
    for (cmsghdr* each = CMSG_FIRSTHDR(&message); each; each = CMSG_NXTHDR(&message, each)) {
      if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_TIMESTAMPING) continue;
      scm_timestamping stamps;
      memcpy(&stamps, CMSG_DATA(each), sizeof(stamps));
      received.atNs = stamps.ts[0].tv_sec * int64_t{1000000000} + stamps.ts[0].tv_nsec;
    }
    return true;
  }
  return false;
}

}  // namespace

bool isIpv4(const Address& address) { return memcmp(address.data(), kMapped, sizeof(kMapped)) == 0; }

EchoMark newEchoMark() {
  EchoMark mark;
  if (getrandom(&mark, sizeof(mark), 0) != sizeof(mark)) throw SystemError(errno, "getrandom");
  return mark;
}

EchoSocket::EchoSocket(bool ipv4, const EchoMark& mark)
    : ipv4_(ipv4),
      mark_(mark),
      socket_(::socket(ipv4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC, ipv4 ? int{IPPROTO_ICMP} : IPPROTO_ICMPV6)) {
  if (!socket_) throw SystemError(errno, "socket");
  attachFilter(get(), ipv4, mark.identifier);
  makeRoom(get());
  // Requests come back whole with their stamp, not as numbers (SOF_TIMESTAMPING_OPT_ID): whether one that was refused has
  // used up a number differs between kernels and reasons.
  int flags = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
  if (setsockopt(get(), SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof(flags)) != 0)
    throw SystemError(errno, "setsockopt(SO_TIMESTAMPING)");
}

int EchoSocket::send(uint32_t index, const Address& to) const {
  Echo echo = {};
  echo.type = ipv4_ ? uint8_t{ICMP_ECHO} : uint8_t{ICMP6_ECHO_REQUEST};
  echo.identifier = mark_.identifier;
  echo.sequence = htons(index);
  memcpy(echo.nonce, mark_.nonce.data(), sizeof(echo.nonce));
  echo.index = index;
  if (ipv4_) echo.checksum = checksumOf(echo);
  sockaddr_in four = {};
  four.sin_family = AF_INET;
  memcpy(&four.sin_addr, to.data() + 12, 4);
  sockaddr_in6 six = {};
  six.sin6_family = AF_INET6;
  memcpy(&six.sin6_addr, to.data(), 16);
  auto* name = ipv4_ ? reinterpret_cast<sockaddr*>(&four) : reinterpret_cast<sockaddr*>(&six);
  ssize_t sent = sendto(get(), &echo, sizeof(echo), MSG_DONTWAIT, name, ipv4_ ? sizeof(four) : sizeof(six));
  return sent < 0 ? errno : 0;
}

bool EchoSocket::nextSent(EchoSeen& seen) const {
  Received received;
  while (receive(get(), MSG_ERRQUEUE, received)) {
    // Headers of whatever the request left through come first.
    auto* at = static_cast<uint8_t*>(memmem(received.data, received.bytes, mark_.nonce.data(), mark_.nonce.size()));
    if (!at || at + sizeof(Echo::nonce) + sizeof(Echo::index) > received.data + received.bytes) continue;
    memcpy(&seen.index, at + sizeof(Echo::nonce), sizeof(seen.index));
    seen.from = {};
    seen.atNs = received.atNs;
    return true;
  }
  return false;
}

bool EchoSocket::nextReply(EchoSeen& seen) const {
  Received received;
  while (receive(get(), 0, received)) {
    size_t header = ipv4_ && received.bytes > 0 ? 4 * (received.data[0] & 15) : 0;
    if (received.bytes < header + sizeof(Echo)) continue;
    Echo echo;
    memcpy(&echo, received.data + header, sizeof(echo));
    if (echo.type != (ipv4_ ? uint8_t{ICMP_ECHOREPLY} : uint8_t{ICMP6_ECHO_REPLY}) || echo.code != 0 ||
        echo.identifier != mark_.identifier || echo.sequence != htons(echo.index) ||
        memcmp(echo.nonce, mark_.nonce.data(), sizeof(echo.nonce)) != 0)
      continue;
    seen = {echo.index, received.from, received.atNs};
    return true;
  }
  return false;
}
