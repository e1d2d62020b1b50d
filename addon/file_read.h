#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "deadline.h"

struct FileContents {
  std::vector<uint8_t> bytes;
  // 0 or an errno.
  int error = 0;
};

// Reads one file whole. Beyond `maxBytes`: cut, with EFBIG. A FIFO or device without data: ETIMEDOUT at the deadline.
// A file system that does not answer holds the calling thread for as long as it likes.
FileContents readFile(const std::string& path, size_t maxBytes, Deadline deadline);
