#include "namespace.h"

#include <sched.h>

#include <cerrno>

#include "descriptor.h"

void enterNamespace(const std::string& path, int kind) {
  if (path.empty()) return;
  // What is no namespace, such as a FIFO, must not keep us waiting.
  Descriptor target(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!target) throw SystemError(errno, "open", path);
  if (setns(target.get(), kind) != 0) throw SystemError(errno, "setns", path);
}
