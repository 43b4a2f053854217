// TLS connections to an API server inside a namespace. For api.cpp and watchers.cpp only: Asio.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <string>

#include "kubernetes/api.h"

namespace sextant::bench {

using TlsStream = boost::asio::ssl::stream<boost::asio::ip::tcp::socket>;

[[nodiscard]] boost::asio::ssl::context tls_context(const ApiAccess& access);
/// Connected, its certificate verified. Throws.
[[nodiscard]] TlsStream connect_tls(boost::asio::io_context& io, boost::asio::ssl::context& tls,
                                    const ApiAccess& access);
/// "[::1]:6443"
[[nodiscard]] std::string host_header(const ApiAccess& access);

}  // namespace sextant::bench
