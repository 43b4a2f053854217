#include "footprint/uninstall.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <optional>
#include <utility>

#include "agent/lock.h"
#include "base/unique_fd.h"
#include "dataplane/linux/gateway.h"
#include "dataplane/linux/linux_dataplane.h"
#include "dataplane/linux/netlink/link.h"
#include "dataplane/linux/netlink/route.h"
#include "dataplane/linux/netlink/rule.h"
#include "footprint/nft_tables.h"

namespace sextant::footprint {
namespace {

namespace fs = std::filesystem;
using netlink::RouteProtocol;

constexpr std::chrono::seconds kAgentEnds{10};

/// A data plane at work holds the agent's only thread, so it may take its time. Forwarding stays.
Result<void> end_agent(pid_t pid) {
  const auto object = "sextantd, process " + std::to_string(pid);
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process) {
    if (errno == ESRCH) return {};  // it has just ended by itself
    return system_error("end", object, errno);
  }
  if (::syscall(SYS_pidfd_send_signal, process.get(), SIGTERM, nullptr, 0) != 0 && errno != ESRCH)
    return system_error("end", object, errno);
  pollfd entry{.fd = process.get(), .events = POLLIN, .revents = 0};
  const auto limit = std::chrono::milliseconds(kAgentEnds).count();
  if (::poll(&entry, 1, static_cast<int>(limit)) == 1) return {};
  return failure("end", object, "it still runs 10 s after SIGTERM",
                 "kill -9 " + std::to_string(pid) + ", then try again");
}

class Removal {
 public:
  explicit Removal(netlink::Socket& socket) : socket_(socket) {}
  std::vector<Error> errors;

  void devices(const std::vector<std::string>& names) {
    for (const auto& name : names) {
      auto done = netlink::delete_link(socket_, name);
      // ENODEV: gone with its pod, or with its peer
      if (!done && done.error().errno_value != ENODEV) errors.push_back(done.error());
    }
  }

  void dataplane() {
    auto made = dataplane::make_linux_dataplane({});
    if (!made) {  // a kernel without SRv6 still may have leftovers of another one
      note(made.error());
      return;
    }
    check((*made)->remove_all());
  }

  // What the data plane's removal does not look for: other tables, the plugin's routes.
  void routes() {
    for (const auto protocol : {RouteProtocol::kSextant, RouteProtocol::kSextantCni}) {
      for (const auto family : {Family::kIpv4, Family::kIpv6}) {
        const auto found = netlink::list_routes(socket_, {.family = family, .protocol = protocol});
        if (!found) {
          note(found.error());
          continue;
        }
        for (const auto& route : *found) {
          auto done = netlink::delete_route(socket_, route);
          if (!done && done.error().errno_value != ESRCH) note(done.error());
        }
      }
    }
  }

  void rules() {
    const auto found = netlink::list_rules(socket_);
    if (!found) return note(found.error());
    for (const auto& rule : *found)
      if (rule.protocol == RouteProtocol::kSextant) check(netlink::delete_rule(socket_, rule));
  }

  void nft_tables() {
    const auto found = own_nft_tables();
    if (!found) return note(found.error());
    for (const auto& table : *found) check(delete_nft_table(table));
  }

  void gateway() { check(dataplane::Gateway::remove(socket_)); }

  void files(const Inventory& found, std::initializer_list<Kind> kinds) {
    for (const auto& item : found.items) {
      if (std::find(kinds.begin(), kinds.end(), item.kind) == kinds.end()) continue;
      std::error_code error;
      fs::remove_all(item.name, error);  // a folder is Sextant's whole; a link goes, not its target
      if (error) note(system_error("remove", item.name, error.value()).value());
    }
  }

 private:
  void note(const Error& error) { errors.push_back(error); }
  void check(const Result<void>& done) {
    if (!done) note(done.error());
  }
  netlink::Socket& socket_;
};

}  // namespace

std::vector<Error> objections(const Inventory& found) {
  std::vector<Error> against;
  if (found.agent) {
    const auto process = *found.agent == 0 ? std::string("in another pid namespace")
                                           : "process " + std::to_string(*found.agent);
    against.push_back({.operation = "uninstall",
                       .object = "sextantd",
                       .cause = "it is running, " + process,
                       .hint =
                           "end it first (systemctl disable --now sextantd; in a cluster kubectl "
                           "delete its DaemonSet), or let --force end it"});
  }
  const auto pods = found.names(Kind::kPodDevice);
  if (!pods.empty()) {
    std::string names;
    for (std::size_t i = 0; i < pods.size() && i < 5; ++i) names += (i > 0 ? ", " : "") + pods[i];
    if (pods.size() > 5) names += ", ...";
    against.push_back({.operation = "uninstall",
                       .object = std::to_string(pods.size()) + " pods' devices (" + names + ")",
                       .cause = "pods are attached, and would lose their network",
                       .hint = "drain the node first, or take it from them with --force"});
  }
  return against;
}

std::vector<Item> removable(const Inventory& found, bool purge) {
  auto items = found.items;
  if (!purge) std::erase_if(items, [](const Item& item) { return item.kind == Kind::kManifests; });
  return items;
}

Result<UninstallReport> uninstall(const UninstallOptions& options) {
  const auto found = take_inventory(options.places);
  if (!found) return tl::unexpected(found.error());
  if (const auto against = objections(*found); !against.empty() && !options.force)
    return tl::unexpected(against.front());
  if (found->agent) {
    if (*found->agent == 0)
      return failure("end", "sextantd", "it runs in another pid namespace, in a container perhaps",
                     "end it there first (kubectl delete its DaemonSet)");
    if (auto ended = end_agent(*found->agent); !ended) return tl::unexpected(ended.error());
  }
  auto socket = netlink::Socket::make();
  if (!socket) return tl::unexpected(socket.error());
  // Held meanwhile: an agent that its service manager starts again would undo the work.
  auto lock = agent::AgentLock::take(options.places.socket.string());
  if (!lock) {
    lock.error().operation = "keep the agent from starting, with";
    lock.error().hint =
        "does a service manager start it again? systemctl disable --now sextantd, and try again";
    return tl::unexpected(lock.error());
  }

  Removal removal(*socket);
  removal.files(*found, {Kind::kCniConfig, Kind::kCniProgram});
  removal.devices(found->names(Kind::kPodDevice));
  removal.dataplane();
  removal.devices(found->names(Kind::kDevice));
  removal.rules();
  removal.routes();
  removal.nft_tables();
  removal.gateway();
  removal.files(*found, {Kind::kLeases});
  if (options.purge) removal.files(*found, {Kind::kManifests});
  {
    const auto released = std::move(*lock);  // its file goes with it, before the folder
  }
  if (const auto rest = take_inventory(options.places)) removal.files(*rest, {Kind::kRuntime});

  const auto left = take_inventory(options.places);
  if (!left) return tl::unexpected(left.error());
  UninstallReport report{.removed = {},
                         .remaining = removable(*left, options.purge),
                         .errors = std::move(removal.errors)};
  for (const auto& item : removable(*found, options.purge)) {
    const bool remains = std::any_of(
        report.remaining.begin(), report.remaining.end(),
        [&item](const Item& other) { return other.kind == item.kind && other.name == item.name; });
    if (!remains) report.removed.push_back(item);
  }
  return report;
}

}  // namespace sextant::footprint
