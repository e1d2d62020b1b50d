#include "addon.h"

#include "libbpf_log.h"

static Napi::Object start(Napi::Env, Napi::Object exports) {
  silenceLibbpf();
  for (auto add : {addObjects, addFiles, addNamespaces, addSystem}) add(exports);
  return exports;
}

NODE_API_MODULE(addon, start)
