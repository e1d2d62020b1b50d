#include "inside.h"

#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstdlib>

#include "descriptor.h"
#include "in_turn.h"

namespace {

// A lookup that raced with a rename wants to be tried again (openat2(2), EAGAIN).
constexpr int kAttempts = 16;

// As inside the kernel (include/linux/kdev_t.h).
constexpr int kMinorBits = 20;

// Field 22 of /proc/<pid>/stat (proc_pid_stat(5)); 0 where it cannot be read. The name before it may hold anything but ends
// with the last parenthesis.
uint64_t startTicksOf(int process) {
  Descriptor file(openat(process, "stat", O_RDONLY | O_CLOEXEC));
  char text[1024];
  ssize_t length = file ? read(file.get(), text, sizeof(text) - 1) : -1;
  if (length <= 0) return 0;
  std::string line(text, length);
  size_t at = line.rfind(')');
  for (int field = 2; field < 22 && at != std::string::npos; field++) at = line.find(' ', at + 1);
  return at == std::string::npos ? 0 : strtoull(line.c_str() + at, nullptr, 10);
}

// The root directory of a process. A directory of procfs belongs to its process for ever: what is looked up in it is of that
// process, or fails.
int openRoot(const InsidePath& path, Descriptor& root) {
  Descriptor process(open(("/proc/" + std::to_string(path.pid)).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!process) return errno == ENOENT ? ESRCH : errno;
  if (startTicksOf(process.get()) != path.startTicks) return ESRCH;
  root = Descriptor(openat(process.get(), "root", O_PATH | O_DIRECTORY | O_CLOEXEC));
  return root ? 0 : errno == ENOENT ? ESRCH : errno;
}

int openWithin(int root, const std::string& path, bool followsLinks, Descriptor& found) {
  open_how how = {};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | (followsLinks ? 0 : RESOLVE_NO_SYMLINKS);
  for (int i = 0; i < kAttempts; i++) {
    found = Descriptor(syscall(SYS_openat2, root, path.c_str(), &how, sizeof(how)));
    if (found) return 0;
    if (errno != EAGAIN && errno != EINTR) break;
  }
  return errno;
}

InsideStatus statOne(const InsidePath& path) {
  InsideStatus status;
  Descriptor root, found;
  struct statx file;
  struct statfs system;
  if ((status.error = openRoot(path, root)) || (status.error = openWithin(root.get(), path.path, false, found))) return status;
  if (statx(found.get(), "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO | STATX_MNT_ID, &file) != 0 ||
      fstatfs(found.get(), &system) != 0) {
    status.error = errno;
    return status;
  }
  status.mountId = file.stx_mnt_id;
  status.inode = file.stx_ino;
  status.device = uint64_t{file.stx_dev_major} << kMinorBits | file.stx_dev_minor;
  uint64_t blockBytes = system.f_frsize;
  status.sizeBytes = system.f_blocks * blockBytes;
  status.freeBytes = system.f_bfree * blockBytes;
  status.availableBytes = system.f_bavail * blockBytes;
  return status;
}

// Whether reading waits for somebody who may never answer: NFS, FUSE, 9p, CIFS, SMB, Ceph (statfs(2), include/uapi/linux/magic.h).
bool isSomebodysAnswer(int file) {
  struct statfs system;
  if (fstatfs(file, &system) != 0) return true;
  switch (static_cast<uint32_t>(system.f_type)) {
    case 0x6969:
    case 0x65735546:
    case 0x01021997:
    case 0xff534d42:
    case 0xfe534d42:
    case 0x00c36400:
      return true;
    default:
      return false;
  }
}

// What it is is known before it is opened: opening a device or a FIFO may do something.
InsideFile openOne(const InsidePath& path, bool followsLinks) {
  InsideFile result;
  Descriptor root, found;
  struct stat status;
  if ((result.error = openRoot(path, root)) || (result.error = openWithin(root.get(), path.path, followsLinks, found)))
    return result;
  if (fstat(found.get(), &status) != 0) {
    result.error = errno;
  } else if (S_ISLNK(status.st_mode)) {
    result.error = ELOOP;
  } else if (!S_ISREG(status.st_mode)) {
    result.error = EINVAL;
  } else if (!followsLinks && isSomebodysAnswer(found.get())) {
    result.error = EOPNOTSUPP;
  } else {
    std::string again = "/proc/self/fd/" + std::to_string(found.get());
    result.file = Descriptor(open(again.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!result.file) result.error = errno;
  }
  return result;
}

std::string itself(const std::string& name) { return name; }

// Each path in turn, by the place it is on.
template <class Result, class One>
std::vector<Result> eachInside(std::vector<InsidePath> paths, std::chrono::milliseconds deadline, One one) {
  std::vector<std::string> places;
  for (const InsidePath& path : paths) places.push_back(path.place);
  auto all = std::make_shared<const std::vector<InsidePath>>(std::move(paths));
  auto work = [all, one](size_t index, Deadline) { return one((*all)[index]); };
  return std::make_shared<InTurn<Result>>(std::move(places), itself, deadline, work)->results();
}

}  // namespace

std::vector<InsideStatus> statInside(std::vector<InsidePath> paths, std::chrono::milliseconds deadline) {
  return eachInside<InsideStatus>(std::move(paths), deadline, statOne);
}

std::vector<InsideFile> openInside(std::vector<InsidePath> paths, bool followsLinks, std::chrono::milliseconds deadline) {
  return eachInside<InsideFile>(std::move(paths), deadline,
                                [followsLinks](const InsidePath& path) { return openOne(path, followsLinks); });
}
