#include "bgp/listener_sockets.h"

#include <algorithm>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>

#include "base/log.h"
#include "bgp/connection.h"
#include "bgp/tcp.h"

namespace sextant::bgp {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr int kBacklog = 128;
// Out of descriptors or memory: the connection stays in the kernel's queue meanwhile.
constexpr std::chrono::milliseconds kPause{100};

IpAddress address_of(const asio::ip::address& address) {
  if (address.is_v4()) return Ipv4Address(address.to_v4().to_bytes());
  return Ipv6Address(address.to_v6().to_bytes());
}

}  // namespace

struct ListenerSockets::Acceptor {
  explicit Acceptor(asio::io_context& io) : socket(io), pause(io) {}
  tcp::acceptor socket;
  asio::steady_timer pause;
  sextant::Family family{};
  bool closed = false;
};

ListenerSockets::ListenerSockets(asio::io_context& io, Accepted accepted)
    : io_(io), accepted_(std::move(accepted)) {}

ListenerSockets::~ListenerSockets() { close(); }

Result<void> ListenerSockets::listen(const ListenConfig& config) {
  const auto object = config.address.to_string() + " port " + std::to_string(config.port);
  const auto wanted = endpoint_of(config.address, config.port, config.device);
  if (!wanted) return tl::unexpected(wanted.error());
  const tcp::endpoint& endpoint = *wanted;
  auto acceptor = std::make_shared<Acceptor>(io_);
  acceptor->family = config.address.family();
  auto& socket = acceptor->socket;
  error_code error;
  socket.open(endpoint.protocol(), error);
  if (error) return system_error("listen for BGP peers on", object, error.value());
  socket.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && config.address.is_v6()) socket.set_option(asio::ip::v6_only(true), error);
  if (error) return system_error("listen for BGP peers on", object, error.value());
  if (auto bound = bind_device(socket.native_handle(), config.device); !bound) return bound;
  // What answers a peer's SYN is sent by this socket: peers with GTSM drop it with any other TTL.
  if (auto set = set_ttl(socket.native_handle(), acceptor->family, 255); !set) return set;
  socket.bind(endpoint, error);
  if (!error) socket.listen(kBacklog, error);
  if (error) {
    auto failed = system_error("listen for BGP peers on", object, error.value());
    if (error == asio::error::address_in_use) {
      failed.value().hint =
          "another BGP daemon of this host (Calico's BIRD?) has it: configure another port or "
          "address, or none";
    } else if (error == asio::error::access_denied) {
      failed.value().hint =
          "ports below 1024 take the capability NET_BIND_SERVICE: give it, or configure another "
          "port";
    }
    return failed;
  }
  acceptors_.push_back(acceptor);
  accept(acceptor);
  return {};
}

void ListenerSockets::accept(const std::shared_ptr<Acceptor>& acceptor) {
  acceptor->socket.async_accept([this, acceptor](error_code error, tcp::socket socket) {
    if (acceptor->closed) return;
    if (error) {
      log::warn("BGP connection not accepted: {}", error.message());
      acceptor->pause.expires_after(kPause);
      acceptor->pause.async_wait([this, acceptor](error_code cancelled) {
        if (!cancelled && !acceptor->closed) accept(acceptor);
      });
      return;
    }
    const auto remote = socket.remote_endpoint(error);
    if (!error) {  // else it is gone already
      const bool scoped = remote.address().is_v6() && remote.address().to_v6().is_link_local();
      const auto scope = scoped ? remote.address().to_v6().scope_id() : 0;
      accepted_(std::move(socket), address_of(remote.address()), static_cast<std::uint32_t>(scope));
    }
    if (!acceptor->closed) accept(acceptor);
  });
}

Result<void> ListenerSockets::set_md5_key(const IpPrefix& peer, const std::string& password) {
  for (const auto& acceptor : acceptors_) {
    if (acceptor->family != peer.family()) continue;
    if (auto set = set_md5(acceptor->socket.native_handle(), peer, password); !set) return set;
  }
  return {};
}

void ListenerSockets::close() {
  for (const auto& acceptor : acceptors_) {
    acceptor->closed = true;
    acceptor->pause.cancel();
    error_code ignored;  // closing cannot fail in a way that matters
    acceptor->socket.close(ignored);
  }
  acceptors_.clear();
}

std::vector<tcp::endpoint> ListenerSockets::endpoints() const {
  std::vector<tcp::endpoint> result;
  for (const auto& acceptor : acceptors_) {
    error_code error;
    const auto endpoint = acceptor->socket.local_endpoint(error);
    if (!error) result.push_back(endpoint);
  }
  return result;
}

}  // namespace sextant::bgp
