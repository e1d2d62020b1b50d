#pragma once

#include <bpf/libbpf.h>
#include <napi.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "descriptor.h"

// How many batches are on their way to the event loop; shared with them, because they may outlive the ring.
struct RingFlow {
  std::mutex mutex;
  std::condition_variable changed;
  int inFlight = 0;
  bool stopped = false;
};

struct RingBatch {
  std::shared_ptr<RingFlow> flow;
  std::vector<uint8_t> records;
};

void deliverBatch(Napi::Env env, Napi::Function onBatch, std::nullptr_t*, RingBatch* batch);

// One BPF ring buffer and the thread that drains it. Does not keep the event loop alive.
class Ring {
 public:
  Ring(Napi::Env env, int map, Napi::Function onBatch);
  ~Ring() { close(); }
  Ring(const Ring&) = delete;

  // Event loop only. Waits for the thread, which never waits for the event loop once told to stop. Idempotent.
  void close();
  bool closed() const { return !thread_.joinable(); }

 private:
  using Door = Napi::TypedThreadSafeFunction<std::nullptr_t, RingBatch, deliverBatch>;

  static int onRecord(void* ring, void* record, size_t length);
  bool add(const uint8_t* record, uint32_t length);
  bool handOver();
  void drain();

  napi_env env_;
  Descriptor map_;
  Descriptor wakeUp_;
  ring_buffer* buffer_ = nullptr;
  Door door_;
  std::shared_ptr<RingFlow> flow_ = std::make_shared<RingFlow>();
  std::vector<uint8_t> records_;
  std::thread thread_;
};
