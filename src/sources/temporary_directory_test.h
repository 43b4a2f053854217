// A real directory for a test, and ways to change it as editors and kubelets do.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "base/unique_fd.h"

namespace sextant::sources {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    char path[] = "/tmp/sextant-sources-XXXXXX";
    EXPECT_NE(::mkdtemp(path), nullptr);
    // In a parent of its own: a watcher of the directory hears of its neighbours too.
    path_ = std::string(path) + "/manifests";
    std::filesystem::create_directory(path_);
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(std::filesystem::path(path_).parent_path(), ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  [[nodiscard]] std::string path(std::string_view name = {}) const {
    return name.empty() ? path_ : path_ + "/" + std::string(name);
  }
  /// Truncates and writes, like an editor that edits in place or a shell's `>`; the file stays
  /// open.
  [[nodiscard]] UniqueFd begin(std::string_view name, std::string_view text) const {
    UniqueFd fd(::open(path(name).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    EXPECT_TRUE(fd) << path(name);
    append(fd, text);
    return fd;
  }
  static void append(const UniqueFd& fd, std::string_view text) {
    EXPECT_EQ(::write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void write(std::string_view name, std::string_view text) const { begin(name, text).reset(); }
  void rename(std::string_view from, std::string_view to) const {
    std::filesystem::rename(path(from), path(to));
  }
  void remove(std::string_view name) const { std::filesystem::remove_all(path(name)); }
  void make(std::string_view name) const { std::filesystem::create_directories(path(name)); }
  void link(std::string_view target, std::string_view name) const {
    std::filesystem::create_symlink(std::string(target), path(name));
  }

 private:
  std::string path_;
};

}  // namespace sextant::sources
