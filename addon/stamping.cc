#include "stamping.h"

#include <linux/net_tstamp.h>
#include <sys/socket.h>

#include <cerrno>
#include <mutex>

#include "descriptor.h"

void stampReceived(bool on) {
  static std::mutex mutex;
  // Never destroyed: its owner may outlive main.
  static auto* kept = new Descriptor;
  std::lock_guard<std::mutex> lock(mutex);
  if (on == static_cast<bool>(*kept)) return;
  Descriptor asking(on ? socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1);
  if (on && !asking) throw SystemError(errno, "socket");
  int flags = SOF_TIMESTAMPING_RX_SOFTWARE;
  if (on && setsockopt(asking.get(), SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof(flags)) != 0)
    throw SystemError(errno, "setsockopt(SO_TIMESTAMPING)");
  *kept = std::move(asking);
}
