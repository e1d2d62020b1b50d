#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

// One dump of rtnetlink(7) in the network namespace of the calling thread: its messages up to NLMSG_DONE, headers included.
// Throws ETIMEDOUT, EFBIG beyond 16 MiB, EINTR when the answer stayed inconsistent (NLM_F_DUMP_INTR) in three tries.
std::vector<uint8_t> dumpRoutes(uint16_t messageType, std::chrono::milliseconds timeout);
