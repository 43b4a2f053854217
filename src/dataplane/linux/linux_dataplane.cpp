#include "dataplane/linux/linux_dataplane.h"

#include <linux/rtnetlink.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "dataplane/linux/blame.h"
#include "dataplane/linux/damage.h"
#include "dataplane/linux/fast_path.h"
#include "dataplane/linux/filter.h"
#include "dataplane/linux/gateway.h"
#include "dataplane/linux/gateway_side.h"
#include "dataplane/linux/host_filter.h"
#include "dataplane/linux/host_side.h"
#include "dataplane/linux/host_sids.h"
#include "dataplane/linux/monitor.h"
#include "dataplane/linux/names.h"
#include "dataplane/linux/neighbor_announcer.h"
#include "dataplane/linux/netlink/link.h"
#include "dataplane/linux/netlink/socket.h"
#include "dataplane/linux/path_mtu.h"
#include "dataplane/linux/privileges.h"
#include "dataplane/linux/tc_program.h"
#include "dataplane/linux/timer.h"
#include "dataplane/linux/uplinks.h"

namespace sextant::dataplane {
namespace {

using netlink::Route;
using netlink::Socket;

constexpr std::chrono::minutes kPathMtuLifetime{10};
// Names of capabilities whose choice changes.
constexpr const char* kUnderlayDevices = "underlay devices";
constexpr const char* kFastPath = "fast path";
constexpr const char* kNatOutgoing = "nat outgoing";

class LinuxDataplane final : public Dataplane {
 public:
  LinuxDataplane(Socket socket, EventSet events, const LinuxOptions& options)
      : options_(options),
        socket_(std::move(socket)),
        host_(socket_),
        events_(std::move(events)),
        uplinks_(options.uplinks),
        filter_(options.sid_sources, options.nat_outgoing) {
    capabilities_ = {
        {.name = "netfilter",
         .choice = "gateway namespace behind sextant0",
         .reason = "inner packets meet netfilter once, without nf_hooks_lwtunnel and without VRF"},
        {.name = "decapsulation",
         .choice = "End.DT4 as End.DX4, End.DT6 in a table, End.DT46 as both by a mark",
         .reason = "works with and without VRF devices, and reaches the host's own addresses"},
        {.name = kUnderlayDevices,
         .choice = "not read yet",
         .reason = options_.uplinks.empty()
                       ? "a global IPv6 address, or IPv6 routes with a gateway through it"
                       : "--uplink"},
    };
    if (options.nat_outgoing) {
      capability_of(kNatOutgoing) = {
          .name = kNatOutgoing, .choice = "masquerade by nftables", .reason = "--nat-outgoing"};
    }
  }

  std::string_view name() const override { return "linux"; }
  const std::vector<Capability>& capabilities() const override { return capabilities_; }

  Result<ApplyReport> reconcile(const overlay::Forwarding& wanted) override {
    ApplyReport report;
    if (auto opened = open(report); !opened) return tl::unexpected(opened.error());
    identity_ = {wanted.encapsulation_source, wanted.overlay_ipv4, wanted.overlay_ipv6,
                 wanted.pod_prefixes, wanted.locator};
    sids_ = wanted.local_sids;
    host_.clear();
    host_.set_devices(gateway_->host_inner(), gateway_->host_outer(),
                      uplinks_.pod_mtu(options_.max_segments));
    host_.set_identity(identity_);
    if (auto done = host_.sync_locator_routes(wanted.locator_routes, report); !done)
      return fail(done);
    begin_fast_path_sync(report);
    if (auto done = gateway_side_->sync(wanted, report); !done) return fail(done);
    if (fast_path_) {
      fast_path_->set_local_sids(gateway_->inner(), sids_, report);
      fast_path_->set_pod_routes(gateway_->host_inner(), wanted.routes, identity_.pod_prefixes,
                                 report);
      fast_path_->finish_sync(report);
    }
    const bool attached = attach_fast_path(report);
    pods_rules_.clear();
    if (!attached) pods_rules_.insert(Family::kIpv6);
    if (!attached || !underlay_routes_ipv4(wanted.routes)) pods_rules_.insert(Family::kIpv4);
    host_.set_pods_rules(pods_rules_);
    for (const auto& [key, target] : wanted.routes) host_.set_route(key, target);
    if (auto done = host_.sync(report); !done) return fail(done);
    if (auto done = sync_host_sids(report); !done) return fail(done);
    filter_.clear_domain();
    for (const auto& [prefix, role] : wanted.domain) filter_.set_role(prefix, role);
    filter_.set_local_sids(identity_.locator, sids_);
    if (auto* masquerade = tell_masquerade()) masquerade->set_routes(wanted.routes);
    // Once more: the routes just written may show an uplink.
    if (auto read = uplinks_.refresh(socket_); !read) return tl::unexpected(read.error());
    take_uplinks();
    announcer_.announce(socket_, uplinks_.devices());
    write_filter(filter_.sync(), report);
    if (fast_path_) hand_over(report);
    gateway_side_->collect(report);
    return report;
  }

