#include "kube/credentials.h"

#include <algorithm>

#include "base/log.h"

namespace sextant::kube {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

/// RFC 9110 section 5.5: nothing that could end the header.
bool is_header_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

Credentials::Source::Source(const Pem& pem) : fixed(pem.text) {
  if (pem.text.empty() && !pem.file.empty()) file.emplace(pem.file);
}

Credentials::Credentials(Config config, Clock::duration age)
    : age_(age),
      ca_(config.insecure_skip_tls_verify ? Pem{} : config.ca),
      cert_(config.client_cert),
      key_(config.client_key),
      token_(config.token_file.empty() ? Pem{.text = config.token}
                                       : Pem{.file = config.token_file}),
      insecure_(config.insecure_skip_tls_verify) {}

Result<void> Credentials::refresh_tls(Clock::time_point now) {
  tls_looked_ = now;
  for (auto* source : {&ca_, &cert_, &key_}) {
    if (!source->file) continue;
    const auto read = source->file->refresh();
    if (!read) return tl::unexpected(read.error());
    outdated_ |= *read;
  }
  if (!outdated_) return {};
  if (ca_.file && ca_.text().empty())
    return failure("read", ca_.file->path(), "the file is empty", "it must hold PEM certificates");
  auto context = make_tls_context(
      {.ca = ca_.text(), .cert = cert_.text(), .key = key_.text(), .insecure = insecure_});
  if (!context) {
    auto error = context.error();
    for (const auto& [name, source] :
         {std::pair{"certificate-authority", &ca_}, std::pair{"client-certificate", &cert_},
          std::pair{"client-key", &key_}})
      if (error.object == name && source->file) error.object += " " + source->file->path();
    return tl::unexpected(std::move(error));
  }
  if (tls_.context) log::info("certificates for the API server were changed and read again");
  tls_.context = std::move(*context);
  ++tls_.generation;
  outdated_ = false;
  return {};
}

Result<Credentials::Tls> Credentials::tls(Clock::time_point now) {
  if (!tls_looked_ || now - *tls_looked_ >= age_ || !tls_.context) {
    const auto refreshed = refresh_tls(now);
    if (!refreshed && !tls_.context) return tl::unexpected(refreshed.error());
    const auto complaint = refreshed ? std::string() : refreshed.error().message();
    if (complaint != last_complaint_ && !complaint.empty())
      log::warn({{"error", refreshed.error()}}, "{}; going on with what was read before",
                complaint);
    last_complaint_ = complaint;
  }
  return tls_;
}

bool Credentials::renew_tls(Clock::time_point now) {
  const auto before = tls_.generation;
  const auto refreshed = refresh_tls(now);
  return refreshed && tls_.generation != before;
}

Result<void> Credentials::refresh_token(Clock::time_point now) {
  token_looked_ = now;
  const auto read = token_.file->refresh();
  if (!read) return tl::unexpected(read.error());
  return {};
}

Result<std::string> Credentials::token(Clock::time_point now) {
  if (token_.file && (!token_looked_ || now - *token_looked_ >= age_)) {
    const auto refreshed = refresh_token(now);
    // A file that is gone for a moment: the last token may still do.
    if (!refreshed && token_.text().empty()) return tl::unexpected(refreshed.error());
  }
  const auto text = trimmed(token_.text());
  if (token_.file && text.empty())
    return failure("read", token_.file->path(), "the token's file is empty");
  if (!is_header_text(text))
    return failure("read", token_.file ? token_.file->path() : "token",
                   "a token has no spaces and only ASCII characters");
  return std::string(text);
}

bool Credentials::renew_token(Clock::time_point now) {
  if (!token_.file) return false;
  const auto before = token_.text();
  return refresh_token(now) && token_.text() != before;
}

Result<void> check_credentials(const Config& config) {
  Credentials credentials(config, Credentials::Clock::duration::zero());
  if (const auto tls = credentials.tls({}); !tls) return tl::unexpected(tls.error());
  if (const auto token = credentials.token({}); !token) return tl::unexpected(token.error());
  return {};
}

}  // namespace sextant::kube
