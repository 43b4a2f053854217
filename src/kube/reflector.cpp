#include "kube/reflector.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <map>

#include "base/log.h"
#include "kube/background.h"
#include "kube/backoff.h"
#include "kube/json_text.h"
#include "kube/line_splitter.h"
#include "kube/lister.h"
#include "kube/transport.h"

namespace sextant::kube {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kReadyBytes = 4096;  // "ok"

Error broken(const Resource& resource, std::string cause) {
  return {.operation = "watch", .object = to_string(resource), .cause = std::move(cause)};
}

/// Of a selector "!label", and nothing else; else empty.
std::string absent_label(const std::string& selector) {
  const bool one = selector.starts_with('!') && selector.find(',') == std::string::npos;
  return one ? selector.substr(1) : std::string();
}

bool has_label(const json::object& object, const std::string& label) {
  const auto* const metadata = object.if_contains("metadata");
  const auto* const labels = metadata == nullptr ? nullptr : member(*metadata, "labels");
  return labels != nullptr && member(*labels, label) != nullptr;
}

}  // namespace

struct Reflector::State {
  State(Client& client, Resource of, InformerOptions with, Decode decode_with, Deliver deliver_to)
      : io(client.io()),
        transport(client.transport()),
        resource(std::move(of)),
        options(std::move(with)),
        decode(std::move(decode_with)),
        deliver(std::move(deliver_to)),
        backoff(options.delays.first, options.delays.longest),
        missing_backoff(options.delays.first, options.delays.longest_missing),
        missing_timer(io) {}

  /// An object of a list that is being read.
  struct Listed {
    std::string version;
    std::shared_ptr<const void> value;  // null: as known
  };
  using Fresh = std::map<std::string, Listed>;

  [[nodiscard]] Task<void> run();
  [[nodiscard]] Task<void> pause(const ApiError& error);
  void forget_versions();
  [[nodiscard]] Task<void> cope_with_missing(const ApiError& error);
  [[nodiscard]] Task<void> do_without(bool refused);
  [[nodiscard]] Task<Answer<void>> list();
  [[nodiscard]] Task<Answer<std::string>> list_version();
  void take_listed(const json::object& object, Fresh& fresh);
  void replace_all(Fresh fresh, bool news = false);
  [[nodiscard]] Task<Answer<void>> watch();
  [[nodiscard]] Answer<void> take_line(std::string_view line, std::vector<UntypedChange>& changes);
  void take_event(std::string_view type, const json::object& object,
                  std::vector<UntypedChange>& changes);
  [[nodiscard]] std::shared_ptr<const void> decoded(const std::string& key,
                                                    const json::object& object);
  void hand_out(std::vector<UntypedChange>&& changes);
  void contact();
  void note(const ApiError& error);

  asio::io_context& io;
  std::shared_ptr<Transport> transport;
  Resource resource;
  InformerOptions options;
  Decode decode;
  Deliver deliver;
  Backoff backoff, missing_backoff;
  asio::steady_timer missing_timer;
  InformerHealth health;
  bool stopped = false;
  std::string version;                          // to watch from; empty: list first
  std::string newest;                           // seen so far
  bool consistent = false;                      // the next list is one, whatever the options say
  std::map<std::string, std::string> versions;  // of each known object
  ObjectParser parser;
  Clock::time_point listed_at;
  bool ready_seen = false;  // the server was ready after it had answered 404
  bool nonsense = false;    // the last watch ended by something that is no event
  Background background;
};

void Reflector::State::contact() {
  health.last_contact = Clock::now();
  health.last_error.reset();
}

void Reflector::State::note(const ApiError& error) {
  const bool news = !health.last_error || health.last_error->error != error.error;
  health.last_error = error;
  // Where there was no answer, the transport has said so once for all that asked. A watch that is
  // cut is resumed, and nothing to worry an operator with.
  const auto level = error.status == 0 && !nonsense ? spdlog::level::debug : spdlog::level::warn;
  if (news)
    spdlog::log(level, "{}; {}trying again", error.error.message(),
                health.synced ? "going on with what is known, " : "");
}

