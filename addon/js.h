#pragma once

#include <napi.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "error.h"

// The bytes of a Uint8Array, valid during the call.
struct Bytes {
  const uint8_t* data;
  size_t size;
};

using Method = std::function<Napi::Value(const Napi::CallbackInfo&)>;

// Sets `target[name]` to a function that turns a SystemError into a thrown Error.
void setMethod(Napi::Object target, const char* name, Method method);

// The same for a method that answers a promise: it rejects and never throws.
void setPromiseMethod(Napi::Object target, const char* name, Method method);

// Arguments. All throw SystemError EINVAL with a sentence when the value is of another type or out of range.
std::string text(const Napi::Value& value);  // without zero bytes, so that it is the same string for the kernel
uint32_t unsigned32(const Napi::Value& value);
uint64_t unsigned53(const Napi::Value& value);
bool boolean(const Napi::Value& value);
Bytes bytes(const Napi::Value& value);

// Gives the memory to JavaScript: large contents are not copied.
Napi::Value toBuffer(Napi::Env env, std::vector<uint8_t>&& contents);
