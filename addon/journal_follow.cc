#include "journal_follow.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <chrono>
#include <new>

#include "mapped_fault.h"

namespace {

// Between the end of a journal and the next look at it, so that many who write little do not wake us up for each line.
constexpr int kPaceMs = 100;
// A look without an event, for file systems that tell of none.
constexpr int kQuietMs = 10'000;
// Before a journal that failed is opened anew.
constexpr int kRestMs = 5'000;
constexpr std::chrono::milliseconds kPatience(250);

// Until it is stopped; throws SystemError when the journal fails.
void readOn(JournalFlow& flow, const JournalDoor& door, Journal& journal, std::optional<SystemError>& failure) {
  for (;;) {
    JournalBatch batch;
    bool more = journal.read(batch);
    if (batch.read() > 0 || failure) {
      flow.underWay();
      if (!door.batch(std::move(batch), std::move(failure))) return;
      failure.reset();
      if (!flow.waitUntilTaken()) return;
    }
    if (more ? flow.stopped() : !(flow.waitFor(kPaceMs) && flow.waitFor(kQuietMs, journal.descriptor()))) return;
    journal.update();
  }
}

std::unique_ptr<Journal> open(const std::string& directory, const std::string& cursor) {
  try {
    return std::make_unique<Journal>(directory, cursor);
  } catch (const std::bad_alloc&) {
    throw SystemError(ENOMEM, "malloc");
  }
}

}  // namespace

JournalFlow::JournalFlow() : wakeUp_(eventfd(0, EFD_CLOEXEC)) {
  if (!wakeUp_) throw SystemError(errno, "eventfd");
}

void JournalFlow::stop() {
  std::unique_lock<std::mutex> lock(mutex_);
  if (!stopped_) eventfd_write(wakeUp_.get(), 1);
  stopped_ = true;
  changed_.notify_all();
  if (changed_.wait_for(lock, kPatience, [this] { return ended_; })) wakeUp_ = Descriptor();
}

bool JournalFlow::stopped() {
  std::lock_guard<std::mutex> lock(mutex_);
  return stopped_;
}

void JournalFlow::taken() {
  std::lock_guard<std::mutex> lock(mutex_);
  isUnderWay_ = false;
  changed_.notify_all();
}

void JournalFlow::underWay() {
  std::lock_guard<std::mutex> lock(mutex_);
  isUnderWay_ = true;
}

bool JournalFlow::waitUntilTaken() {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return stopped_ || !isUnderWay_; });
  return !stopped_;
}

bool JournalFlow::waitFor(int milliseconds) { return waitFor(milliseconds, -1); }

bool JournalFlow::waitFor(int milliseconds, int descriptor) {
  pollfd waits[] = {{wakeUp_.get(), POLLIN, 0}, {descriptor, POLLIN, 0}};
  poll(waits, 2, milliseconds);
  return !stopped();
}

void JournalFlow::ended() {
  std::lock_guard<std::mutex> lock(mutex_);
  ended_ = true;
  if (stopped_) wakeUp_ = Descriptor();
  changed_.notify_all();
}

void followJournal(JournalFlow& flow, const JournalDoor& door, const std::string& directory, std::string cursor) {
  std::unique_ptr<Journal> journal;
  std::optional<SystemError> failure;
  std::optional<MappedFaults> faults;
  try {
    faults.emplace();
    journal = open(directory, cursor);
  } catch (const SystemError& error) {
    door.failed(error);
    return;
  }
  if (!door.opened(journal->foundCursor(), journal->cursor())) return;
  do {
    try {
      if (!journal) journal = open(directory, cursor);
      readOn(flow, door, *journal, failure);
      return;
    } catch (const SystemError& error) {
      failure = error;
    } catch (const std::bad_alloc&) {
      failure = SystemError(ENOMEM, "malloc");
    }
    if (journal) cursor = journal->cursor();
    journal.reset();
  } while (flow.waitFor(kRestMs));
}