void Reflector::State::hand_out(std::vector<UntypedChange>&& changes) {
  if (stopped) return;
  std::vector<std::string> gone;
  for (const auto& change : changes)
    if (change.now == nullptr) gone.push_back(change.key);
  try {
    deliver(std::move(changes));
  } catch (...) {  // a bug of who hears it; this begins again, and they are to be told again
    for (auto& key : gone) versions.try_emplace(std::move(key));
    throw;
  }
}

/// What is known stays known, but is told again by the next list: it may have been lost.
void Reflector::State::forget_versions() {
  version.clear();
  for (auto& [key, known] : versions) known.clear();
  health.watching = false;
}

std::shared_ptr<const void> Reflector::State::decoded(const std::string& key,
                                                      const json::object& object) {
  try {
    return decode(object);
  } catch (const std::exception& error) {  // boost::json throws where a type is another one
    ++health.undecodable;
    log::warn({{"object", key}}, "{} {} is not understood and left as it was: {}",
              to_string(resource), key, error.what());
    return nullptr;
  }
}

Task<void> Reflector::State::run() {
  forget_versions();  // an exception may have ended it before
  while (true) {
    if (version.empty()) {
      const auto listed = co_await list();
      if (!listed && listed.error().not_found()) {
        co_await cope_with_missing(listed.error());
        continue;
      }
      ready_seen = false;  // whatever comes later may be of a server that starts again
      // What was read once is not given up for permissions that are lost.
      const bool nothing_read = !health.synced || health.missing;
      if (!listed && listed.error().status == 403 && options.optional && nothing_read) {
        co_await do_without(true);
        continue;
      }
      if (!listed) {
        co_await pause(listed.error());
        continue;
      }
    }
    const auto begun = Clock::now();
    const auto watched = co_await watch();
    health.watching = false;
    const bool lasted = Clock::now() - begun >= options.delays.lasting;
    if (lasted) backoff.reset();
    if (watched) {
      // The server ends watches after some minutes. One that ends at once is trouble.
      if (!lasted) co_await sleep_for(backoff.next());
      continue;
    }
    // Too old, or a stream that made no sense: what it would have said is in the list.
    const auto& error = watched.error();
    if (error.expired() || error.not_found() || nonsense) version.clear();
    const bool at_once = error.expired() && Clock::now() - listed_at >= options.delays.lasting;
    if (!at_once) co_await pause(error);
  }
}

Task<void> Reflector::State::pause(const ApiError& error) {
  note(error);
  auto delay = backoff.next();
  if (error.retry_after) {
    const auto wish =
        std::min(std::chrono::milliseconds(*error.retry_after), options.delays.longest_asked);
    delay = std::max(delay, backoff.between(wish, wish + wish / 4));
  }
  co_await sleep_for(delay);
}

/// A server that has just started answers 404 before it has read its CRDs. That must not look as if
/// all objects were gone: only a server that says it is ready is believed, and only then asked.
Task<void> Reflector::State::cope_with_missing(const ApiError& error) {
  if (!health.missing && !ready_seen) {
    ApiRequest request{.verb = "get",
                       .object = "readyz",
                       .counted = "readyz",
                       .method = "GET",
                       .target = "/readyz"};
    const auto ready = co_await transport->send(std::move(request));
    // Read whole, so that the next list goes over the same connection, to the same server.
    if (ready) (void)co_await (*ready)->read_all(kReadyBytes);
    // RBAC may hide it; then the 404 has to do.
    ready_seen = ready || (ready.error().status >= 400 && ready.error().status < 500 &&
                           ready.error().status != 429);
    if (!ready_seen) co_await pause(error);
    co_return;
  }
  co_await do_without(false);
}

Task<void> Reflector::State::do_without(bool refused) {
  contact();
  if (!health.missing && !refused)
    log::info("the API server has no {}: their definition is not installed", to_string(resource));
  health.missing = true;
  const bool news = std::exchange(health.refused, refused) != refused;
  if (!health.synced || !versions.empty() || news) replace_all({}, news);
  missing_timer.expires_after(missing_backoff.next());
  boost::system::error_code asked;
  co_await missing_timer.async_wait(asio::redirect_error(asio::use_awaitable, asked));
}

