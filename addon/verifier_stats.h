#pragma once

#include <bpf/libbpf.h>

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

// Asks the verifier for its statistics of each program (log level 4, Linux 5.2) in place of the reason of a refusal.
// Outlives the load.
class VerifierStats {
 public:
  explicit VerifierStats(bpf_object* object);
  VerifierStats(const VerifierStats&) = delete;

  // Instructions processed, by program; without those that were not loaded.
  std::map<std::string, uint32_t> instructions() const;

 private:
  struct Log {
    std::string program;
    std::vector<char> text;
  };
  std::deque<Log> logs_;
};
