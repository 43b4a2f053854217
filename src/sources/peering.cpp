#include "sources/peering.h"

namespace sextant::sources {
namespace {

std::map<std::string, CalicoNode>& of(Peering& all, const CalicoNode&) { return all.nodes; }
std::map<std::string, BgpConfiguration>& of(Peering& all, const BgpConfiguration&) {
  return all.configurations;
}
std::map<std::string, BgpPeer>& of(Peering& all, const BgpPeer&) { return all.peers; }
std::map<std::string, BgpFilter>& of(Peering& all, const BgpFilter&) { return all.filters; }
std::map<std::string, BgpSecret>& of(Peering& all, const BgpSecret&) { return all.secrets; }

}  // namespace

std::set<std::string> Peering::wanted_secrets() const {
  std::set<std::string> names;
  for (const auto& [name, peer] : peers)
    if (peer.password) names.insert(peer.password->name);
  for (const auto& [name, configuration] : configurations)
    if (configuration.mesh_password) names.insert(configuration.mesh_password->name);
  return names;
}

void Peering::set(const std::string& name, const BgpPart& part) {
  std::visit([&](const auto& value) { of(*this, value).insert_or_assign(name, value); }, part);
}

void Peering::erase(const std::string& name, const BgpPart& part) {
  std::visit([&](const auto& value) { of(*this, value).erase(name); }, part);
}

}  // namespace sextant::sources