/// As ListQuery::not_older_than.
Task<Answer<std::string>> Reflector::State::list_version() {
  if (!options.not_older_than || consistent) co_return std::string();
  if (!newest.empty()) co_return newest;
  co_return co_await options.not_older_than();
}

Task<Answer<void>> Reflector::State::list() {
  Fresh fresh;
  auto not_older_than = co_await list_version();
  if (!not_older_than) co_return tl::unexpected(not_older_than.error());
  ListQuery query{.resource = resource,
                  .ns = options.ns,
                  .selectors = options.selectors,
                  .page = options.page,
                  .not_older_than = std::move(*not_older_than)};
  const bool cached = !query.not_older_than.empty();
  // The store knows no labels. A page of what lacks one is complete when that many were found, so
  // where nearly all have it the server reads everything before its first byte, which may take
  // longer than anybody waits. Pages of all come at once.
  const auto absent = cached ? std::string() : absent_label(options.selectors.label);
  if (!absent.empty()) query.selectors.label.clear();
  Lister lister{.begin = [&fresh] { fresh.clear(); },
                .item =
                    [this, &fresh, &absent](const json::object& item) {
                      if (absent.empty() || !has_label(item, absent)) take_listed(item, fresh);
                    }};
  ++health.lists;
  auto listed = co_await list_all(transport, std::move(query), std::move(lister));
  if (!listed) {
    // The cache has not got so far in time, or never will (etcd was restored from a backup).
    constexpr int kTooLargeResourceVersion = 504;
    consistent = consistent || (cached && listed.error().status == kTooLargeResourceVersion);
    co_return tl::unexpected(listed.error());
  }
  consistent = false;
  contact();
  if (health.missing) log::info("the API server has {} now", to_string(resource));
  health.missing = false;
  const bool was_refused = std::exchange(health.refused, false);
  missing_backoff.reset();
  listed_at = Clock::now();
  version = std::move(*listed);
  newest = version;
  replace_all(std::move(fresh), was_refused);
  co_return Answer<void>();
}

void Reflector::State::take_listed(const json::object& object, Fresh& fresh) {
  auto key = key_of(object);
  if (key.empty()) return;
  auto object_version = version_of(object);
  const auto known = versions.find(key);
  if (known != versions.end() && known->second == object_version) {
    fresh[std::move(key)] = {std::move(object_version), nullptr};
    return;
  }
  auto value = decoded(key, object);
  // Not understood: what was known of it stays, under the old version, and is tried again.
  if (!value && known == versions.end()) return;
  if (!value) object_version = known->second;
  fresh[std::move(key)] = {std::move(object_version), std::move(value)};
}

/// `news`: even where no object is another one.
void Reflector::State::replace_all(Fresh fresh, bool news) {
  std::vector<UntypedChange> changes;
  for (auto it = versions.begin(); it != versions.end();) {
    if (fresh.contains(it->first)) {
      ++it;
      continue;
    }
    changes.push_back({it->first, nullptr});
    it = versions.erase(it);
  }
  for (auto& [key, listed] : fresh) {
    if (!listed.value) continue;
    versions[key] = std::move(listed.version);
    changes.push_back({key, std::move(listed.value)});
  }
  const bool first = !health.synced;
  health.synced = true;
  if (first || news || !changes.empty()) hand_out(std::move(changes));
}

