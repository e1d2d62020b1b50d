#include <bpf/bpf.h>

#include <cerrno>

#include "background.h"
#include "bpf_object.h"
#include "descriptor.h"

namespace {

constexpr size_t kChunkBytes = 64 << 10;

std::vector<uint8_t> readToEnd(int fd, size_t maxBytes, const std::string& name) {
  std::vector<uint8_t> contents;
  size_t length = 0;
  for (;;) {
    contents.resize(length + kChunkBytes);
    ssize_t count = read(fd, contents.data() + length, kChunkBytes);
    // EAGAIN: the kernel takes a rest after a million elements that wrote nothing.
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (count < 0) throw SystemError(errno, "read", name);
    length += count;
    if (length > maxBytes) throw SystemError(EFBIG, "read", name);
    if (count == 0) break;
  }
  contents.resize(length);
  return contents;
}

}  // namespace

void addIterators(Napi::Object target, std::shared_ptr<BpfObject> object) {
  setPromiseMethod(target, "readIterator", [object](const Napi::CallbackInfo& info) {
    object->loaded();
    auto link = object->links.find(unsigned32(info[0]));
    if (link == object->links.end()) throw SystemError(ENOENT, "readIterator", object->name, "no such link");
    uint32_t maxBytes = unsigned32(info[1]);
    int fd = bpf_iter_create(bpf_link__fd(link->second));
    if (fd < 0) throw SystemError(-fd, "bpf(BPF_ITER_CREATE)", object->name);
    auto iterator = std::make_shared<Descriptor>(fd);
    return onPool(info.Env(), [iterator, maxBytes, name = object->name]() -> Answer {
      auto contents = std::make_shared<std::vector<uint8_t>>(readToEnd(iterator->get(), maxBytes, name));
      return [contents](Napi::Env env) { return toBuffer(env, std::move(*contents)); };
    });
  });
}
