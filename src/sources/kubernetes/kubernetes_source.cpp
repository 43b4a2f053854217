#include "sources/kubernetes/kubernetes_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/value.hpp>
#include <ranges>
#include <utility>

#include "base/log.h"
#include "kube/client.h"
#include "kube/reflector.h"
#include "sources/finding_log.h"
#include "sources/kubernetes/json_text.h"
#include "sources/kubernetes/resources.h"
#include "sources/kubernetes/watched_kinds.h"

namespace sextant::kubernetes {
namespace {

namespace asio = boost::asio;
using overlay::IntentChange;
using sources::Finding;

constexpr std::chrono::seconds kHealthInterval{1};
/// Most clusters have no Calico: there, 5,000 agents that ask for three kinds of it every 5 to 10
/// minutes are 33 requests a second. Who installs it later has them noticed at once by SIGHUP.
constexpr std::chrono::minutes kCalicoMissing{10};

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
      const bool blocks = settings.ipam != sources::Ipam::kNode;
      if (type.need == Need::kAlways || (type.need == Need::kBlocks && blocks) ||
          (type.need == Need::kPeering && settings.peering))
        follow(type);
    }
  }

  struct Followed {
    const WatchedKind& type;
    std::unique_ptr<kube::Reflector> reflector;
    bool missing = true;  // as last seen
    bool refused = false;
  };

  void follow(const WatchedKind& type);
  [[nodiscard]] std::unique_ptr<kube::Reflector> reflect(const WatchedKind& type,
                                                         kube::InformerOptions options);
  void follow_secrets();
  void take(Kind kind, std::vector<kube::UntypedChange>&& changes);
  void tell();
  [[nodiscard]] kube::Task<kube::Answer<std::string>> version_of_lists();
  [[nodiscard]] bool note_permissions();
  [[nodiscard]] std::vector<Finding> findings() const;
  void watch_health();
  void note_contact();

  asio::io_context& io;
  std::unique_ptr<kube::Client> client;
  SourceSettings settings;
  std::string standing;  // the node on which forwarding stands; empty: none does
  Listener listener;
  ObjectSet objects;
  sources::FindingLog finding_log;
  bool loaded = false;
  Contact contact = Contact::kUntried;
  std::chrono::system_clock::time_point contact_since;
  std::string contact_error;
  asio::steady_timer health_timer{io};
  // Last: they call into what stands above.
  std::vector<Followed> followed;
  std::map<std::string, std::unique_ptr<kube::Reflector>> secrets;  // by the Secret's name
};

void KubernetesSource::State::follow(const WatchedKind& type) {
  const auto kind = type.kind;
  kube::InformerOptions options;
  if (type.namespaced) options.ns = settings.config_map_namespace;
  // Those that only carry an agent's status say nothing here, and change often: see write_pace.h.
  if (kind == Kind::kSrv6Node) {
    options.selectors.label = kNotStatusOnly;
    options.not_older_than = [this] { return version_of_lists(); };
  }
  if (is_calicos(type)) {
    options.delays.longest_missing = kCalicoMissing;
    // Where Calico allocates for certain, its objects must be read before anything is done.
    options.optional = settings.ipam != sources::Ipam::kCalico || type.need == Need::kPeering;
  }
  followed.push_back({.type = type, .reflector = reflect(type, std::move(options))});
}

std::unique_ptr<kube::Reflector> KubernetesSource::State::reflect(const WatchedKind& type,
                                                                  kube::InformerOptions options) {
  const auto kind = type.kind;
  return std::make_unique<kube::Reflector>(
      *client, type.resource, std::move(options),
      [this, kind](const boost::json::object& json) {
        return std::static_pointer_cast<const void>(objects.read(kind, json));
      },
      [this, kind](std::vector<kube::UntypedChange>&& changes) { take(kind, std::move(changes)); });
}

/// Each by itself: a Role can let an agent read the Secrets of a name, and no others.
void KubernetesSource::State::follow_secrets() {
  if (!settings.peering) return;
  const auto wanted = objects.peering().wanted_secrets();
  for (auto it = secrets.begin(); it != secrets.end();) {
    if (wanted.contains(it->first)) {
      ++it;
      continue;
    }
    objects.put(Kind::kSecret, it->first, nullptr);
    it = secrets.erase(it);
  }
  for (const auto& name : wanted) {
    auto& reflector = secrets[name];
    if (reflector != nullptr) continue;
    kube::InformerOptions options{.ns = settings.config_map_namespace,
                                  .selectors = {.field = "metadata.name=" + name},
                                  .optional = true};
    reflector = reflect(watched(Kind::kSecret), std::move(options));
    reflector->start();
  }
}

