#pragma once

#include <cstdint>

// While one lives, a page of a mapped file that cannot be read, because the file was cut or its disk fails, is zeros for the
// thread that made it, instead of a SIGBUS that ends the process. Everybody else's SIGBUS is what it was.
class MappedFaults {
 public:
  MappedFaults();
  ~MappedFaults();
  MappedFaults(const MappedFaults&) = delete;

  // Pages that were, in this thread.
  static uint32_t seen();
};
