#include "parked.h"

#include <algorithm>
#include <list>
#include <mutex>

#include "mounts.h"

namespace {

constexpr size_t kMaxParked = 16;

struct Parked {
  std::string name;
  std::string place;
};

// Never destroyed: they may outlive main.
struct ParkedThreads {
  std::mutex mutex;
  std::list<Parked> all;
};

ParkedThreads& parkedThreads() {
  static auto* threads = new ParkedThreads;
  return *threads;
}

}  // namespace

bool isBusy(const Turn& turn) {
  auto& parked = parkedThreads();
  std::lock_guard<std::mutex> lock(parked.mutex);
  bool full = parked.all.size() >= kMaxParked;
  return std::any_of(parked.all.begin(), parked.all.end(), [&](const Parked& other) {
    return other.name == turn.name ||
           (full && isWithin(turn.name, other.place) && turn.placeOf(turn.name) == other.place);
  });
}

void park(const Turn& turn) {
  Parked entry = {turn.name, turn.placeOf(turn.name)};
  auto& parked = parkedThreads();
  std::lock_guard<std::mutex> lock(parked.mutex);
  parked.all.push_back(entry);
}

void unpark(const Turn& turn) {
  auto& parked = parkedThreads();
  std::lock_guard<std::mutex> lock(parked.mutex);
  auto entry = std::find_if(parked.all.begin(), parked.all.end(), [&](auto& other) { return other.name == turn.name; });
  if (entry != parked.all.end()) parked.all.erase(entry);
}
