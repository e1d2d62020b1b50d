#include <bpf/bpf.h>

#include <algorithm>
#include <cerrno>

#include "bpf_map.h"
#include "error.h"

namespace {

constexpr uint32_t kFirstBatch = 4096;

bool isPerCpu(bpf_map_type type) {
  return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_ARRAY ||
         type == BPF_MAP_TYPE_LRU_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;
}

uint32_t padded(uint32_t bytes) { return (bytes + 7) / 8 * 8; }

class Collected {
 public:
  explicit Collected(const MapShape& shape) : shape_(shape) {}

  void add(const uint8_t* keys, const uint8_t* values, uint32_t count) {
    entries_.reserve(entries_.size() + size_t{count} * (shape_.keyBytes + shape_.valueBytes));
    for (uint32_t i = 0; i < count; i++) {
      append(keys + size_t{i} * shape_.keyBytes, shape_.keyBytes);
      append(values + size_t{i} * shape_.valueBytes, shape_.valueBytes);
    }
  }

  std::vector<uint8_t> entries() && { return std::move(entries_); }

 private:
  void append(const uint8_t* from, uint32_t size) { entries_.insert(entries_.end(), from, from + size); }

  MapShape shape_;
  std::vector<uint8_t> entries_;
};

// For map types without batches (per-CPU arrays below Linux 5.13): their keys do not come and go.
std::vector<uint8_t> readOneByOne(int fd, const MapShape& shape) {
  Collected collected(shape);
  std::vector<uint8_t> key(shape.keyBytes), value(shape.valueBytes);
  int error = bpf_map_get_next_key(fd, nullptr, key.data());
  for (uint32_t i = 0; !error && i < shape.maxEntries; i++) {
    error = bpf_map_lookup_elem(fd, key.data(), value.data());
    if (!error) collected.add(key.data(), value.data(), 1);
    if (error && error != -ENOENT) throw SystemError(-error, "bpf(BPF_MAP_LOOKUP_ELEM)");
    error = bpf_map_get_next_key(fd, key.data(), key.data());
  }
  if (error && error != -ENOENT) throw SystemError(-error, "bpf(BPF_MAP_GET_NEXT_KEY)");
  return std::move(collected).entries();
}

}  // namespace

MapShape::MapShape(const bpf_map* map)
    : keyBytes(bpf_map__key_size(map)), valueBytes(bpf_map__value_size(map)), maxEntries(bpf_map__max_entries(map)) {
  if (isPerCpu(bpf_map__type(map))) valueBytes = padded(valueBytes) * std::max(libbpf_num_possible_cpus(), 1);
}

std::vector<uint8_t> readEntries(int fd, const MapShape& shape) {
  Collected collected(shape);
  uint32_t capacity = std::min(shape.maxEntries, kFirstBatch);
  std::vector<uint8_t> keys, values;
  // The place to go on from: a bucket number, or a key.
  std::vector<uint8_t> place(std::max<uint32_t>(shape.keyBytes, 8)), next(place.size());
  bool started = false;
  for (;;) {
    keys.resize(size_t{capacity} * shape.keyBytes);
    values.resize(size_t{capacity} * shape.valueBytes);
    uint32_t count = capacity;
    int error = bpf_map_lookup_batch(fd, started ? place.data() : nullptr, next.data(), keys.data(), values.data(),
                                     &count, nullptr);
    // One hash bucket holds more than a batch.
    if (error == -ENOSPC && capacity < shape.maxEntries) {
      capacity = std::min(shape.maxEntries, capacity * 2);
      continue;
    }
    if (!started && (error == -EOPNOTSUPP || error == -524)) return readOneByOne(fd, shape);
    if (error && error != -ENOENT) throw SystemError(-error, "bpf(BPF_MAP_LOOKUP_BATCH)");
    collected.add(keys.data(), values.data(), std::min(count, capacity));
    if (error) return std::move(collected).entries();
    place.swap(next);
    started = true;
  }
}
