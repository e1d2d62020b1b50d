#include "files.h"

#include "in_turn.h"
#include "mounts.h"

std::vector<FileContents> readFiles(std::vector<std::string> paths, std::chrono::milliseconds deadline, size_t maxBytes) {
  auto names = std::make_shared<const std::vector<std::string>>(paths);
  auto read = [names, maxBytes](size_t index, Deadline until) { return readFile((*names)[index], maxBytes, until); };
  return std::make_shared<InTurn<FileContents>>(std::move(paths), mountPointOf, deadline, read)->results();
}
