#pragma once

#include <string>

// Where the file system that holds `path` is mounted, by its name alone: the path itself is not touched and may hang.
// Understands `/proc/<pid>/root/...`. The directory of `path` where the table of mounts cannot be read.
std::string mountPointOf(const std::string& path);

// Whether `path` is `directory` or below it, by name.
bool isWithin(const std::string& path, const std::string& directory);