  bool has_forwarding() const override {
    auto host = Socket::make();
    return host && Gateway::is_linked(*host);
  }

  Result<ApplyReport> apply(const overlay::ForwardingDiff& change) override {
    if (!gateway_side_) {
      return failure("apply a change", "", "reconcile() has not succeeded yet");
    }
    ApplyReport report;
    const bool local = change.identity || !change.local_sids.empty();
    if (change.identity) {
      identity_ = *change.identity;
      host_.set_identity(identity_);
      set_fast_path_source(report);
    }
    for (const auto& [sid, value] : change.local_sids) {
      if (value) {
        sids_.insert_or_assign(sid, *value);
      } else {
        sids_.erase(sid);
      }
    }
    host_.change_locator_routes(change.locator_routes, report);
    apply_paths(change, report);
    if (local) {
      if (auto done = gateway_side_->sync_local(identity_, sids_, report); !done) return fail(done);
      if (fast_path_) fast_path_->set_local_sids(gateway_->inner(), sids_, report);
      if (auto done = sync_host_sids(report); !done) return fail(done);
      filter_.set_local_sids(identity_.locator, sids_);
    }
    const bool rules_change =
        !pods_rules_.contains(Family::kIpv4) && !underlay_routes_ipv4(change.routes);
    if (rules_change) {
      pods_rules_.insert(Family::kIpv4);
      host_.set_pods_rules(pods_rules_);
    }
    if (change.identity || rules_change) {  // sources and rules follow it
      if (auto done = host_.sync(report); !done) return fail(done);
    } else {
      host_.write_changes(report);
      host_.write_removals(report);
    }
    if (!change.locator_routes.empty()) {  // they may show an uplink
      if (auto read = uplinks_.refresh(socket_); !read) return tl::unexpected(read.error());
      take_uplinks();
    }
    for (const auto& [prefix, role] : change.domain) filter_.set_role(prefix, role);
    if (auto* masquerade = tell_masquerade()) masquerade->change_routes(change.routes);
    write_filter(filter_.write_changes(), report);
    if (fast_path_ && (local || !change.domain.empty() || !change.locator_routes.empty())) {
      hand_over(report);
    }
    gateway_side_->collect(report);
    return report;
  }

  Result<void> remove_all() override {
    if (auto done = host_.remove_all(); !done) return done;
    ApplyReport report;
    const auto host_sids = dataplane::sync_host_sids(socket_, netlink::IfIndex::kNone, {}, report);
    if (!host_sids) return host_sids;
    if (!report.ok()) return tl::unexpected(report.problems.front().error);
    if (auto done = remove_ruleset(); !done) return done;
    if (auto done = FastPath::detach_uplinks(socket_, {}, report); !done) return done;
    if (!report.ok()) return tl::unexpected(report.problems.front().error);
    gateway_side_.reset();
    fast_path_.reset();
    monitor_.reset();
    gateway_.reset();
    sids_.clear();
    return Gateway::remove(socket_);
  }

  Result<Counters> counters() override {
    if (!gateway_side_) return Counters{};
    auto counters = gateway_side_->counters();
    if (!counters) return counters;
    auto dropped = read_drop_counters();
    if (!dropped) return tl::unexpected(dropped.error());
    counters->dropped = std::move(*dropped);
    return counters;
  }

