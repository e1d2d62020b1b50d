#pragma once

#include <array>
#include <cstdint>

#include "descriptor.h"

// IPv4 in its mapped form (RFC 4291, 2.5.5.2).
using Address = std::array<uint8_t, 16>;

bool isIpv4(const Address& address);

// What all requests of one ping carry, so that nobody else's replies are taken for theirs.
struct EchoMark {
  uint16_t identifier;
  std::array<uint8_t, 16> nonce;
};

// By getrandom(2).
EchoMark newEchoMark();

// A request that has left, or a reply to one.
struct EchoSeen {
  uint32_t index;
  Address from;
  // CLOCK_REALTIME of the kernel's stamp, 0 without one.
  int64_t atNs;
};

// A raw socket in the network namespace of the calling thread that sends echo requests (RFC 792, RFC 4443) and lets nothing
// in but replies with its identifier. Throws SystemError.
class EchoSocket {
 public:
  EchoSocket(bool ipv4, const EchoMark& mark);

  int get() const { return socket_.get(); }

  // 0, or an errno. Does not wait.
  int send(uint32_t index, const Address& to) const;

  // The next request that has left; false: none for now. The stamp is from the last moment before the driver.
  bool nextSent(EchoSeen& seen) const;

  // The next reply that carries the mark; false: none for now.
  bool nextReply(EchoSeen& seen) const;

 private:
  bool ipv4_;
  EchoMark mark_;
  Descriptor socket_;
};
