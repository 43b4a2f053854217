#include "testbed/state.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cerrno>
#include <set>

#include "dataplane/linux/netlink/netns.h"
#include "testbed/bgp.h"
#include "testbed/files.h"

namespace sextant::testbed {
namespace {

namespace json = boost::json;

std::filesystem::path state_file(const Id& id) { return id.directory() / "testbed.json"; }

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::optional<State> read_state(const Id& id) {
  const auto text = read_file(state_file(id));
  if (!text) return std::nullopt;
  try {
    const json::object object = json::parse(*text).as_object();
    const auto kind = parse_kind(std::string{object.at("kind").as_string()});
    if (!kind) return std::nullopt;
    const json::value* cluster = object.if_contains("cluster");
    const json::value* bgp = object.if_contains("bgp");
    return State{.kind = *kind,
                 .pods = object.at("pods").to_number<unsigned>(),
                 .agents = object.at("agents").as_bool(),
                 .bgp = bgp == nullptr ? std::nullopt : parse_injector(bgp->as_string()),
                 .cluster = cluster != nullptr && cluster->as_bool(),
                 .complete = object.at("complete").as_bool()};
  } catch (const std::exception&) {  // whatever is wrong with it: it says nothing
    return std::nullopt;
  }
}

Result<void> write_state(const Id& id, const State& state) {
  json::object object{{"kind", to_string(state.kind)},
                      {"pods", state.pods},
                      {"agents", state.agents},
                      {"cluster", state.cluster},
                      {"complete", state.complete}};
  if (state.bgp) object["bgp"] = to_string(*state.bgp);
  return write_file(state_file(id), json::serialize(object) + "\n");
}

Result<UniqueFd> lock(const Id& id) {
  const std::filesystem::path directory = id.directory().parent_path();
  if (auto made = make_directory(directory); !made) return tl::unexpected(made.error());
  const auto path = directory / (id.directory().filename().string() + ".lock");
  while (true) {
    UniqueFd fd{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)};
    if (!fd) return system_error("lock", path.string(), errno);
    while (::flock(fd.get(), LOCK_EX) != 0) {
      if (errno != EINTR) return system_error("lock", path.string(), errno);
    }
    // `down` removes the file: what was waited for may be no longer what others lock.
    struct stat held {
    }, named{};
    if (::fstat(fd.get(), &held) == 0 && ::stat(path.c_str(), &named) == 0 &&
        held.st_ino == named.st_ino) {
      return fd;
    }
  }
}

Result<std::vector<std::string>> existing_namespaces(const Id& id) {
  auto all = netlink::Netns::list();
  if (!all) return tl::unexpected(all.error());
  std::set<std::string> machines;
  std::vector<std::string> pod_prefixes;
  for (const Kind kind : {Kind::kBasic, Kind::kFull}) {
    for (const std::string& machine : topology(kind).machines()) {
      machines.insert(id.netns(machine));
    }
    for (const ClusterNode& node : topology(kind).nodes) {
      machines.insert(id.netns(node.name + "-gw"));  // the gateway that the node's agent makes
      pod_prefixes.push_back(id.netns(fmt::format("pod-{}-", node.name)));
    }
  }
  std::erase_if(*all, [&](const std::string& name) {
    return !machines.contains(name) &&
           std::ranges::none_of(pod_prefixes, [&name](const std::string& prefix) {
             return name.starts_with(prefix) && is_number(name.substr(prefix.size()));
           });
  });
  return all;
}

}  // namespace sextant::testbed
