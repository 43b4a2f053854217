// Plain blocking requests to an API server, for what surrounds the measured agent: population,
// load, and the server's own metrics. Not the agent's client, which is measured.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "common/space.h"

namespace sextant::bench {

struct ApiAccess {
  const Space* from = nullptr;  // connections are made in there
  std::string address;          // "::1"
  unsigned short port = 6443;
  std::filesystem::path ca;
  std::string token;
};

struct ApiReply {
  int status = 0;
  std::string body;
};

/// One kept connection. One thread.
class Api {
 public:
  /// Throws where there is no connection.
  explicit Api(const ApiAccess& access);
  ~Api();
  Api(Api&&) noexcept;
  Api& operator=(Api&&) = delete;

  /// Throws where there is no answer. `type` of the body: "application/json".
  ApiReply request(std::string_view verb, const std::string& target, const std::string& body = {},
                   std::string_view type = "application/json");
  /// Throws where the answer is no 2xx.
  std::string expect(std::string_view verb, const std::string& target, const std::string& body = {},
                     std::string_view type = "application/json");

 private:
  struct State;
  std::unique_ptr<State> state_;
};

inline constexpr std::string_view kMergePatch = "application/merge-patch+json";
inline constexpr std::string_view kApplyPatch = "application/apply-patch+yaml";  // takes JSON

}  // namespace sextant::bench
