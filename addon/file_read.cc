#include "file_read.h"

#include <poll.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "descriptor.h"

namespace {

constexpr size_t kChunkBytes = 16 << 10;

bool waitReadable(int fd, Deadline deadline) {
  for (;;) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd wait = {fd, POLLIN, 0};
    int ready = poll(&wait, 1, std::max<int64_t>(left.count(), 0));
    if (ready >= 0 || errno != EINTR) return ready > 0;
  }
}

int readAll(int fd, size_t maxBytes, Deadline deadline, std::vector<uint8_t>& contents) {
  uint8_t chunk[kChunkBytes];
  for (;;) {
    ssize_t count = read(fd, chunk, sizeof(chunk));
    if (count == 0) return 0;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN && waitReadable(fd, deadline)) continue;
    if (count < 0) return errno == EAGAIN ? ETIMEDOUT : errno;
    size_t taken = std::min<size_t>(count, maxBytes - contents.size());
    contents.insert(contents.end(), chunk, chunk + taken);
    if (taken < static_cast<size_t>(count)) return EFBIG;
  }
}

}  // namespace

FileContents readFile(const std::string& path, size_t maxBytes, Deadline deadline) {
  FileContents result;
  // Not blocking: whoever may create a FIFO must not be able to park threads.
  Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status;
  if (!file || fstat(file.get(), &status) != 0) {
    result.error = errno;
  } else if (S_ISFIFO(status.st_mode) && !waitReadable(file.get(), deadline)) {
    result.error = ETIMEDOUT;
  } else {
    result.error = readAll(file.get(), maxBytes, deadline, result.bytes);
  }
  return result;
}
