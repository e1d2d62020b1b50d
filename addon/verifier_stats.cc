#include "verifier_stats.h"

#include <cstdio>
#include <cstring>

namespace {

// Three lines, of which the one about the stack grows with the number of functions. A log that does not fit fails a load.
constexpr size_t kLogBytes = 16 << 10;

constexpr uint32_t kStatistics = 4;

}  // namespace

VerifierStats::VerifierStats(bpf_object* object) {
  bpf_program* program;
  bpf_object__for_each_program(program, object) {
    Log& log = logs_.emplace_back(Log{bpf_program__name(program), std::vector<char>(kLogBytes)});
    bpf_program__set_log_level(program, kStatistics);
    bpf_program__set_log_buf(program, log.text.data(), log.text.size());
  }
}

std::map<std::string, uint32_t> VerifierStats::instructions() const {
  std::map<std::string, uint32_t> result;
  for (const Log& log : logs_) {
    uint32_t count;
    const char* line = strstr(log.text.data(), "processed ");
    if (line && sscanf(line, "processed %u insns", &count) == 1) result[log.program] = count;
  }
  return result;
}
