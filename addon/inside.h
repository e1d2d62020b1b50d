#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "descriptor.h"

// A path as a process sees it.
struct InsidePath {
  uint32_t pid;
  // When the process started, in clock ticks since boot: a pid may have been given to another.
  uint64_t startTicks;
  // From the root directory of the process.
  std::string path;
  // The file system it is on, by any name. While a thread hangs in it, the others do not try.
  std::string place;
};

struct InsideStatus {
  // 0 or an errno; ESRCH for a process that is gone.
  int error = 0;
  // As in the first column of mountinfo.
  uint64_t mountId = 0;
  uint64_t inode = 0;
  // Major << 20 | minor.
  uint64_t device = 0;
  uint64_t sizeBytes = 0;
  uint64_t freeBytes = 0;
  // Without what only root may use.
  uint64_t availableBytes = 0;
};

// statx(2) and statfs(2) of each path, which is looked up without leaving the root directory of its process: symbolic links
// are not followed (ELOOP). Each has `deadline` of its own, as with readFiles.
std::vector<InsideStatus> statInside(std::vector<InsidePath> paths, std::chrono::milliseconds deadline);

struct InsideFile {
  // 0 or an errno; EINVAL for what is no regular file.
  int error = 0;
  Descriptor file;
};

// Opens regular files for reading, looked up as above. `followsLinks`: symbolic links lead to where they do for the process, and
// file systems that somebody else answers for are not refused (EOPNOTSUPP).
std::vector<InsideFile> openInside(std::vector<InsidePath> paths, bool followsLinks, std::chrono::milliseconds deadline);
