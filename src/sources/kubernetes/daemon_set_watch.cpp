#include "sources/kubernetes/daemon_set_watch.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/json.hpp>
#include <utility>

#include "base/log.h"
#include "kube/informer.h"
#include "sources/kubernetes/bell.h"
#include "sources/kubernetes/json_text.h"
#include "sources/kubernetes/resources.h"

namespace sextant::kubernetes {
namespace {

enum class Presence : std::uint8_t { kUnknown, kThere, kGoing };

Presence presence_of(const boost::json::value& object) {
  return text_at(object, "metadata", "deletionTimestamp").empty() ? Presence::kThere
                                                                  : Presence::kGoing;
}

kube::InformerOptions only(const std::string& ns, const std::string& name) {
  kube::InformerOptions options;
  options.ns = ns;
  options.selectors.field = "metadata.name=" + name;
  return options;
}

/// One object, as its watch tells.
class Followed {
 public:
  Followed(kube::Client& client, const kube::Resource& resource, kube::InformerOptions options,
           std::string key, std::function<void()> on_change)
      : key_(std::move(key)),
        on_change_(std::move(on_change)),
        informer_(
            client, resource, std::move(options),
            [](const boost::json::object& object) {
              return presence_of(boost::json::value(object));
            },
            [this](std::span<const kube::Change<Presence>>) { heard(); }) {}

  void start() { informer_.start(); }
  /// kUnknown: it never was there, or may not be read.
  [[nodiscard]] Presence presence() const { return presence_; }
  [[nodiscard]] bool readable() const { return !informer_.health().refused; }

 private:
  void heard() {
    const auto found = informer_.find(key_);
    if (found != nullptr)
      presence_ = *found;
    else if (presence_ != Presence::kUnknown)
      presence_ = Presence::kGoing;
    on_change_();
  }

  std::string key_;
  std::function<void()> on_change_;
  Presence presence_ = Presence::kUnknown;
  kube::Informer<Presence> informer_;
};

}  // namespace

struct DaemonSetWatch::State : std::enable_shared_from_this<State> {
  State(kube::Client& api, const std::string& namespace_name, const std::string& name,
        std::function<void(bool)> told)
      : client(api),
        ns_ref{kNamespaces, "", namespace_name},
        daemon_set_ref{kDaemonSets, namespace_name, name},
        on_change(std::move(told)),
        bell(api.io()),
        ns(api, kNamespaces, optional(only("", namespace_name)), namespace_name,
           [this] { heard(); }),
        daemon_set(api, kDaemonSets, only(namespace_name, name), namespace_name + "/" + name,
                   [this] { heard(); }) {}

  /// Where the agent may not read Namespaces, the DaemonSet has to do.
  static kube::InformerOptions optional(kube::InformerOptions options) {
    options.optional = true;
    return options;
  }

  void heard();
  void set(bool gone);
  static boost::asio::awaitable<void> question(std::shared_ptr<State> self);
  static boost::asio::awaitable<Presence> read(std::shared_ptr<State> self, kube::ObjectRef ref);

  kube::Client& client;
  kube::ObjectRef ns_ref;
  kube::ObjectRef daemon_set_ref;
  std::function<void(bool)> on_change;
  Bell bell;
  Followed ns;
  Followed daemon_set;
  bool deleted = false;
  bool stands = false;  // by the answer to a question
};

void DaemonSetWatch::State::heard() {
  const bool was_there = daemon_set.presence() != Presence::kUnknown;
  set(was_there &&
      (daemon_set.presence() == Presence::kGoing || ns.presence() == Presence::kGoing));
}

void DaemonSetWatch::State::set(bool gone) {
  if (gone == deleted) return;
  deleted = gone;
  const auto& [resource, in, name] = daemon_set_ref;
  if (deleted)
    log::info(
        "DaemonSet {}/{} was deleted: when this agent is ended, it removes everything from the "
        "node",
        in, name);
  else
    log::info("DaemonSet {}/{} is there again: forwarding outlives this agent", in, name);
  bell.ring();
  if (on_change) on_change(deleted);
}

boost::asio::awaitable<Presence> DaemonSetWatch::State::read(std::shared_ptr<State> self,
                                                             kube::ObjectRef ref) {
  const auto object = co_await self->client.get(ref);
  if (object) co_return presence_of(*object);
  co_return object.error().not_found() ? Presence::kGoing : Presence::kUnknown;
}

boost::asio::awaitable<void> DaemonSetWatch::State::question(std::shared_ptr<State> self) {
  auto reading = read(self, self->daemon_set_ref);
  const auto itself = co_await std::move(reading);
  auto around = Presence::kThere;
  if (self->ns.readable()) {
    reading = read(self, self->ns_ref);
    around = co_await std::move(reading);
  }
  self->stands = itself == Presence::kThere && around == Presence::kThere;
  if (itself == Presence::kGoing || around == Presence::kGoing) self->set(true);
  self->bell.ring();
}

DaemonSetWatch::DaemonSetWatch(kube::Client& client, std::string ns, std::string name,
                               std::function<void(bool)> on_change)
    : state_(std::make_shared<State>(client, ns, name, std::move(on_change))) {}

DaemonSetWatch::~DaemonSetWatch() { state_->on_change = nullptr; }

void DaemonSetWatch::start() {
  state_->ns.start();
  state_->daemon_set.start();
}

bool DaemonSetWatch::deleted() const { return state_->deleted; }

kube::Task<bool> DaemonSetWatch::ask(std::chrono::milliseconds limit) {
  const auto self = state_;
  // Never seen: this agent is somebody else's, or has had no contact.
  if (self->daemon_set.presence() == Presence::kUnknown || self->deleted) co_return self->deleted;
  self->stands = false;  // of an earlier question
  const auto end = Clock::now() + limit;
  auto question = State::question(self);
  boost::asio::co_spawn(self->client.io(), std::move(question), rethrow);
  while (!self->deleted && !self->stands && Clock::now() < end) co_await self->bell.wait_until(end);
  co_return self->deleted;
}

}  // namespace sextant::kubernetes
