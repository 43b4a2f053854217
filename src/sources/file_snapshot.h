// A file's content at a moment when nobody has it open for writing.
//
// An editor that writes in place truncates first: whoever reads then sees an empty file, and takes
// everything in it for deleted. The kernel knows: a read lease (fcntl F_SETLEASE) is granted only
// while nobody has the file open for writing, and holds back a writer's open() for the microseconds
// of our reading. File systems without leases are read plainly.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace sextant::sources {

struct FileSnapshot {
  enum class State : std::uint8_t {
    kRead,
    kMissing,       // no such file, or a dangling symbolic link
    kBeingWritten,  // wait for IN_CLOSE_WRITE
  };
  State state = State::kMissing;
  std::string text;  // where kRead
};

/// Errors: not a regular file, too large, no permission, ... A file whose writer's close cannot be
/// noticed in its directory (a symbolic link, or a file of several names) is read without regard to
/// writers.
[[nodiscard]] Result<FileSnapshot> read_snapshot(const std::string& path);

}  // namespace sextant::sources
