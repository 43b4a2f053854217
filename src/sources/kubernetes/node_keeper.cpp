#include "sources/kubernetes/node_keeper.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/json.hpp>
#include <optional>
#include <utility>

#include "base/log.h"
#include "kube/informer.h"
#include "sources/kubernetes/repeated_work.h"
#include "sources/kubernetes/resources.h"

namespace sextant::kubernetes {

namespace json = boost::json;
using boost::asio::awaitable;

struct NodeKeeper::State : std::enable_shared_from_this<State> {
  State(kube::Client& api, std::string name, std::function<Progress()> asked,
        std::function<void()> told_node)
      : client(api),
        ref{kNodes, "", std::move(name)},
        progress(std::move(asked)),
        on_node(std::move(told_node)),
        bell(api.io()) {}

  awaitable<bool> work();
  awaitable<kube::Answer<void>> fulfil(ReadinessWish wish);
  static awaitable<kube::Answer<json::value>> untaint(std::shared_ptr<State> self);
  static awaitable<kube::Answer<json::value>> tell(std::shared_ptr<State> self,
                                                   std::optional<Condition> condition);
  static awaitable<kube::Answer<json::value>> tell_until_it_holds(
      std::shared_ptr<State> self, std::optional<Condition> condition);
  void heard();

  kube::Client& client;
  kube::ObjectRef ref;
  std::function<Progress()> progress;
  std::function<void()> on_node;
  Bell bell;
  std::unique_ptr<kube::Informer<NodeFacts>> informer;
  std::string uid;
  bool released = false;
  bool stopped = false;
};

void NodeKeeper::State::heard() {
  const auto facts = informer->find(ref.name);
  auto now_uid = facts == nullptr ? std::string() : facts->uid;
  const bool another = std::exchange(uid, std::move(now_uid)) != uid;
  bell.ring();
  if (another && on_node) on_node();
}

awaitable<bool> NodeKeeper::State::work() {
  const auto facts = informer->find(ref.name);
  if (facts == nullptr || released) co_return true;
  auto wish = wanted_readiness(progress(), *facts, now());
  if (wish.empty()) co_return true;
  const auto done = co_await fulfil(std::move(wish));
  if (!done) log::warn("Node {}: {}; to be tried again", ref.name, done.error().error.message());
  co_return done.has_value();
}

awaitable<kube::Answer<json::value>> NodeKeeper::State::untaint(std::shared_ptr<State> self) {
  auto node = co_await self->client.get(self->ref);
  if (!node) co_return node;
  auto patch = untaint_patch(*node);
  if (!patch) co_return node;  // it is gone already
  json::value body(std::move(*patch));
  co_return co_await self->client.patch(self->ref, std::move(body));
}

awaitable<kube::Answer<json::value>> NodeKeeper::State::tell(std::shared_ptr<State> self,
                                                             std::optional<Condition> condition) {
  auto node = co_await self->client.get(self->ref);
  if (!node) co_return node;
  if (condition && self->released) co_return node;  // given up since this was wished
  auto patch = readiness_patch(*node, condition, now());
  if (!patch) co_return node;  // it is so already
  json::value body(std::move(*patch));
  std::string subresource = "status";
  co_return co_await self->client.patch(self->ref, std::move(body), std::move(subresource));
}

/// kubelet writes the same status: a conflict is nothing special.
awaitable<kube::Answer<json::value>> NodeKeeper::State::tell_until_it_holds(
    std::shared_ptr<State> self, std::optional<Condition> condition) {
  std::function<kube::Task<kube::Answer<json::value>>()> attempt = [self, condition] {
    return tell(self, condition);
  };
  co_return co_await kube::retry_on_conflict(std::move(attempt));
}

awaitable<kube::Answer<void>> NodeKeeper::State::fulfil(ReadinessWish wish) {
  if (wish.condition) {
    const auto applied = co_await tell_until_it_holds(shared_from_this(), wish.condition);
    if (!applied) co_return tl::unexpected(applied.error());
    log::info("Node {}: NetworkUnavailable={}, reason {}", ref.name,
              to_string(wish.condition->status), wish.condition->reason);
  }
  if (wish.remove_taint) {
    std::function<kube::Task<kube::Answer<json::value>>()> attempt = [self = shared_from_this()] {
      return untaint(self);
    };
    const auto done = co_await kube::retry_on_conflict(std::move(attempt));
    if (!done) co_return tl::unexpected(done.error());
    log::info("Node {}: the taint {} is removed", ref.name, kNotReadyTaint);
  }
  co_return kube::Answer<void>();
}

NodeKeeper::NodeKeeper(kube::Client& client, std::string node, std::function<Progress()> progress,
                       std::function<void()> on_node)
    : state_(std::make_shared<State>(client, std::move(node), std::move(progress),
                                     std::move(on_node))) {}

NodeKeeper::~NodeKeeper() {
  state_->stopped = true;
  state_->informer.reset();
  state_->bell.ring();
}

void NodeKeeper::start() {
  auto& state = *state_;
  kube::InformerOptions only;
  only.selectors.field = "metadata.name=" + state.ref.name;
  state.informer = std::make_unique<kube::Informer<NodeFacts>>(
      state.client, kNodes, only,
      [](const json::object& node) { return read_node_facts(json::value(node)); },
      [self = state_.get()](std::span<const kube::Change<NodeFacts>>) { self->heard(); });
  state.informer->start();
  boost::asio::co_spawn(state.client.io(), work_when_rung(state_), rethrow);
}

void NodeKeeper::changed() { state_->bell.ring(); }

const std::string& NodeKeeper::uid() const { return state_->uid; }

void NodeKeeper::resume() {
  state_->released = false;
  state_->bell.ring();
}

kube::Task<void> NodeKeeper::release() {
  const auto self = state_;
  self->released = true;
  const auto applied = co_await State::tell_until_it_holds(self, std::nullopt);
  if (!applied)
    log::warn("Node {}: the condition NetworkUnavailable stays as it is: {}", self->ref.name,
              applied.error().error.message());
}

}  // namespace sextant::kubernetes
