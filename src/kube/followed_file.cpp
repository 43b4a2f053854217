#include "kube/followed_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/unique_fd.h"

namespace sextant::kube {
namespace {

constexpr off_t kLargest = 1 << 20;  // certificates and tokens are some kilobytes

bool is_same(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size &&
         a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

}  // namespace

Result<bool> FollowedFile::refresh() {
  const UniqueFd fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat now {};
  if (!fd || ::fstat(fd.get(), &now) != 0) return system_error("read", path_, errno);
  if (seen_ && is_same(*seen_, now)) return false;
  if (!S_ISREG(now.st_mode)) return failure("read", path_, "this is no file");
  if (now.st_size > kLargest) return failure("read", path_, "too large for a credential");

  std::string text(static_cast<std::size_t>(now.st_size), '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const auto count = ::read(fd.get(), text.data() + size, text.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error("read", path_, errno);
    if (count == 0) break;  // it was cut meanwhile: the next look sees another size
    size += static_cast<std::size_t>(count);
  }
  text.resize(size);
  text_ = std::move(text);
  seen_ = now;
  return true;
}

}  // namespace sextant::kube
