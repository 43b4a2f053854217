// What tests of the way back to Kubernetes share: one API server a program, a client, the loop.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "kube/client.h"
#include "lone_api_server.h"
#include "sources/kubernetes/json_text.h"
#include "sources/kubernetes/resources.h"
#include "testbed/cluster/programs.h"

namespace sextant::kubernetes_tests {

namespace json = boost::json;

/// One for all tests of the program.
inline const Result<std::unique_ptr<LoneApiServer>>& api_server() {
  static const auto server = LoneApiServer::start();
  return server;
}

class ApiTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto programs = cluster::find_programs(); !programs)
      GTEST_SKIP() << programs.error().message();
    const auto& server = api_server();
    ASSERT_TRUE(server) << server.error().message();
    server_ = server->get();
    client_ = std::make_unique<kube::Client>(io_, server_->config());
  }

  /// Runs the loop until it holds; false after `limit`.
  bool until(const std::function<bool()>& holds,
             std::chrono::milliseconds limit = std::chrono::seconds(60)) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!holds()) {
      if (std::chrono::steady_clock::now() > end) return false;
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(50));
    }
    return true;
  }
  void run_for(std::chrono::milliseconds time) {
    io_.restart();
    io_.run_for(time);
  }

  template <typename T>
  T wait_for(kube::Task<T> task) {
    std::optional<T> result;
    boost::asio::co_spawn(io_, std::move(task),
                          [&result](const std::exception_ptr& error, T value) {
                            if (error) std::rethrow_exception(error);
                            result.emplace(std::move(value));
                          });
    if (!until([&] { return result.has_value(); }))
      throw std::runtime_error("no answer of the API server");
    return std::move(*result);
  }

  json::value make(const kube::Resource& resource, const std::string& text) {
    auto made = wait_for(client_->create(resource, "", json::parse(text)));
    if (!made) throw std::runtime_error(made.error().error.message());
    return *made;
  }
  json::value make_node(const std::string& name, const std::string& spec = "{}") {
    return make(kubernetes::kNodes, R"({"apiVersion":"v1","kind":"Node","metadata":{"name":")" +
                                        name + R"("},"spec":)" + spec + "}");
  }
  /// Null where it is not there.
  json::value read(const kube::Resource& resource, const std::string& name) {
    const kube::ObjectRef ref{resource, "", name};
    auto object = wait_for(client_->get(ref));
    return object ? *object : json::value();
  }
  void remove(const kube::Resource& resource, const std::string& name) {
    const kube::ObjectRef ref{resource, "", name};
    (void)wait_for(client_->remove(ref));
  }
  [[nodiscard]] static std::string uid(const json::value& object) {
    return kubernetes::text_at(object, "metadata", "uid");
  }
  /// "True Programmed"; empty without such a condition.
  [[nodiscard]] static std::string condition(const json::value& object, const std::string& type) {
    const auto* list = kubernetes::find(object, "status", "conditions");
    if (list == nullptr || !list->is_array()) return {};
    for (const auto& entry : list->get_array())
      if (kubernetes::text_at(entry, "type") == type)
        return kubernetes::text_at(entry, "status") + " " + kubernetes::text_at(entry, "reason");
    return {};
  }

  LoneApiServer* server_ = nullptr;
  boost::asio::io_context io_{1};
  std::unique_ptr<kube::Client> client_;
};

}  // namespace sextant::kubernetes_tests
