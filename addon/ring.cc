#include "ring.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>

#include "bpf_object.h"
#include "libbpf_log.h"

namespace {

constexpr size_t kBatchBytes = 256 << 10;
constexpr int kMaxInFlight = 4;
constexpr size_t kHeaderBytes = 8;

// How long to leave a record alone that a program has reserved and not yet submitted.
constexpr int kUnfinishedMs = 1;

size_t padded(size_t bytes) { return (bytes + 7) / 8 * 8; }

void closeRing(void* ring) { static_cast<Ring*>(ring)->close(); }

}  // namespace

void deliverBatch(Napi::Env env, Napi::Function onBatch, std::nullptr_t*, RingBatch* data) {
  std::unique_ptr<RingBatch> batch(data);
  if (env == nullptr) return;
  {
    std::lock_guard<std::mutex> lock(batch->flow->mutex);
    batch->flow->inFlight--;
    batch->flow->changed.notify_one();
    if (batch->flow->stopped) return;
  }
  try {
    onBatch.Call({toBuffer(env, std::move(batch->records))});
  } catch (const Napi::Error& error) {
    // As from any other callback of the event loop: an uncaughtException. Node-API alone would only warn.
    napi_fatal_exception(env, error.Value());
  }
}

Ring::Ring(Napi::Env env, int map, Napi::Function onBatch)
    : env_(env), map_(Descriptor::duplicate(map)), wakeUp_(eventfd(0, EFD_CLOEXEC)) {
  if (!wakeUp_) throw SystemError(errno, "eventfd");
  LibbpfLog log;
  buffer_ = ring_buffer__new(map_.get(), onRecord, this, nullptr);
  if (!buffer_) throw log.error(-errno, "mmap");
  door_ = Door::New(env, onBatch, "ring", 0, 1);
  door_.Unref(env);
  try {
    thread_ = std::thread([this] { drain(); });
  } catch (...) {
    door_.Release();
    ring_buffer__free(buffer_);
    throw;
  }
  // Newer than the hook of the door, therefore run before it: the thread is gone when the door goes.
  napi_add_env_cleanup_hook(env_, closeRing, this);
}

void Ring::close() {
  if (closed()) return;
  {
    std::lock_guard<std::mutex> lock(flow_->mutex);
    flow_->stopped = true;
    flow_->changed.notify_one();
  }
  eventfd_write(wakeUp_.get(), 1);
  thread_.join();
  napi_remove_env_cleanup_hook(env_, closeRing, this);
  ring_buffer__free(buffer_);
  map_ = Descriptor();
  wakeUp_ = Descriptor();
}

void Ring::drain() {
  pollfd waits[] = {{ring_buffer__epoll_fd(buffer_), POLLIN, 0}, {wakeUp_.get(), POLLIN, 0}};
  pollfd& stop = waits[1];
  while (poll(waits, 2, -1) >= 0 || errno == EINTR) {
    if (stop.revents) break;
    int count = ring_buffer__consume(buffer_);
    if (!handOver()) break;
    if (count == 0) poll(&stop, 1, kUnfinishedMs);
  }
  door_.Release();
}

int Ring::onRecord(void* ring, void* record, size_t length) {
  return static_cast<Ring*>(ring)->add(static_cast<uint8_t*>(record), length) ? 0 : -ECANCELED;
}

bool Ring::add(const uint8_t* record, uint32_t length) {
  size_t size = kHeaderBytes + padded(length);
  if (!records_.empty() && records_.size() + size > kBatchBytes && !handOver()) return false;
  size_t start = records_.size();
  records_.resize(start + size);
  std::copy_n(reinterpret_cast<const uint8_t*>(&length), sizeof(length), &records_[start]);
  std::copy_n(record, length, &records_[start + kHeaderBytes]);
  return true;
}

// Waits until the event loop has taken earlier batches; meanwhile the records stay in the kernel's ring.
bool Ring::handOver() {
  {
    std::unique_lock<std::mutex> lock(flow_->mutex);
    flow_->changed.wait(lock, [this] { return flow_->stopped || flow_->inFlight < kMaxInFlight; });
    if (flow_->stopped) return false;
    if (records_.empty()) return true;
    flow_->inFlight++;
  }
  auto batch = std::make_unique<RingBatch>(RingBatch{flow_, std::move(records_)});
  records_ = {};
  if (door_.NonBlockingCall(batch.get()) != napi_ok) return false;
  batch.release();
  return true;
}

void addRings(Napi::Object target, std::shared_ptr<BpfObject> object) {
  setMethod(target, "openRing", [object](const Napi::CallbackInfo& info) {
    int map = object->mapDescriptor(text(info[0]));
    if (!info[1].IsFunction()) throw SystemError(EINVAL, "argument", "", "expected a function");
    auto ring = std::make_shared<Ring>(info.Env(), map, info[1].As<Napi::Function>());
    auto& rings = object->rings;
    rings.erase(std::remove_if(rings.begin(), rings.end(), [](auto& old) { return old->closed(); }), rings.end());
    rings.push_back(ring);

    auto result = Napi::Object::New(info.Env());
    // Holds the object too: it stays open while somebody can close the ring.
    setMethod(result, "close", [object, ring](const Napi::CallbackInfo& info) {
      ring->close();
      return info.Env().Undefined();
    });
    return result;
  });
}
