#pragma once

#include <string>

// Moves the calling thread into the namespace of `path` (setns(2)): only for threads that end soon and are not reused.
// An empty path stays where we are. `kind` is CLONE_NEWNET or CLONE_NEWUTS.
void enterNamespace(const std::string& path, int kind);
