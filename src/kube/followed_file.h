// A file whose content is read again when it has changed: credentials that somebody else rotates.
//
// Changes are seen by device, inode, size and modification time, so also where kubelet swaps the
// symbolic link above the file.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>

#include "base/result.h"

namespace sextant::kube {

class FollowedFile {
 public:
  explicit FollowedFile(std::string path) : path_(std::move(path)) {}

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const std::string& text() const { return text_; }
  /// True where the content was read, false where the file is as it was. On errors the last content
  /// stays.
  [[nodiscard]] Result<bool> refresh();

 private:
  std::string path_;
  std::string text_;
  std::optional<struct stat> seen_;
};

}  // namespace sextant::kube
