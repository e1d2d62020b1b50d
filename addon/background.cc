#include "background.h"

#include <memory>
#include <new>
#include <optional>
#include <system_error>
#include <thread>

#include "error.h"

namespace {

struct Outcome {
  Answer answer;
  std::optional<SystemError> error;
};

Outcome finish(const Work& work) {
  try {
    return {work(), std::nullopt};
  } catch (const SystemError& error) {
    return {nullptr, error};
  } catch (const std::bad_alloc&) {
    return {nullptr, SystemError(ENOMEM, "malloc")};
  } catch (const std::system_error& error) {
    return {nullptr, SystemError(error.code().value(), "pthread_create")};
  }
}

void settle(Napi::Env env, const Napi::Promise::Deferred& deferred, const Outcome& outcome) {
  try {
    if (outcome.error) throw *outcome.error;
    deferred.Resolve(outcome.answer(env));
  } catch (const SystemError& error) {
    deferred.Reject(toError(env, error).Value());
  } catch (const Napi::Error& error) {
    deferred.Reject(error.Value());
  }
}

class PoolWork : public Napi::AsyncWorker {
 public:
  PoolWork(Napi::Env env, Work work)
      : Napi::AsyncWorker(env, "pool"), deferred_(Napi::Promise::Deferred::New(env)), work_(std::move(work)) {}

  Napi::Promise promise() { return deferred_.Promise(); }

 protected:
  void Execute() override { outcome_ = finish(work_); }
  void OnOK() override { settle(Env(), deferred_, outcome_); }

 private:
  Napi::Promise::Deferred deferred_;
  Work work_;
  Outcome outcome_;
};

struct Delivery {
  Napi::Promise::Deferred deferred;
  Outcome outcome;
};

// Without an environment the process is on its way out and nobody waits any more.
void deliver(Napi::Env env, Napi::Function, std::nullptr_t*, Delivery* delivery) {
  if (env != nullptr) settle(env, delivery->deferred, delivery->outcome);
  delete delivery;
}

using Door = Napi::TypedThreadSafeFunction<std::nullptr_t, Delivery, deliver>;

}  // namespace

Napi::Promise onPool(Napi::Env env, Work work) {
  auto* worker = new PoolWork(env, std::move(work));
  Napi::Promise promise = worker->promise();
  worker->Queue();
  return promise;
}

Napi::Promise onThread(Napi::Env env, Work work) {
  Door door = Door::New(env, "thread", 0, 1);
  auto delivery = std::make_unique<Delivery>(Delivery{Napi::Promise::Deferred::New(env), {}});
  Napi::Promise promise = delivery->deferred.Promise();
  auto run = [door, work = std::move(work), waiting = delivery.get()]() mutable {
    waiting->outcome = finish(work);
    work = nullptr;
    // After "closing" the door must not be touched again, not even to release it.
    if (door.NonBlockingCall(waiting) == napi_ok) {
      door.Release();
    } else {
      delete waiting;
    }
  };
  try {
    std::thread(std::move(run)).detach();
  } catch (...) {
    door.Release();
    throw;
  }
  delivery.release();
  return promise;
}
