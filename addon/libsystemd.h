#pragma once

#include <cstddef>
#include <cstdint>

struct sd_journal;

// The functions of libsystemd that read journals, as in their man pages (section 3): negative results are errnos. A journal
// belongs to the thread that has opened it.
struct Libsystemd {
  int (*openDirectory)(sd_journal** journal, const char* path, int flags);
  void (*close)(sd_journal* journal);
  int (*getFd)(sd_journal* journal);
  int (*process)(sd_journal* journal);
  int (*next)(sd_journal* journal);
  int (*previous)(sd_journal* journal);
  int (*seekHead)(sd_journal* journal);
  int (*seekTail)(sd_journal* journal);
  int (*seekCursor)(sd_journal* journal, const char* cursor);
  int (*getCursor)(sd_journal* journal, char** cursor);
  int (*getRealtimeUsec)(sd_journal* journal, uint64_t* usec);
  int (*getData)(sd_journal* journal, const char* field, const void** data, size_t* length);
  int (*setDataThreshold)(sd_journal* journal, size_t bytes);
  // Since 246; null before. Passes over what cannot be decompressed.
  int (*enumerateAvailableData)(sd_journal* journal, const void** data, size_t* length);
};

// Loads the library when it is first asked for. Throws SystemError ELIBACC where it is missing or lacks a function; asked
// again, it tries again.
const Libsystemd& libsystemd();
