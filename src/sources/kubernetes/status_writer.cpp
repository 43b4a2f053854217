#include "sources/kubernetes/status_writer.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/json.hpp>
#include <map>
#include <optional>
#include <utility>

#include "base/log.h"
#include "kube/informer.h"
#include "sources/kubernetes/bell.h"
#include "sources/kubernetes/json_text.h"
#include "sources/kubernetes/owner_reference.h"
#include "sources/kubernetes/resources.h"
#include "sources/kubernetes/write_pace.h"

namespace sextant::kubernetes {

namespace json = boost::json;
using boost::asio::awaitable;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kSettles{50};  // what one change brings, comes together
constexpr milliseconds kFirstRetry{1000};
constexpr milliseconds kLongestRetry{60'000};

/// Our SRv6Node as the API server has it.
struct Own {
  std::string uid;
  std::string owner_uid;  // of the Node that it belongs to
  bool made_by_sextant = false;
  bool status_only = false;     // by its label
  bool says_something = false;  // to other nodes: a spec, or labels that a user gave it
  json::value status;
};

Own read_own(const json::object& from) {
  const json::value object(from);
  Own own{.uid = text_at(object, "metadata", "uid"),
          .made_by_sextant = text_at(object, "metadata", "labels", kManagedByLabel) == kManagedBy,
          .status_only = find(object, "metadata", "labels", kStatusOnlyLabel) != nullptr};
  const auto* owners = find(object, "metadata", "ownerReferences");
  if (owners != nullptr && owners->is_array())
    for (const auto& owner : owners->get_array())
      if (text_at(owner, "kind") == "Node") own.owner_uid = text_at(owner, "uid");
  const auto* spec = find(object, "spec");
  own.says_something = spec != nullptr && spec->is_object() && !spec->get_object().empty();
  const auto* labels = find(object, "metadata", "labels");
  if (labels != nullptr && labels->is_object())
    for (const auto& [key, value] : labels->get_object())
      own.says_something |= key != kManagedByLabel && key != kStatusOnlyLabel;
  if (const auto* status = find(object, "status")) own.status = *status;
  return own;
}

}  // namespace

struct StatusWriter::State : std::enable_shared_from_this<State> {
  State(kube::Client& api, StatusWriterOptions from)
      : client(api), options(std::move(from)), bell(api.io()), random(options.seed) {}

  static awaitable<void> run(std::shared_ptr<State> self);
  awaitable<kube::Answer<void>> write();
  awaitable<kube::Answer<void>> make();
  awaitable<kube::Answer<void>> mend_metadata();
  void heard();
  [[nodiscard]] std::optional<json::object> metadata_to_mend() const;
  [[nodiscard]] NodeStatus current_report() const;
  [[nodiscard]] bool differs(const NodeStatus& report) const;
  [[nodiscard]] WritePace pace_of(const NodeStatus& report) const;

