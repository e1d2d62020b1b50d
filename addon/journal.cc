#include "journal.h"

#include <string.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "error.h"
#include "mapped_fault.h"

namespace {

constexpr uint32_t kBatchEntries = 1000;
constexpr size_t kBatchBytes = 1 << 20;
constexpr size_t kMessageBytes = 64 << 10;
// PATH_MAX: the longest is the path of a cgroup.
constexpr size_t kOtherBytes = 4096;

// In the order of a record; the priority comes last, because it is in the header.
enum Field : size_t { kMessage, kUnit, kUserUnit, kCgroup, kIdentifier, kPriority };
constexpr std::string_view kNames[] = {"MESSAGE", "_SYSTEMD_UNIT", "_SYSTEMD_USER_UNIT", "_SYSTEMD_CGROUP",
                                       "SYSLOG_IDENTIFIER", "PRIORITY"};
constexpr size_t kTexts = kPriority;

struct Header {
  uint64_t realtimeUs;
  uint32_t bytes[kTexts];
  uint8_t priority;
  uint8_t isCut;
  uint16_t unused;
};
static_assert(sizeof(Header) == 32);

constexpr uint8_t kNoPriority = 255;
constexpr size_t kLargestRecord = sizeof(Header) + kMessageBytes + (kTexts - 1) * kOtherBytes + 8;

// How many entries of one microsecond are looked through for the one that a cursor names.
constexpr int kMaxSameTime = 10'000;

size_t padded(size_t bytes) { return (bytes + 7) / 8 * 8; }

uint8_t priorityOf(const std::string& value) {
  return value.size() == 1 && value[0] >= '0' && value[0] <= '7' ? value[0] - '0' : kNoPriority;
}

// A part of a cursor, such as `t` for the time (sd-journal.c); empty where it has none.
std::string_view part(std::string_view cursor, char name) {
  while (!cursor.empty()) {
    std::string_view head = cursor.substr(0, cursor.find(';'));
    if (head.size() > 2 && head[0] == name && head[1] == '=') return head.substr(2);
    cursor.remove_prefix(std::min(cursor.size(), head.size() + 1));
  }
  return {};
}

bool same(const std::string& one, const std::string& other, std::string_view parts) {
  return std::all_of(parts.begin(), parts.end(), [&](char name) {
    std::string_view value = part(one, name);
    return !value.empty() && value == part(other, name);
  });
}

// Whether both are of one boot and `one` is not later.
bool isUpTo(const std::string& one, const std::string& other) {
  auto monotonic = [](const std::string& cursor) { return strtoull(std::string(part(cursor, 'm')).c_str(), nullptr, 16); };
  return same(one, other, "b") && !part(other, 'm').empty() && monotonic(one) <= monotonic(other);
}

// Boot, monotonic and real time.
constexpr std::string_view kTimes = "bmt";
// And the checksum of the contents. The rest is the number in a file, which changes when journald copies an entry from /run to /var.
constexpr std::string_view kIdentity = "bmtx";

}  // namespace

Journal::Journal(std::string directory, const std::string& cursor)
    : library_(libsystemd()), directory_(std::move(directory)), journal_(nullptr, library_.close) {
  sd_journal* journal = nullptr;
  check(library_.openDirectory(&journal, directory_.c_str(), 0), "sd_journal_open_directory");
  journal_.reset(journal);
  // One byte more tells what is just as long from what is cut; the name counts too.
  check(library_.setDataThreshold(journal, kNames[kMessage].size() + 1 + kMessageBytes + 1),
        "sd_journal_set_data_threshold");
  // Watched from before the end is looked for: files that come in between are seen.
  descriptor_ = check(library_.getFd(journal), "sd_journal_get_fd");
  foundCursor_ = !cursor.empty() && seek(cursor);
  if (!foundCursor_) seekEnd(cursor);
}

int Journal::check(int result, const char* function) const {
  if (result < 0) throw SystemError(-result, function, directory_);
  return result;
}

bool Journal::seek(const std::string& cursor) {
  if (library_.seekCursor(journal_.get(), cursor.c_str()) < 0) return false;
  for (int i = 0; i < kMaxSameTime && library_.next(journal_.get()) > 0; i++) {
    std::string here = cursorHere();
    if (same(here, cursor, kIdentity)) {
      cursor_ = here;
      return true;
    }
    if (!same(here, cursor, kTimes)) return false;
  }
  return false;
}

