#include "setting.h"

#include <cerrno>

#include "descriptor.h"

namespace {

Descriptor openSetting(const std::string& name, int flags, std::string& path) {
  path = "/proc/sys/net/" + name;
  Descriptor file(open(path.c_str(), flags | O_CLOEXEC));
  if (!file) throw SystemError(errno, "open", path);
  return file;
}

}  // namespace

std::string readSetting(const std::string& name) {
  std::string path;
  Descriptor file = openSetting(name, O_RDONLY, path);
  char text[256];
  ssize_t length = read(file.get(), text, sizeof(text));
  if (length < 0) throw SystemError(errno, "read", path);
  std::string found(text, length);
  return found.substr(0, found.find('\n'));
}

std::string writeSetting(const std::string& name, const std::string& value) {
  std::string path;
  Descriptor file = openSetting(name, O_WRONLY, path);
  if (write(file.get(), value.data(), value.size()) < 0) throw SystemError(errno, "write", path);
  return value;
}
