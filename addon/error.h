#pragma once

#include <napi.h>

#include <exception>
#include <string>

// A failed system call. Becomes an Error with code, errno (positive), syscall and, where set, path, detail, verifierLog.
struct SystemError : std::exception {
  SystemError(int number, std::string syscall, std::string path = "", std::string detail = "")
      : number(number), syscall(std::move(syscall)), path(std::move(path)), detail(std::move(detail)) {}

  const char* what() const noexcept override { return syscall.c_str(); }

  int number;
  std::string syscall;
  std::string path;
  // What the kernel or libbpf had to say about it.
  std::string detail;
  std::string verifierLog;
};

Napi::Error toError(Napi::Env env, const SystemError& error);
