// What proves who we are and who the server is, kept up to date with the files it comes from.
// Private to this room.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "kube/config.h"
#include "kube/followed_file.h"
#include "kube/tls.h"

namespace sextant::kube {

class Credentials {
 public:
  using Clock = std::chrono::steady_clock;

  /// `age`: files are looked at no more often than that.
  Credentials(Config config, Clock::duration age);

  struct Tls {
    std::shared_ptr<boost::asio::ssl::context> context;
    std::uint64_t generation = 0;  // another one: connections made before are not to be reused
  };
  /// For a new connection. Files that are missing or bad for a moment (a rotation that is under
  /// way) leave the last good context in force.
  [[nodiscard]] Result<Tls> tls(Clock::time_point now);
  /// The same, now: the server's certificate was not accepted. True where there is a new context.
  [[nodiscard]] bool renew_tls(Clock::time_point now);
  [[nodiscard]] std::uint64_t generation() const { return tls_.generation; }

  /// For the Authorization header; empty where there is none.
  [[nodiscard]] Result<std::string> token(Clock::time_point now);
  /// The server does not accept the token. True where there is another one now.
  [[nodiscard]] bool renew_token(Clock::time_point now);

 private:
  /// A text from the configuration or from a file.
  struct Source {
    explicit Source(const Pem& pem);
    [[nodiscard]] const std::string& text() const { return file ? file->text() : fixed; }
    std::string fixed;
    std::optional<FollowedFile> file;
  };

  Result<void> refresh_tls(Clock::time_point now);
  Result<void> refresh_token(Clock::time_point now);

  Clock::duration age_;
  Source ca_, cert_, key_, token_;
  bool insecure_;
  bool outdated_ = true;  // the context is not of what was read last
  Tls tls_;
  std::optional<Clock::time_point> tls_looked_, token_looked_;
  std::string last_complaint_;
};

/// Tries what the configuration names, so that mistakes are found at the start.
[[nodiscard]] Result<void> check_credentials(const Config& config);

}  // namespace sextant::kube
