#include "sources/kubernetes/kubernetes_source.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "base/log.h"
#include "kube/client.h"
#include "kube/reflector.h"
#include "sources/finding_log.h"
#include "sources/kubernetes/resources.h"
#include "sources/kubernetes/watched_kinds.h"

namespace sextant::kubernetes {
namespace {

namespace asio = boost::asio;
using overlay::IntentChange;
using sources::Finding;

constexpr std::chrono::seconds kHealthInterval{1};

/// Of a reflector's key: "name", or "namespace/name".
std::string name_of(const std::string& key) {
  const auto slash = key.find('/');
  return slash == std::string::npos ? key : key.substr(slash + 1);
}

/// What the requests for one kind tell of the server.
enum class Contact : std::uint8_t { kUntried, kAnswers, kFails };
Contact contact_of(const kube::InformerHealth& health) {
  if (health.last_error) {
    // A refusal is an answer.
    const bool answered = health.last_error->status != 0 && !health.last_error->may_pass();
    return answered ? Contact::kAnswers : Contact::kFails;
  }
  // What is not installed is asked for once a minute only.
  return health.last_contact && !health.missing ? Contact::kAnswers : Contact::kUntried;
}

}  // namespace

struct KubernetesSource::State {
  State(asio::io_context& loop, std::unique_ptr<kube::Client> made, SourceSettings with)
      : io(loop), client(std::move(made)), settings(std::move(with)), objects(settings.ipam) {
    for (const auto& type : watched_kinds()) {
      if (type.blocks && settings.ipam == sources::Ipam::kNode) continue;
      follow(type);
    }
  }

  struct Followed {
    const WatchedKind& type;
    std::unique_ptr<kube::Reflector> reflector;
  };

  void follow(const WatchedKind& type);
  void take(Kind kind, std::vector<kube::UntypedChange>&& changes);
  void tell();
  void watch_health();
  void note_contact();

