#include "bpf_map.h"

#include <bpf/bpf.h>

#include <cerrno>
#include <optional>

#include "background.h"
#include "bpf_object.h"
#include "descriptor.h"

namespace {

// What the kernel answers for a map type that lacks an operation; it lets its inner number out for some.
bool lacksOperation(int error) { return error == -EOPNOTSUPP || error == -524; }

struct Entries {
  Descriptor map;
  MapShape shape;
};

Bytes sized(const Napi::Value& value, uint32_t size, const char* what, const std::string& map) {
  Bytes result = bytes(value);
  if (result.size == size) return result;
  throw SystemError(EINVAL, "bpf", map,
                    std::string(what) + " of " + std::to_string(result.size) + " bytes, the map has " + std::to_string(size));
}

// One map of a loaded object and the key that a call names, both checked.
struct Target {
  Target(const BpfObject& object, const Napi::CallbackInfo& info)
      : name(text(info[0])),
        fd(object.mapDescriptor(name)),
        shape(object.map(name)),
        key(sized(info[1], shape.keyBytes, "key", name).data) {}

  std::string name;
  int fd;
  MapShape shape;
  const uint8_t* key;
};

Napi::Value lookup(Napi::Env env, const Target& target) {
  std::vector<uint8_t> value(target.shape.valueBytes);
  int error = bpf_map_lookup_elem(target.fd, target.key, value.data());
  if (error == -ENOENT) return env.Null();
  if (error) throw SystemError(-error, "bpf(BPF_MAP_LOOKUP_ELEM)", target.name);
  return toBuffer(env, std::move(value));
}

bool remove(const Target& target) {
  int error = bpf_map_delete_elem(target.fd, target.key);
  if (error && error != -ENOENT) throw SystemError(-error, "bpf(BPF_MAP_DELETE_ELEM)", target.name);
  return !error;
}

Napi::Value take(Napi::Env env, const Target& target) {
  std::vector<uint8_t> value(target.shape.valueBytes);
  int error = bpf_map_lookup_and_delete_elem(target.fd, target.key, value.data());
  if (lacksOperation(error)) {
    Napi::Value found = lookup(env, target);
    return !found.IsNull() && remove(target) ? found : env.Null();
  }
  if (error == -ENOENT) return env.Null();
  if (error) throw SystemError(-error, "bpf(BPF_MAP_LOOKUP_AND_DELETE_ELEM)", target.name);
  return toBuffer(env, std::move(value));
}

void update(const Target& target, const Napi::Value& contents) {
  Bytes value = sized(contents, target.shape.valueBytes, "value", target.name);
  int error = bpf_map_update_elem(target.fd, target.key, value.data, BPF_ANY);
  if (error) throw SystemError(-error, "bpf(BPF_MAP_UPDATE_ELEM)", target.name);
}

}  // namespace

void addMaps(Napi::Object object, std::shared_ptr<BpfObject> owner) {
  setPromiseMethod(object, "readMap", [owner](const Napi::CallbackInfo& info) {
    std::string name = text(info[0]);
    auto entries = std::make_shared<Entries>(
        Entries{Descriptor::duplicate(owner->mapDescriptor(name)), MapShape(owner->map(name))});
    return onPool(info.Env(), [entries, name]() -> Answer {
      auto contents = std::make_shared<std::vector<uint8_t>>();
      try {
        *contents = readEntries(entries->map.get(), entries->shape);
      } catch (SystemError& error) {
        error.path = name;
        throw;
      }
      return [contents](Napi::Env env) { return toBuffer(env, std::move(*contents)); };
    });
  });
  setMethod(object, "lookup",
            [owner](const Napi::CallbackInfo& info) { return lookup(info.Env(), Target(*owner, info)); });
  setMethod(object, "take",
            [owner](const Napi::CallbackInfo& info) { return take(info.Env(), Target(*owner, info)); });
  setMethod(object, "remove", [owner](const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), remove(Target(*owner, info)));
  });
  setMethod(object, "update", [owner](const Napi::CallbackInfo& info) {
    update(Target(*owner, info), info[2]);
    return info.Env().Undefined();
  });
}
