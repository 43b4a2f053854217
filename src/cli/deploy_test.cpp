// deploy/ agrees with the programs: what its manifests run, with which options, and where they
// look.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "agent/defaults.h"
#include "agent/options.h"
#include "cli/program.h"
#include "cli/walk.h"
#include "sources/bgp/settings.h"
#include "sources/yaml.h"

namespace sextant::cli {
namespace {

namespace fs = std::filesystem;
using sources::Value;
using testing::HasSubstr;

const fs::path kDeploy = fs::path(SEXTANT_SOURCE_DIR) / "deploy";

std::string contents(const fs::path& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

Value document(const fs::path& path) {
  const auto parsed = sources::parse_yaml(contents(path));
  EXPECT_TRUE(parsed && parsed->size() == 1) << path;
  return parsed && !parsed->empty() ? parsed->front() : Value{};
}

const Value& at(const Value& value, const std::vector<std::string>& path) {
  static const Value kNone;
  const auto* found = &value;
  for (const auto& key : path) {
    found = found->find(key);
    if (found == nullptr) {
      ADD_FAILURE() << "no " << key;
      return kNone;
    }
  }
  return *found;
}

std::vector<std::string> texts(const Value& list) {
  std::vector<std::string> result;
  for (const auto& item : list.items) result.push_back(item.text);
  return result;
}

const Value& container(const Value& daemon_set, const std::string& name) {
  const auto& spec = at(daemon_set, {"spec", "template", "spec"});
  for (const auto* list : {"initContainers", "containers"}) {
    const auto* containers = spec.find(list);  // a patch need not have both
    if (containers == nullptr) continue;
    for (const auto& each : containers->items)
      if (at(each, {"name"}).text == name) return each;
  }
  ADD_FAILURE() << "no container " << name;
  return spec;
}

Value daemon_set() { return document(kDeploy / "base/daemon-set.yaml"); }

/// The variables of the ConfigMap sextant-options, bases first.
std::map<std::string, std::string> options_of(const fs::path& folder) {
  std::map<std::string, std::string> variables;
  const auto kustomization = document(folder / "kustomization.yaml");
  if (const auto* bases = kustomization.find("bases"))
    for (const auto& base : bases->items)
      if (fs::exists(folder / base.text / "kustomization.yaml"))
        for (const auto& [name, value] : options_of(folder / base.text)) variables[name] = value;
  if (const auto* generators = kustomization.find("configMapGenerator")) {
    for (const auto& generator : generators->items) {
      if (at(generator, {"name"}).text != "sextant-options") continue;
      for (const auto& literal : texts(at(generator, {"literals"})))
        variables[literal.substr(0, literal.find('='))] = literal.substr(literal.find('=') + 1);
    }
  }
  return variables;
}

std::vector<fs::path> overlays() {
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(kDeploy / "overlays"))
    folders.push_back(entry.path());
  EXPECT_GE(folders.size(), 4U);
  return folders;
}

std::set<std::string> known_variables() {
  agent::Options options;
  CLI::App app;
  agent::describe_command_line(app, options);
  std::set<std::string> names;
  for (const auto* option : app.get_options()) names.insert(option->get_envname());
  return names;
}

TEST(Deploy, SextantdTakesTheOptionsOfEveryOverlay) {
  const auto known = known_variables();
  auto command = texts(at(container(daemon_set(), "sextantd"), {"command"}));
  ASSERT_EQ(command.at(0), "sextantd");
  std::vector<const char*> words;
  for (const auto& word : command) words.push_back(word.c_str());
  for (const auto& overlay : overlays()) {
    const auto variables = options_of(overlay);
    EXPECT_TRUE(variables.contains("SEXTANT_MAX_SEGMENTS")) << overlay;
    ::setenv("SEXTANT_NODE", "worker1", 1);
    for (const auto& [name, value] : variables) {
      EXPECT_TRUE(known.contains(name)) << name << " is no option of sextantd: " << overlay;
      ::setenv(name.c_str(), value.c_str(), 1);
    }
    const auto line = agent::parse_command_line(static_cast<int>(words.size()), words.data());
    EXPECT_TRUE(line.options) << overlay << ": sextantd refuses these options";
    for (const auto& [name, value] : variables) ::unsetenv(name.c_str());
    ::unsetenv("SEXTANT_NODE");
  }
}

TEST(Deploy, InitContainersRunCommandsThatExist) {
  const auto manifest = daemon_set();
  const auto program = make_program();
  for (const auto& each : at(manifest, {"spec", "template", "spec", "initContainers"}).items) {
    auto command = texts(at(each, {"command"}));
    ASSERT_EQ(command.at(0), "sextant");
    command.erase(command.begin());
    const auto place = walk(*program, command);
    EXPECT_FALSE(place.unknown) << place.unknown.value_or("");
    EXPECT_EQ(place.command->get_require_subcommand_min(), 0U) << place.path;
    std::set<std::string> options;
    for (const auto* option : place.command->get_options())
      for (const auto& name : option->get_lnames()) options.insert("--" + name);
    for (const auto& word : command) {
      if (!word.starts_with("--")) continue;
      EXPECT_TRUE(options.contains(word)) << place.path << ' ' << word;
    }
  }
}

TEST(Deploy, TheContainersSeeThePlacesOfTheNodeThatTheProgramsUse) {
  const auto manifest = daemon_set();
  std::map<std::string, std::string> paths;  // volume -> path on the node
  for (const auto& volume : at(manifest, {"spec", "template", "spec", "volumes"}).items)
    paths[at(volume, {"name"}).text] = at(volume, {"hostPath", "path"}).text;
  const auto mounts = [&](const std::string& name) {
    std::map<std::string, std::string> seen;  // path in the container -> path on the node
    for (const auto& mount : at(container(manifest, name), {"volumeMounts"}).items)
      seen[at(mount, {"mountPath"}).text] = paths[at(mount, {"name"}).text];
    return seen;
  };
  const auto agent = mounts("sextantd");
  const auto socket = fs::path(agent::kDefaultSocket).parent_path().string();
  for (const std::string path : {socket.c_str(), "/run/netns", "/opt/cni/bin", "/etc/cni/net.d"})
    EXPECT_EQ(agent.contains(path) ? agent.at(path) : "", path) << "the same on the node";
  EXPECT_EQ(agent.at("/host/proc/sys/net"), "/proc/sys/net");
  EXPECT_EQ(mounts("prepare").at("/run/netns"), "/run/netns");
  EXPECT_EQ(mounts("install-cni").at("/opt/cni/bin"), "/opt/cni/bin");
}

TEST(Deploy, ProbesAndPrometheusAskThePortOfTheMetrics) {
  const auto manifest = daemon_set();
  const auto& agent = container(manifest, "sextantd");
  const auto listen = options_of(kDeploy / "base").at("SEXTANT_METRICS_LISTEN");
  const auto port = listen.substr(listen.rfind(':') + 1);
  for (const auto* probe : {"startupProbe", "readinessProbe", "livenessProbe"})
    EXPECT_EQ(at(agent, {probe, "httpGet", "port"}).text, port) << probe;
  EXPECT_EQ(at(agent, {"ports"}).items.at(0).find("containerPort")->text, port);
  EXPECT_EQ(
      at(manifest, {"spec", "template", "metadata", "annotations", "prometheus.io/port"}).text,
      port);
}

TEST(Deploy, OnlyTheContainerThatMakesTheNamespaceIsPrivileged) {
  const auto manifest = daemon_set();
  EXPECT_EQ(at(container(manifest, "prepare"), {"securityContext", "privileged"}).text, "true");
  const auto& installs = at(container(manifest, "install-cni"), {"securityContext"});
  const auto& agent = at(container(manifest, "sextantd"), {"securityContext"});
  for (const auto* context : {&installs, &agent}) {
    EXPECT_EQ(context->find("privileged"), nullptr);
    EXPECT_EQ(at(*context, {"allowPrivilegeEscalation"}).text, "false");
    EXPECT_EQ(at(*context, {"readOnlyRootFilesystem"}).text, "true");
    EXPECT_EQ(texts(at(*context, {"capabilities", "drop"})), std::vector<std::string>{"ALL"});
  }
  EXPECT_EQ(at(installs, {"capabilities"}).find("add"), nullptr);
  EXPECT_EQ(texts(at(agent, {"capabilities", "add"})),
            (std::vector<std::string>{"NET_ADMIN", "NET_RAW", "SYS_ADMIN"}));
}

TEST(Deploy, BgpsSettingsAreMountedWhereTheAgentReadsThem) {
  const auto overlay = kDeploy / "overlays/bgp";
  const fs::path file = options_of(overlay).at("SEXTANT_BGP");
  const auto patch = document(overlay / "mount-settings.yaml");
  const auto& mount = at(container(patch, "sextantd"), {"volumeMounts"}).items.at(0);
  EXPECT_EQ(at(mount, {"mountPath"}).text, file.parent_path());
  const auto& volume = at(patch, {"spec", "template", "spec", "volumes"}).items.at(0);
  EXPECT_EQ(at(volume, {"name"}).text, at(mount, {"name"}).text);
  const auto map = at(volume, {"configMap", "name"}).text;
  std::vector<std::string> files;
  const auto kustomization = document(overlay / "kustomization.yaml");
  for (const auto& generator : at(kustomization, {"configMapGenerator"}).items)
    if (at(generator, {"name"}).text == map) files = texts(at(generator, {"files"}));
  EXPECT_EQ(files, std::vector<std::string>{file.filename()});

  const auto reading = bgp_source::read_settings(contents(overlay / file.filename()), "bgp.yaml");
  for (const auto& finding : reading.findings) ADD_FAILURE() << finding.text();
  ASSERT_TRUE(reading.settings && reading.settings->calico);
  EXPECT_GE(reading.settings->calico->port, 1024) << "the agent may not listen below";
}

TEST(Deploy, EveryDefinitionIsInstalled) {
  std::set<std::string> listed;
  for (const auto& name : texts(at(document(kDeploy / "crds/kustomization.yaml"), {"resources"})))
    listed.insert(name);
  std::set<std::string> present;
  for (const auto& entry : fs::directory_iterator(kDeploy / "crds"))
    if (entry.path().filename() != "kustomization.yaml") present.insert(entry.path().filename());
  EXPECT_EQ(listed, present);
}

TEST(Deploy, TheImageHasTheVersionOfThePrograms) {
  const auto manifest = daemon_set();
  for (const auto* name : {"prepare", "install-cni", "sextantd"})
    EXPECT_THAT(
        contents(fs::path(SEXTANT_SOURCE_DIR) / "CMakeLists.txt"),
        HasSubstr("VERSION " + at(container(manifest, name), {"image"}).text.substr(8) + " "));
}

}  // namespace
}  // namespace sextant::cli