  int event_fd() const override { return events_.fd(); }

  bool damaged() override {
    if (too_big_) learn_path_mtus();
    if (!monitor_) return false;
    bool damage = false, links = false, programs = false, default_routes = false;
    const auto note = [&](const std::function<std::string()>& text) {
      if (!std::exchange(damage, true)) damage_ = text();  // the first tells enough
    };
    monitor_->drain({
        .host =
            [&](const nlmsghdr& event) {
              programs |= may_remove_program(event);
              const auto about = read_host_event(event, host_, uplinks_, gateway_->host_inner());
              links |= about.links;
              default_routes |= about.default_route;
              if (about.damage) note([&] { return describe_event(event); });
            },
        .gateway =
            [&](const nlmsghdr& event) {
              programs |= may_remove_program(event);
              if (is_gateway_damage(event)) {
                note([&] { return describe_event(event) + ", in the gateway"; });
              }
            },
        .tables = [&] { note([] { return std::string("nftables table sextant changed"); }); },
        .name = [&] { note([&] { return "name /run/netns/" + gateway_->name() + " removed"; }); },
        .lost = [&] { note([] { return std::string("events were lost"); }); },
    });
    if (links && !damage) {
      const auto changed = uplinks_.refresh(socket_);
      if (!changed || *changed) {
        note([&] { return "underlay devices changed, now " + uplinks_.to_string(); });
      }
    }
    if (default_routes && take_outgoing_sources()) {
      note([] { return std::string("a default route has another source"); });
    }
    // libbpf's own detaching is heard too, so what counts is what is there.
    if (programs && !damage && fast_path_ &&
        FastPath::attached(*gateway_, uplinks_.devices()) < programs_) {
      note([] { return std::string("BPF program at a device removed"); });
    }
    return damage;
  }
  std::string damage() const override { return damage_; }

 private:
  // A Packet Too Big of the underlay lowers the MTU of one prefix, for as long as RFC 8201 section
  // 4 wants it kept.
  void learn_path_mtus() {
    ApplyReport report;
    if (path_mtu_timer_.expired()) host_.forget_path_mtus(report);
    // Errors about others' packets are read too: the descriptor stays readable until they are.
    const auto source = identity_.encapsulation_source.value_or(Ipv6Address{});
    too_big_->receive(source, [&](const PathMtu& path) {
      if (!host_.learn_path_mtu(path.inner_destination, path.inner_mtu, report)) return;
      log::info("the underlay carries {} bytes towards {}: pods are told", path.inner_mtu,
                path.inner_destination.to_string());
      path_mtu_timer_.start(kPathMtuLifetime);
    });
    for (const auto& problem : report.problems) log::warn("{}", problem.error.message());
  }

  tl::unexpected<Error> fail(const Result<void>& done) { return tl::unexpected(done.error()); }

  // The gateway, its links and the monitor: made, or found again.
  Result<void> open(ApplyReport& report) {
    if (gateway_) {
      if (const auto kept = gateway_->keep_name(report); !kept) {
        report.problems.push_back({.object = "gateway " + gateway_->name(), .error = kept.error()});
      }
    }
    auto gateway = Gateway::open_or_create(report);
    if (!gateway) return tl::unexpected(gateway.error());
    const auto id = gateway->netns().id();
    if (!id) return tl::unexpected(id.error());
    if (!gateway_ || gateway_id_ != *id) {
      gateway_side_.reset();
      monitor_.reset();
      gateway_ = std::make_unique<Gateway>(std::move(*gateway));
      gateway_id_ = *id;
      gateway_side_ = std::make_unique<GatewaySide>(*gateway_, options_.encap);
    }
    if (!monitor_) {  // before anything is read, so that no change falls between
      if (auto watched = watch_path_mtus(); !watched) return watched;
      auto monitor = Monitor::make(socket_, *gateway_, events_);
      if (!monitor) return tl::unexpected(monitor.error());
      monitor_.emplace(std::move(*monitor));
    }
    const auto writes_before = report.writes;
    if (auto prepared = gateway_->prepare(socket_, report); !prepared) return prepared;
    if (report.writes != writes_before) {
      // A new veth is announced while it is still down, and not in our name: forgotten, and looked
      // at once more instead.
      monitor_->skip_routing();
      if (auto prepared = gateway_->prepare(socket_, report); !prepared) return prepared;
    }
    if (auto read = uplinks_.refresh(socket_); !read) return tl::unexpected(read.error());
    if (!fast_path_ && options_.fast_path) make_fast_path();
    gateway_side_->mirror_to(fast_path_ ? &*fast_path_ : nullptr);
    return {};
  }

