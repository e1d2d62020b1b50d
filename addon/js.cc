#include "js.h"

#include <cerrno>
#include <cmath>
#include <memory>
#include <new>
#include <system_error>

namespace {

// Below this size a copy is cheaper than memory that needs a finalizer.
constexpr size_t kCopiedBytes = 16 << 10;

constexpr double kMaxSafeInteger = (uint64_t{1} << 53) - 1;

SystemError invalid(const char* expected) {
  return SystemError(EINVAL, "argument", "", std::string("expected ") + expected);
}

double upTo(double most, const Napi::Value& value, const char* expected) {
  double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
  if (!(number >= 0 && number <= most) || number != std::floor(number)) throw invalid(expected);
  return number;
}

Napi::Value run(const Method& method, const Napi::CallbackInfo& info) {
  try {
    return method(info);
  } catch (const SystemError& error) {
    throw toError(info.Env(), error);
  } catch (const std::bad_alloc&) {
    throw toError(info.Env(), SystemError(ENOMEM, "malloc"));
  } catch (const std::system_error& error) {
    throw toError(info.Env(), SystemError(error.code().value(), "pthread_create"));
  }
}

}  // namespace

void setMethod(Napi::Object target, const char* name, Method method) {
  auto call = [method = std::move(method)](const Napi::CallbackInfo& info) { return run(method, info); };
  target.Set(name, Napi::Function::New(target.Env(), call, name));
}

void setPromiseMethod(Napi::Object target, const char* name, Method method) {
  auto call = [method = std::move(method)](const Napi::CallbackInfo& info) -> Napi::Value {
    try {
      return run(method, info);
    } catch (const Napi::Error& error) {
      auto deferred = Napi::Promise::Deferred::New(info.Env());
      deferred.Reject(error.Value());
      return deferred.Promise();
    }
  };
  target.Set(name, Napi::Function::New(target.Env(), call, name));
}

std::string text(const Napi::Value& value) {
  if (!value.IsString()) throw invalid("a string");
  std::string result = value.As<Napi::String>();
  if (result.find('\0') != std::string::npos) throw invalid("a string without zero bytes");
  return result;
}

uint32_t unsigned32(const Napi::Value& value) {
  return static_cast<uint32_t>(upTo(UINT32_MAX, value, "an integer from 0 to 2^32 - 1"));
}

bool boolean(const Napi::Value& value) {
  if (!value.IsBoolean()) throw SystemError(EINVAL, "argument", "", "expected true or false");
  return value.ToBoolean();
}

uint64_t unsigned53(const Napi::Value& value) {
  return static_cast<uint64_t>(upTo(kMaxSafeInteger, value, "an integer from 0 to 2^53 - 1"));
}

Bytes bytes(const Napi::Value& value) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array)
    throw invalid("a Uint8Array");
  auto array = value.As<Napi::Uint8Array>();
  return {array.Data(), array.ByteLength()};
}

Napi::Value toBuffer(Napi::Env env, std::vector<uint8_t>&& contents) {
  if (contents.size() < kCopiedBytes)
    return Napi::Buffer<uint8_t>::Copy(env, contents.data(), contents.size());
  auto owned = std::make_unique<std::vector<uint8_t>>(std::move(contents));
  auto release = [](Napi::BasicEnv, uint8_t*, std::vector<uint8_t>* memory) { delete memory; };
  // Throws in an environment that is being torn down.
  Napi::Value buffer = Napi::Buffer<uint8_t>::New(env, owned->data(), owned->size(), release, owned.get());
  owned.release();
  return buffer;
}
