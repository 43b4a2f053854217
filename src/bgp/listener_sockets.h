// Where peers connect to: sockets that listen, and the MD5 keys that they need to know. Private to
// this room.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "bgp/config.h"

namespace sextant::bgp {

class ListenerSockets {
 public:
  /// `scope`: the device's index where the remote address is link-local, else 0.
  using Accepted = std::function<void(boost::asio::ip::tcp::socket socket, const IpAddress& remote,
                                      std::uint32_t scope)>;
  ListenerSockets(boost::asio::io_context& io, Accepted accepted);
  ~ListenerSockets();

  /// Before any key. Error: an address that is taken, or is not this host's.
  [[nodiscard]] Result<void> listen(const ListenConfig& config);
  /// What comes from `peer` must be signed with it, on every socket of the family; empty: need not
  /// any more.
  [[nodiscard]] Result<void> set_md5_key(const IpPrefix& peer, const std::string& password);
  /// Nothing is accepted any more.
  void close();
  /// Where the sockets listen; the port is the kernel's choice where 0 was configured.
  [[nodiscard]] std::vector<boost::asio::ip::tcp::endpoint> endpoints() const;

 private:
  struct Acceptor;
  void accept(const std::shared_ptr<Acceptor>& acceptor);

  boost::asio::io_context& io_;
  Accepted accepted_;
  std::vector<std::shared_ptr<Acceptor>> acceptors_;
};

}  // namespace sextant::bgp