  void make_fast_path() {
    auto made = FastPath::make(gateway_->host_inner());
    if (made) {
      fast_path_.emplace(std::move(*made));
    } else {
      options_.fast_path = false;  // the kernel will not learn it
      log::warn("packets take the longer way through the gateway: {}", made.error().message());
    }
    auto& capability = capability_of(kFastPath);
    capability.choice = made ? "BPF" : "none";
    capability.reason = made ? "the kernel has tc BPF" : made.error().message();
  }

  /// The entry of that name, a new one where there is none.
  Capability& capability_of(const char* name) {
    const auto found = std::ranges::find(capabilities_, name, &Capability::name);
    return found != capabilities_.end() ? *found : capabilities_.emplace_back(Capability{name});
  }

  void begin_fast_path_sync(ApplyReport& report) {
    if (!fast_path_) return;
    if (const auto begun = fast_path_->begin_sync(); !begun) {
      report.problems.push_back({.object = "fast path", .error = begun.error()});
    }
    set_fast_path_source(report);
  }

  void set_fast_path_source(ApplyReport& report) {
    if (fast_path_ && identity_.encapsulation_source) {
      fast_path_->set_source(*identity_.encapsulation_source, report);
    }
  }

  // The programs, where they are not attached yet. True where every uplink has them.
  bool attach_fast_path(ApplyReport& report) {
    if (!fast_path_) return false;
    const bool all = fast_path_->attach(*gateway_, uplinks_.devices(), report);
    capability_of(kFastPath).choice =
        all ? "BPF at sextant0, the uplinks and the gateway"
            : "BPF at sextant0 and the gateway; nftables at uplinks that take no program";
    std::set<netlink::IfIndex> keep;
    for (const auto& uplink : uplinks_.devices()) keep.insert(netlink::IfIndex{uplink.index});
    if (const auto done = FastPath::detach_uplinks(socket_, keep, report); !done) {
      report.problems.push_back({.object = "fast path", .error = done.error()});
    }
    programs_ = FastPath::attached(*gateway_, uplinks_.devices());
    return all;
  }

  // Whether the host routes all other nodes' IPv4 addresses to an uplink, where the fast path sends
  // pods' packets into the overlay. The underlay is IPv6 and need not know them.
  template <typename Routes>
  bool underlay_routes_ipv4(const Routes& routes) {
    std::set<netlink::IfIndex> uplinks;
    for (const auto& uplink : uplinks_.devices()) uplinks.insert(netlink::IfIndex{uplink.index});
    return std::ranges::all_of(routes, [&](const auto& entry) {
      const auto& [key, target] = entry;
      const bool asked = key.scope == overlay::RouteScope::kPods && key.prefix.address().is_v4();
      if (!asked) return true;
      const auto route = netlink::lookup_route(socket_, key.prefix.address());
      return route && !route->next_hops.empty() && uplinks.contains(route->next_hops[0].link);
    });
  }

  void hand_over(ApplyReport& report) {
    fast_path_->set_hand_over(gateway_->host_outer(), filter_.input(), report);
  }

  Result<void> watch_path_mtus() {
    auto socket = PacketTooBigSocket::make();
    if (!socket) return tl::unexpected(socket.error());
    too_big_.emplace(std::move(*socket));
    auto timer = Timer::make();
    if (!timer) return tl::unexpected(timer.error());
    path_mtu_timer_ = std::move(*timer);
    if (auto watched = events_.watch(too_big_->fd()); !watched) return watched;
    return events_.watch(path_mtu_timer_.fd());
  }

