#pragma once

#include <string>

// Settings of the network namespace of the calling thread, by their path below /proc/sys/net, such as `ipv4/ip_forward`.
// Without the end of the line.
std::string readSetting(const std::string& name);
// Answers `value`.
std::string writeSetting(const std::string& name, const std::string& value);
