#include <fmt/format.h>

#include <algorithm>

#include "testbed/agents.h"
#include "testbed/bgp.h"
#include "testbed/convergence.h"
#include "testbed/files.h"
#include "testbed/frr.h"
#include "testbed/manifests.h"
#include "testbed/pods.h"
#include "testbed/state.h"
#include "testbed/testbed.h"
#include "testbed/underlay.h"

namespace sextant::testbed {
namespace {

constexpr unsigned kDefaultPods = 2;
// A /26 has 62 addresses besides its first and last, one of them the node's.
constexpr unsigned kMaxPods = 60;

/// One `up`: its steps share what was asked and what is said about it.
class Builder {
 public:
  Builder(const Id& id, const UpOptions& options)
      : id_(id), options_(options), lab_(topology(id.kind())) {}

  Result<UpReport> keep(State state);
  Result<void> build(const State& wanted);

 private:
  template <typename... Args>
  void say(fmt::format_string<Args...> format, Args&&... args) const {
    if (options_.progress) options_.progress(fmt::format(format, std::forward<Args>(args)...));
  }
  Result<void> write_manifests(const State& wanted) const;
  Result<std::vector<std::string>> start_daemons(const State& wanted) const;
  Result<void> await(const State& wanted) const;

  const Id& id_;
  const UpOptions& options_;
  const Topology& lab_;
};

Result<void> Builder::write_manifests(const State& wanted) const {
  const auto write = [](const std::filesystem::path& folder, const auto& files) -> Result<void> {
    for (const auto& [name, content] : files) {
      const auto path = folder / name;
      if (auto made = make_directory(path.parent_path()); !made) return made;
      if (auto written = write_file(path, content); !written) return written;
    }
    return {};
  };
  return wanted.bgp ? write(bgp_directory(id_), bgp_files(lab_))
                    : write(id_.manifests(), manifests(lab_));
}

Result<std::vector<std::string>> Builder::start_daemons(const State& wanted) const {
  auto started = start_frr(id_, lab_);
  const auto add = [&started](Result<std::vector<std::string>> more) {
    if (!more) {
      started = std::move(more);
    } else {
      started->insert(started->end(), more->begin(), more->end());
    }
  };
  if (started && wanted.agents) {
    add(start_agents(id_, lab_, wanted.bgp.has_value(), options_.programs));
  }
  if (started && wanted.bgp) add(start_injector(id_, *wanted.bgp, options_.programs));
  return started;
}

Result<void> Builder::await(const State& wanted) const {
  if (wanted.agents) {
    if (auto ready = await_agents(id_, lab_, options_.patience); !ready) return ready;
    say("agents are ready");
  }
  if (!lab_.routers.empty()) {
    if (auto done = await_convergence(id_, lab_, options_.patience); !done) return done;
    say("IS-IS has converged");
  }
  if (wanted.agents && wanted.bgp) {
    if (auto done = await_bgp(id_, lab_, *wanted.bgp, options_.patience); !done) return done;
    say("BGP sessions are up");
  }
  return {};
}

Result<UpReport> Builder::keep(State state) {
  UpReport report;
  const State before = state;
  state.agents = state.agents || options_.agents;
  if (options_.bgp) state.bgp = options_.bgp;
  auto started = start_daemons(state);
  if (!started) return tl::unexpected(started.error());
  report.repaired = std::move(*started);
  report.was_up = report.repaired.empty();
  for (const std::string& what : report.repaired) say("started {}, which did not run", what);
  if (auto done = await(state); !done) return tl::unexpected(done.error());
  if (state.agents != before.agents || state.bgp != before.bgp) {
    if (auto written = write_state(id_, state); !written) return tl::unexpected(written.error());
  }
  return report;
}

Result<void> Builder::build(const State& wanted) {
  if (auto made = make_directory(id_.directory()); !made) return made;
  if (auto written = write_state(id_, wanted); !written) return written;
  if (auto written = write_manifests(wanted); !written) return written;
  if (auto built = build_underlay(id_, lab_); !built) return built;
  say("{} namespaces and {} links made", lab_.machines().size(), lab_.links.size());
  const auto daemons = start_daemons(wanted);
  if (!daemons) return tl::unexpected(daemons.error());
  if (!daemons->empty()) say("{} daemons started", daemons->size());
  if (auto made = make_pods(id_, lab_, wanted.pods, options_.programs); !made) return made;
  if (wanted.pods > 0) say("{} pods wired by sextant-cni", wanted.pods * lab_.nodes.size());
  if (auto done = await(wanted); !done) return done;
  State complete = wanted;
  complete.complete = true;
  return write_state(id_, complete);
}

bool all_there(const Id& id, const State& state, const std::vector<std::string>& names) {
  const Topology& lab = topology(state.kind);
  std::vector<std::string> wanted = lab.machines();
  for (const ClusterNode& node : lab.nodes) {
    for (unsigned n = 1; n <= state.pods; ++n) wanted.push_back(Id::pod(node.name, n));
  }
  return std::ranges::all_of(wanted, [&](const std::string& machine) {
    return std::ranges::find(names, id.netns(machine)) != names.end();
  });
}

}  // namespace

Result<UpReport> up(const Id& id, const UpOptions& options) {
  if (options.pods.value_or(0) > kMaxPods) {
    return failure("bring up", id.title(),
                   fmt::format("{} pods a node are too many", *options.pods),
                   fmt::format("at most {}", kMaxPods));
  }
  const auto held = lock(id);
  if (!held) return tl::unexpected(held.error());
  const std::optional<State> state = read_state(id);
  if (state && state->cluster) {
    return failure("bring up", id.title(), "a Kubernetes cluster of that name is there",
                   "take it down first, or choose another --name");
  }
  if (state && state->kind != id.kind()) {
    return failure("bring up", id.title(),
                   fmt::format("a {} testbed of that name is there", to_string(state->kind)),
                   "take it down first, or choose another --name");
  }
  const auto names = existing_namespaces(id);
  if (!names) return tl::unexpected(names.error());
  Builder builder{id, options};
  if (state && state->complete && all_there(id, *state, *names)) {
    if (options.pods && *options.pods != state->pods) {
      return failure("bring up", id.title(),
                     fmt::format("it is up with {} pods a node", state->pods),
                     "take it down first to change that");
    }
    if (options.bgp && !state->bgp) {
      return failure("bring up", id.title(), "it is up without BGP",
                     "take it down first to change that, or choose another --name");
    }
    return builder.keep(*state);
  }
  if (!names->empty() || state) {
    if (options.progress) options.progress("removing what an earlier command left half-built");
    if (auto gone = take_down(id, {}); !gone) return tl::unexpected(gone.error());
  }
  auto built = builder.build({.kind = id.kind(),
                              .pods = options.pods.value_or(kDefaultPods),
                              .agents = options.agents,
                              .bgp = options.bgp});
  if (!built) return tl::unexpected(built.error());
  return UpReport{};
}

}  // namespace sextant::testbed
