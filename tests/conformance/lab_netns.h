// Network namespaces of a laboratory, and commands inside them.
//
// Setting up a laboratory is start-up: what fails there throws, with the command and what it said.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dataplane/linux/netlink/netns.h"

namespace sextant::conformance {

/// The value, or an exception that says what failed.
template <typename T>
T must(Result<T> result);
void must(const Result<void>& result);

struct CommandOutput {
  int status = 0;    // as exit() gave it; 128 + signal where one ended it
  std::string text;  // stdout and stderr
  [[nodiscard]] bool ok() const { return status == 0; }
};

/// Runs a program inside a namespace, with `input` as its stdin, and waits for it.
[[nodiscard]] CommandOutput run_in(const netlink::Netns& netns,
                                   const std::vector<std::string>& command,
                                   std::string_view input = {});

/// A network namespace `sx-cf<pid>-<role>`; removed with this object.
class LabNetns {
 public:
  explicit LabNetns(const std::string& role);
  ~LabNetns();
  LabNetns(LabNetns&& other) noexcept;
  LabNetns& operator=(LabNetns&&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const netlink::Netns& netns() const { return netns_; }

  [[nodiscard]] CommandOutput run(const std::vector<std::string>& command,
                                  std::string_view input = {}) const {
    return run_in(netns_, command, input);
  }
  /// Lines of `ip -batch`. Throws where one fails.
  void ip(std::string_view lines) const;
  /// An nft script; throws where it is refused.
  void nft(std::string_view script) const;
  /// "net.ipv4.ip_forward=1"; throws where it cannot be set.
  void sysctl(const std::vector<std::string>& settings) const;

 private:
  std::string name_;
  netlink::Netns netns_;
};

/// Removes the namespaces that ended test programs left behind.
void remove_abandoned_namespaces();

namespace internal {
[[noreturn]] void throw_error(const Error& error);
}

template <typename T>
T must(Result<T> result) {
  if (!result) internal::throw_error(result.error());
  return std::move(*result);
}

}  // namespace sextant::conformance
