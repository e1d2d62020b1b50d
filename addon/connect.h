#pragma once

#include <chrono>
#include <string>

#include "descriptor.h"

// Connects by TCP to an address of either family, in the network namespace of the calling thread. The socket does not block.
// Throws EINVAL for what is no address, ETIMEDOUT, or what connect(2) says.
Descriptor connectTo(const std::string& address, uint16_t port, std::chrono::milliseconds timeout);
