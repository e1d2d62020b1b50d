#include <cerrno>
#include <memory>
#include <thread>

#include "addon.h"
#include "journal_follow.h"
#include "js.h"

namespace {

// A journal as JavaScript has it; touched on the event loop alone, but for the flow.
struct Followed {
  JournalFlow flow;
  Napi::Promise::Deferred deferred;
  // What the hook of the environment holds; null when there is none any more.
  std::shared_ptr<Followed>* hook = nullptr;

  explicit Followed(Napi::Env env) : deferred(Napi::Promise::Deferred::New(env)) {}
};

// What the thread has to tell, and how; runs on the event loop.
struct News {
  std::shared_ptr<Followed> followed;
  std::function<void(Napi::Env, Napi::Function onBatch)> tell;
  bool isBatch;
};

// Without an environment the process is on its way out and nobody listens any more.
void deliverNews(Napi::Env env, Napi::Function onBatch, std::nullptr_t*, News* data) {
  std::unique_ptr<News> news(data);
  if (env == nullptr) return;
  try {
    if (!news->followed->flow.stopped()) news->tell(env, onBatch);
  } catch (const Napi::Error& error) {
    // As from any other callback of the event loop: an uncaughtException. Node-API alone would only warn.
    napi_fatal_exception(env, error.Value());
  }
  if (news->isBatch) news->followed->flow.taken();
}

using Door = Napi::TypedThreadSafeFunction<std::nullptr_t, News, deliverNews>;

void stopAtExit(void* hook) {
  std::unique_ptr<std::shared_ptr<Followed>> followed(static_cast<std::shared_ptr<Followed>*>(hook));
  (*followed)->hook = nullptr;
  (*followed)->flow.stop();
}

void close(Napi::Env env, Followed& followed) {
  if (!followed.hook) return;
  napi_remove_env_cleanup_hook(env, stopAtExit, followed.hook);
  stopAtExit(followed.hook);
}

Napi::Value toJs(Napi::Env env, const std::string& cursor) {
  return cursor.empty() ? env.Null() : Napi::String::New(env, cursor);
}

Napi::Object toJs(Napi::Env env, JournalBatch& batch, const std::optional<SystemError>& failure) {
  auto result = Napi::Object::New(env);
  result.Set("records", toBuffer(env, std::move(batch.records)));
  result.Set("entries", batch.entries);
  result.Set("cut", batch.cut);
  result.Set("withoutMessage", batch.withoutMessage);
  result.Set("unreadable", batch.unreadable);
  result.Set("cursor", toJs(env, batch.cursor));
  result.Set("failure", failure ? toError(env, *failure).Value() : env.Null());
  return result;
}

void onOpened(Napi::Env env, Door door, const std::shared_ptr<Followed>& followed, bool foundCursor,
              const std::string& cursor) {
  door.Unref(env);
  auto result = Napi::Object::New(env);
  result.Set("cursor", toJs(env, cursor));
  result.Set("foundCursor", foundCursor);
  setMethod(result, "close", [followed](const Napi::CallbackInfo& info) {
    close(info.Env(), *followed);
    return info.Env().Undefined();
  });
  followed->deferred.Resolve(result);
}

// The thread. After "closing" the door must not be touched again, not even to release it.
void follow(Door door, std::shared_ptr<Followed> followed, const std::string& directory, const std::string& cursor) {
  bool isClosing = false;
  auto say = [&](std::function<void(Napi::Env, Napi::Function)> tell, bool isBatch = false) {
    auto news = std::make_unique<News>(News{followed, std::move(tell), isBatch});
    if (door.NonBlockingCall(news.get()) == napi_ok) {
      news.release();
    } else {
      isClosing = true;
    }
    return !isClosing;
  };
  JournalDoor out;
  out.opened = [&](bool foundCursor, const std::string& at) {
    return say([door, followed, foundCursor, at](Napi::Env env, Napi::Function) {
      onOpened(env, door, followed, foundCursor, at);
    });
  };
  out.failed = [&](const SystemError& error) {
    return say([followed, error](Napi::Env env, Napi::Function) {
      followed->deferred.Reject(toError(env, error).Value());
      close(env, *followed);
    });
  };
  out.batch = [&](JournalBatch&& batch, std::optional<SystemError>&& failure) {
    auto shared = std::make_shared<JournalBatch>(std::move(batch));
    auto tell = [shared, failure = std::move(failure)](Napi::Env env, Napi::Function onBatch) {
      onBatch.Call({toJs(env, *shared, failure)});
    };
    return say(tell, true);
  };
  followJournal(followed->flow, out, directory, cursor);
  if (!isClosing) door.Release();
  followed->flow.ended();
}

}  // namespace

void addJournal(Napi::Object exports) {
  setPromiseMethod(exports, "openJournal", [](const Napi::CallbackInfo& info) {
    std::string directory = text(info[0]);
    std::string cursor = info[1].IsNull() ? "" : text(info[1]);
    if (!info[2].IsFunction()) throw SystemError(EINVAL, "argument", "", "expected a function");
    auto followed = std::make_shared<Followed>(info.Env());
    Napi::Promise promise = followed->deferred.Promise();
    Door door = Door::New(info.Env(), info[2].As<Napi::Function>(), "journal", 0, 1);
    try {
      // It may hang in a dead file system, therefore nobody joins it.
      std::thread([=] { follow(door, followed, directory, cursor); }).detach();
    } catch (...) {
      door.Release();
      throw;
    }
    // Newer than the hook of the door, therefore run before it: the thread is gone when the door goes.
    followed->hook = new std::shared_ptr<Followed>(followed);
    napi_add_env_cleanup_hook(info.Env(), stopAtExit, followed->hook);
    return promise;
  });
}
