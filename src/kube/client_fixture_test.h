// A client and the server that it talks to, on one loop, with short times.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <filesystem>
#include <fstream>

#include "kube/fake_api_server_test.h"

namespace sextant::kube {

using namespace std::chrono_literals;

inline const Resource kNodes{"", "v1", "nodes"};
inline const Resource kPolicies{"sextant.dev", "v1alpha1", "srv6policies"};

/// {"metadata":{"name":...,"resourceVersion":...}} with more
inline std::string object_text(const std::string& name, int version,
                               const std::string& more = R"("spec":{})") {
  return fmt::format(R"({{"metadata":{{"name":"{}","resourceVersion":"{}"}},{}}})", name, version,
                     more);
}
inline std::string list_text(const std::vector<std::string>& items, int version,
                             const std::string& next = {}) {
  std::string text = fmt::format(
      R"({{"kind":"List","metadata":{{"resourceVersion":"{}","continue":"{}"}},"items":[)", version,
      next);
  for (const auto& item : items) text += (&item == items.data() ? "" : ",") + item;
  return text + "]}";
}
inline std::string event_text(const std::string& type, const std::string& object) {
  return fmt::format("{{\"type\":\"{}\",\"object\":{}}}\n", type, object);
}

class TestDirectory {
 public:
  TestDirectory() {
    char name[] = "/tmp/sextant-kube-XXXXXX";
    EXPECT_NE(::mkdtemp(name), nullptr);
    path_ = name;
  }
  ~TestDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;
  /// Writes the file aside and renames it into place: another inode, as kubelet's rotation.
  std::string write(const std::string& name, const std::string& text) const {
    const auto file = path_ + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(file).parent_path());
    std::ofstream(file + ".new") << text;
    std::filesystem::rename(file + ".new", file);
    return file;
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class WithServer : public ::testing::Test {
 protected:
  WithServer() {
    options.connect_timeout = 2s;
    options.header_timeout = 5s;
    options.body_timeout = 5s;
    options.credentials_age = 0ms;
  }
  /// What the server answers where a test has nothing else to say.
  static Reply empty_list(const SeenRequest&) { return {.body = list_text({}, 1)}; }

  [[nodiscard]] Config config() {
    Config made;
    made.server = server.url();
    made.ca.text = authority.cert();
    return made;
  }
  Client& connect(const Config& with) {
    client = std::make_unique<Client>(io, with, options);
    return *client;
  }
  Client& connect() { return connect(config()); }
  [[nodiscard]] Answer<boost::json::value> get(const std::string& name = "n1") {
    const ObjectRef ref{kNodes, "", name};
    return answer_of(io, [&] { return client->get(ref); });
  }

  boost::asio::io_context io;
  TestAuthority authority;
  TestDirectory directory;
  ClientOptions options;
  FakeApiServer server{io, authority.issue(), empty_list};
  std::unique_ptr<Client> client;
};

}  // namespace sextant::kube
