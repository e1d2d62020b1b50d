#include "mounts.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace {

// The prefix `/proc/<pid>` of `/proc/<pid>/root/...`, else empty: another root has a table of mounts of its own.
std::string ownerOfRoot(const std::string& path) {
  if (path.compare(0, 6, "/proc/") != 0) return "";
  size_t end = path.find('/', 6);
  return end != std::string::npos && isWithin(path, path.substr(0, end) + "/root") ? path.substr(0, end) : "";
}

// proc_pid_mountinfo(5) writes blanks and backslashes as three octal digits.
std::string unescaped(const std::string& field) {
  std::string result;
  for (size_t i = 0; i < field.size(); i++) {
    if (field[i] == '\\' && i + 3 < field.size()) {
      result += static_cast<char>(strtol(field.substr(i + 1, 3).c_str(), nullptr, 8));
      i += 3;
    } else {
      result += field[i];
    }
  }
  return result;
}

}  // namespace

bool isWithin(const std::string& path, const std::string& directory) {
  if (path.compare(0, directory.size(), directory) != 0) return false;
  return path.size() == directory.size() || directory.back() == '/' || path[directory.size()] == '/';
}

std::string mountPointOf(const std::string& path) {
  std::string owner = ownerOfRoot(path);
  std::string root = owner.empty() ? "" : owner + "/root";
  std::string inside = path.substr(root.size());
  std::ifstream table((owner.empty() ? "/proc/self" : owner) + "/mountinfo");
  std::string best, line;
  while (std::getline(table, line)) {
    std::istringstream fields(line);
    std::string id, parent, device, source, target;
    fields >> id >> parent >> device >> source >> target;
    target = unescaped(target);
    if (!target.empty() && isWithin(inside, target) && target.size() >= best.size()) best = target;
  }
  return best.empty() ? path.substr(0, path.rfind('/')) : root + best;
}