  asio::io_context& io;
  std::unique_ptr<kube::Client> client;
  SourceSettings settings;
  Listener listener;
  ObjectSet objects;
  sources::FindingLog finding_log;
  bool loaded = false;
  Contact contact = Contact::kUntried;
  std::chrono::system_clock::time_point contact_since;
  std::string contact_error;
  asio::steady_timer health_timer{io};
  std::vector<Followed> followed;  // last: they call into what stands above
};

void KubernetesSource::State::follow(const WatchedKind& type) {
  const auto kind = type.kind;
  kube::InformerOptions options;
  if (type.namespaced) options.ns = settings.config_map_namespace;
  // Those that only carry an agent's status say nothing here, and change often: see write_pace.h.
  if (kind == Kind::kSrv6Node) options.selectors.label = kNotStatusOnly;
  auto reflector = std::make_unique<kube::Reflector>(
      *client, type.resource, std::move(options),
      [this, kind](const boost::json::object& json) {
        return std::static_pointer_cast<const void>(objects.read(kind, json));
      },
      [this, kind](std::vector<kube::UntypedChange>&& changes) { take(kind, std::move(changes)); });
  followed.push_back({type, std::move(reflector)});
}

void KubernetesSource::State::take(Kind kind, std::vector<kube::UntypedChange>&& changes) {
  for (auto& change : changes) {
    objects.put(kind, name_of(change.key),
                std::static_pointer_cast<const KnownObject>(std::move(change.now)));
  }
  note_contact();
  if (!loaded) {
    loaded = std::ranges::all_of(
        followed, [](const Followed& one) { return one.reflector->health().synced; });
    if (!loaded) return;
    log::info("all objects of {} are read: {} Nodes, {} SRv6Nodes, {} SRv6Policies",
              client->server(), objects.count(Kind::kNode), objects.count(Kind::kSrv6Node),
              objects.count(Kind::kSrv6Policy));
    (void)objects.take_news();
    return tell();
  }
  if (objects.take_news()) tell();
}

void KubernetesSource::State::tell() {
  const auto change = objects.take_change();
  finding_log.update(objects.findings());
  listener(change);
}

/// Whether the server answers is the followers' to know; this keeps since when.
void KubernetesSource::State::note_contact() {
  auto now = Contact::kUntried;
  std::string error;
  for (const auto& one : followed) {
    const auto& health = one.reflector->health();
    const auto told = contact_of(health);
    if (told == Contact::kAnswers) now = Contact::kAnswers;
    if (told != Contact::kFails) continue;
    if (now == Contact::kUntried) now = Contact::kFails;
    error = health.last_error->error.message();
  }
  contact_error = now == Contact::kFails ? error : std::string();
  if (now == contact) return;
  const auto time = std::chrono::system_clock::now();
  if (now == Contact::kFails) {
    log::warn("the API server {} cannot be reached; forwarding goes on with what is known",
              client->server());
  } else if (contact == Contact::kFails) {
    log::info("the API server {} answers again, after {} s", client->server(),
              std::chrono::duration_cast<std::chrono::seconds>(time - contact_since).count());
  }
  contact = now;
  contact_since = time;
}

void KubernetesSource::State::watch_health() {
  health_timer.expires_after(kHealthInterval);
  health_timer.async_wait([this](const boost::system::error_code& error) {
    if (error) return;  // the source is no more
    note_contact();
    watch_health();
  });
}

KubernetesSource::KubernetesSource(asio::io_context& io, std::unique_ptr<kube::Client> client,
                                   SourceSettings settings)
    : state_(std::make_unique<State>(io, std::move(client), std::move(settings))) {}

KubernetesSource::~KubernetesSource() = default;

void KubernetesSource::start(Listener listener) {
  state_->listener = std::move(listener);
  log::info("reading the objects of {}", state_->client->server());
  for (const auto& one : state_->followed) one.reflector->start();
  state_->watch_health();
}

void KubernetesSource::reload() {
  log::info("the objects of {} are followed as they change: there is nothing to read again",
            state_->client->server());
}

const overlay::Intent& KubernetesSource::intent() const { return state_->objects.intent(); }
std::vector<Finding> KubernetesSource::findings() const { return state_->objects.findings(); }
bool KubernetesSource::loaded() const { return state_->loaded; }

bool KubernetesSource::in_doubt(const std::string& node) const {
  return state_->objects.unreadable(node);
}

std::string KubernetesSource::place() const { return state_->client->server(); }

std::optional<sources::ServerState> KubernetesSource::server() const {
  const auto& state = *state_;
  sources::ServerState server{
      .url = state.client->server(),
      .reachable = state.contact == Contact::kAnswers,
      .error = state.contact_error,
      .ipam = state.objects.ipam() == sources::Ipam::kCalico ? "calico" : "node"};
  if (state.contact != Contact::kUntried) server.since = state.contact_since;
  for (const auto& [type, reflector] : state.followed) {
    const auto& health = reflector->health();
    server.kinds.push_back(
        {.kind = std::string(type.name),
         .resource = to_string(type.resource),
         .installed = !health.missing,
         .synced = health.synced,
         .objects = state.objects.count(type.kind),
         .lists = health.lists,
         .watches = health.watches,
         .error = health.last_error ? health.last_error->error.message() : std::string()});
  }
  for (const auto& [request, count] : state.client->counts()) {
    server.requests.push_back(
        {.verb = request.verb, .resource = request.resource, .code = request.code, .count = count});
  }
  return server;
}

const ObjectMeta* KubernetesSource::meta(const overlay::ObjectKey& object) const {
  return state_->objects.meta(object);
}

std::map<std::string, ObjectMeta> KubernetesSource::metas(const std::string& kind) const {
  return state_->objects.metas(kind);
}

std::vector<Finding> KubernetesSource::findings_of(const overlay::ObjectKey& object) const {
  return state_->objects.findings_of(object);
}

overlay::ObjectKey KubernetesSource::locator_object(const std::string& node) const {
  return state_->objects.locator_object(node);
}

kube::Client& KubernetesSource::client() { return *state_->client; }

}  // namespace sextant::kubernetes
