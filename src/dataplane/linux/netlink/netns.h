// Network namespaces: made and found as `ip netns` does (/run/netns), entered by helper threads or
// children only.
//
// The calling thread never changes its own namespace, so nothing has to be undone. A socket made
// inside keeps working outside:
//
//   auto pod = Netns::open("sx-pod-1");
//   auto socket = pod->run([] { return Socket::make(); });
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <type_traits>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace sextant::netlink {

namespace internal {
template <typename T>
struct AsResult {
  using Type = Result<T>;
};
template <typename T>
struct AsResult<Result<T>> {
  using Type = Result<T>;
};
}  // namespace internal

class Netns {
 public:
  /// The calling thread's own.
  [[nodiscard]] static Result<Netns> current();
  /// A new one, mounted as /run/netns/`name`; its `lo` is down. An Error with EEXIST where there is
  /// one.
  [[nodiscard]] static Result<Netns> create(const std::string& name);
  [[nodiscard]] static Result<Netns> open(const std::string& name);
  /// A path such as CNI_NETNS's; errno_value ENOENT where it is gone, EINVAL where it is not (or no
  /// longer) a namespace.
  [[nodiscard]] static Result<Netns> open_path(const std::string& path);
  [[nodiscard]] static Result<Netns> open_pid(pid_t pid);
  /// Removes the name; the namespace goes with its last process and descriptor. One that is not
  /// there is no error.
  [[nodiscard]] static Result<void> remove(const std::string& name);
  /// The names in /run/netns, sorted.
  [[nodiscard]] static Result<std::vector<std::string>> list();

  /// For IFLA_NET_NS_FD and setns().
  [[nodiscard]] int fd() const { return fd_.get(); }
  /// Two descriptors of the same namespace are equal by this number (nsfs inode).
  [[nodiscard]] Result<ino_t> id() const;

  /// Runs `function` on a helper thread inside and waits for it. Returns what it returns, as a
  /// Result. An exception of `function` arrives at the caller.
  template <typename Function>
  [[nodiscard]] auto run(Function&& function) const ->
      typename internal::AsResult<std::invoke_result_t<Function>>::Type {
    using Value = std::invoke_result_t<Function>;
    using Answer = typename internal::AsResult<Value>::Type;
    Answer answer = tl::unexpected(Error{});
    const Result<void> entered = run_on_thread([&] {
      if constexpr (std::is_void_v<Value>) {
        function();
        answer = Answer{};
      } else {
        answer = Answer(function());
      }
    });
    if (!entered) return tl::unexpected(entered.error());
    return answer;
  }

  /// Forks a child that runs `function` inside and exits with what it returns. The caller waits for
  /// it. For programs with one thread: the child has only the caller's.
  [[nodiscard]] Result<pid_t> fork_inside(const std::function<int()>& function) const;

  /// Moves the calling thread for good: for a thread or child of the caller's own.
  [[nodiscard]] Result<void> enter() const;

 private:
  Netns(UniqueFd fd, std::string label) : fd_(std::move(fd)), label_(std::move(label)) {}
  [[nodiscard]] Result<void> run_on_thread(const std::function<void()>& function) const;

  UniqueFd fd_;
  std::string label_;  // for errors
};

}  // namespace sextant::netlink
