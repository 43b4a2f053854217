#include <cstdlib>

#include "base/base64.h"
#include "kube/client_fixture_test.h"
#include "kube/endpoint.h"

namespace sextant::kube {
namespace {

class KubeconfigTest : public ::testing::Test {
 protected:
  /// A kubeconfig of one cluster, user and context, whose bodies are given as YAML flow maps.
  [[nodiscard]] std::string written(const std::string& cluster, const std::string& user) const {
    return directory.write(
        "config", fmt::format("clusters:\n- name: c\n  cluster: {}\nusers:\n- name: u\n  user: "
                              "{}\ncontexts:\n- name: x\n  context: {{cluster: c, user: u, "
                              "namespace: ns1}}\ncurrent-context: x\n",
                              cluster, user));
  }
  /// The error's cause and hint.
  [[nodiscard]] std::string refusal(const std::string& cluster, const std::string& user) const {
    const auto config = load_kubeconfig(written(cluster, user));
    return config ? "accepted" : config.error().cause + "; " + config.error().hint;
  }

  TestAuthority authority;
  TestDirectory directory;
  const std::string server = "{server: 'https://10.0.0.1:6443'}";
};

TEST_F(KubeconfigTest, ReadsDataInLine) {
  const auto identity = authority.issue();
  const auto config = load_kubeconfig(
      written(fmt::format("{{server: 'https://[fd00::1]:6443/base/', tls-server-name: api.example, "
                          "certificate-authority-data: {}}}",
                          to_base64(authority.cert())),
              fmt::format("{{client-certificate-data: {}, client-key-data: {}}}",
                          to_base64(identity.cert), to_base64(identity.key))));
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->server_name, "api.example");
  EXPECT_EQ(config->ca.text, authority.cert());
  EXPECT_EQ(config->client_cert.text, identity.cert);
  EXPECT_EQ(config->client_key.text, identity.key);
  EXPECT_EQ(config->ns, "ns1");
  const auto endpoint = parse_server(config->server);
  ASSERT_TRUE(endpoint);
  EXPECT_EQ(endpoint->host, "fd00::1");
  EXPECT_EQ(endpoint->port, 6443);
  EXPECT_EQ(endpoint->path, "/base");
  EXPECT_EQ(endpoint->authority(), "[fd00::1]:6443");
}

TEST_F(KubeconfigTest, FindsFilesBesideItself) {
  directory.write("pki/ca.crt", authority.cert());
  directory.write("token", "abc\n");
  const auto config = load_kubeconfig(
      written("{server: 'https://h', certificate-authority: pki/ca.crt}", "{tokenFile: token}"));
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->ca.file, directory.path() + "/pki/ca.crt");
  EXPECT_EQ(config->token_file, directory.path() + "/token");
}

TEST_F(KubeconfigTest, SaysWhatToUseInstead) {
  EXPECT_EQ(refusal(server, "{exec: {command: aws}}"),
            "credential plugins (exec) are not supported; use a ServiceAccount's token (token or "
            "tokenFile) or a client certificate");
  EXPECT_EQ(refusal(server, "{auth-provider: {name: gcp}}").substr(0, 40),
            "auth-provider plugins are not supported;");
  EXPECT_EQ(refusal(server, "{username: admin, password: x}"),
            "passwords are not supported; Kubernetes dropped them in 1.19; use a token or a client "
            "certificate");
  EXPECT_EQ(
      refusal("{server: 'https://h', proxy-url: 'http://p'}", "{}"),
      "proxy-url is not supported; name the API server itself, or a load balancer that passes "
      "TLS through");
  EXPECT_EQ(refusal(server, "{exec: null, token: t}"), "accepted");
}

TEST_F(KubeconfigTest, RefusesServersThatItCannotOrShouldNotReach) {
  for (const std::string bad : {"http://h:8001", "h:6443", "https://", "https://u:p@h", "ftp://h",
                                "https://h:0", "https://h?x=1", "''"})
    EXPECT_NE(refusal("{server: " + bad + "}", "{}"), "accepted") << bad;
}

