#include <algorithm>
#include <cerrno>

#include "bpf_object.h"

namespace {

// The memory behind a global data map; while loaded it is the map itself.
uint8_t* memoryOf(const bpf_map* map, size_t offset, size_t length) {
  size_t size = 0;
  auto* memory = bpf_map__is_internal(map) ? static_cast<uint8_t*>(bpf_map__initial_value(map, &size)) : nullptr;
  if (!memory) throw SystemError(EINVAL, "mmap", nameOf(map), "not a map of global data");
  if (offset > size || length > size - offset)
    throw SystemError(ERANGE, "mmap", nameOf(map), "the section has " + std::to_string(size) + " bytes");
  return memory + offset;
}

// Below Linux 5.5 the map is not in memory and libbpf would leave us with a stale copy.
uint8_t* sharedMemoryOf(const bpf_map* map, size_t offset, size_t length) {
  if (!(bpf_map__map_flags(map) & BPF_F_MMAPABLE)) throw SystemError(EOPNOTSUPP, "mmap", nameOf(map));
  return memoryOf(map, offset, length);
}

}  // namespace

void addGlobals(Napi::Object target, std::shared_ptr<BpfObject> object) {
  setMethod(target, "setInitial", [object](const Napi::CallbackInfo& info) {
    object->editable();
    Bytes contents = bytes(info[2]);
    uint8_t* memory = memoryOf(object->map(text(info[0])), unsigned32(info[1]), contents.size);
    std::copy_n(contents.data, contents.size, memory);
    return info.Env().Undefined();
  });

  setMethod(target, "writeGlobal", [object](const Napi::CallbackInfo& info) {
    object->loaded();
    bpf_map* map = object->map(text(info[0]));
    Bytes contents = bytes(info[2]);
    uint8_t* memory = sharedMemoryOf(map, unsigned32(info[1]), contents.size);
    if (bpf_map__map_flags(map) & BPF_F_RDONLY_PROG) throw SystemError(EPERM, "mmap", nameOf(map), "frozen by load");
    std::copy_n(contents.data, contents.size, memory);
    return info.Env().Undefined();
  });

  setMethod(target, "readGlobal", [object](const Napi::CallbackInfo& info) -> Napi::Value {
    object->loaded();
    uint32_t length = unsigned32(info[2]);
    uint8_t* memory = sharedMemoryOf(object->map(text(info[0])), unsigned32(info[1]), length);
    return Napi::Buffer<uint8_t>::Copy(info.Env(), memory, length);
  });
}
