#include "sources/kubernetes/locator_claimer.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/json.hpp>
#include <utility>

#include "base/log.h"
#include "sources/kubernetes/json_text.h"
#include "sources/kubernetes/owner_reference.h"
#include "sources/kubernetes/repeated_work.h"
#include "sources/kubernetes/resources.h"

namespace sextant::kubernetes {

namespace json = boost::json;
using boost::asio::awaitable;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kSourceHears{300};
constexpr int kMostTries = 1000;  // blocks lost to others in one go
constexpr auto kNodeLabel = "sextant.dev/node";
constexpr std::size_t kLongestLabel = 63;

struct Claim {
  std::string name;
  std::string uid;
  std::string node;
  std::string owner_uid;
  std::optional<IpPrefix> prefix;
};

Claim read_claim(const json::value& object) {
  Claim claim{.name = text_at(object, "metadata", "name"),
              .uid = text_at(object, "metadata", "uid"),
              .node = text_at(object, "spec", "nodeName")};
  if (const auto prefix = IpPrefix::parse(text_at(object, "spec", "prefix")))
    claim.prefix = *prefix;
  const auto* owners = find(object, "metadata", "ownerReferences");
  if (owners != nullptr && owners->is_array() && !owners->get_array().empty())
    claim.owner_uid = text_at(owners->get_array().front(), "uid");
  return claim;
}

/// A label's value; a name that is too long for one is cut.
std::string label_of(const std::string& node) {
  auto label = node.substr(0, kLongestLabel);
  while (!label.empty() && (label.back() == '-' || label.back() == '.')) label.pop_back();
  return label;
}

}  // namespace

struct LocatorClaimer::State : std::enable_shared_from_this<State> {
  using Done = kube::Answer<Status>;

  State(kube::Client& api, LocatorClaimerOptions from)
      : client(api), options(std::move(from)), bell(api.io()) {}

  awaitable<bool> work();
  awaitable<Done> settle(LocatorView view);
  awaitable<Done> claim(LocatorView view);
  awaitable<Done> keep(Claim found, std::string node_uid);
  awaitable<Done> release();
  awaitable<kube::Answer<std::optional<Claim>>> find_claim(IpPrefix block);
  void set(Status now);

  kube::Client& client;
  LocatorClaimerOptions options;
  Bell bell;
  Status status{.message = "waiting for the API server"};
  std::string owner_uid;          // of the claim
  std::optional<IpPrefix> given;  // by others, for which there is no claim of ours any more
  bool stopped = false;
};

void LocatorClaimer::State::set(Status now) {
  if (now == status) return;
  status = std::move(now);
  if (status.phase == Phase::kExhausted || status.phase == Phase::kFailed)
    log::warn("locator: {}", status.message);
  else
    log::info("locator: {}", status.message);
  if (options.on_change) options.on_change();
}

awaitable<bool> LocatorClaimer::State::work() {
  auto view = options.view();
  if (!view.known) co_return true;
  const bool same_claim = status.phase == Phase::kClaimed && view.current &&
                          view.current->to_string() == status.block && view.node_uid == owner_uid;
  const bool still_given =
      status.phase == Phase::kNotNeeded && view.current && view.current == given;
  if (same_claim || still_given) co_return true;
  const auto current = view.current;
  auto done = co_await settle(std::move(view));
  if (stopped) co_return true;
  if (done) {
    given = current;
    set(std::move(*done));
    co_return true;
  }
  set({.phase = Phase::kFailed,
       .message = fmt::format("no claim, tried again: {}", done.error().error.message())});
  co_return false;
}

awaitable<LocatorClaimer::State::Done> LocatorClaimer::State::settle(LocatorView view) {
  if (!view.current && status.phase == Phase::kClaimed) {
    // Deleted, or the source has not heard of it yet: asked after a while, not at every event.
    co_await pause_for(client.io(), kSourceHears);
    auto found = co_await find_claim(*IpPrefix::parse(status.block));
    if (!found) co_return tl::unexpected(found.error());
    if (*found && (*found)->node == options.node)
      co_return co_await keep(std::move(**found), view.node_uid);
  }
  if (!view.current) co_return co_await claim(std::move(view));
  // The claim of a block is found by its name, unless a user made it: then it is not ours.
  auto found = co_await find_claim(*view.current);
  if (!found) co_return tl::unexpected(found.error());
  if (*found && (*found)->node == options.node && (*found)->prefix == view.current)
    co_return co_await keep(std::move(**found), view.node_uid);
  if (status.phase == Phase::kNotNeeded) co_return status;
  co_return co_await release();
}

awaitable<kube::Answer<std::optional<Claim>>> LocatorClaimer::State::find_claim(IpPrefix block) {
  const kube::ObjectRef ref{kSrv6Locators, "", block_name(block)};
  const auto object = co_await client.get(ref);
  if (object) co_return read_claim(*object);
  if (object.error().not_found()) co_return std::nullopt;
  co_return tl::unexpected(object.error());
}