TEST_F(KubeconfigTest, RefusesWhatIsDamaged) {
  const auto identity = authority.issue(), other = authority.issue();
  const auto cluster = [](const std::string& ca) {
    return "{server: 'https://h', certificate-authority-data: " + ca + "}";
  };
  EXPECT_EQ(refusal(cluster("'%%%'"), "{}"), "certificate-authority-data is no base64; ");
  EXPECT_NE(refusal(cluster(to_base64("no PEM")), "{}").find("there is no certificate in it"),
            std::string::npos);
  EXPECT_NE(refusal(cluster(to_base64(authority.cert() + "-----BEGIN CERTIFICATE-----\nAAAA\n"
                                                         "-----END CERTIFICATE-----\n")),
                    "{}")
                .find("one of its certificates is bad"),
            std::string::npos);
  EXPECT_NE(refusal("{server: 'https://h', certificate-authority: gone.crt}", "{}")
                .find("gone.crt: No such file"),
            std::string::npos);
  EXPECT_NE(
      refusal(server, fmt::format("{{client-certificate-data: {}}}", to_base64(identity.cert)))
          .find("only one of them is there"),
      std::string::npos);
  EXPECT_NE(refusal(server, fmt::format("{{client-certificate-data: {}, client-key-data: {}}}",
                                        to_base64(identity.cert), to_base64(other.key))),
            "accepted");
  EXPECT_NE(refusal("{server: 'https://h', insecure-skip-tls-verify: maybe}", "{}"), "accepted");
  EXPECT_NE(refusal("{server: [1]}", "{}"), "accepted");
  EXPECT_NE(refusal("7", "{}"), "accepted");
  for (const std::string text : {"", "- 1\n", "a: [", "\t", "clusters: 7\n", "contexts: [7]\n"})
    EXPECT_FALSE(load_kubeconfig(directory.write("bad", text))) << text;
  EXPECT_FALSE(load_kubeconfig(directory.path()));
  EXPECT_FALSE(load_kubeconfig(directory.path() + "/none"));
}

TEST_F(KubeconfigTest, MergesSeveralFilesTheFirstWordCounts) {
  const auto first =
      directory.write("one/config",
                      "contexts:\n- {name: x, context: {cluster: c, user: u}}\ncurrent-context: x\n"
                      "users:\n- {name: u, user: {tokenFile: token}}\n");
  directory.write("one/token", "t");
  const auto second = directory.write(
      "two/config",
      "clusters:\n- {name: c, cluster: {server: 'https://h'}}\n"
      "users:\n- {name: u, user: {token: other}}\n"
      "contexts:\n- {name: y, context: {cluster: c, user: u}}\ncurrent-context: y\n");
  const auto paths = first + ":" + directory.path() + "/none:" + second;
  const auto config = load_kubeconfig(paths);
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->server, "https://h");
  EXPECT_EQ(config->token_file, directory.path() + "/one/token");
  EXPECT_EQ(config->ns, "default");
  ASSERT_TRUE(load_kubeconfig(paths, "y"));
  const auto unknown = load_kubeconfig(paths, "z");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().cause + "; " + unknown.error().hint,
            "there is no context 'z'; there are: x, y");
}

TEST_F(KubeconfigTest, ReadsAPodsServiceAccount) {
  InClusterPlaces places{.directory = directory.path(), .host = "fd00::1", .port = "443"};
  const auto empty = in_cluster_config(places);
  ASSERT_FALSE(empty);
  EXPECT_NE(empty.error().hint.find("automountServiceAccountToken"), std::string::npos);
  directory.write("ca.crt", authority.cert());
  directory.write("token", "t");
  directory.write("namespace", "sextant-system");
  const auto config = in_cluster_config(places);
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->server, "https://[fd00::1]:443");
  EXPECT_EQ(config->ns, "sextant-system");
  EXPECT_EQ(config->token_file, directory.path() + "/token");
  places.port = "nonsense";
  EXPECT_FALSE(in_cluster_config(places));
}

}  // namespace
}  // namespace sextant::kube
