#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <utility>

#include "error.h"

// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }

  // A second descriptor of the same file: work on another thread outlives the close of the first.
  static Descriptor duplicate(int fd) {
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) throw SystemError(errno, "fcntl(F_DUPFD_CLOEXEC)");
    return Descriptor(copy);
  }

  int get() const { return fd_; }
  // Whoever gets it closes it.
  int release() { return std::exchange(fd_, -1); }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};
