#include "cli/pod_names.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

namespace sextant::cli {
namespace {

IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }

// As libcni writes it; `config` is the network's, in base64.
constexpr const char* kCached = R"({"kind": "cniCacheV1", "containerId": "0a1b", "config": "e30=",
  "ifName": "eth0", "networkName": "sextant", "cniArgs": [["IgnoreUnknown", "1"],
    ["K8S_POD_NAMESPACE", "default"], ["K8S_POD_NAME", "web-0"], ["K8S_POD_UID", "x"]],
  "result": {"cniVersion": "1.0.0", "ips": [{"interface": 1, "address": "172.16.0.2/32"},
    {"interface": 1, "address": "fdfb:af47:32af::2/128"}]}})";

TEST(PodNames, ReadWhatTheRuntimeKeeps) {
  const auto pod = read_cached_attachment(kCached);
  ASSERT_TRUE(pod);
  EXPECT_EQ(*pod, (PodName{"default/web-0", {ip("172.16.0.2"), ip("fdfb:af47:32af::2")}}));
}

TEST(PodNames, LeaveOutWhatIsNoAttachmentOfAPod) {
  for (const char* odd : {"", "{", "null", "[]", "{}", R"({"cniArgs": 3, "result": 4})",
                          R"({"cniArgs": [["K8S_POD_NAME"], 5, []], "result": {}})",
                          R"({"cniArgs": [["K8S_POD_NAME", "x"]], "result": {"ips": [{}, 1]}})"})
    EXPECT_FALSE(read_cached_attachment(odd)) << odd;
}

TEST(PodNames, FindPodsByNameAndByAddress) {
  const std::vector<PodName> pods{{"a/web", {ip("10.0.0.1"), ip("fd00::1")}},
                                  {"b/db", {ip("10.0.0.2")}},
                                  {"b/web", {ip("10.0.0.3")}}};
  EXPECT_EQ(pod_address(pods, "b/web", {}).value(), ip("10.0.0.3"));
  EXPECT_EQ(pod_address(pods, "db", {}).value(), ip("10.0.0.2"));
  EXPECT_EQ(pod_address(pods, "a/web", Family::kIpv6).value(), ip("fd00::1"));
  EXPECT_EQ(pod_address(pods, "eb", {}).value(), std::nullopt);
  EXPECT_EQ(pod_address(pods, "worker1", {}).value(), std::nullopt);
  EXPECT_NE(pod_address(pods, "web", {}).error().message().find("a/web, b/web"), std::string::npos);
  EXPECT_FALSE(pod_address(pods, "db", Family::kIpv6));
  EXPECT_EQ(pod_name(pods, ip("fd00::1")), "a/web");
  EXPECT_EQ(pod_name(pods, ip("fd00::2")), "");
}

TEST(PodNames, ListAFolderAndBearOneThatIsNotThere) {
  std::string folder = ::testing::TempDir() + "sextant-pods-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  std::ofstream(folder + "/sextant-0a1b-eth0") << kCached;
  std::ofstream(folder + "/half") << "{\"kind\":";
  const auto pods = list_pod_names(folder);
  std::filesystem::remove_all(folder);
  ASSERT_EQ(pods.size(), 1U);
  EXPECT_EQ(pods[0].name, "default/web-0");
  EXPECT_TRUE(list_pod_names(folder).empty());
}

}  // namespace
}  // namespace sextant::cli
