#include "cni/invocation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace sextant::cni {
namespace {

using ::testing::HasSubstr;
using Variables = std::map<std::string, std::string>;

Outcome<Invocation> read(const Variables& variables) {
  return read_invocation([&](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  });
}

Variables good(const std::string& command) {
  return {{"CNI_COMMAND", command},
          {"CNI_CONTAINERID", "abc-1.2_3"},
          {"CNI_NETNS", "/run/netns/pod"},
          {"CNI_IFNAME", "eth0"},
          {"CNI_PATH", "/opt/cni/bin::/usr/lib/cni"}};
}

TEST(Invocation, ReadsWhatTheRuntimeSays) {
  const auto invocation = read(good("ADD"));
  ASSERT_TRUE(invocation);
  EXPECT_EQ(invocation->command, Command::kAdd);
  EXPECT_EQ(invocation->container_id, "abc-1.2_3");
  EXPECT_EQ(invocation->netns, "/run/netns/pod");
  EXPECT_EQ(invocation->ifname, "eth0");
  EXPECT_THAT(invocation->plugin_path, ::testing::ElementsAre("/opt/cni/bin", "/usr/lib/cni"));
}

TEST(Invocation, VersionNeedsNothingElse) {
  EXPECT_EQ(read({{"CNI_COMMAND", "VERSION"}})->command, Command::kVersion);
}

TEST(Invocation, DelNeedsNoNamespace) {
  auto variables = good("DEL");
  variables.erase("CNI_NETNS");
  EXPECT_TRUE(read(variables));
  variables["CNI_COMMAND"] = "CHECK";
  EXPECT_FALSE(read(variables));
}

TEST(Invocation, GcAndStatusNeedOnlyThePluginPath) {
  for (const char* command : {"GC", "STATUS"}) {
    EXPECT_TRUE(read({{"CNI_COMMAND", command}, {"CNI_PATH", "/usr/lib/cni"}})) << command;
    const auto without = read({{"CNI_COMMAND", command}});
    ASSERT_FALSE(without);
    EXPECT_EQ(without.error().message, "CNI_PATH: not set");
  }
}

TEST(Invocation, NamesEveryWrongVariable) {
  const auto invocation = read({{"CNI_COMMAND", "ADD"}, {"CNI_IFNAME", "a/b"}});
  ASSERT_FALSE(invocation);
  EXPECT_EQ(invocation.error().code, ErrorCode::kInvalidEnvironment);
  EXPECT_EQ(invocation.error().message,
            "CNI_CONTAINERID: not set, CNI_IFNAME: invalid 'a/b', CNI_NETNS: not set, "
            "CNI_PATH: not set");
}

TEST(Invocation, RefusesUnknownCommands) {
  EXPECT_THAT(read({}).error().message, HasSubstr("CNI_COMMAND: not set"));
  EXPECT_THAT(read(good("add")).error().message, HasSubstr("'add'"));
}

TEST(Invocation, RefusesBadIdsAndNames) {
  for (const char* id : {"", "-a", ".a", "a b", "a/b", "a;b"}) {
    auto variables = good("ADD");
    variables["CNI_CONTAINERID"] = id;
    EXPECT_FALSE(read(variables)) << id;
  }
  for (const char* name : {"", ".", "..", "a:b", "a b", "sixteencharacter"}) {
    auto variables = good("ADD");
    variables["CNI_IFNAME"] = name;
    EXPECT_FALSE(read(variables)) << name;
  }
}

}  // namespace
}  // namespace sextant::cni
