#include "testbed/picture.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <set>

namespace sextant::testbed {
namespace {

struct Point {
  double x = 0, y = 0;
};
Point operator+(Point a, Point b) { return {a.x + b.x, a.y + b.y}; }
Point operator-(Point a, Point b) { return {a.x - b.x, a.y - b.y}; }
Point operator*(Point a, double f) { return {a.x * f, a.y * f}; }
double length(Point a) { return std::hypot(a.x, a.y); }
Point unit(Point a) { return a * (1 / std::max(length(a), 1e-9)); }
Point left_of(Point direction) { return {direction.y, -direction.x}; }

constexpr double kWidth = 1280, kHeight = 800;
constexpr double kRouterRadius = 30;
constexpr double kNodeWidth = 230, kNodeHeight = 136;
constexpr double kPodWidth = 206, kPodHeight = 36;
constexpr std::array<const char*, 2> kColors{"#e07b00", "#0a6ebd"};
constexpr std::array<double, 2> kOffsets{-7, 7};

/// Hand-laid: the two ways from r3 to r8 are the upper and the lower arc.
const std::map<std::string, Point>& places() {
  static const std::map<std::string, Point> result{
      {"r1", {500, 128}},     {"r2", {500, 262}},      {"r3", {372, 400}},       {"r4", {500, 538}},
      {"r5", {640, 634}},     {"r6", {780, 538}},      {"r7", {780, 262}},       {"r8", {908, 400}},
      {"master", {150, 286}}, {"worker1", {150, 514}}, {"worker2", {1130, 400}},
  };
  return result;
}

/// Hosts are shown as one label a router, where there is room.
struct HostsRow {
  const char* router;
  Point at;
};
constexpr std::array kHosts{HostsRow{"r1", {640, 128}}, HostsRow{"r2", {372, 210}},
                            HostsRow{"r3", {350, 630}}, HostsRow{"r5", {640, 712}},
                            HostsRow{"r8", {975, 286}}};

std::optional<Point> place(const std::string& name) {
  const auto found = places().find(name);
  if (found == places().end()) return std::nullopt;
  return found->second;
}

/// Pods of a node, from top to bottom; the picture has room for two.
Point pod_place(Point node, std::size_t index) {
  return node + Point{0, -2 + 42 * static_cast<double>(index)};
}

std::string text(Point at, std::string_view style, std::string_view content,
                 std::string_view anchor = "middle") {
  return fmt::format(R"(<text x="{:.1f}" y="{:.1f}" class="{}" text-anchor="{}">{}</text>)"
                     "\n",
                     at.x, at.y, style, anchor, content);
}

std::string line(Point a, Point b, std::string_view style) {
  return fmt::format(R"(<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" class="{}"/>)"
                     "\n",
                     a.x, a.y, b.x, b.y, style);
}

std::string box(Point center, double width, double height, double radius, std::string_view style) {
  return fmt::format(
      R"(<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="{:.0f}" class="{}"/>)"
      "\n",
      center.x - width / 2, center.y - height / 2, width, height, radius, style);
}

std::string header() {
  return fmt::format(
      R"svg(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0:.0f} {1:.0f}" width="{0:.0f}" height="{1:.0f}" role="img" aria-label="The full testbed and the paths seen on the wire">
<style>
text {{ font-family: "Inter", "Helvetica Neue", Helvetica, Arial, "DejaVu Sans", sans-serif; fill: #1d2733; }}
.title {{ font-size: 26px; font-weight: 700; }}
.subtitle {{ font-size: 15px; fill: #5b6876; }}
.router {{ fill: #ffffff; stroke: #33475b; stroke-width: 2.5; }}
.router-name {{ font-size: 19px; font-weight: 700; }}
.sid {{ font-size: 13px; fill: #33475b; paint-order: stroke; stroke: #ffffff; stroke-width: 5px; stroke-linejoin: round; }}
.link {{ stroke: #b6c2cd; stroke-width: 3; }}
.stub {{ stroke: #d5dce3; stroke-width: 2; }}
.hosts {{ fill: #f4f6f8; stroke: #d5dce3; stroke-width: 1.5; }}
.hosts-name {{ font-size: 12.5px; fill: #5b6876; }}
.node {{ fill: #eef4fa; stroke: #7d96ad; stroke-width: 2; }}
.node-name {{ font-size: 18px; font-weight: 700; }}
.pod {{ fill: #ffffff; stroke: #9db2c5; stroke-width: 1.5; }}
.end {{ stroke: #1d2733; stroke-width: 2.5; }}
.pod-name {{ font-size: 12.5px; font-weight: 600; }}
.pod-address {{ font-size: 11.5px; fill: #47576a; }}
.path {{ fill: none; stroke-width: 6; stroke-linecap: round; stroke-linejoin: round; }}
.legend {{ font-size: 16px; font-weight: 600; }}
.legend-detail {{ font-size: 14px; fill: #47576a; }}
</style>
<rect width="100%" height="100%" fill="#ffffff"/>
)svg",
      kWidth, kHeight);
}

std::string draw_links(const Topology& lab) {
  std::string result;
  for (const Link& link : lab.links) {
    const auto a = place(link.a.machine), b = place(link.b.machine);
    if (a && b) result += line(*a, *b, "link");
  }
  return result;
}

std::string draw_hosts(const Topology& lab) {
  std::string result;
  for (const HostsRow& row : kHosts) {
    std::vector<std::string> names;
    for (const Host& host : lab.hosts) {
      if (host.router == row.router) names.push_back(host.name);
    }
    const std::string label = fmt::format("{}", fmt::join(names, "  "));
    result += line(places().at(row.router), row.at, "stub");
    result += box(row.at, 20 + 6.6 * static_cast<double>(label.size()), 26, 13, "hosts");
    result += text(row.at + Point{0, 4.5}, "hosts-name", label);
  }
  return result;
}

std::string draw_routers(const Topology& lab) {
  std::string result;
  for (const Router& router : lab.routers) {
    const auto at = place(router.name);
    if (!at) continue;
    result += fmt::format(R"(<circle cx="{:.1f}" cy="{:.1f}" r="{:.0f}" class="router"/>)"
                          "\n",
                          at->x, at->y, kRouterRadius);
    result += text(*at + Point{0, 6.5}, "router-name", router.name);
  }
  return result;
}

/// Over the paths, so that they stay legible.
std::string draw_sids(const Topology& lab) {
  static const std::map<std::string, Point> sides{
      {"r1", {-72, 5}},  {"r2", {58, -34}}, {"r3", {70, 5}},   {"r4", {-52, 46}},
      {"r5", {-74, 12}}, {"r6", {62, 44}},  {"r7", {-4, -42}}, {"r8", {-70, 5}}};
  std::string result;
  for (const Router& router : lab.routers) {
    const auto at = place(router.name);
    const auto side = sides.find(router.name);
    if (at && side != sides.end()) result += text(*at + side->second, "sid", router.end_sid);
  }
  return result;
}

/// `ends`: the pods whose traffic is shown.
std::string draw_nodes(const Topology& lab, const std::vector<Pod>& pods,
                       const std::set<std::string>& ends) {
  std::string result;
  for (const ClusterNode& node : lab.nodes) {
    const auto at = place(node.name);
    if (!at) continue;
    result += box(*at, kNodeWidth, kNodeHeight, 14, "node");
    const Point corner{at->x - kNodeWidth / 2 + 13, at->y - kNodeHeight / 2 + 28};
    result += text(corner, "node-name", node.name, "start");
    result +=
        text({at->x + kNodeWidth / 2 - 13, corner.y}, "pod-address", node.addresses.front(), "end");
    std::size_t index = 0;
    for (const Pod& pod : pods) {
      if (pod.node != node.name || index == 2) continue;
      const Point center = pod_place(*at, index++);
      result += box(center, kPodWidth, kPodHeight, 9, ends.contains(pod.name) ? "pod end" : "pod");
      std::vector<std::string> addresses;
      for (const IpAddress& address : pod.addresses) addresses.push_back(address.to_string());
      result += text(center + Point{0, -3}, "pod-name", pod.name);
      result +=
          text(center + Point{0, 12}, "pod-address", fmt::format("{}", fmt::join(addresses, "  ")));
    }
  }
  return result;
}

/// Where the path passes: beside the machines' centers, so that two paths on one link both show.
/// Where it turns, the point lies on the bisector of both links.
std::vector<Point> track(const std::vector<std::string>& machines, double offset) {
  std::vector<Point> centers;
  for (const std::string& machine : machines) {
    if (const auto at = place(machine)) centers.push_back(*at);
  }
  if (centers.size() < 2) return {};
  std::vector<Point> result;
  for (std::size_t i = 0; i < centers.size(); ++i) {
    const Point in = unit(i > 0 ? centers[i] - centers[i - 1] : centers[1] - centers[0]);
    const Point out = unit(i + 1 < centers.size() ? centers[i + 1] - centers[i] : in);
    const Point middle = unit(left_of(in) + left_of(out));
    const double cosine = middle.x * left_of(in).x + middle.y * left_of(in).y;
    result.push_back(centers[i] + middle * (offset / std::max(cosine, 0.4)));
  }
  // From the edge of the first node's box to the edge of the last one's.
  const double half = kNodeWidth / 2;
  const auto to_edge = [half](Point from, Point towards, double gap) {
    const Point direction = unit(towards - from);
    return from + direction * ((half + gap) / std::max(std::abs(direction.x), 0.5));
  };
  result.front() = to_edge(result.front(), result[1], 2);
  result.back() = to_edge(result.back(), result[result.size() - 2], 13);
  return result;
}

/// Corners are rounded.
std::string draw_path(const std::vector<Point>& points, std::size_t index) {
  constexpr double kRounding = 26;
  if (points.empty()) return {};
  std::string d = fmt::format("M{:.1f} {:.1f}", points[0].x, points[0].y);
  for (std::size_t i = 1; i + 1 < points.size(); ++i) {
    const Point before = points[i] - unit(points[i] - points[i - 1]) * kRounding;
    const Point after = points[i] + unit(points[i + 1] - points[i]) * kRounding;
    d += fmt::format(" L{:.1f} {:.1f} Q{:.1f} {:.1f} {:.1f} {:.1f}", before.x, before.y,
                     points[i].x, points[i].y, after.x, after.y);
  }
  d += fmt::format(" L{:.1f} {:.1f}", points.back().x, points.back().y);
  const Point tip = points.back() + unit(points.back() - points[points.size() - 2]) * 11;
  const Point direction = unit(tip - points.back());
  const Point a = tip - direction * 20 + left_of(direction) * 9;
  const Point b = tip - direction * 20 - left_of(direction) * 9;
  return fmt::format(R"(<path d="{}" class="path" stroke="{}"/>)"
                     "\n"
                     R"(<path d="M{:.1f} {:.1f} L{:.1f} {:.1f} L{:.1f} {:.1f} Z" fill="{}"/>)"
                     "\n",
                     d, kColors[index], tip.x, tip.y, a.x, a.y, b.x, b.y, kColors[index]);
}

std::string draw_legend(const std::vector<PicturePath>& paths) {
  std::string result;
  for (std::size_t i = 0; i < std::min(paths.size(), kColors.size()); ++i) {
    std::vector<std::string> routers;
    for (const std::string& machine : paths[i].machines) {
      if (machine.starts_with("r")) routers.push_back(machine);
    }
    const Point at{i == 0 ? 60.0 : 680.0, 758};
    result += fmt::format(R"(<path d="M{:.0f} {:.0f} h46" class="path" stroke="{}"/>)"
                          "\n",
                          at.x, at.y, kColors[i]);
    result += text(at + Point{62, -3}, "legend",
                   fmt::format("{}: {}", paths[i].title, fmt::join(routers, " \u2192 ")), "start");
    result += text(at + Point{62, 17}, "legend-detail", paths[i].detail, "start");
  }
  return result;
}

}  // namespace

std::string draw(const Topology& lab, const std::vector<Pod>& pods,
                 const std::vector<PicturePath>& paths) {
  std::string result = header();
  result +=
      text({40, 50}, "title", "Traffic engineering between pods, by segment routing", "start");
  result += text({40, 76}, "subtitle",
                 "Drawn from packets captured in the routers' network namespaces", "start");
  result += draw_links(lab) + draw_hosts(lab);
  for (std::size_t i = 0; i < std::min(paths.size(), kColors.size()); ++i) {
    result += draw_path(track(paths[i].machines, kOffsets[i]), i);
  }
  std::set<std::string> ends;
  for (const PicturePath& path : paths) ends.insert(path.machines.begin(), path.machines.end());
  result += draw_routers(lab) + draw_sids(lab) + draw_nodes(lab, pods, ends) + draw_legend(paths);
  return result + "</svg>\n";
}

}  // namespace sextant::testbed