/// The version that the list of SRv6Nodes must have reached: see forwarding_stands().
kube::Task<kube::Answer<std::string>> KubernetesSource::State::version_of_lists() {
  if (standing.empty()) co_return "0";
  const kube::ObjectRef own{kSrv6Nodes, "", standing};
  const auto time = std::chrono::system_clock::now().time_since_epoch();
  boost::json::value patch{
      {"metadata", {{"annotations", {{kAgentStartedAnnotation, std::to_string(time.count())}}}}}};
  const auto written = co_await client->patch(own, std::move(patch));
  if (written) co_return text_at(*written, "metadata", "resourceVersion");
  if (written.error().may_pass()) co_return tl::unexpected(written.error());
  co_return std::string();  // it is not there, or must not be written: etcd has to say
}

void KubernetesSource::State::take(Kind kind, std::vector<kube::UntypedChange>&& changes) {
  for (auto& change : changes) {
    objects.put(kind, name_of(change.key),
                std::static_pointer_cast<const KnownObject>(std::move(change.now)));
  }
  note_contact();
  const bool permissions = note_permissions();
  if (!loaded) {
    const auto is_synced = [](const auto& reflector) { return reflector->health().synced; };
    if (!std::ranges::all_of(followed, is_synced, &Followed::reflector)) return;
    // Without its password a session is not there at all: after a restart nobody would wait for it.
    follow_secrets();
    loaded = std::ranges::all_of(secrets | std::views::values, is_synced);
    if (!loaded) return;
    log::info("all objects of {} are read: {} Nodes, {} SRv6Nodes, {} SRv6Policies",
              client->server(), objects.count(Kind::kNode), objects.count(Kind::kSrv6Node),
              objects.count(Kind::kSrv6Policy));
    (void)objects.take_news();
    return tell();
  }
  if (kind == Kind::kBgpPeer || kind == Kind::kBgpConfiguration) follow_secrets();
  if (objects.take_news() || permissions) tell();
}

/// Whether other kinds may be read now. What of Calico is installed, is installed with the rest:
/// that is asked for at once.
bool KubernetesSource::State::note_permissions() {
  bool appeared = false;
  bool changed = false;
  for (auto& one : followed) {
    const auto& health = one.reflector->health();
    if (!is_calicos(one.type) || !health.synced) continue;
    appeared = std::exchange(one.missing, health.missing) > health.missing || appeared;
    changed = std::exchange(one.refused, health.refused) != health.refused || changed;
  }
  for (const auto& one : followed) {
    if (appeared && is_calicos(one.type)) one.reflector->ask_now();
  }
  return changed;
}

std::vector<Finding> KubernetesSource::State::findings() const {
  auto all = objects.findings();
  for (const auto& [name, reflector] : secrets) {
    if (!reflector->health().refused) continue;
    all.push_back({.severity = sources::Severity::kError,
                   .problem = {.object = {"Secret", name},
                               .location = "kubernetes/" + settings.config_map_namespace,
                               .reason = fmt::format(
                                   "this agent may not read it, and BGP sessions ask for it; give "
                                   "it a Role there with the rule {{apiGroups: [\"\"], resources: "
                                   "[secrets], resourceNames: [{}], verbs: [get, list, watch]}}",
                                   name)}});
  }
  for (const auto& one : followed) {
    const auto& resource = one.type.resource;
    if (!one.reflector->health().refused) continue;
    all.push_back(
        {.severity = sources::Severity::kWarning,
         .problem = {
             .object = {"CustomResourceDefinition", to_string(resource)},
             .location = "kubernetes",
             .reason = fmt::format(
                 "this agent may not list them, and goes on as if they were not installed; its "
                 "ClusterRole lacks the rule {{apiGroups: [{}], resources: [{}], verbs: [get, "
                 "list, watch]}}",
                 resource.group, resource.plural)}});
  }
  return all;
}

void KubernetesSource::State::tell() {
  const auto change = objects.take_change();
  finding_log.update(findings());
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

void KubernetesSource::forwarding_stands(const std::string& node) { state_->standing = node; }

void KubernetesSource::start(Listener listener) {
  state_->listener = std::move(listener);
  log::info("reading the objects of {}", state_->client->server());
  for (const auto& one : state_->followed) one.reflector->start();
  state_->watch_health();
}

void KubernetesSource::reload() {
  log::info(
      "the objects of {} are followed as they change; those that are not installed are asked "
      "for again",
      state_->client->server());
  for (const auto& one : state_->followed) one.reflector->ask_now();
  for (const auto& [name, secret] : state_->secrets) secret->ask_now();
}

const overlay::Intent& KubernetesSource::intent() const { return state_->objects.intent(); }
const sources::Peering& KubernetesSource::peering() const { return state_->objects.peering(); }
std::vector<Finding> KubernetesSource::findings() const { return state_->findings(); }
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
  for (const auto& one : state.followed) {
    const auto& type = one.type;
    const auto& health = one.reflector->health();
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