awaitable<LocatorClaimer::State::Done> LocatorClaimer::State::keep(Claim found,
                                                                   std::string node_uid) {
  if (found.owner_uid != node_uid) {
    json::value patch{
        {"metadata",
         {{"uid", found.uid}, {"ownerReferences", owned_by_node(options.node, node_uid)}}}};
    const kube::ObjectRef ref{kSrv6Locators, "", found.name};
    const auto adopted = co_await client.patch(ref, std::move(patch));
    if (!adopted) co_return tl::unexpected(adopted.error());
    log::info("locator: SRv6Locator {} of an earlier Node {} is adopted", found.name, options.node);
  }
  owner_uid = node_uid;
  const auto block = found.prefix->to_string();
  co_return Status{
      .phase = Phase::kClaimed,
      .block = block,
      .message = fmt::format("{} is this node's, by SRv6Locator {}", block, found.name)};
}

awaitable<LocatorClaimer::State::Done> LocatorClaimer::State::claim(LocatorView view) {
  const std::string cluster_scoped;
  auto& taken = view.taken;
  for (int i = 0; i < kMostTries; ++i) {
    const auto block = choose_block(options.pool, options.node, taken);
    if (!block)
      co_return Status{
          .phase = Phase::kExhausted,
          .message = fmt::format("pool {} has no free block of /{}: give a larger "
                                 "--locator-pool, or the Node an annotation "
                                 "sextant.dev/locator",
                                 options.pool.prefix.to_string(), options.pool.length)};
    const auto name = block_name(*block);
    const auto* reach = options.pool.reach == overlay::LocatorReach::kOnLink ? "OnLink" : "Fabric";
    json::value object{
        {"apiVersion", kube::api_version(kSrv6Locators)},
        {"kind", "SRv6Locator"},
        {"metadata",
         {{"name", name},
          {"labels", {{kManagedByLabel, kManagedBy}, {kNodeLabel, label_of(options.node)}}},
          {"ownerReferences", owned_by_node(options.node, view.node_uid)}}},
        {"spec", {{"prefix", block->to_string()}, {"nodeName", options.node}, {"reach", reach}}}};
    const auto created = co_await client.create(kSrv6Locators, cluster_scoped, std::move(object));
    if (created) co_return co_await keep(read_claim(*created), view.node_uid);
    if (!created.error().already_exists()) co_return tl::unexpected(created.error());
    auto holder = co_await find_claim(*block);
    if (!holder) co_return tl::unexpected(holder.error());
    if (!*holder) continue;  // just released: ask again
    if ((*holder)->node == options.node && (*holder)->prefix == block)
      co_return co_await keep(std::move(**holder), view.node_uid);
    taken.push_back(*block);
  }
  co_return tl::unexpected(kube::ApiError{
      .status = 409,
      .reason = "AlreadyExists",
      .error = {.operation = "claim a locator",
                .object = options.pool.prefix.to_string(),
                .cause = fmt::format("{} blocks were taken by others meanwhile", kMostTries)}});
}

awaitable<LocatorClaimer::State::Done> LocatorClaimer::State::release() {
  const std::string cluster_scoped;
  kube::Selectors ours;
  ours.label = fmt::format("{}={}", kNodeLabel, label_of(options.node));
  const auto claims = co_await client.list(kSrv6Locators, cluster_scoped, ours);
  if (!claims) co_return tl::unexpected(claims.error());
  for (const auto& object : *claims) {
    const auto claim = read_claim(object);
    if (claim.node != options.node) continue;
    const kube::ObjectRef ref{kSrv6Locators, "", claim.name};
    const kube::Preconditions same{.uid = claim.uid};
    const auto removed = co_await client.remove(ref, same);
    if (!removed && !removed.error().not_found()) co_return tl::unexpected(removed.error());
    log::info("locator: SRv6Locator {} is released, since node {} has another locator now",
              claim.name, options.node);
  }
  co_return Status{.phase = Phase::kNotNeeded,
                   .message = "the node's locator is given: none is claimed"};
}

LocatorClaimer::LocatorClaimer(kube::Client& client, LocatorClaimerOptions options)
    : state_(std::make_shared<State>(client, std::move(options))) {}

LocatorClaimer::~LocatorClaimer() {
  state_->stopped = true;
  state_->bell.ring();
}

void LocatorClaimer::start() {
  boost::asio::co_spawn(state_->client.io(), work_when_rung(state_), rethrow);
  state_->bell.ring();
}

void LocatorClaimer::changed() { state_->bell.ring(); }

const LocatorClaimer::Status& LocatorClaimer::status() const { return state_->status; }

}  // namespace sextant::kubernetes
