#include "testbed/cluster/places.h"

#include <fmt/format.h>

namespace sextant::cluster {

std::filesystem::path Places::pki(std::string_view file) const { return state() / "pki" / file; }

std::filesystem::path Places::kubeconfig(std::string_view user) const {
  return state() / "kubeconfigs" / fmt::format("{}.yaml", user);
}

std::filesystem::path Places::pid(std::string_view node, std::string_view daemon) const {
  return state() / "daemons" / fmt::format("{}-{}.pid", node, daemon);
}

std::filesystem::path Places::logs(std::string_view node) const { return state() / "logs" / node; }

std::filesystem::path Places::log(std::string_view node, std::string_view daemon) const {
  return logs(node) / fmt::format("{}.log", daemon);
}

std::filesystem::path Places::mark(std::string_view node) const { return state() / node; }

std::filesystem::path Places::images() const { return state() / "images"; }

std::filesystem::path Places::disks() const {
  return std::filesystem::path{"/var/lib/sextant-testbed"} / state().filename();
}

std::filesystem::path Places::disk(std::string_view node) const { return disks() / node; }

}  // namespace sextant::cluster
