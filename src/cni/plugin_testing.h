// For tests: runs the plugin's program as a kubelet does, with the real host-local, in namespaces
// of the test's own.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "cni/pod_link.h"
#include "dataplane/linux/netlink/address.h"
#include "dataplane/linux/netlink/mtu.h"
#include "dataplane/linux/netlink/route.h"
#include "dataplane/linux/netlink/sysctl.h"
#include "dataplane/linux/netlink/testing.h"

namespace sextant::cni::testing {

using netlink::Netns;
using netlink::Socket;
using netlink::testing::expect;
using netlink::testing::ScratchNetns;
namespace fs = std::filesystem;
namespace json = boost::json;

inline IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }

constexpr const char* kPluginPath = "/usr/lib/cni";

struct Ended {
  int exit_status = -1;
  std::string output;
  [[nodiscard]] json::value result() const { return json::parse(output); }
};

struct Running {
  pid_t child = -1;
  UniqueFd output;
};

inline std::string read_file(int fd) {
  std::string text;
  char buffer[4096];
  ssize_t size = 0;
  ::lseek(fd, 0, SEEK_SET);
  while ((size = ::read(fd, buffer, sizeof buffer)) > 0) {
    text.append(buffer, static_cast<std::size_t>(size));
  }
  return text;
}

class PluginTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto reason = netlink::testing::missing_privilege(); !reason.empty()) {
      GTEST_SKIP() << reason;
    }
    if (!fs::exists(std::string(kPluginPath) + "/host-local")) {
      GTEST_SKIP() << "needs host-local (Debian: containernetworking-plugins)";
    }
    program_ = fs::read_symlink("/proc/self/exe").parent_path() / "bin/sextant-cni";
    ASSERT_TRUE(fs::exists(program_)) << program_;
    std::string pattern = (fs::temp_directory_path() / "sextant-cni-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    node_.emplace("node");
    pod_.emplace("pod");
    host_.emplace(node_->socket());
    // An underlay with an MTU that shows in the pod's: 9000 - 128.
    expect(netlink::create_veth(*host_, {.name = "uplink", .mtu = 9000, .up = true},
                                {.name = "far", .up = true}));
    const auto uplink = expect(netlink::get_link(*host_, "uplink"));
    for (const auto& [address, length] : {std::pair("fd10::1000", 64), {"192.168.10.254", 24}}) {
      expect(netlink::add_address(*host_, {uplink.index, IpAddress::parse(address).value(),
                                           static_cast<std::uint8_t>(length)}));
    }
    expect(node_->netns().run([] {
      for (const char* name : {"net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"}) {
        expect(Result<void>(netlink::write_sysctl(name, "1").map([](bool) {})));
      }
    }));
  }
  void TearDown() override {
    if (!folder_.empty()) fs::remove_all(folder_);
  }

  [[nodiscard]] json::object config(const std::string& version = "1.0.0",
                                    const std::vector<std::string>& subnets = {
                                        "172.16.0.0/26", "fdfb:af47:32af::/122"}) const {
    json::array ranges;
    for (const auto& subnet : subnets) {
      ranges.push_back(json::array{json::object{{"subnet", subnet}}});
    }
    return {{"cniVersion", version},
            {"name", "pods"},
            {"type", "sextant-cni"},
            {"ipam", json::object{{"type", "host-local"},
                                  {"dataDir", (folder_ / "leases").string()},
                                  {"ranges", std::move(ranges)}}}};
  }

  [[nodiscard]] std::map<std::string, std::string> environment(const std::string& command) const {
    return {{"CNI_COMMAND", command},    {"CNI_CONTAINERID", "c1"},
            {"CNI_NETNS", pod_->path()}, {"CNI_IFNAME", "eth0"},
            {"CNI_PATH", plugin_path_},  {"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}};
  }
  // Of another container than c1.
  [[nodiscard]] std::map<std::string, std::string> environment(const std::string& command,
                                                               const std::string& container,
                                                               const ScratchNetns& pod) const {
    auto variables = environment(command);
    variables["CNI_CONTAINERID"] = container;
    variables["CNI_NETNS"] = pod.path();
    return variables;
  }

  [[nodiscard]] Ended run(const std::string& command, const json::object& input) const {
    return run(environment(command), json::serialize(input));
  }

  // Runs the program in the node's namespace.
  [[nodiscard]] Ended run(const std::map<std::string, std::string>& variables,
                          const std::string& input) const {
    return finish(start(program_, variables, input));
  }

  // Any plugin's program, without waiting for it.
  [[nodiscard]] Running start(const fs::path& plugin,
                              const std::map<std::string, std::string>& variables,
                              const std::string& input) const {
    const UniqueFd in(::memfd_create("in", MFD_CLOEXEC));
    UniqueFd out(::memfd_create("out", MFD_CLOEXEC));
    EXPECT_EQ(::write(in.get(), input.data(), input.size()), static_cast<ssize_t>(input.size()));
    ::lseek(in.get(), 0, SEEK_SET);
    std::vector<std::string> texts;
    for (const auto& [name, value] : variables) texts.push_back(name + "=" + value);
    std::vector<char*> environment;
    for (auto& text : texts) environment.push_back(text.data());
    environment.push_back(nullptr);
    const pid_t child = expect(node_->netns().fork_inside([&] {
      ::dup2(in.get(), STDIN_FILENO);
      ::dup2(out.get(), STDOUT_FILENO);
      std::string program = plugin.string();
      char* arguments[] = {program.data(), nullptr};
      ::execve(program.c_str(), arguments, environment.data());
      return 127;
    }));
    return {.child = child, .output = std::move(out)};
  }
  [[nodiscard]] static Ended finish(const Running& running) {
    int status = 0;
    EXPECT_EQ(::waitpid(running.child, &status, 0), running.child);
    return {.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
            .output = read_file(running.output.get())};
  }

  // As host-local writes it: here by a container that is gone.
  void leave_lease(const std::string& address, const std::string& content) const {
    fs::create_directories(folder_ / "leases/pods");
    std::ofstream(folder_ / "leases/pods" / address) << content;
  }
  // The addresses that host-local has leased.
  [[nodiscard]] std::vector<std::string> leases() const {
    std::vector<std::string> names;
    if (!fs::exists(folder_ / "leases/pods")) return names;
    for (const auto& entry : fs::directory_iterator(folder_ / "leases/pods")) {
      const std::string name = entry.path().filename().string();
      if (!name.starts_with("last_reserved") && name != "lock") names.push_back(name);
    }
    return names;
  }
  [[nodiscard]] std::vector<std::string> pod_devices(const ScratchNetns& netns) const {
    std::vector<std::string> names;
    Socket socket = netns.socket();
    for (const auto& link : expect(netlink::list_links(socket))) {
      if (!link.is_loopback()) names.push_back(link.name);
    }
    return names;
  }
  [[nodiscard]] std::vector<std::string> host_ends() {
    std::vector<std::string> names;
    for (const auto& link : expect(netlink::list_links(*host_))) {
      if (link.name.starts_with(netlink::kPodLinkPrefix)) names.push_back(link.name);
    }
    return names;
  }
  void expect_nothing_left() {
    EXPECT_THAT(host_ends(), ::testing::IsEmpty());
    EXPECT_THAT(leases(), ::testing::IsEmpty());
    EXPECT_THAT(
        expect(netlink::list_routes(*host_, {.protocol = netlink::RouteProtocol::kSextantCni})),
        ::testing::IsEmpty());
  }

  fs::path program_, folder_;
  std::string plugin_path_ = kPluginPath;
  std::optional<ScratchNetns> node_, pod_;
  std::optional<Socket> host_;
};

}  // namespace sextant::cni::testing