  kube::Client& client;
  StatusWriterOptions options;
  Bell bell;
  std::minstd_rand random;
  std::unique_ptr<kube::Informer<Own>> informer;
  std::shared_ptr<const Own> own;   // null: there is none
  std::optional<NodeStatus> known;  // its times: as last written, or as an earlier agent wrote
  json::value written;              // as the server answered to the last write
  std::optional<Clock::time_point> last_write;
  std::string told;  // the failure that the log has
  std::uint64_t writes = 0;
  bool stopped = false;
};

void StatusWriter::State::heard() {
  own = informer->find(options.node);
  if (!known && own != nullptr) known = read_node_status(own->status);
  bell.ring();
}

NodeStatus StatusWriter::State::current_report() const {
  auto report = options.report();
  keep_times(report, known.value_or(NodeStatus()), now());
  return report;
}

/// Where policies are all that is new, their headends are the ones that write; else it may be
/// everybody.
WritePace StatusWriter::State::pace_of(const NodeStatus& report) const {
  WritePace pace{.nodes = options.nodes(),
                 .policies = report.policies.size(),
                 .writers = options.nodes(),
                 .watched_by_all = own != nullptr && !own->status_only};
  if (!known || written.is_null() || own == nullptr || own->status != written) return pace;
  auto same = report;
  same.policies = known->policies;
  if (same != *known) return pace;
  std::map<overlay::ObjectKey, const PolicyReport*> before;
  for (const auto& policy : known->policies) before.emplace(policy.object, &policy);
  std::size_t writers = 0;
  for (const auto& policy : report.policies) {
    const auto found = before.find(policy.object);
    if (found == before.end() || *found->second != policy)
      writers += options.headends(policy.object);
    if (found != before.end()) before.erase(found);
  }
  // What is left was deleted: nobody waits for that, nor knows whose it was.
  if (before.empty()) pace.writers = std::clamp<std::size_t>(writers, 1, pace.writers);
  return pace;
}

bool StatusWriter::State::differs(const NodeStatus& report) const {
  if (own == nullptr || written.is_null() || own->status != written) return true;
  return !known || report != *known;
}

awaitable<void> StatusWriter::State::run(std::shared_ptr<State> self) {
  auto retry = kFirstRetry;
  while (!self->stopped) {
    co_await self->bell.wait();
    if (self->stopped) co_return;
    if (!self->informer->synced() || self->informer->health().missing) continue;
    co_await pause_for(self->client.io(), kSettles);
    if (self->stopped) co_return;
    // At once: the object is small, and an agent that follows soon wants it (see
    // KubernetesSource::forwarding_stands()). What could not be made, write() makes.
    if (self->own == nullptr && !self->options.node_uid().empty()) (void)co_await self->make();
    if (self->stopped) co_return;
    const auto report = self->current_report();
    if (!self->metadata_to_mend() && !self->differs(report)) continue;
    const auto since =
        self->last_write
            ? std::chrono::duration_cast<milliseconds>(Clock::now() - *self->last_write)
            : milliseconds::max();
    const auto drawn = std::uniform_real_distribution<double>(0, 1)(self->random);
    co_await pause_for(self->client.io(), write_delay(self->pace_of(report), drawn, since));
    if (self->stopped) co_return;
    const auto done = co_await self->write();
    if (done) {
      if (!std::exchange(self->told, {}).empty())
        log::info("SRv6Node {} is written again", self->options.node);
      retry = kFirstRetry;
      continue;
    }
    const auto& error = done.error();
    if (const auto text = error.error.message(); std::exchange(self->told, text) != text)
      log::warn("SRv6Node {} is not written in all, to be tried again: {}", self->options.node,
                text);
    const auto wish = error.retry_after ? milliseconds(*error.retry_after) : milliseconds(0);
    co_await pause_for(self->client.io(), std::max(std::min(wish, kLongestRetry), retry) +
                                              milliseconds(self->random() % 1000));
    retry = std::min(retry * 2, kLongestRetry);
    self->bell.ring();
  }
}

awaitable<kube::Answer<void>> StatusWriter::State::make() {
  const std::string cluster_scoped;
  json::value object{{"apiVersion", kube::api_version(kSrv6Nodes)},
                     {"kind", "SRv6Node"},
                     {"metadata",
                      {{"name", options.node},
                       {"labels", {{kManagedByLabel, kManagedBy}, {kStatusOnlyLabel, "true"}}},
                       {"ownerReferences", owned_by_node(options.node, options.node_uid())}}},
                     {"spec", json::object()}};
  const auto made = co_await client.create(kSrv6Nodes, cluster_scoped, std::move(object));
  if (!made && !made.error().already_exists()) co_return tl::unexpected(made.error());
  co_return kube::Answer<void>();
}

/// What Sextant made says whether others should read it, and belongs to the Node of now. None where
/// that is so, or nothing is there.
std::optional<json::object> StatusWriter::State::metadata_to_mend() const {
  if (own == nullptr) return std::nullopt;
  const auto uid = options.node_uid();
  json::object metadata;
  if (own->status_only && own->says_something) metadata["labels"] = {{kStatusOnlyLabel, nullptr}};
  if (own->made_by_sextant && !uid.empty() && own->owner_uid != uid)
    metadata["ownerReferences"] = owned_by_node(options.node, uid);
  if (metadata.empty()) return std::nullopt;
  metadata["uid"] = own->uid;
  return metadata;
}

awaitable<kube::Answer<void>> StatusWriter::State::mend_metadata() {
  auto metadata = metadata_to_mend();
  if (!metadata) co_return kube::Answer<void>();
  const kube::ObjectRef ref{kSrv6Nodes, "", options.node};
  json::value patch{{"metadata", std::move(*metadata)}};
  const auto patched = co_await client.patch(ref, std::move(patch));
  if (!patched) co_return tl::unexpected(patched.error());
  co_return kube::Answer<void>();
}

awaitable<kube::Answer<void>> StatusWriter::State::write() {
  kube::Answer<void> mended;  // where that is refused, the status is written all the same
  if (own == nullptr) {
    if (options.node_uid().empty()) co_return kube::Answer<void>();  // it would have no owner
    if (auto made = co_await make(); !made) co_return made;
  } else {
    mended = co_await mend_metadata();
  }
  auto report = current_report();
  if (!differs(report)) co_return mended;
  json::value object{{"apiVersion", kube::api_version(kSrv6Nodes)},
                     {"kind", "SRv6Node"},
                     {"metadata", {{"name", options.node}}},
                     {"status", to_json(report)}};
  const kube::ObjectRef ref{kSrv6Nodes, "", options.node};
  const kube::ApplyOptions as{.field_manager = kAgentFieldManager, .subresource = "status"};
  last_write = Clock::now();
  const auto applied = co_await client.apply(ref, std::move(object), as);
  if (!applied) co_return tl::unexpected(applied.error());
  ++writes;
  known = std::move(report);
  const auto* status = find(*applied, "status");
  written = status == nullptr ? json::value(nullptr) : *status;
  co_return mended;
}

StatusWriter::StatusWriter(kube::Client& client, StatusWriterOptions options)
    : state_(std::make_shared<State>(client, std::move(options))) {}

StatusWriter::~StatusWriter() {
  state_->stopped = true;
  state_->informer.reset();
  state_->bell.ring();
}

void StatusWriter::start() {
  auto& state = *state_;
  kube::InformerOptions only;
  only.selectors.field = "metadata.name=" + state.options.node;
  state.informer = std::make_unique<kube::Informer<Own>>(
      state.client, kSrv6Nodes, only, read_own,
      [self = state_.get()](std::span<const kube::Change<Own>>) { self->heard(); });
  state.informer->start();
  boost::asio::co_spawn(state.client.io(), State::run(state_), rethrow);
}

void StatusWriter::changed() { state_->bell.ring(); }

kube::Task<void> StatusWriter::write_now() {
  const auto self = state_;
  self->stopped = true;  // nothing comes after it
  if (self->own != nullptr) (void)co_await self->write();
}

std::uint64_t StatusWriter::writes() const { return state_->writes; }

}  // namespace sextant::kubernetes
