#include <cerrno>

#include "bpf_object.h"
#include "descriptor.h"
#include "libbpf_log.h"

namespace {

Napi::Value option(const Napi::CallbackInfo& info, const char* name) {
  return info[1].IsObject() ? info[1].As<Napi::Object>().Get(name) : info.Env().Undefined();
}

bpf_link* attachToCgroup(bpf_program* program, const std::string& path) {
  Descriptor cgroup(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!cgroup) throw SystemError(errno, "open", path);
  LibbpfLog log;
  bpf_link* link = bpf_program__attach_cgroup(program, cgroup.get());
  if (!link) throw log.error(-errno, "bpf(BPF_LINK_CREATE)", path);
  return link;
}

bpf_link* attachToMap(bpf_program* program, int map) {
  bpf_iter_link_info target = {};
  target.map.map_fd = map;
  LIBBPF_OPTS(bpf_iter_attach_opts, options, .link_info = &target, .link_info_len = sizeof(target));
  LibbpfLog log;
  bpf_link* link = bpf_program__attach_iter(program, &options);
  if (!link) throw log.error(-errno, "bpf(BPF_LINK_CREATE)", bpf_program__name(program));
  return link;
}

bpf_link* attachBySection(bpf_program* program) {
  LibbpfLog log;
  bpf_link* link = bpf_program__attach(program);
  if (!link) throw log.error(-errno, "bpf(BPF_LINK_CREATE)", bpf_program__name(program));
  return link;
}

}  // namespace

void addAttaching(Napi::Object target, std::shared_ptr<BpfObject> object) {
  setMethod(target, "attach", [object](const Napi::CallbackInfo& info) {
    object->loaded();
    bpf_program* program = object->program(text(info[0]));
    Napi::Value cgroupPath = option(info, "cgroupPath");
    Napi::Value iterMap = option(info, "iterMap");
    bpf_link* link = !cgroupPath.IsUndefined() ? attachToCgroup(program, text(cgroupPath))
                     : !iterMap.IsUndefined()  ? attachToMap(program, object->mapDescriptor(text(iterMap)))
                                               : attachBySection(program);
    uint32_t id = object->nextLink++;
    object->links.emplace(id, link);
    return Napi::Number::New(info.Env(), id);
  });

  setMethod(target, "detach", [object](const Napi::CallbackInfo& info) {
    object->loaded();
    if (object->sockets.erase(unsigned32(info[0]))) return info.Env().Undefined();
    auto entry = object->links.find(unsigned32(info[0]));
    if (entry == object->links.end()) throw SystemError(ENOENT, "detach", object->name, "no such link");
    bpf_link__destroy(entry->second);
    object->links.erase(entry);
    return info.Env().Undefined();
  });
}