Task<Answer<void>> Reflector::State::watch() {
  const auto lifetime = std::chrono::duration_cast<std::chrono::seconds>(
      backoff.between(options.watch_shortest, options.watch_longest));
  ApiRequest request{.verb = "watch",
                     .object = to_string(resource),
                     .counted = to_string(resource),
                     .method = "GET",
                     .target = collection_path(resource, options.ns)};
  add_query(request.target, "watch", "1");
  add_query(request.target, "allowWatchBookmarks", "true");
  add_query(request.target, "resourceVersion", version);
  add_query(request.target, "timeoutSeconds", std::to_string(lifetime.count()));
  add_selectors(request.target, options.selectors);

  ++health.watches;
  nonsense = false;
  auto response = co_await transport->send(std::move(request));
  if (!response) co_return tl::unexpected(response.error());
  contact();
  health.watching = true;
  const auto end = Clock::now() + lifetime + transport->options().body_timeout;
  LineSplitter lines(transport->options().object_bytes);
  while (true) {
    // The server ends the watch by itself. Where it sends bookmarks (one a minute), silence means
    // that it hangs, be it that this watch has had none yet.
    auto patience = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    if (health.bookmarks > 0) patience = std::min(patience, options.bookmark_age);
    const auto piece = co_await (*response)->read(std::max(patience, std::chrono::milliseconds(1)));
    if (!piece) co_return tl::unexpected(piece.error());
    if (piece->empty()) co_return Answer<void>();
    contact();
    std::vector<UntypedChange> changes;
    Answer<void> taken;
    const bool fine = lines.add(*piece, [&](std::string_view line) {
      return (taken = take_line(line, changes)).has_value();
    });
    if (!changes.empty()) hand_out(std::move(changes));
    if (fine) continue;
    nonsense = true;
    if (taken) taken = tl::unexpected(ApiError{.error = broken(resource, "an event is too large")});
    co_return taken;
  }
}

Answer<void> Reflector::State::take_line(std::string_view line,
                                         std::vector<UntypedChange>& changes) {
  const auto bad = [&](std::string cause) {
    return tl::unexpected(ApiError{.error = broken(resource, std::move(cause))});
  };
  const auto* const event = parser.parse(line);
  if (event == nullptr) return bad("an event is no JSON: " + parser.error());
  const auto type = text_member(*event, "type");
  const auto* const value = member(*event, "object");
  if (value == nullptr || !value->is_object()) return bad("an event has no object");
  const auto& object = value->get_object();
  if (type == "ERROR") {
    const auto* const code = member(object, "code");
    const HttpHead head{
        .status = code != nullptr && code->is_int64() ? static_cast<int>(code->get_int64()) : 500,
        .retry_after = {}};
    const ApiRequest request{.verb = "watch", .object = to_string(resource)};
    return tl::unexpected(read_status(request, head, json::serialize(object)));
  }
  auto object_version = version_of(object);
  if (object_version.empty()) return bad("an event's object has no resourceVersion");
  if (type == "BOOKMARK") {
    ++health.bookmarks;
  } else if (type == "ADDED" || type == "MODIFIED" || type == "DELETED") {
    ++health.events;
    take_event(type, object, changes);
  } else {
    return bad("an event of unknown type '" + type + "'");
  }
  version = std::move(object_version);
  newest = version;
  return {};
}

void Reflector::State::take_event(std::string_view type, const json::object& object,
                                  std::vector<UntypedChange>& changes) {
  auto key = key_of(object);
  if (key.empty()) return;
  if (type == "DELETED") {
    if (versions.erase(key) != 0) changes.push_back({std::move(key), nullptr});
    return;
  }
  auto object_version = version_of(object);
  const auto known = versions.find(key);
  if (known != versions.end() && known->second == object_version) return;  // seen in the list
  if (auto value = decoded(key, object)) {
    versions[key] = std::move(object_version);
    changes.push_back({std::move(key), std::move(value)});
  }
}

Reflector::Reflector(Client& client, Resource resource, InformerOptions options, Decode decode,
                     Deliver deliver)
    : state_(std::make_shared<State>(client, std::move(resource), std::move(options),
                                     std::move(decode), std::move(deliver))) {}

Reflector::~Reflector() {
  state_->stopped = true;
  state_->background.stop();
}

void Reflector::start() {
  state_->background.start(state_->io, "following " + to_string(state_->resource),
                           [state = state_] { return state->run(); },
                           {state_->options.delays.first, state_->options.delays.longest_missing});
}

void Reflector::ask_now() { state_->missing_timer.cancel(); }

const InformerHealth& Reflector::health() const { return state_->health; }

}  // namespace sextant::kube
