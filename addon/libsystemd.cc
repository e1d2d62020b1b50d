#include "libsystemd.h"

#include <dlfcn.h>

#include <cerrno>
#include <mutex>

#include "error.h"

namespace {

constexpr const char* kName = "libsystemd.so.0";

SystemError missing() {
  const char* reason = dlerror();
  return SystemError(ELIBACC, "dlopen", kName, reason ? reason : "");
}

template <typename Function>
void find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
}

template <typename Function>
void need(void* library, const char* name, Function& function) {
  find(library, name, function);
  if (!function) throw missing();
}

Libsystemd load() {
  void* library = dlopen(kName, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!library) throw missing();
  Libsystemd functions;
  need(library, "sd_journal_open_directory", functions.openDirectory);
  need(library, "sd_journal_close", functions.close);
  need(library, "sd_journal_get_fd", functions.getFd);
  need(library, "sd_journal_process", functions.process);
  need(library, "sd_journal_next", functions.next);
  need(library, "sd_journal_previous", functions.previous);
  need(library, "sd_journal_seek_head", functions.seekHead);
  need(library, "sd_journal_seek_tail", functions.seekTail);
  need(library, "sd_journal_seek_cursor", functions.seekCursor);
  need(library, "sd_journal_get_cursor", functions.getCursor);
  need(library, "sd_journal_get_realtime_usec", functions.getRealtimeUsec);
  need(library, "sd_journal_get_data", functions.getData);
  need(library, "sd_journal_set_data_threshold", functions.setDataThreshold);
  find(library, "sd_journal_enumerate_available_data", functions.enumerateAvailableData);
  return functions;
}

}  // namespace

const Libsystemd& libsystemd() {
  // Not a static that load() initialises: one that throws is tried again, but gcc's guard would hold up other threads.
  static std::mutex mutex;
  static const Libsystemd* loaded = nullptr;
  std::lock_guard<std::mutex> lock(mutex);
  if (!loaded) loaded = new Libsystemd(load());
  return *loaded;
}
