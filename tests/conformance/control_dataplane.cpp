#include "control_dataplane.h"

#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <stdexcept>

namespace sextant::conformance {

namespace {

using overlay::Forwarding;

/// Runs lines of `ip -batch` in the calling thread's namespace.
Result<void> ip_batch(const std::string& lines) {
  FILE* const ip = ::popen("ip -force -batch - 2>/dev/null", "w");
  if (ip == nullptr) return failure("run", "ip", "popen failed");
  std::fputs(lines.c_str(), ip);
  ::pclose(ip);
  return {};
}

void set_sysctl(const char* path, int value) { std::ofstream(path) << value; }

/// Common to the controls: remembers what is wanted and makes it anew with every change.
class ControlDataplane : public dataplane::Dataplane {
 public:
  explicit ControlDataplane(std::string name) : name_(std::move(name)) {}
  [[nodiscard]] std::string_view name() const override { return name_; }
  [[nodiscard]] const std::vector<dataplane::Capability>& capabilities() const override {
    return capabilities_;
  }
  [[nodiscard]] Result<dataplane::ApplyReport> reconcile(const Forwarding& wanted) override {
    wanted_ = wanted;
    if (auto made = ip_batch(lines_for(wanted_)); !made) return tl::unexpected(made.error());
    return dataplane::ApplyReport{.writes = 1};
  }
  [[nodiscard]] Result<dataplane::ApplyReport> apply(
      const overlay::ForwardingDiff& change) override {
    Forwarding wanted = wanted_;
    overlay::patch(wanted, change);
    return reconcile(wanted);
  }
  [[nodiscard]] Result<void> remove_all() override { return {}; }
  [[nodiscard]] Result<dataplane::Counters> counters() override { return dataplane::Counters{}; }

 protected:
  [[nodiscard]] virtual std::string lines_for(const Forwarding& wanted) const = 0;

 private:
  std::string name_;
  std::vector<dataplane::Capability> capabilities_;
  Forwarding wanted_;
};

std::string own_addresses(const Forwarding& wanted) {
  set_sysctl("/proc/sys/net/ipv4/ip_forward", 1);
  set_sysctl("/proc/sys/net/ipv6/conf/all/forwarding", 1);
  std::string lines = "link add sextant0 type veth peer name sextant1\nlink set sextant0 up\n";
  lines += "link set sextant1 up\n";
  if (wanted.overlay_ipv4) {
    lines += fmt::format("address add {}/32 dev sextant0\n", wanted.overlay_ipv4->to_string());
  }
  if (wanted.overlay_ipv6) {
    lines +=
        fmt::format("address add {}/128 dev sextant0 nodad\n", wanted.overlay_ipv6->to_string());
  }
  for (const IpPrefix& prefix : wanted.pod_prefixes) {
    lines += fmt::format("route replace unreachable {}\n", prefix.to_string());
  }
  if (wanted.locator) {
    lines += fmt::format("route replace unreachable {}\n", wanted.locator->to_string());
  }
  return lines;
}

std::string source_of(const Forwarding& wanted, Family family) {
  return family == Family::kIpv4 ? wanted.overlay_ipv4->to_string()
                                 : wanted.overlay_ipv6->to_string();
}

class NoneDataplane final : public ControlDataplane {
 public:
  NoneDataplane() : ControlDataplane("none") {}

 private:
  [[nodiscard]] std::string lines_for(const Forwarding&) const override { return {}; }
};

class RoutedDataplane final : public ControlDataplane {
 public:
  RoutedDataplane() : ControlDataplane("routed") {}

