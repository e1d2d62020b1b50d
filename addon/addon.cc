#include "addon.h"

#include <malloc.h>

#include "libbpf_log.h"

static Napi::Object start(Napi::Env, Napi::Object exports) {
  // The process is one that waits: an arena for each thread that ever allocated would keep 10 MB of pages from the others.
  mallopt(M_ARENA_MAX, 1);
  silenceLibbpf();
  for (auto add : {addObjects, addFiles, addInside, addNamespaces, addPing, addJournal, addSystem}) add(exports);
  return exports;
}

NODE_API_MODULE(addon, start)
