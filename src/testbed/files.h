// Small files of the state directory: each is there whole or not at all.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sextant::testbed {

/// Replaces the file by rename, so that no reader and no crash ever sees half of it.
[[nodiscard]] Result<void> write_file(const std::filesystem::path& path, std::string_view content);
[[nodiscard]] Result<std::string> read_file(const std::filesystem::path& path);
[[nodiscard]] Result<void> make_directory(const std::filesystem::path& path);

}  // namespace sextant::testbed
