#pragma once

#include <string>

// What a thread works on that may hang: its name, and what it hangs in where it does, such as the mount of a path.
struct Turn {
  std::string name;
  std::string (*placeOf)(const std::string& name);
};

// All threads of the process that hang in a file system are known here.
// Whether one hangs in this very thing or, once 16 hang, in the same place.
bool isBusy(const Turn& turn);
void park(const Turn& turn);
void unpark(const Turn& turn);
