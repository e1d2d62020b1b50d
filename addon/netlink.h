#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

// One request of netlink(7). `payload` is what follows struct nlmsghdr.
struct NetlinkRequest {
  int protocol;
  uint16_t messageType;
  // With NLM_F_DUMP; otherwise it is acknowledged.
  bool isDump;
  std::vector<uint8_t> payload;
};

// Asks in the network namespace of the calling thread. Answers the messages up to NLMSG_DONE or the acknowledgement, headers
// included. Throws what the kernel answers, ETIMEDOUT, EFBIG beyond 16 MiB, EINTR when the answer stayed inconsistent
// (NLM_F_DUMP_INTR) in three tries.
std::vector<uint8_t> askNetlink(const NetlinkRequest& asked, std::chrono::milliseconds timeout);
