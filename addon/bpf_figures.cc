#include <bpf/bpf.h>

#include <cerrno>
#include <fstream>

#include "bpf_object.h"

namespace {

double memoryBytesOf(int fd) {
  std::string path = "/proc/self/fdinfo/" + std::to_string(fd);
  std::ifstream lines(path);
  std::string word;
  double bytes;
  while (lines >> word)
    if (word == "memlock:" && lines >> bytes) return bytes;
  throw SystemError(ENODATA, "read", path);
}

Napi::Value programInfo(const Napi::CallbackInfo& info, const BpfObject& object) {
  object.loaded();
  std::string name = text(info[0]);
  bpf_prog_info program = {};
  uint32_t length = sizeof(program);
  int error = bpf_prog_get_info_by_fd(bpf_program__fd(object.program(name)), &program, &length);
  if (error) throw SystemError(-error, "bpf(BPF_OBJ_GET_INFO_BY_FD)", name);
  auto result = Napi::Object::New(info.Env());
  result.Set("id", static_cast<double>(program.id));
  result.Set("runCount", static_cast<double>(program.run_cnt));
  result.Set("runTimeNs", static_cast<double>(program.run_time_ns));
  result.Set("recursionMisses", static_cast<double>(program.recursion_misses));
  auto statistics = object.verifiedInstructions.find(name);
  bool asked = statistics != object.verifiedInstructions.end();
  result.Set("verifiedInstructions", static_cast<double>(asked ? statistics->second : program.verified_insns));
  return result;
}

Napi::Value mapInfo(const Napi::CallbackInfo& info, const BpfObject& object) {
  std::string name = text(info[0]);
  int fd = object.mapDescriptor(name);
  bpf_map_info map = {};
  uint32_t length = sizeof(map);
  int error = bpf_map_get_info_by_fd(fd, &map, &length);
  if (error) throw SystemError(-error, "bpf(BPF_OBJ_GET_INFO_BY_FD)", name);
  auto result = Napi::Object::New(info.Env());
  result.Set("id", static_cast<double>(map.id));
  result.Set("type", static_cast<double>(map.type));
  result.Set("keyBytes", static_cast<double>(map.key_size));
  result.Set("valueBytes", static_cast<double>(map.value_size));
  result.Set("maxEntries", static_cast<double>(map.max_entries));
  result.Set("memoryBytes", memoryBytesOf(fd));
  return result;
}

}  // namespace

void addFigures(Napi::Object target, std::shared_ptr<BpfObject> object) {
  setMethod(target, "programInfo", [object](const Napi::CallbackInfo& info) { return programInfo(info, *object); });
  setMethod(target, "mapInfo", [object](const Napi::CallbackInfo& info) { return mapInfo(info, *object); });
}
