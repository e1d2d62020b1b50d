#pragma once

#include <chrono>
#include <vector>

#include "echo.h"

struct Pings {
  // One a target: 0 for an answer, else an errno: that of sendto(2) or socket(2), ETIMEDOUT without an answer, ENODATA for one
  // without both stamps of the kernel, or with stamps that are further apart than it took.
  std::vector<int> errors;
  // Between the stamps; 0 if the clock was set back between them.
  std::vector<double> roundTripNs;
  // Inode of the network namespace; 0 where it cannot be told.
  uint64_t namespaceInode = 0;
};

// One ICMP echo request to each target, in the network namespace of the calling thread; waits until all have answered, no longer
// than `timeout`. 65,536 targets at most.
Pings ping(const std::vector<Address>& targets, std::chrono::milliseconds timeout);