  // Make-before-break: paths (the ways to their SIDs are there), then the prefixes that take them,
  // then what the host sends into the overlay.
  void apply_paths(const overlay::ForwardingDiff& change, ApplyReport& report) {
    Writes writes(gateway_->socket(), report);
    for (const auto& [key, path] : change.paths) {
      if (path) gateway_side_->set_path(key, *path, writes);
    }
    const bool routes_move = std::ranges::any_of(
        change.routes, [](const auto& route) { return route.second.has_value(); });
    for (const auto& [key, path] : change.paths) {
      if (!path && routes_move) gateway_side_->hold_path(key, writes);
    }
    for (const auto& [key, target] : change.routes) {
      if (!target) {
        host_.remove_route(key);
        gateway_side_->remove_route(key, host_.captures(key.prefix), writes);
      }
    }
    for (const auto& [key, target] : change.routes) {
      if (target) {
        gateway_side_->set_route(key, *target, host_.captures(key.prefix), writes);
        host_.set_route(key, *target);
      }
    }
    for (const auto& [key, path] : change.paths) {
      if (!path) gateway_side_->remove_path(key);
    }
    writes.flush();
    if (!fast_path_) return;
    fast_path_->flush(report);
    for (const auto& [key, target] : change.routes) {
      fast_path_->change_pod_route(gateway_->host_inner(), key, target, report);
    }
  }

  Result<void> sync_host_sids(ApplyReport& report) {
    return dataplane::sync_host_sids(socket_, gateway_->host_outer(), sids_, report);
  }

  void take_uplinks() {
    filter_.set_uplinks(uplinks_.devices());
    take_outgoing_sources();
    auto& choice = capability_of(kUnderlayDevices).choice;
    choice = uplinks_.to_string();
    if (choice.empty()) choice = "none: SIDs of this node take no packets";
  }

  void write_filter(const Result<bool>& written, ApplyReport& report) {
    book(report, "nftables", written);
    if (!written || *written) monitor_->skip_own_tables();
  }

  // True where there is news.
  bool take_outgoing_sources() {
    if (!filter_.masquerade()) return false;
    const auto before = filter_.masquerade()->sources();
    filter_.set_outgoing_sources(preferred_sources(socket_, uplinks_.names()));
    return filter_.masquerade()->sources() != before;
  }

  Masquerade* tell_masquerade() {
    auto* const masquerade = filter_.masquerade();
    if (masquerade) {
      masquerade->set_own_pods(identity_.pod_prefixes);
      masquerade->set_foreign_pods(host_.conflicts());
    }
    return masquerade;
  }

  LinuxOptions options_;
  Socket socket_;
  HostSide host_;
  std::vector<Capability> capabilities_;
  std::unique_ptr<Gateway> gateway_;
  ino_t gateway_id_ = 0;
  std::unique_ptr<GatewaySide> gateway_side_;
  std::optional<FastPath> fast_path_;
  std::size_t programs_ = 0;  // that could be attached
  std::set<Family> pods_rules_;
  EventSet events_;  // whatever becomes of the gateway, the agent waits for this one
  std::optional<Monitor> monitor_;
  std::optional<PacketTooBigSocket> too_big_;
  Timer path_mtu_timer_;
  NeighborAnnouncer announcer_;
  Uplinks uplinks_;
  HostFilter filter_;
  HostSide::Identity identity_;
  std::map<srv6::Sid, overlay::LocalSid> sids_;
  std::string damage_;
};

}  // namespace

Result<std::unique_ptr<Dataplane>> make_linux_dataplane(const LinuxOptions& options) {
  if (auto allowed = check_privileges(); !allowed) return tl::unexpected(allowed.error());
  auto socket = Socket::make();
  if (!socket) return tl::unexpected(socket.error());
  auto events = EventSet::make();
  if (!events) return tl::unexpected(events.error());
  return std::make_unique<LinuxDataplane>(std::move(*socket), std::move(*events), options);
}

}  // namespace sextant::dataplane
