#pragma once

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "deadline.h"
#include "parked.h"

// Work for many names by a few threads; a thread whose work takes longer than the deadline is left behind (parked) until it
// comes back. `Result` has a member `error`: 0 or an errno. Everything but what is const is guarded by the mutex.
template <class Result>
class InTurn : public std::enable_shared_from_this<InTurn<Result>> {
 public:
  // Does the work of names[index] until `deadline`, if it can. May hang.
  using Work = std::function<Result(size_t index, Deadline deadline)>;

  InTurn(std::vector<std::string> names, std::string (*placeOf)(const std::string&), std::chrono::milliseconds deadline,
         Work work)
      : names_(std::move(names)), placeOf_(placeOf), deadline_(deadline), work_(std::move(work)), results_(names_.size()) {}

  // One result a name, in order. Late: ETIMEDOUT; while a thread hangs in the same: EBUSY at once.
  std::vector<Result> results() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (settled_ < names_.size()) {
      auto now = Clock::now();
      parkTheLate(now);
      if (wantsWorker(now)) {
        auto run = [self = this->shared_from_this(), worker = &workers_.emplace_back()] { self->workInTurn(worker); };
        std::thread(std::move(run)).detach();
      }
      if (settled_ < names_.size()) changed_.wait_for(lock, std::min<Clock::duration>(kPatience, deadline_));
    }
    return std::move(results_);
  }

 private:
  using Clock = std::chrono::steady_clock;

  static constexpr size_t kMaxWorkers = 16;
  // A worker that takes longer than this for one name gets company.
  static constexpr auto kPatience = std::chrono::milliseconds(20);

  struct Worker {
    size_t index = 0;
    Clock::time_point since = Clock::now();
    bool parked = false;
    bool finished = false;
  };

  static Result failed(int error) {
    Result result;
    result.error = error;
    return result;
  }

  Turn turnOf(size_t index) const { return {names_[index], placeOf_}; }

  void settle(size_t index, Result result) {
    results_[index] = std::move(result);
    settled_++;
  }

  Result workOn(size_t index, Clock::time_point since) const {
    try {
      return isBusy(turnOf(index)) ? failed(EBUSY) : work_(index, since + deadline_);
    } catch (const std::bad_alloc&) {
      return failed(ENOMEM);
    }
  }

  void workInTurn(Worker* self) {
    std::unique_lock<std::mutex> lock(mutex_);
    while (next_ < names_.size()) {
      size_t index = self->index = next_++;
      self->since = Clock::now();
      lock.unlock();
      Result result = workOn(index, self->since);
      lock.lock();
      if (self->parked) {
        unpark(turnOf(index));
        return;
      }
      settle(index, std::move(result));
    }
    self->finished = true;
    changed_.notify_one();
  }

  void parkTheLate(Clock::time_point now) {
    for (Worker& worker : workers_) {
      if (worker.parked || worker.finished || now - worker.since < deadline_) continue;
      park(turnOf(worker.index));
      worker.parked = true;
      settle(worker.index, failed(ETIMEDOUT));
    }
  }

  bool wantsWorker(Clock::time_point now) const {
    if (next_ >= names_.size()) return false;
    size_t active = 0;
    for (const Worker& worker : workers_) {
      if (worker.parked || worker.finished) continue;
      if (now - worker.since < kPatience) return false;
      active++;
    }
    return active < kMaxWorkers;
  }

  const std::vector<std::string> names_;
  std::string (*const placeOf_)(const std::string&);
  const std::chrono::milliseconds deadline_;
  const Work work_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Result> results_;
  std::list<Worker> workers_;
  size_t next_ = 0;
  size_t settled_ = 0;
};