 private:
  [[nodiscard]] std::string lines_for(const Forwarding& wanted) const override {
    std::string lines = own_addresses(wanted);
    // The other nodes' pods are behind the default gateways, as everything is; only the source
    // differs.
    for (const auto& [key, target] : wanted.routes) {
      if (!std::holds_alternative<overlay::PathKey>(target)) continue;
      const bool v4 = key.prefix.family() == Family::kIpv4;
      const bool pods = key.scope == overlay::RouteScope::kAll;
      if (!pods) continue;
      const auto add = [&](std::string_view gateway, int metric) {
        lines += fmt::format("route replace {} via {} src {} metric {}\n", key.prefix.to_string(),
                             gateway, source_of(wanted, key.prefix.family()), metric);
      };
      const std::string source = wanted.encapsulation_source->to_string();
      if (source == "fd10::a") {
        add(v4 ? "10.1.0.1" : "fcf0:0:0:1::1", 100);
        add(v4 ? "10.2.0.1" : "fcf0:0:0:2::1", 200);
      } else if (source == "fd11::b") {
        add(v4 ? "192.168.11.1" : "fd11::1", 100);
      } else {
        add(v4 ? "192.168.12.1" : "fd12::1", 100);
      }
    }
    return lines;
  }
};

std::string segments_of(const srv6::SegmentList& list) {
  std::string text;
  for (const srv6::Sid& segment : list.segments) {
    text += (text.empty() ? "" : ",") + segment.to_string();
  }
  return text;
}

class Seg6Dataplane final : public ControlDataplane {
 public:
  Seg6Dataplane() : ControlDataplane("seg6") {}

 private:
  [[nodiscard]] std::string lines_for(const Forwarding& wanted) const override {
    set_sysctl("/proc/sys/net/ipv4/fib_multipath_hash_policy", 1);
    set_sysctl("/proc/sys/net/ipv6/fib_multipath_hash_policy", 1);
    std::string lines = own_addresses(wanted);
    lines += fmt::format("sr tunsrc set {}\n", wanted.encapsulation_source->to_string());
    for (const auto& [prefix, gateway] : wanted.locator_routes) {
      lines += fmt::format("route replace {} via {} dev to-c\nroute replace {} via {} dev to-b\n",
                           prefix.to_string(), gateway.to_string(), prefix.to_string(),
                           gateway.to_string());
    }
    for (const auto& [local, what] : wanted.local_sids) {
      if (const std::string action = action_of(what); !action.empty()) {
        lines += fmt::format("route replace {}/128 encap seg6local action {} dev sextant0\n",
                             local.to_string(), action);
      }
    }
    for (const auto& [key, target] : wanted.routes) lines += route(wanted, key, target);
    return lines;
  }

  static std::string action_of(const overlay::LocalSid& what) {
    switch (what.behavior) {
      case srv6::Behavior::kEnd:
        return "End";
      case srv6::Behavior::kEndX:
        return "End.X nh6 " + what.next_hop->to_string();
      case srv6::Behavior::kEndDt4:
        return "End.DX4 nh4 0.0.0.0";
      case srv6::Behavior::kEndDt6:
        return "End.DT6 table main";
      case srv6::Behavior::kEndB6Encaps:
        return "End.B6.Encaps srh segs " + segments_of(what.lists.front());
      default:
        return {};
    }
  }

  static std::string route(const Forwarding& wanted, const overlay::RouteKey& key,
                           const overlay::RouteTarget& target) {
    const std::string prefix = key.prefix.to_string();
    if (key.scope == overlay::RouteScope::kPods) return {};
    if (std::holds_alternative<overlay::Unreachable>(target)) return {};
    const auto* const path_key = std::get_if<overlay::PathKey>(&target);
    if (path_key == nullptr) return fmt::format("route replace blackhole {}\n", prefix);
    const overlay::Path& path = wanted.paths.at(*path_key);
    if (path.lists.empty()) return fmt::format("route replace blackhole {}\n", prefix);
    std::string line =
        fmt::format("route replace {} src {}", prefix, source_of(wanted, key.prefix.family()));
    for (const srv6::SegmentList& list : path.lists) {
      const bool several = path.lists.size() > 1;
      line += fmt::format("{} encap seg6 mode encap.red segs {} dev sextant0{}",
                          several ? " nexthop" : "", segments_of(list),
                          several ? fmt::format(" weight {}", list.weight) : "");
    }
    return line + "\n";
  }
};

template <typename T>
DataplaneUnderTest control(std::string_view name, bool encapsulates) {
  return {.name = std::string(name),
          .make = []() -> Result<std::unique_ptr<dataplane::Dataplane>> {
            return std::make_unique<T>();
          },
          .encapsulates = encapsulates};
}

}  // namespace

DataplaneUnderTest control_dataplane(std::string_view name) {
  if (name == "none") return control<NoneDataplane>(name, true);
  if (name == "routed") return control<RoutedDataplane>(name, false);
  if (name == "seg6") return control<Seg6Dataplane>(name, true);
  throw std::runtime_error("SEXTANT_CONFORMANCE: no control is called " + std::string(name));
}

}  // namespace sextant::conformance
