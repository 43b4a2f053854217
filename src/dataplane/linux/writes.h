// Netlink writes in batches, booked in an ApplyReport: how many, and which failed for which object.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "base/result.h"
#include "dataplane/dataplane.h"
#include "dataplane/linux/netlink/socket.h"

namespace sextant::dataplane {

class Writes {
 public:
  Writes(netlink::Socket& socket, ApplyReport& report) : socket_(socket), report_(report) {}

  /// Sent in order, some thousands at a time; what the kernel has no memory for just now goes again
  /// soon after. Errnos in `tolerated` are no problem: name at the call why.
  void add(const netlink::Message& message, std::initializer_list<int> tolerated = {});
  /// Sends what is left. A failure of the socket itself becomes a problem too.
  void flush();
  [[nodiscard]] ApplyReport& report() { return report_; }

 private:
  struct Pending {
    netlink::Message message;
    std::vector<int> tolerated;
  };
  /// A message of pending_, and why the kernel refused it.
  using Failures = std::vector<netlink::BatchFailure>;
  void drop_tolerated(Failures& failures) const;
  [[nodiscard]] Result<void> send_again(Failures& failures);
  netlink::Socket& socket_;
  ApplyReport& report_;
  netlink::Batch batch_;
  std::vector<Pending> pending_;
};

/// Books one write that is not a netlink message of a batch: its success as a write, its error as a
/// problem.
void book(ApplyReport& report, const std::string& object, const Result<bool>& wrote);
void book(ApplyReport& report, const std::string& object, const Result<void>& done);

}  // namespace sextant::dataplane
