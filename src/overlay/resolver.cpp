#include "overlay/resolver.h"

#include <utility>

#include "overlay/live_resolution.h"

namespace sextant::overlay {

struct Resolver::State {
  LiveResolution live;
};

Resolver::Resolver(Settings settings) : state_(new State{LiveResolution(std::move(settings))}) {}
Resolver::~Resolver() = default;
Resolver::Resolver(Resolver&&) noexcept = default;
Resolver& Resolver::operator=(Resolver&&) noexcept = default;

ForwardingDiff Resolver::apply(const IntentChange& change) { return state_->live.apply(change); }

const Intent& Resolver::intent() const { return state_->live.intent(); }
const Forwarding& Resolver::forwarding() const { return state_->live.forwarding(); }
const std::map<PathKey, PolicyStatus>& Resolver::policies() const {
  return state_->live.policies();
}
std::vector<Problem> Resolver::problems() const { return state_->live.problems(); }
Incumbents Resolver::incumbents() const { return state_->live.incumbents(); }

}  // namespace sextant::overlay
