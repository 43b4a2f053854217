#include "cni/network_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "cni/pod_link.h"

namespace sextant::cni {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
namespace json = boost::json;

// A good configuration with `field` set to the JSON text `value`.
std::string with(const std::string& field, const std::string& value) {
  json::object config{{"cniVersion", "1.0.0"},
                      {"name", "pods"},
                      {"type", "sextant-cni"},
                      {"ipam", json::object{{"type", "host-local"}}}};
  if (!field.empty()) config[field] = json::parse(value);
  return json::serialize(config);
}

TEST(NetworkConfig, ReadsItsFieldsAndKeepsTheText) {
  const std::string text = R"({"cniVersion": "0.4.0", "name": "pods", "type": "sextant-cni",
      "mtu": 1400, "maxSegments": 3, "ipam": {"type": "host-local", "ranges": []},
      "dns": {"nameservers": ["10.96.0.10"], "search": ["a.b"]},
      "capabilities": {"x": true}, "unknown": 7})";
  const auto config = parse_config(text);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->cni_version, "0.4.0");
  EXPECT_EQ(config->ipam_type, "host-local");
  EXPECT_EQ(config->mtu, 1400U);
  EXPECT_EQ(config->max_segments, 3U);
  EXPECT_EQ(config->dns->nameservers, std::vector<std::string>{"10.96.0.10"});
  EXPECT_FALSE(config->previous);
  EXPECT_EQ(config->text, text);
}

TEST(NetworkConfig, HasDefaults) {
  const auto config = parse_config(with("mtu", "null"));
  ASSERT_TRUE(config);
  EXPECT_FALSE(config->mtu);
  EXPECT_EQ(config->max_segments, 6U);
  EXPECT_FALSE(parse_config(with("dns", "{}"))->dns) << "an empty one says nothing";
}

TEST(NetworkConfig, ReadsTheAttachmentsThatTheRuntimeKnows) {
  EXPECT_FALSE(parse_config(with("", ""))->valid_attachments) << "none is not the same as not said";
  EXPECT_EQ(parse_config(with("cni.dev/valid-attachments", "[]"))->valid_attachments,
            std::set<Owner>{});
  const auto config = parse_config(with(
      "cni.dev/valid-attachments",
      R"([{"containerID": "c1", "ifname": "eth0"}, {"containerID": "c1", "ifname": "eth1"}])"));
  EXPECT_EQ(config->valid_attachments, (std::set<Owner>{{"c1", "eth0"}, {"c1", "eth1"}}));
}

TEST(NetworkConfig, KnowsWhereHostLocalKeepsItsLeases) {
  EXPECT_EQ(parse_config(with("", ""))->lease_folder, "/var/lib/cni/networks/pods");
  EXPECT_EQ(parse_config(with("ipam", R"({"type": "host-local", "dataDir": "/x"})"))->lease_folder,
            "/x/pods");
  EXPECT_EQ(parse_config(with("ipam", R"({"type": "dhcp", "dataDir": "/x"})"))->lease_folder, "");
}

TEST(NetworkConfig, ErrorsNameTheField) {
  const std::vector<std::tuple<std::string, std::string, std::string>> rows{
      {"cniVersion", "3", "cniVersion: expected text, found 3"},
      {"name", "\"\"", "name: missing"},
      {"name", "\"../evil\"", "name: '../evil' is not the name of a network"},
      {"name", "\"a/b\"", "name: 'a/b' is not the name of a network"},
      {"name", "[]", "name: expected text, found []"},
      {"ipam", "null", "ipam: missing"},
      {"ipam", "7", "ipam: expected an object, found 7"},
      {"ipam", "{}", "ipam.type: missing"},
      {"ipam", R"({"type": 3})", "ipam.type: expected text, found 3"},
      {"ipam", R"({"type": "../evil"})", "ipam.type: '../evil' is not the name of a plugin"},
      {"mtu", "\"big\"", "mtu: expected a whole number from 1280 to 65535, found \"big\""},
      {"mtu", "1279", "mtu: expected a whole number from 1280 to 65535, found 1279"},
      {"mtu", "1400.5", "mtu: expected a whole number"},
      {"runtimeConfig", R"({"mac": "x"})", "runtimeConfig.mac: "},
      {"runtimeConfig", R"({"mac": "01:00:5e:00:00:01"})",
       "runtimeConfig.mac: 01:00:5e:00:00:01 is a multicast address"},
      {"maxSegments", "0", "maxSegments: expected a whole number from 1 to 128, found 0"},
      {"dns", R"({"search": "a.b"})", "dns.search: expected a list of texts, found \"a.b\""},
      {"prevResult", R"({"ips": [{"address": "10.0.0.300/24"}]})", "prevResult.ips[0].address: "},
      {"prevResult", R"({"ips": [{"address": "10.0.0.3"}]})", "prevResult.ips[0].address: "},
      {"prevResult", R"({"ips": [{"address": "10.0.0.3/33"}]})", "prevResult.ips[0].address: "},
      {"prevResult", R"({"ips": [{"address": "10.0.0.3/"}]})", "prevResult.ips[0].address: "},
      {"prevResult", R"({"ips": [{"address": "10.0.0.3/-1"}]})", "prevResult.ips[0].address: "},
      {"prevResult", R"({"ips": {}})", "prevResult.ips: expected a list, found {}"},
      {"prevResult", R"({"routes": [{"dst": "x"}]})", "prevResult.routes[0].dst: "},
      {"prevResult", R"({"routes": [{"dst": "::/0", "mtu": -1}]})",
       "prevResult.routes[0].mtu: expected a whole number, found -1"},
      {"cni.dev/valid-attachments", "{}", "cni.dev/valid-attachments: expected a list, found {}"},
      {"cni.dev/valid-attachments", "[\"c1\"]",
       "cni.dev/valid-attachments: expected a list of obj"},
      {"cni.dev/valid-attachments", R"([{"containerID": "c1"}])",
       "cni.dev/valid-attachments: expected objects with containerID and ifname, found "},
      {"prevResult", R"({"interfaces": ["eth0"]})",
       "prevResult.interfaces[0]: expected an object, found \"eth0\""},
  };
  for (const auto& [field, value, message] : rows) {
    const auto config = parse_config(with(field, value));
    ASSERT_FALSE(config) << field << " " << value;
    EXPECT_EQ(config.error().code, ErrorCode::kInvalidConfig) << field << " " << value;
    EXPECT_THAT(config.error().message, StartsWith(message)) << field << " " << value;
  }
}

