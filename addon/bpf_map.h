#pragma once

#include <bpf/libbpf.h>

#include <cstdint>
#include <vector>

// Sizes of one map as bpf(2) takes and gives them: `valueBytes` covers all possible CPUs of a per-CPU map.
struct MapShape {
  explicit MapShape(const bpf_map* map);

  uint32_t keyBytes;
  uint32_t valueBytes;
  uint32_t maxEntries;
};

// All entries, each as key and value one behind the other.
std::vector<uint8_t> readEntries(int fd, const MapShape& shape);
