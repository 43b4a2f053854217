#include "testbed/frr.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "testbed/files.h"
#include "testbed/process.h"

namespace sextant::testbed {
namespace {

/// Started in this order: the others are zebra's clients.
constexpr std::array<std::string_view, 3> kDaemons{"zebra", "staticd", "isisd"};
constexpr std::string_view kPrograms = "/usr/lib/frr";
constexpr std::string_view kUser = "frr";

std::filesystem::path pid_file(const Id& id, std::string_view router, std::string_view daemon) {
  return frr_directory(id, router) / fmt::format("{}.pid", daemon);
}

bool runs(const Id& id, const Router& router, std::string_view daemon) {
  return running_process(pid_file(id, router.name, daemon),
                         frr_directory(id, router.name).string()) != 0;
}

std::string label(std::string_view daemon, const Router& router) {
  return fmt::format("{} on {}", daemon, router.name);
}

/// One SRv6 locator route a node behind this router.
std::string static_routes(const Topology& lab, const Router& router) {
  std::string text;
  for (const ClusterNode& node : lab.nodes) {
    if (node.router != router.name) continue;
    text += fmt::format("ipv6 route {} {}\n", node.locator, node.addresses.front());
  }
  return text;
}

std::string isis(const Topology& lab, const Router& router) {
  // lsp-gen-interval has to stand before `net`: the first LSP is made there, and the next one,
  // which names the neighbors, waits for the interval of then (30 s by default).
  std::string text = fmt::format(
      R"(router isis CORE
 lsp-gen-interval 1
 spf-interval 1
 spf-delay-ietf init-delay 20 short-delay 100 long-delay 500 holddown 1000 time-to-learn 200
 is-type level-2-only
 metric-style wide
 log-adjacency-changes
 redistribute ipv4 connected level-2
 redistribute ipv6 connected level-2
 redistribute ipv6 static level-2
 net 47.0001.{0:04}.{0:04}.{0:04}.{0:04}.00
exit
interface lo
 ip router isis CORE
 ipv6 router isis CORE
 isis passive
exit
)",
      router.number);
  for (const Link& link : lab.links) {
    for (const auto& [self, peer] : {std::pair{&link.a, &link.b}, {&link.b, &link.a}}) {
      if (self->machine != router.name || lab.router(peer->machine) == nullptr) continue;
      text += fmt::format(
          R"(interface {}
 ip router isis CORE
 ipv6 router isis CORE
 isis circuit-type level-2-only
 isis network point-to-point
 isis hello-interval 1
 isis hello-multiplier 10
 no isis hello padding
 isis csnp-interval 1
 isis psnp-interval 1
exit
)",
          self->device);
    }
  }
  return text;
}

Result<void> prepare_directory(const std::filesystem::path& directory) {
  if (auto made = make_directory(directory); !made) return made;
  const passwd* user = ::getpwnam(std::string{kUser}.c_str());
  if (user == nullptr) {
    return failure("find user", std::string{kUser}, "there is no such user",
                   "install FRR: apt-get install frr");
  }
  // The daemons give up root before they make their sockets and logs here.
  if (::chown(directory.c_str(), user->pw_uid, user->pw_gid) != 0) {
    return system_error("hand to FRR", directory.string(), errno);
  }
  return {};
}

Result<void> start(const Id& id, const Topology& lab, const Router& router,
                   std::string_view daemon) {
  const std::filesystem::path directory = frr_directory(id, router.name);
  const std::filesystem::path file = directory / fmt::format("{}.conf", daemon);
  if (auto written = write_file(file, frr_configuration(lab, router, daemon)); !written) {
    return written;
  }
  const std::string program = fmt::format("{}/{}", kPrograms, daemon);
  if (::access(program.c_str(), X_OK) != 0) {
    Error error = system_error("start", program, errno).value();
    error.hint = "install FRR: apt-get install frr";
    return tl::unexpected(error);
  }
  // -d returns when the daemon has made its sockets: the next one finds them.
  const auto output = run(
      {.arguments = {program, "-d", "-f", file, "-i", pid_file(id, router.name, daemon), "-z",
                     directory / "zserv.api", "--vty_socket", directory, "-A", "127.0.0.1", "-P",
                     "0", "--log", fmt::format("file:{}/{}.log", directory.string(), daemon)},
       .netns = id.netns(router.name)},
      std::chrono::seconds{20});
  if (!output) return tl::unexpected(output.error());
  if (output->status != 0) {
    return failure("start", label(daemon, router), fmt::format("exit status {}", output->status),
                   output->err + output->out);
  }
  return {};
}

}  // namespace

std::filesystem::path frr_directory(const Id& id, std::string_view router) {
  return id.directory() / "frr" / router;
}

std::string frr_configuration(const Topology& lab, const Router& router, std::string_view daemon) {
  // Routes without nexthop objects: whoever reads them sees the devices at once.
  std::string text = fmt::format("hostname {}\n", router.name);
  if (daemon == "zebra") return text + "no zebra nexthop kernel enable\n";
  return text + (daemon == "staticd" ? static_routes(lab, router) : isis(lab, router));
}

Result<std::vector<std::string>> start_frr(const Id& id, const Topology& lab) {
  std::vector<std::string> started;
  for (const Router& router : lab.routers) {
    if (auto made = prepare_directory(frr_directory(id, router.name)); !made) {
      return tl::unexpected(made.error());
    }
    for (const std::string_view daemon : kDaemons) {
      if (runs(id, router, daemon)) continue;
      if (auto done = start(id, lab, router, daemon); !done) return tl::unexpected(done.error());
      started.push_back(label(daemon, router));
    }
  }
  return started;
}

std::vector<std::string> stopped_frr(const Id& id, const Topology& lab) {
  std::vector<std::string> stopped;
  for (const Router& router : lab.routers) {
    for (const std::string_view daemon : kDaemons) {
      if (!runs(id, router, daemon)) stopped.push_back(label(daemon, router));
    }
  }
  return stopped;
}

}  // namespace sextant::testbed
