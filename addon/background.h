#pragma once

#include <napi.h>

#include <functional>

// What a promise resolves with; made on the event loop.
using Answer = std::function<Napi::Value(Napi::Env)>;

// Runs off the event loop. A SystemError that it throws rejects the promise.
using Work = std::function<Answer()>;

// On libuv's pool of a few threads: for work that ends soon whatever happens.
Napi::Promise onPool(Napi::Env env, Work work);

// On a thread of its own that ends afterwards: for work that may wait, or that changes the thread.
Napi::Promise onThread(Napi::Env env, Work work);
