// Whom the client trusts, and how it follows certificates that are replaced.
#include "kube/client_fixture_test.h"

namespace sextant::kube {
namespace {

class TlsTest : public WithServer {
 protected:
  /// The error's cause without the server's address; empty where there was an answer.
  [[nodiscard]] std::string cause() {
    const auto answer = get();
    if (answer) return {};
    const auto& text = answer.error().error.cause;
    return text.substr(std::min(text.find(": ") + 2, text.size()));
  }
  static std::string refusal(const std::string& why) {
    return "the server's certificate is not accepted: " + why;
  }
};

TEST_F(TlsTest, TakesNoCertificateOfAnotherAuthority) {
  const TestAuthority other("other");
  server.set_identity(other.issue());
  connect();
  EXPECT_EQ(cause(), refusal("unable to get local issuer certificate"));
  EXPECT_TRUE(server.seen().empty());
}

TEST_F(TlsTest, TakesNoCertificateForAnotherAddress) {
  Wish wish;
  wish.alternative_names = {"IP:127.0.0.2", "DNS:localhost"};
  server.set_identity(authority.issue(wish));
  connect();
  EXPECT_EQ(cause(), refusal("IP address mismatch"));
}

TEST_F(TlsTest, TakesNoCertificateForAnotherNameNorItsSubject) {
  Wish wish;
  wish.common_name = "localhost";  // CN does not count
  wish.alternative_names = {"IP:127.0.0.1", "DNS:api.example"};
  server.set_identity(authority.issue(wish));
  auto with = config();
  with.server = server.url("localhost");
  connect(with);
  EXPECT_EQ(cause(), refusal("hostname mismatch"));
  with.server_name = "api.example";
  connect(with);
  EXPECT_EQ(cause(), "");
}

TEST_F(TlsTest, TakesNoCertificateOutsideOfItsTime) {
  Wish old;
  old.from = -2h;
  old.until = -1h;
  server.set_identity(authority.issue(old));
  connect();
  EXPECT_EQ(cause(), refusal("certificate has expired"));
  Wish early;
  early.from = 1h;
  early.until = 2h;
  server.set_identity(authority.issue(early));
  EXPECT_EQ(cause(), refusal("certificate is not yet valid"));
}

TEST_F(TlsTest, TakesAnyCertificateOnlyWhereToldSo) {
  const TestAuthority other("other");
  server.set_identity(other.issue());
  auto with = config();
  with.ca = {};
  with.insecure_skip_tls_verify = true;
  connect(with);
  EXPECT_EQ(cause(), "");
}

TEST_F(TlsTest, FollowsANewAuthority) {
  options.credentials_age = 1h;  // only the refusal makes it look
  auto with = config();
  with.ca = {.file = directory.write("ca.crt", authority.cert())};
  connect(with);
  EXPECT_EQ(cause(), "");
  const TestAuthority next("next");
  server.set_identity(next.issue());
  server.close_idle();
  EXPECT_NE(cause(), "");  // the bundle is still the old one
  directory.write("ca.crt", authority.cert() + next.cert());
  EXPECT_EQ(cause(), "");
}

TEST_F(TlsTest, FollowsANewAuthorityThatCameWhileItsOwnKeyCouldNotBeRead) {
  const auto own = authority.issue();
  auto with = config();
  with.ca = {.file = directory.write("ca.crt", authority.cert())};
  with.client_cert = {.file = directory.write("tls.crt", own.cert)};
  with.client_key = {.file = directory.write("tls.key", own.key)};
  connect(with);
  EXPECT_EQ(cause(), "");
  const TestAuthority next("next");
  server.set_identity(next.issue());
  server.close_idle();
  const auto away = with.client_key.file + ".away";
  std::filesystem::rename(with.client_key.file, away);
  directory.write("ca.crt", next.cert());
  EXPECT_NE(cause(), "");
  std::filesystem::rename(away, with.client_key.file);  // the same file as before
  EXPECT_EQ(cause(), "");
}

TEST_F(TlsTest, KeepsTheLastGoodAuthorityWhileTheFileIsBad) {
  auto with = config();
  with.ca = {.file = directory.write("ca.crt", authority.cert())};
  connect(with);
  EXPECT_EQ(cause(), "");
  for (const auto* text : {"", "nonsense"}) {
    directory.write("ca.crt", text);
    server.close_idle();
    EXPECT_EQ(cause(), "") << text;
  }
}

TEST_F(TlsTest, GoesOnWhileItsOwnCertificateIsReplaced) {
  const auto first = authority.issue(), second = authority.issue();
  auto with = config();
  with.client_cert = {.file = directory.write("tls.crt", first.cert)};
  with.client_key = {.file = directory.write("tls.key", first.key)};
  connect(with);
  EXPECT_EQ(cause(), "");
  directory.write("tls.crt", second.cert);  // half of a rotation: the pair does not fit
  server.close_idle();
  EXPECT_EQ(cause(), "");
  directory.write("tls.key", second.key);
  server.close_idle();
  EXPECT_EQ(cause(), "");
  EXPECT_EQ(server.connections(), 3U);
}

}  // namespace
}  // namespace sextant::kube
