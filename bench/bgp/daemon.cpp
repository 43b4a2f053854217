#include "bgp/daemon.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <vector>

#include "bgp/feed.h"

namespace sextant::bench {
namespace {

using Command = std::vector<std::string>;

bool is_client(std::size_t peer) { return peer >= kSources; }

void write_file(const std::filesystem::path& path, const std::string& text) {
  std::ofstream out(path);
  out << text;
  if (!out.flush()) throw std::runtime_error("cannot write " + path.string());
}

Command configure_bird(const std::filesystem::path& directory, std::size_t clients) {
  auto text = fmt::format(
      "router id 10.0.0.100;\n"
      "protocol device {{}}\n"
      "protocol direct {{ ipv6; }}\n"
      "template bgp peers {{\n"
      "  local {} as {};\n"
      "  passive yes;\n"
      "  ipv6 {{ import all; export where source = RTS_BGP; }};\n"
      "}}\n",
      kDaemonAddress.to_string(), kLocalAs);
  for (std::size_t i = 0; i < kSources + clients; ++i) {
    text += fmt::format("protocol bgp p{} from peers {{ neighbor {} as {};{} }}\n", i,
                        peer_address(i).to_string(), kLocalAs,
                        is_client(i) ? " rr client; rr cluster id 10.0.0.100;" : "");
  }
  write_file(directory / "bird.conf", text);
  return {"bird", "-f", "-c", directory / "bird.conf", "-s", directory / "bird.ctl"};
}

Command configure_frr(const std::filesystem::path& directory, std::size_t clients) {
  auto text = fmt::format(
      "router bgp {}\n bgp router-id 10.0.0.100\n bgp cluster-id 10.0.0.100\n"
      " no bgp default ipv4-unicast\n no bgp network import-check\n",
      kLocalAs);
  for (std::size_t i = 0; i < kSources + clients; ++i) {
    const auto address = peer_address(i).to_string();
    text += fmt::format(" neighbor {0} remote-as {1}\n neighbor {0} passive\n", address, kLocalAs);
  }
  text += " address-family ipv6 unicast\n";
  for (std::size_t i = 0; i < kSources + clients; ++i) {
    const auto address = peer_address(i).to_string();
    text += fmt::format("  neighbor {} activate\n", address);
    if (is_client(i)) text += fmt::format("  neighbor {} route-reflector-client\n", address);
  }
  text += " exit-address-family\n";
  write_file(directory / "bgpd.conf", text);
  // Without zebra: there is no kernel table to fill, as for the others.
  return {"/usr/lib/frr/bgpd",
          "-f",
          directory / "bgpd.conf",
          "-i",
          directory / "bgpd.pid",
          "--vty_socket",
          directory,
          "-Z",
          "-S",
          "--log",
          "file:" + (directory / "bgpd.log").string()};
}

Command configure_gobgp(const std::filesystem::path& directory, bgp::Family family,
                        std::size_t clients) {
  auto text = fmt::format("[global.config]\n  as = {}\n  router-id = \"10.0.0.100\"\n", kLocalAs);
  for (std::size_t i = 0; i < kSources + clients; ++i) {
    text += fmt::format(
        "[[neighbors]]\n"
        "  [neighbors.config]\n    neighbor-address = \"{0}\"\n    peer-as = {1}\n"
        "  [neighbors.transport.config]\n    passive-mode = true\n"
        "  [neighbors.route-reflector.config]\n    route-reflector-client = {3}\n"
        "    route-reflector-cluster-id = \"10.0.0.100\"\n"
        "  [[neighbors.afi-safis]]\n    [neighbors.afi-safis.config]\n"
        "      afi-safi-name = \"{2}\"\n",
        peer_address(i).to_string(), kLocalAs, to_string(family), is_client(i));
  }
  write_file(directory / "gobgpd.conf", text);
  return {"gobgpd", "-f",          directory / "gobgpd.conf", "-l",
          "error",  "--api-hosts", "127.0.0.1:50051"};
}

Command configure_sextant(bgp::Family family, std::size_t clients) {
  return {std::filesystem::read_symlink("/proc/self/exe"), "speaker", to_string(family),
          std::to_string(clients)};
}

Command configure(DaemonKind kind, const std::filesystem::path& directory, bgp::Family family,
                  std::size_t clients) {
  switch (kind) {
    case DaemonKind::kSextant:
      return configure_sextant(family, clients);
    case DaemonKind::kBird:
      return configure_bird(directory, clients);
    case DaemonKind::kFrr:
      return configure_frr(directory, clients);
    case DaemonKind::kGobgp:
      return configure_gobgp(directory, family, clients);
  }
  throw std::logic_error("no such daemon");
}

}  // namespace

std::string name_of(DaemonKind kind) {
  switch (kind) {
    case DaemonKind::kSextant:
      return "sextant";
    case DaemonKind::kBird:
      return "bird";
    case DaemonKind::kFrr:
      return "frr";
    case DaemonKind::kGobgp:
      return "gobgp";
  }
  return "unknown";
}

bool speaks(DaemonKind kind, bgp::Family family) {
  return family.safi != bgp::Safi::kSrPolicy || kind == DaemonKind::kSextant ||
         kind == DaemonKind::kGobgp;
}

Ipv6Address peer_address(std::size_t peer) {
  Ipv6Address::Bytes bytes{0xfd};
  bytes[13] = 1;
  bytes[15] = static_cast<std::uint8_t>(peer + 1);
  return Ipv6Address(bytes);
}

Daemon::Daemon(DaemonKind kind, bgp::Family family, std::size_t clients)
    : space_("bgp-" + name_of(kind)) {
  // A device that is up, so that next hops in its prefix can be reached.
  std::string lines = "link add ul type veth peer name far\n";
  lines += "address add " + kDaemonAddress.to_string() + "/64 dev ul nodad\n";
  for (std::size_t i = 0; i < kSources + clients; ++i) {
    lines += "address add " + peer_address(i).to_string() + "/64 dev ul nodad\n";
  }
  space_.ip(lines + "link set ul up\nlink set far up\n");
  child_.emplace(space_, configure(kind, directory_.path(), family, clients),
                 directory_.path() / "log");
}

std::uint64_t Daemon::processor_time() const {
  std::uint64_t all = 0;
  for (const auto& task :
       std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid()))) {
    std::uint64_t nanoseconds = 0;
    std::ifstream(task.path() / "schedstat") >> nanoseconds;
    all += nanoseconds;
  }
  return all;
}

}  // namespace sextant::bench
