#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "descriptor.h"
#include "journal.h"

// Between the thread that follows a journal and whoever takes its batches. Outlives both.
class JournalFlow {
 public:
  // Throws SystemError.
  JournalFlow();

  // Tells the thread to end and waits for that, but not for one that hangs in a dead file system. Idempotent.
  void stop();
  bool stopped();

  // The batch that is under way was taken: the next may follow.
  void taken();

  // For the thread. False: it is to end.
  bool waitUntilTaken();
  bool waitFor(int milliseconds);
  // Until `descriptor` is readable, too.
  bool waitFor(int milliseconds, int descriptor);
  void underWay();
  void ended();

 private:
  Descriptor wakeUp_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;
  bool isUnderWay_ = false;
  bool ended_ = false;
};

struct JournalDoor {
  // Of the journal that has been opened.
  std::function<bool(bool foundCursor, const std::string& cursor)> opened;
  std::function<bool(const SystemError&)> failed;
  // With what went wrong before it. The journal has been opened anew since, or will be.
  std::function<bool(JournalBatch&&, std::optional<SystemError>&&)> batch;
};

// Opens the journal and reads it until it is stopped, or `door` answers false. An error while it opens is the end too.
void followJournal(JournalFlow& flow, const JournalDoor& door, const std::string& directory, std::string cursor);
