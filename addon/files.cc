#include "files.h"

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <new>
#include <thread>

#include "mounts.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMaxParked = 16;
constexpr size_t kMaxReaders = 16;

// A reader that takes longer than this for one path gets company.
constexpr auto kPatience = std::chrono::milliseconds(20);

struct Parked {
  std::string path;
  std::string mountPoint;
};

// All threads of the process that hang in a file system. Never destroyed: they may outlive main.
struct ParkedThreads {
  std::mutex mutex;
  std::list<Parked> all;
};

ParkedThreads& parkedThreads() {
  static auto* threads = new ParkedThreads;
  return *threads;
}

bool isBusy(const std::string& path) {
  auto& parked = parkedThreads();
  std::lock_guard<std::mutex> lock(parked.mutex);
  bool full = parked.all.size() >= kMaxParked;
  return std::any_of(parked.all.begin(), parked.all.end(), [&](const Parked& other) {
    return other.path == path ||
           (full && isWithin(path, other.mountPoint) && mountPointOf(path) == other.mountPoint);
  });
}

void park(const std::string& path) {
  Parked entry = {path, mountPointOf(path)};
  auto& parked = parkedThreads();
  std::lock_guard<std::mutex> lock(parked.mutex);
  parked.all.push_back(entry);
}

void unpark(const std::string& path) {
  auto& parked = parkedThreads();
  std::lock_guard<std::mutex> lock(parked.mutex);
  auto entry = std::find_if(parked.all.begin(), parked.all.end(), [&](auto& other) { return other.path == path; });
  if (entry != parked.all.end()) parked.all.erase(entry);
}

struct Reader {
  size_t index = 0;
  Clock::time_point since = Clock::now();
  bool parked = false;
  bool finished = false;
};

// One call of readFiles; everything but `paths` and the limits is guarded by the mutex. Parked readers keep it alive.
struct Job {
  std::vector<std::string> paths;
  std::chrono::milliseconds deadline;
  size_t maxBytes;

  std::mutex mutex;
  std::condition_variable changed;
  std::vector<FileContents> results;
  std::list<Reader> readers;
  size_t next = 0;
  size_t settled = 0;

  void settle(size_t index, FileContents contents) {
    results[index] = std::move(contents);
    settled++;
  }
};

FileContents readOne(const Job& job, const std::string& path, Clock::time_point since) {
  try {
    if (isBusy(path)) return {{}, EBUSY};
    return readFile(path, job.maxBytes, since + job.deadline);
  } catch (const std::bad_alloc&) {
    return {{}, ENOMEM};
  }
}

void readInTurn(std::shared_ptr<Job> job, Reader* self) {
  std::unique_lock<std::mutex> lock(job->mutex);
  while (job->next < job->paths.size()) {
    size_t index = self->index = job->next++;
    self->since = Clock::now();
    const std::string& path = job->paths[index];
    lock.unlock();
    FileContents contents = readOne(*job, path, self->since);
    lock.lock();
    if (self->parked) {
      unpark(path);
      return;
    }
    job->settle(index, std::move(contents));
  }
  self->finished = true;
  job->changed.notify_one();
}

void parkTheLate(Job& job, Clock::time_point now) {
  for (Reader& reader : job.readers) {
    if (reader.parked || reader.finished || now - reader.since < job.deadline) continue;
    park(job.paths[reader.index]);
    reader.parked = true;
    job.settle(reader.index, {{}, ETIMEDOUT});
  }
}

bool wantsReader(const Job& job, Clock::time_point now) {
  if (job.next >= job.paths.size()) return false;
  size_t active = 0;
  for (const Reader& reader : job.readers) {
    if (reader.parked || reader.finished) continue;
    if (now - reader.since < kPatience) return false;
    active++;
  }
  return active < kMaxReaders;
}

}  // namespace

std::vector<FileContents> readFiles(std::vector<std::string> paths, std::chrono::milliseconds deadline, size_t maxBytes) {
  auto job = std::make_shared<Job>();
  job->results.resize(paths.size());
  job->paths = std::move(paths);
  job->deadline = deadline;
  job->maxBytes = maxBytes;

  std::unique_lock<std::mutex> lock(job->mutex);
  while (job->settled < job->paths.size()) {
    auto now = Clock::now();
    parkTheLate(*job, now);
    if (wantsReader(*job, now)) std::thread(readInTurn, job, &job->readers.emplace_back()).detach();
    if (job->settled < job->paths.size()) job->changed.wait_for(lock, std::min<Clock::duration>(kPatience, deadline));
  }
  return std::move(job->results);
}
