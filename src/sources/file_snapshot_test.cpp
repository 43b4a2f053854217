#include "sources/file_snapshot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <thread>

#include "sources/temporary_directory_test.h"

namespace sextant::sources {
namespace {

using State = FileSnapshot::State;
using testing::HasSubstr;

TEST(FileSnapshot, reads_a_finished_file_whole) {
  const TemporaryDirectory dir;
  for (const std::size_t size : {0U, 1U, 4096U, 3000000U}) {
    const std::string text(size, 'x');
    dir.write("a", text);
    const auto snapshot = read_snapshot(dir.path("a"));
    ASSERT_TRUE(snapshot);
    EXPECT_EQ(snapshot->state, State::kRead);
    EXPECT_EQ(snapshot->text, text);
  }
}

TEST(FileSnapshot, tells_a_file_that_is_being_written) {
  const TemporaryDirectory dir;
  dir.write("a", "whole");
  auto writer = dir.begin("a", "ha");
  EXPECT_EQ(read_snapshot(dir.path("a"))->state, State::kBeingWritten);
  writer.reset();
  EXPECT_EQ(read_snapshot(dir.path("a"))->text, "ha");
}

TEST(FileSnapshot, tells_what_is_missing_or_cannot_be_read) {
  const TemporaryDirectory dir;
  EXPECT_EQ(read_snapshot(dir.path("none"))->state, State::kMissing);
  dir.link("nowhere", "dangling");
  EXPECT_EQ(read_snapshot(dir.path("dangling"))->state, State::kMissing);
  dir.make("directory");
  EXPECT_EQ(read_snapshot(dir.path("directory")).error().cause, "not a regular file");
  ASSERT_EQ(::mkfifo(dir.path("fifo").c_str(), 0600), 0);
  EXPECT_EQ(read_snapshot(dir.path("fifo")).error().cause, "not a regular file");
  dir.link("loop", "loop");
  EXPECT_THAT(read_snapshot(dir.path("loop")).error().cause, HasSubstr("ELOOP"));
}

TEST(FileSnapshot, reads_a_symbolic_links_target_though_its_writer_would_not_be_noticed) {
  const TemporaryDirectory dir;
  const auto writer = dir.begin("target", "text");
  dir.link("target", "link");
  EXPECT_EQ(read_snapshot(dir.path("link"))->text, "text");
}

/// The writer truncates and writes in pieces, as fast as it can; whatever is read must be one of
/// its whole texts.
TEST(FileSnapshot, never_gives_half_of_an_edit) {
  const TemporaryDirectory dir;
  const std::string one(20000, '1');
  const std::string two(20000, '2');
  dir.write("a", one);
  std::atomic<bool> done = false;
  std::thread writer([&] {
    for (int i = 0; i < 500; ++i) {
      const auto& text = i % 2 == 0 ? two : one;
      const auto fd = dir.begin("a", text.substr(0, 100));
      TemporaryDirectory::append(fd, text.substr(100));
    }
    done = true;
  });
  int whole = 0;
  while (!done) {
    const auto snapshot = read_snapshot(dir.path("a"));
    if (!snapshot || snapshot->state == State::kMissing) {
      ADD_FAILURE() << "cannot be read";
      break;
    }
    if (snapshot->state != State::kRead) continue;
    ++whole;
    if (snapshot->text != one && snapshot->text != two) {
      ADD_FAILURE() << "torn: " << snapshot->text.size() << " bytes";
      break;
    }
  }
  writer.join();
  EXPECT_EQ(read_snapshot(dir.path("a"))->text, one);
  RecordProperty("whole_snapshots", whole);
}

}  // namespace
}  // namespace sextant::sources
