#pragma once

#include <string>
#include <vector>

#include "file_read.h"

// Reads all paths; answers one entry a path, in order. Each path has `deadline` of its own, from when its turn comes:
// past it the entry is ETIMEDOUT and the thread that reads it is left behind (parked) until the file system answers.
// Bounded: a path that parks a thread, and once 16 are parked everything on their mounts, answers EBUSY at once.
std::vector<FileContents> readFiles(std::vector<std::string> paths, std::chrono::milliseconds deadline, size_t maxBytes);
