#include "installation/cni_install.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <iterator>
#include <thread>

#include "footprint/cni_files.h"
#include "installation/atomic_file.h"

namespace sextant::installation {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

std::string contents(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename());
  return names;
}

class CniInstallTest : public testing::Test {
 protected:
  CniInstallTest() {
    std::string pattern = fs::temp_directory_path() / "sextant-install-XXXXXX";
    root_ = ::mkdtemp(pattern.data());
    fs::create_directory(root_ / "from");
    places_ = {.programs = root_ / "bin", .configs = root_ / "net.d", .sources = {root_ / "from"}};
    for (const auto* name : {"sextant-cni", "host-local", "loopback", "portmap"})
      write(root_ / "from" / name, std::string("new ") + name);
  }
  ~CniInstallTest() override { fs::remove_all(root_); }
  static NetworkList list() {
    return {.pod_prefixes = {*IpPrefix::parse("172.16.0.0/26"), *IpPrefix::parse("fd00::/122")}};
  }
  std::vector<std::string> own_programs() const {
    std::vector<std::string> names;
    for (const auto& path :
         footprint::own_cni_programs(places_.programs, footprint::cni_configs(places_.configs)))
      names.push_back(path.filename());
    return names;
  }

  fs::path root_;
  CniPlaces places_;
};

TEST_F(CniInstallTest, PutsProgramsThatAreMissingAndReplacesItsOwnOnly) {
  fs::create_directories(places_.programs);
  write(places_.programs / "sextant-cni", "old sextant-cni");
  write(places_.programs / "portmap", "somebody's newer portmap");
  fs::create_symlink("/usr/nowhere/loopback", places_.programs / "loopback");
  const auto first = install_programs(places_);
  ASSERT_TRUE(first) << first.error().message();
  EXPECT_EQ(contents(places_.programs / "sextant-cni"), "new sextant-cni");
  EXPECT_EQ(contents(places_.programs / "portmap"), "somebody's newer portmap");
  EXPECT_TRUE(fs::is_symlink(places_.programs / "loopback")) << "its target may be the node's";
  EXPECT_EQ(contents(places_.programs / "host-local"), "new host-local");
  EXPECT_EQ(fs::status(places_.programs / "host-local").permissions(), fs::perms(0755));
  EXPECT_THAT(first->written,
              ElementsAre(places_.programs / "host-local", places_.programs / "sextant-cni"));
  EXPECT_THAT(first->notes, ElementsAre(HasSubstr("bandwidth")));

  const auto second = install_programs(places_);
  ASSERT_TRUE(second);
  EXPECT_THAT(second->written, IsEmpty());
}

TEST_F(CniInstallTest, RefusesWithoutAPluginThatEveryPodNeeds) {
  fs::remove(root_ / "from" / "host-local");
  const auto refused = install_programs(places_);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("host-local"));
  EXPECT_THAT(refused.error().hint, HasSubstr("containernetworking-plugins"));
  EXPECT_FALSE(fs::exists(places_.programs / "sextant-cni")) << "nothing is half there";
}

TEST_F(CniInstallTest, ReplacesAProgramThatRuns) {
  fs::create_directories(places_.programs);
  fs::copy_file("/bin/sleep", places_.programs / "sextant-cni");
  const auto program = (places_.programs / "sextant-cni").string();
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::execl(program.c_str(), "sleep", "30", nullptr);
    ::_exit(127);
  }
  ::close(pipe[1]);
  char byte = 0;
  EXPECT_EQ(::read(pipe[0], &byte, 1), 0) << "closed by exec: it runs";
  ::close(pipe[0]);
  EXPECT_LT(::open(program.c_str(), O_WRONLY | O_CLOEXEC), 0) << "ETXTBSY";
  const auto done = install_programs(places_);
  EXPECT_TRUE(done) << done.error().message();
  EXPECT_EQ(contents(program), "new sextant-cni");
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

TEST_F(CniInstallTest, ReadersSeeTheOldFileOrTheNewOne) {
  fs::create_directories(places_.configs);
  const auto path = places_.configs / kConfigName;
  const std::array<std::string, 2> versions{std::string(100000, 'a'), std::string(70000, 'b')};
  ASSERT_TRUE(put_file(path, versions[0], 0644));
  std::size_t seen = 0;
  std::thread reader([&] {
    for (int i = 0; i < 300; ++i) {
      const auto text = contents(path);
      if (text == versions[0] || text == versions[1]) ++seen;
    }
  });
  for (std::size_t i = 1; i <= 40; ++i) EXPECT_TRUE(put_file(path, versions[i % 2], 0644));
  reader.join();
  EXPECT_EQ(seen, 300U);
  EXPECT_THAT(names_in(places_.configs), ElementsAre(kConfigName)) << "nothing temporary stays";
}