// What comes after an end that is earlier than `cursor` may be entries that journald is still about to move here: they are
// passed over up to there.
void Journal::seekEnd(const std::string& cursor) {
  check(library_.seekTail(journal_.get()), "sd_journal_seek_tail");
  bool hasEntries = check(library_.previous(journal_.get()), "sd_journal_previous") > 0;
  if (hasEntries) {
    cursor_ = cursorHere();
  } else {
    check(library_.seekHead(journal_.get()), "sd_journal_seek_head");
  }
  if (hasEntries ? !isUpTo(cursor_, cursor) : !isUpTo(cursor, cursor)) return;
  cursor_ = behind_ = cursor;
  foundCursor_ = true;
}

// Whether the entry of `here` is one of those up to the cursor.
bool Journal::isBehind(const std::string& here) {
  if (behind_.empty()) return false;
  if (same(here, behind_, kIdentity)) {
    behind_.clear();
    return true;
  }
  if (isUpTo(here, behind_)) return true;
  if (same(here, behind_, "b")) behind_.clear();
  return false;
}

// Empty where it cannot be told.
std::string Journal::cursorHere() const {
  char* text = nullptr;
  if (library_.getCursor(journal_.get(), &text) < 0) return "";
  std::string cursor = text;
  free(text);
  return cursor;
}

void Journal::update() { check(library_.process(journal_.get()), "sd_journal_process"); }

bool Journal::read(JournalBatch& batch) {
  // Ours when all is well: what was thrown away is read again.
  std::string cursor = cursor_;
  bool more = true;
  for (uint32_t i = 0; i < kBatchEntries && batch.records.size() + kLargestRecord <= kBatchBytes; i++) {
    int result = library_.next(journal_.get());
    // It will fail again when the others have been told.
    if (result < 0 && batch.read() > 0) break;
    more = check(result, "sd_journal_next") > 0;
    if (!more) break;
    std::string here = cursorHere();
    if (isBehind(here)) continue;
    uint32_t faults = MappedFaults::seen();
    bool isReadable = readFields();
    // What was made up of zeros is nothing that anybody wrote.
    if (MappedFaults::seen() != faults) isReadable = false;
    if (isReadable && !present_[kMessage]) {
      batch.withoutMessage++;
    } else if (!isReadable || !append(batch)) {
      batch.unreadable++;
    }
    if (!here.empty()) cursor = std::move(here);
  }
  cursor_ = batch.cursor = cursor;
  return more;
}

// False: the entry is damaged.
bool Journal::readFields() {
  present_ = {};
  const void* data;
  size_t length;
  int result = -ENOSYS;
  if (library_.enumerateAvailableData) {
    while ((result = library_.enumerateAvailableData(journal_.get(), &data, &length)) > 0) {
      std::string_view name(static_cast<const char*>(data), length);
      name = name.substr(0, name.find('='));
      size_t field = std::find(kNames, kNames + kFields, name) - kNames;
      if (field < kFields && !present_[field]) keep(field, data, length);
    }
  }
  // One after the other: slower, but what is damaged does not hide the others.
  for (size_t field = 0; result < 0 && field < kFields; field++) {
    if (present_[field]) continue;
    int found = library_.getData(journal_.get(), kNames[field].data(), &data, &length);
    if (found == 0) keep(field, data, length);
    if (found < 0 && found != -ENOENT && field == kMessage) return false;
  }
  return true;
}

// Copied at once: it is gone with the next field.
void Journal::keep(size_t field, const void* data, size_t length) {
  size_t name = std::min(kNames[field].size() + 1, length);
  size_t most = (field == kMessage ? kMessageBytes + 1 : kOtherBytes);
  values_[field].assign(static_cast<const char*>(data) + name, std::min(length - name, most));
  present_[field] = true;
}

bool Journal::append(JournalBatch& batch) {
  Header header = {};
  if (library_.getRealtimeUsec(journal_.get(), &header.realtimeUs) < 0) return false;
  header.isCut = values_[kMessage].size() > kMessageBytes;
  if (header.isCut) values_[kMessage].resize(kMessageBytes);
  header.priority = present_[kPriority] ? priorityOf(values_[kPriority]) : kNoPriority;
  size_t total = sizeof(header);
  for (size_t field = 0; field < kTexts; field++) {
    header.bytes[field] = present_[field] ? values_[field].size() : 0;
    total += header.bytes[field];
  }
  size_t at = batch.records.size();
  batch.records.resize(at + padded(total));
  uint8_t* to = &batch.records[at];
  memcpy(to, &header, sizeof(header));
  to += sizeof(header);
  for (size_t field = 0; field < kTexts; field++)
    to = std::copy_n(values_[field].data(), header.bytes[field], to);
  batch.entries++;
  batch.cut += header.isCut;
  return true;
}
