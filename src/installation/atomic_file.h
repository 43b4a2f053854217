// Files that others read or run at any moment: they see the old one or the new one, whole.
//
// Written under a temporary name in the same folder, made durable, then renamed. containerd 1.6
// does not notice a file that is renamed in from another folder; and a running program can be
// replaced in this way only (writing to it fails with ETXTBSY).
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string_view>

#include "base/result.h"

namespace sextant::installation {

/// True where something was written, false where the file was like that already. A symbolic link of
/// that name is replaced, its target left alone.
[[nodiscard]] Result<bool> put_file(const std::filesystem::path& path, std::string_view contents,
                                    mode_t mode);

/// The same with a program's contents (mode 0755).
[[nodiscard]] Result<bool> put_program(const std::filesystem::path& from,
                                       const std::filesystem::path& to);

/// A symbolic link to `target`, which need not be there; a new one even where one leads there
/// already, so that whoever watches the folder looks again.
[[nodiscard]] Result<void> put_link(const std::filesystem::path& path,
                                    const std::filesystem::path& target);

/// "/opt/cni/bin/.sextant-cni.new": what a crash may leave behind. No runtime takes it for a plugin
/// or a configuration, and the next run overwrites it.
[[nodiscard]] std::filesystem::path temporary_name(const std::filesystem::path& path);

}  // namespace sextant::installation