TEST_F(CniInstallTest, TheConfigurationIsWhatThePluginAndUninstallingRead) {
  ASSERT_TRUE(install_programs(places_));
  ASSERT_TRUE(install_config(places_, list(), false));
  const auto configs = footprint::own_cni_configs(places_.configs);
  ASSERT_EQ(configs.size(), 1U);
  EXPECT_EQ(configs[0].damage, "");
  EXPECT_EQ(configs[0].network, "sextant");
  EXPECT_EQ(configs[0].max_segments, 6U);
  EXPECT_THAT(configs[0].plugins, ElementsAre("sextant-cni", "portmap"))
      << "bandwidth is not installed";
  EXPECT_THAT(configs[0].programs, UnorderedElementsAre("sextant-cni", "host-local", "portmap"));
  const auto again = install_config(places_, list(), false);
  ASSERT_TRUE(again);
  EXPECT_THAT(again->written, IsEmpty());
  auto longer = list();
  longer.max_segments = 9;
  EXPECT_THAT(install_config(places_, longer, false)->written,
              ElementsAre(HasSubstr("10-sextant")));
}

TEST_F(CniInstallTest, AVolatileConfigurationIsGoneAfterABootAndItsLinkCanStillBeUninstalled) {
  places_.volatile_configs = places_.configs.parent_path() / "run/cni";
  const auto path = places_.configs / kConfigName;
  const auto file = places_.volatile_configs / kConfigName;
  ASSERT_TRUE(install_programs(places_));
  EXPECT_THAT(install_config(places_, list(), false)->written, ElementsAre(file, path));
  EXPECT_EQ(fs::read_symlink(path), file);
  EXPECT_EQ(footprint::own_cni_configs(places_.configs).at(0).damage, "");
  EXPECT_THAT(install_config(places_, list(), false)->written, IsEmpty());

  auto longer = list();
  longer.max_segments = 9;
  EXPECT_THAT(install_config(places_, longer, false)->written, ElementsAre(file, path))
      << "a runtime that watches only its folder must notice";

  fs::remove_all(places_.volatile_configs);  // a boot
  EXPECT_FALSE(fs::exists(path)) << "no network";
  const auto left = footprint::own_cni_configs(places_.configs);
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].path, path);
  EXPECT_THAT(install_config(places_, longer, false)->written, ElementsAre(file, path));
  EXPECT_TRUE(fs::exists(path));
}

TEST_F(CniInstallTest, RefusesWhereAnotherNetworkComesFirst) {
  fs::create_directories(places_.configs);
  write(places_.configs / "05-cilium.conflist", R"({"name": "cilium", "plugins": []})");
  write(places_.configs / "99-later.conf", R"({"name": "later", "type": "bridge"})");
  const auto refused = install_config(places_, list(), false);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("05-cilium.conflist"));
  EXPECT_FALSE(fs::exists(places_.configs / kConfigName));
  const auto beside = install_config(places_, list(), true);
  ASSERT_TRUE(beside);
  EXPECT_THAT(beside->notes, ElementsAre(HasSubstr("05-cilium.conflist")));
}

TEST_F(CniInstallTest, RefusesANetworkNameThatIsTaken) {
  fs::create_directories(places_.configs);
  write(places_.configs / "20-other.conflist", R"({"name": "sextant", "plugins": []})");
  const auto refused = install_config(places_, list(), true);
  ASSERT_FALSE(refused) << "leases are found by the network's name";
  EXPECT_THAT(refused.error().hint, HasSubstr("--network"));
}

TEST_F(CniInstallTest, UninstallingFindsWhatWasInstalledAndWhatACrashLeft) {
  fs::create_directories(places_.programs);
  write(places_.programs / "bridge", "somebody's");
  write(places_.programs / "loopback", "somebody's");
  ASSERT_TRUE(install_programs(places_));
  write(temporary_name(places_.programs / "host-local"), "half");
  EXPECT_THAT(own_programs(), UnorderedElementsAre("sextant-cni", "host-local", "portmap",
                                                   ".host-local.new", footprint::kCompanionList));
  // What another network runs by now stays.
  fs::create_directories(places_.configs);
  write(places_.configs / "20-x.conflist",
        R"({"name": "x", "plugins": [{"type": "bridge", "ipam": {"type": "host-local"}}]})");
  EXPECT_THAT(own_programs(), UnorderedElementsAre("sextant-cni", "portmap", ".host-local.new",
                                                   footprint::kCompanionList));
}

TEST(NetworkListTest, OnePoolAFamily) {
  const auto text = network_list(
      {.network = "p\"x",
       .pod_prefixes = {*IpPrefix::parse("10.0.0.0/24"), *IpPrefix::parse("fd00::/122"),
                        *IpPrefix::parse("10.0.7.0/24")},
       .max_segments = 3,
       .port_map = false,
       .bandwidth = false});
  EXPECT_EQ(text, R"({
  "cniVersion": "1.0.0",
  "name": "p\"x",
  "plugins": [
    {
      "type": "sextant-cni",
      "maxSegments": 3,
      "ipam": {
        "type": "host-local",
        "ranges": [
          [{"subnet": "10.0.0.0/24"}, {"subnet": "10.0.7.0/24"}],
          [{"subnet": "fd00::/122"}]
        ]
      }
    }
  ]
}
)");
}

}  // namespace
}  // namespace sextant::installation
