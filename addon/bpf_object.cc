#include "bpf_object.h"

#include <algorithm>
#include <cerrno>

#include "addon.h"
#include "libbpf_log.h"
#include "ring.h"

BpfObject::BpfObject(Bytes elf, const std::string& name) : name(name) {
  // libelf wants aligned memory that it may write to; libbpf keeps none of it.
  std::vector<uint64_t> image(elf.size / sizeof(uint64_t) + 1);
  std::copy_n(elf.data, elf.size, reinterpret_cast<uint8_t*>(image.data()));
  LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = name.c_str());

  LibbpfLog log;
  bpf_object* object = bpf_object__open_mem(image.data(), elf.size, &options);
  if (!object) throw log.error(-errno, "bpf_object__open_mem", name);
  object_.reset(object, bpf_object__close);
}

bpf_object* BpfObject::open() const {
  if (!object_) throw SystemError(EBADF, "bpf", name, "the object is closed");
  if (state_ == State::Loading) throw SystemError(EBUSY, "bpf", name, "the object is being loaded");
  return object_.get();
}

bpf_object* BpfObject::editable() const {
  bpf_object* object = open();
  if (state_ != State::Opened) throw SystemError(EALREADY, "bpf", name, "only before load");
  return object;
}

bpf_object* BpfObject::loaded() const {
  bpf_object* object = open();
  if (state_ != State::Loaded) throw SystemError(EINVAL, "bpf", name, "the object is not loaded");
  return object;
}

bpf_map* BpfObject::map(const std::string& wanted) const {
  bpf_object* object = open();
  bpf_map* map;
  bpf_object__for_each_map(map, object) {
    if (nameOf(map) == wanted) return map;
  }
  throw SystemError(ENOENT, "bpf", wanted, "no such map in " + name);
}

bpf_program* BpfObject::program(const std::string& wanted) const {
  bpf_program* program = bpf_object__find_program_by_name(open(), wanted.c_str());
  if (!program) throw SystemError(ENOENT, "bpf", wanted, "no such program in " + name);
  return program;
}

int BpfObject::mapDescriptor(const std::string& wanted) const {
  loaded();
  return bpf_map__fd(map(wanted));
}

void BpfObject::close() {
  for (auto& ring : rings) ring->close();
  rings.clear();
  for (auto& [id, link] : links) bpf_link__destroy(link);
  links.clear();
  sockets.clear();
  object_.reset();
}

std::string nameOf(const bpf_map* map) {
  std::string name = bpf_map__name(map);
  // libbpf puts the name of the object before that of a data section.
  return bpf_map__is_internal(map) && name[0] != '.' ? name.substr(name.rfind('.')) : name;
}

Napi::Object newBpfObject(Napi::Env env, Bytes elf, const std::string& name) {
  auto object = std::make_shared<BpfObject>(elf, name);
  auto programs = Napi::Array::New(env);
  bpf_program* program;
  bpf_object__for_each_program(program, object->editable()) {
    auto entry = Napi::Object::New(env);
    entry.Set("name", bpf_program__name(program));
    entry.Set("section", bpf_program__section_name(program));
    programs.Set(programs.Length(), entry);
  }
  auto maps = Napi::Array::New(env);
  bpf_map* map;
  bpf_object__for_each_map(map, object->editable()) maps.Set(maps.Length(), nameOf(map));

  auto result = Napi::Object::New(env);
  result.Set("programs", programs);
  result.Set("maps", maps);
  setMethod(result, "close", [object](const Napi::CallbackInfo& info) {
    object->close();
    return info.Env().Undefined();
  });
  for (auto add : {addLoading, addAttaching, addListening, addIterators, addMaps, addGlobals, addFigures, addRings})
    add(result, object);
  return result;
}

void addObjects(Napi::Object exports) {
  setMethod(exports, "libbpfVersion", [](const Napi::CallbackInfo& info) {
    // libbpf puts a v before it.
    return Napi::String::New(info.Env(), libbpf_version_string() + 1);
  });
  setMethod(exports, "openObject", [](const Napi::CallbackInfo& info) {
    return newBpfObject(info.Env(), bytes(info[0]), text(info[1]));
  });
}
