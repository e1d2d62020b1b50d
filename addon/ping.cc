#include "ping.h"

#include <poll.h>
#include <sys/stat.h>

#include <cerrno>
#include <optional>

#include "deadline.h"

namespace {

using Clock = std::chrono::steady_clock;

// So many requests are sent before what has come back is looked at.
constexpr size_t kSentAtOnce = 16;

struct Stamps {
  int64_t sentNs = 0;
  int64_t answeredNs = 0;
  bool answered = false;
  bool settled = false;
};

class Round {
 public:
  Round(const std::vector<Address>& targets, std::chrono::milliseconds timeout)
      : targets_(targets), timeout_(timeout), deadline_(Clock::now() + timeout), stamps_(targets.size()) {
    pings_.errors.assign(targets.size(), ETIMEDOUT);
    pings_.roundTripNs.assign(targets.size(), 0);
  }

  Pings run() {
    for (size_t i = 0; i < targets_.size(); i++) {
      Family& family = familyOf(targets_[i]);
      if (family.error) fail(i, family.error);
      else if (Clock::now() < deadline_) send(*family.socket, i);
      if (i % kSentAtOnce == kSentAtOnce - 1) look();
    }
    do look();
    while (waiting_ > 0 && wait());
    return std::move(pings_);
  }

 private:
  struct Family {
    std::optional<EchoSocket> socket;
    int error = 0;
  };

  // Its socket is made when it is first needed.
  Family& familyOf(const Address& address) {
    Family& family = families_[isIpv4(address) ? 0 : 1];
    if (family.socket || family.error) return family;
    try {
      family.socket.emplace(isIpv4(address), mark_);
    } catch (const SystemError& error) {
      family.error = error.number;
    }
    return family;
  }

  void fail(size_t i, int error) { pings_.errors[i] = error; }

  void send(const EchoSocket& socket, size_t i) {
    int error = socket.send(i, targets_[i]);
    if (error) return fail(i, error);
    waiting_++;
  }

  // False: the time is over.
  bool wait() {
    auto left = std::chrono::duration_cast<std::chrono::microseconds>(deadline_ - Clock::now()).count();
    if (left <= 0) return false;
    pollfd sockets[2];
    nfds_t length = 0;
    for (const Family& family : families_)
      if (family.socket) sockets[length++] = {family.socket->get(), POLLIN, 0};
    timespec timeout = {left / 1000000, left % 1000000 * 1000};
    // Whatever it says, looking again is right.
    ppoll(sockets, length, &timeout, nullptr);
    return true;
  }

  void look() {
    for (const Family& family : families_) {
      EchoSeen seen;
      while (family.socket && isOnTime() && family.socket->nextSent(seen)) take(seen, false);
      while (family.socket && isOnTime() && family.socket->nextReply(seen)) take(seen, true);
    }
  }

  // Whoever floods us is listened to no longer than the others.
  bool isOnTime() const { return Clock::now() < deadline_; }

  void take(const EchoSeen& seen, bool isReply) {
    if (seen.index >= targets_.size()) return;
    Stamps& stamps = stamps_[seen.index];
    if (stamps.settled || (isReply && seen.from != targets_[seen.index])) return;
    if (isReply && !stamps.answered) {
      stamps.answered = true;
      stamps.answeredNs = seen.atNs;
      pings_.errors[seen.index] = ENODATA;
    } else if (!isReply && stamps.sentNs == 0) {
      stamps.sentNs = seen.atNs;
    }
    // The stamp of a request may be late, that of a reply comes with it.
    if (!stamps.answered || (stamps.sentNs == 0 && stamps.answeredNs != 0)) return;
    stamps.settled = true;
    waiting_--;
    auto roundTrip = std::chrono::nanoseconds(stamps.answeredNs - stamps.sentNs);
    // Otherwise the clock was set forward between the two.
    if (stamps.answeredNs == 0 || roundTrip > timeout_) return;
    pings_.errors[seen.index] = 0;
    pings_.roundTripNs[seen.index] = roundTrip.count() > 0 ? roundTrip.count() : 0;
  }

  const std::vector<Address>& targets_;
  const std::chrono::milliseconds timeout_;
  const Deadline deadline_;
  const EchoMark mark_ = newEchoMark();
  std::vector<Stamps> stamps_;
  Family families_[2];
  size_t waiting_ = 0;
  Pings pings_;
};

}  // namespace

Pings ping(const std::vector<Address>& targets, std::chrono::milliseconds timeout) {
  Pings pings = Round(targets, timeout).run();
  struct stat space;
  if (stat("/proc/thread-self/ns/net", &space) == 0) pings.namespaceInode = space.st_ino;
  return pings;
}
