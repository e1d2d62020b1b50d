#include "mapped_fault.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>

#include "error.h"

namespace {

// Of a kind that a signal handler may touch in any thread: nothing is allocated at the first access.
struct State {
  int living;
  uint32_t seen;
};
thread_local State state __attribute__((tls_model("initial-exec")));

struct sigaction before;
uintptr_t pageBytes;

void onBusError(int, siginfo_t* info, void*) {
  int error = errno;
  void* page = reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(info->si_addr) & ~(pageBytes - 1));
  bool isOurs = state.living > 0 && info->si_code == BUS_ADRERR;
  if (isOurs && mmap(page, pageBytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED) {
    state.seen++;
    errno = error;
    return;
  }
  // What faults, faults again; what was sent has to be sent again.
  sigaction(SIGBUS, &before, nullptr);
  if (info->si_code <= 0) raise(SIGBUS);
  errno = error;
}

void install() {
  pageBytes = sysconf(_SC_PAGESIZE);
  struct sigaction action = {};
  action.sa_sigaction = onBusError;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  if (sigaction(SIGBUS, &action, &before) != 0) throw SystemError(errno, "sigaction");
}

}  // namespace

MappedFaults::MappedFaults() {
  static std::once_flag once;
  std::call_once(once, install);
  state.living++;
}

MappedFaults::~MappedFaults() { state.living--; }

uint32_t MappedFaults::seen() { return state.seen; }
