#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "libsystemd.h"

// The shape of JournalBatch: see the typed contract.
struct JournalBatch {
  std::vector<uint8_t> records;
  uint32_t entries = 0;
  uint32_t cut = 0;
  uint32_t withoutMessage = 0;
  uint32_t unreadable = 0;
  // Of the last entry that was read; empty as long as there was none.
  std::string cursor;

  uint32_t read() const { return entries + withoutMessage + unreadable; }
};

// The journal files of a directory, of the directories of machines in it too, as one stream. For one thread.
class Journal {
 public:
  // Stands behind the entry that `cursor` names; where that is empty or gone, behind the last one. Whatever is written from now
  // on is read. Throws SystemError.
  Journal(std::string directory, const std::string& cursor);

  bool foundCursor() const { return foundCursor_; }
  const std::string& cursor() const { return cursor_; }

  // Readable when something has changed: then `update`.
  int descriptor() const { return descriptor_; }

  // Takes note of files that came and went, and lets go of the latter. Throws SystemError.
  void update();

  // Reads on, up to the size of a batch; false: there is no more for now. Throws SystemError.
  bool read(JournalBatch& batch);

 private:
  int check(int result, const char* function) const;
  bool seek(const std::string& cursor);
  void seekEnd(const std::string& cursor);
  bool isBehind(const std::string& here);
  std::string cursorHere() const;
  bool readFields();
  void keep(size_t field, const void* data, size_t length);
  bool append(JournalBatch& batch);

  static constexpr size_t kFields = 6;

  const Libsystemd& library_;
  std::string directory_;
  std::unique_ptr<sd_journal, void (*)(sd_journal*)> journal_;
  int descriptor_ = -1;
  bool foundCursor_ = false;
  std::string cursor_;
  // What has yet to be passed by; empty when it has been.
  std::string behind_;
  // Of the entry that is being read.
  std::array<std::string, kFields> values_;
  std::array<bool, kFields> present_ = {};
};
