#include "agent/listen_address.h"

#include <charconv>

namespace sextant::agent {
namespace {

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

}  // namespace

Result<ListenAddress> ListenAddress::parse(std::string_view text) {
  constexpr auto kHint = "write ADDRESS:PORT, [IPV6-ADDRESS]:PORT or :PORT (every address)";
  const auto wrong = [&](std::string cause) {
    return failure("read listening address", "'" + std::string(text) + "'", std::move(cause),
                   kHint);
  };
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong("it has no ':' and port");
  const auto port = parse_port(text.substr(colon + 1));
  if (!port) return wrong("the port is not a number from 0 to 65535");
  auto host = text.substr(0, colon);
  if (host.empty()) return ListenAddress{.address = std::nullopt, .port = *port};
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = IpAddress::parse(host);
  if (!address) return wrong(address.error().cause);
  if (address->is_v6() != bracketed)
    return wrong(bracketed ? "brackets are for IPv6 addresses"
                           : "an IPv6 address stands in brackets");
  return ListenAddress{.address = *address, .port = *port};
}

std::string ListenAddress::to_string() const {
  std::string host;
  if (address) host = address->is_v6() ? "[" + address->to_string() + "]" : address->to_string();
  return host + ":" + std::to_string(port);
}

}  // namespace sextant::agent