TEST(NetworkConfig, RefusesWhatPeopleWouldMissOnlyLater) {
  const auto config = parse_config(with("ipMasq", "true"));
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, ErrorCode::kUnsupportedField);
  EXPECT_EQ(config.error().message, "ipMasq: true is not supported");
  EXPECT_TRUE(parse_config(with("ipMasq", "false")));
}

TEST(NetworkConfig, RefusesVersionsThatItDoesNotSpeak) {
  for (const char* version : {"\"0.2.0\"", "\"1.2.0\"", "\"\"", "null"}) {
    const auto config = parse_config(with("cniVersion", version));
    ASSERT_FALSE(config) << version;
    EXPECT_EQ(config.error().code, ErrorCode::kIncompatibleVersion);
    EXPECT_THAT(config.error().details, HasSubstr("0.3.1, 0.4.0, 1.0.0, 1.1.0"));
  }
}

TEST(NetworkConfig, RefusesWhatIsNoJsonObject) {
  for (const char* text : {"", "{", "[1]", "not json", "\"text\"", "{} {}"}) {
    const auto config = parse_config(text);
    ASSERT_FALSE(config) << text;
    EXPECT_EQ(config.error().code, ErrorCode::kDecode) << text;
  }
}

TEST(AttachmentResult, WritesTheFamilyOnlyBeforeVersion1) {
  const AttachmentResult result{
      .interfaces = {{"sxp0", "02:00:00:00:00:01"}, {"eth0", "02:00:00:00:00:02", "/run/netns/p"}},
      .ips = {{IpAddress::parse("10.0.0.2").value(), 32, IpAddress::parse("169.254.1.1").value(),
               1},
              {IpAddress::parse("fd00::2").value(), 128, std::nullopt, 1}},
      .routes = {{IpPrefix::parse("0.0.0.0/0").value(), IpAddress::parse("169.254.1.1").value()}},
      .dns = {.nameservers = {"10.96.0.10"}}};
  for (const char* version : {"0.3.1", "0.4.0"}) {
    const json::value written = json::parse(json::serialize(to_json(result, version)));
    EXPECT_EQ(written.at("cniVersion"), version);
    EXPECT_EQ(written.at("ips").at(0).at("version"), "4");
    EXPECT_EQ(written.at("ips").at(1).at("version"), "6");
    EXPECT_EQ(parse_result(written, "").value(), result);
  }
  for (const char* version : {"1.0.0", "1.1.0"}) {
    const json::value written = json::parse(json::serialize(to_json(result, version)));
    EXPECT_FALSE(written.at("ips").at(0).as_object().contains("version"));
    EXPECT_EQ(written.at("ips").at(1).at("address"), "fd00::2/128");
    EXPECT_FALSE(written.at("interfaces").at(0).as_object().contains("sandbox"));
    EXPECT_EQ(parse_result(written, "").value(), result);
  }
}

TEST(AttachmentResult, FieldsOfVersion11AreKeptThereAndLeftOutBefore) {
  const json::value text = json::parse(R"({"cniVersion": "1.1.0",
      "interfaces": [{"name": "eth0", "mtu": 1400, "socketPath": "/s", "pciID": "0000:00:1f.6"}],
      "ips": [],
      "routes": [{"dst": "10.0.0.0/8", "mtu": 1300, "advmss": 1200, "priority": 5, "table": 7,
                  "scope": 0}],
      "dns": {}})");
  const auto result = parse_result(text, "");
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->interfaces[0].mtu, 1400U);
  EXPECT_EQ(result->routes[0].table, 7U);
  EXPECT_EQ(json::value(to_json(*result, "1.1.0")), text);
  const auto older = to_json(*result, "1.0.0");
  EXPECT_EQ(older.at("interfaces"), (json::array{json::object{{"name", "eth0"}}}));
  EXPECT_EQ(older.at("routes"), (json::array{json::object{{"dst", "10.0.0.0/8"}}}));
}

TEST(LinkNames, AreStableAndDifferByContainerAndInterface) {
  const auto names = link_names({"container", "eth0"});
  EXPECT_THAT(names.host, ::testing::MatchesRegex("sxp[0-9a-f]{11}"));
  EXPECT_EQ(names.host, link_names({"container", "eth0"}).host);
  // Fixed for ever: DEL after an upgrade must find what ADD before it made.
  EXPECT_EQ(names.host, "sxp17259f1a974");
  EXPECT_NE(names.host, link_names({"container", "eth1"}).host);
  EXPECT_NE(names.host, link_names({"containe", "reth0"}).host);
  EXPECT_NE(names.host_mac, names.pod_mac);
  EXPECT_EQ(names.host_mac.bytes()[0] & 3, 2) << "locally administered, unicast";
  EXPECT_EQ(names.pod_mac.bytes()[0] & 3, 2);
}

}  // namespace
}  // namespace sextant::cni
