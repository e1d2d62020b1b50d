#pragma once

#include <string>

#include "error.h"

// Collects what libbpf has to say on this thread while it lives; otherwise libbpf is silent.
class LibbpfLog {
 public:
  LibbpfLog();
  ~LibbpfLog();
  LibbpfLog(const LibbpfLog&) = delete;

  // The error of a libbpf call that answered `negative` (an errno or a libbpf code below zero), with what was collected.
  SystemError error(int negative, std::string syscall, std::string path = "") const;

  const std::string& warnings() const { return warnings_; }
  void append(std::string message);

 private:
  std::string warnings_;
  std::string verifierLog_;
};

// Installs the collector; once, before any other call of libbpf.
void silenceLibbpf();
