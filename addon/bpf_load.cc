#include <cerrno>

#include "background.h"
#include "bpf_object.h"
#include "libbpf_log.h"
#include "verifier_stats.h"

namespace {

const char* syscallOf(const LibbpfLog& log) {
  bool aboutMap = log.warnings().find("': failed to create: ") != std::string::npos;
  return aboutMap ? "bpf(BPF_MAP_CREATE)" : "bpf(BPF_PROG_LOAD)";
}

bool wantsStats(const Napi::Value& options) {
  return options.IsObject() && options.As<Napi::Object>().Get("verifierStats").ToBoolean();
}

}  // namespace

void addLoading(Napi::Object target, std::shared_ptr<BpfObject> object) {
  setMethod(target, "setAutoload", [object](const Napi::CallbackInfo& info) {
    object->editable();
    bpf_program__set_autoload(object->program(text(info[0])), info[1].ToBoolean());
    return info.Env().Undefined();
  });

  setMethod(target, "setMaxEntries", [object](const Napi::CallbackInfo& info) {
    object->editable();
    int error = bpf_map__set_max_entries(object->map(text(info[0])), unsigned32(info[1]));
    if (error) throw SystemError(-error, "bpf_map__set_max_entries", text(info[0]));
    return info.Env().Undefined();
  });

  setPromiseMethod(target, "load", [object](const Napi::CallbackInfo& info) {
    object->editable();
    auto stats = wantsStats(info[0]) ? std::make_shared<VerifierStats>(object->editable()) : nullptr;
    object->state_ = BpfObject::State::Loading;
    auto held = object->object_;
    return onPool(info.Env(), [object, held, stats, name = object->name]() mutable -> Answer {
      LibbpfLog log;
      int error = bpf_object__load(held.get());
      held.reset();
      auto failure = std::make_shared<SystemError>(log.error(error, syscallOf(log), name));
      return [object, error, failure, stats](Napi::Env env) -> Napi::Value {
        object->state_ = error ? BpfObject::State::Failed : BpfObject::State::Loaded;
        if (error) throw *failure;
        if (stats) object->verifiedInstructions = stats->instructions();
        object->loaded();
        return env.Undefined();
      };
    });
  });
}
