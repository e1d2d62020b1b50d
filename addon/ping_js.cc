#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "addon.h"
#include "background.h"
#include "js.h"
#include "namespace.h"
#include "ping.h"
#include "stamping.h"

namespace {

constexpr size_t kMaxTargets = 65536;

std::vector<Address> targetsOf(const Napi::Value& value) {
  Bytes all = bytes(value);
  std::vector<Address> targets(all.size / sizeof(Address));
  if (all.size % sizeof(Address) != 0 || targets.size() > kMaxTargets)
    throw SystemError(EINVAL, "argument", "", "expected up to 65536 addresses of 16 bytes");
  std::copy(all.data, all.data + all.size, reinterpret_cast<uint8_t*>(targets.data()));
  return targets;
}

// Of the calling thread.
double cpuNs() {
  timespec used = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return used.tv_sec * 1e9 + used.tv_nsec;
}

Napi::Value toJs(Napi::Env env, const Pings& pings, double usedNs) {
  auto errors = Napi::Int32Array::New(env, pings.errors.size());
  auto roundTripNs = Napi::Float64Array::New(env, pings.errors.size());
  for (size_t i = 0; i < pings.errors.size(); i++) {
    errors[i] = pings.errors[i];
    roundTripNs[i] = pings.roundTripNs[i];
  }
  auto result = Napi::Object::New(env);
  result.Set("errors", errors);
  result.Set("roundTripNs", roundTripNs);
  result.Set("namespaceInode", static_cast<double>(pings.namespaceInode));
  result.Set("cpuNs", usedNs);
  return result;
}

}  // namespace

void addPing(Napi::Object exports) {
  setMethod(exports, "stampReceived", [](const Napi::CallbackInfo& info) {
    stampReceived(boolean(info[0]));
    return info.Env().Undefined();
  });

  setPromiseMethod(exports, "ping", [](const Napi::CallbackInfo& info) {
    std::string path = info[0].IsNull() ? "" : text(info[0]);
    std::vector<Address> targets = targetsOf(info[1]);
    std::chrono::milliseconds timeout(unsigned32(info[2]));
    return onThread(info.Env(), [=]() -> Answer {
      enterNamespace(path, CLONE_NEWNET);
      auto pings = std::make_shared<Pings>(ping(targets, timeout));
      double usedNs = cpuNs();
      return [pings, usedNs](Napi::Env env) { return toJs(env, *pings, usedNs); };
    });
  });
}
