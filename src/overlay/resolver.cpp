#include "overlay/resolver.h"

#include <utility>

namespace sextant::overlay {

struct Resolver::State {
  Settings settings;
  Intent intent;
  Resolution resolution;
};

Resolver::Resolver(Settings settings) : state_(std::make_unique<State>()) {
  state_->settings = std::move(settings);
  state_->resolution = resolve(state_->intent, state_->settings);
}
Resolver::~Resolver() = default;
Resolver::Resolver(Resolver&&) noexcept = default;
Resolver& Resolver::operator=(Resolver&&) noexcept = default;

ForwardingDiff Resolver::apply(const IntentChange& change) {
  for (const auto& [name, node] : change.nodes) {
    if (node) {
      state_->intent.nodes.insert_or_assign(name, *node);
    } else {
      state_->intent.nodes.erase(name);
    }
  }
  for (const auto& [key, policy] : change.policies) {
    if (policy) {
      state_->intent.policies.insert_or_assign(key, *policy);
    } else {
      state_->intent.policies.erase(key);
    }
  }
  auto resolution = resolve(state_->intent, state_->settings, &state_->resolution);
  auto result = diff(state_->resolution.forwarding, resolution.forwarding);
  state_->resolution = std::move(resolution);
  return result;
}

const Intent& Resolver::intent() const { return state_->intent; }
const Forwarding& Resolver::forwarding() const { return state_->resolution.forwarding; }
const std::map<PathKey, PolicyStatus>& Resolver::policies() const {
  return state_->resolution.policies;
}
std::vector<Problem> Resolver::problems() const { return state_->resolution.problems; }

}  // namespace sextant::overlay
