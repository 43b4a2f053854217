#include "kube/endpoint.h"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include "base/ip.h"

namespace sextant::kube {

std::string Endpoint::authority() const {
  const bool is_v6 = host.find(':') != std::string::npos;
  auto text = is_v6 ? "[" + host + "]" : host;
  if (port != 443) text += ":" + std::to_string(port);
  return text;
}

Result<Endpoint> parse_server(std::string_view text) {
  const auto bad = [&](std::string cause, std::string hint = "write it as https://HOST:PORT") {
    return failure("read the API server's address", std::string(text), std::move(cause),
                   std::move(hint));
  };
  const auto url = boost::urls::parse_uri({text.data(), text.size()});
  if (!url || !url->has_authority()) return bad("it is not a URL");
  if (url->scheme_id() == boost::urls::scheme::http)
    return bad("plain HTTP would send credentials in the clear");
  if (url->scheme_id() != boost::urls::scheme::https) return bad("the scheme is not https");
  if (url->has_userinfo()) return bad("a user in the URL is not supported", "use a token");
  if (url->has_query() || url->has_fragment()) return bad("there is a query or a fragment in it");

  Endpoint endpoint;
  endpoint.host = std::string(url->host_address());
  if (endpoint.host.empty()) return bad("it names no host");
  endpoint.is_address = IpAddress::parse(endpoint.host).has_value();
  if (url->has_port()) {
    if (url->port_number() == 0) return bad("the port is not between 1 and 65535");
    endpoint.port = url->port_number();
  }
  endpoint.path = std::string(url->encoded_path());
  while (!endpoint.path.empty() && endpoint.path.back() == '/') endpoint.path.pop_back();
  return endpoint;
}

}  // namespace sextant::kube
