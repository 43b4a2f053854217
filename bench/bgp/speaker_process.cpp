#include "bgp/speaker_process.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <deque>
#include <limits>
#include <stdexcept>
#include <vector>

#include "base/unique_fd.h"
#include "bgp/daemon.h"
#include "bgp/feed.h"
#include "bgp/rib/exporter.h"
#include "bgp/rib/rib.h"
#include "bgp/wire/message.h"
#include "bgp/wire/open.h"

namespace sextant::bench {
namespace {

constexpr std::size_t kReadAhead = 1U << 18U;

struct Session {
  UniqueFd fd;
  bgp::PeerId id{};
  bool established = false;
  std::vector<std::uint8_t> in = std::vector<std::uint8_t>(kReadAhead);
  std::size_t filled = 0;
  bgp::MessageBytes out = nullptr;
  std::size_t sent = 0;
};

class Reflector {
 public:
  Reflector(bgp::Family family, std::size_t clients) : family_(family) {
    listen_on_daemon_address();
    for (std::size_t i = 0; i < clients; ++i) {
      const auto number = static_cast<std::uint8_t>(i + 1);
      bgp::RibPeer peer{.asn = kLocalAs,
                        .router_id = Ipv4Address({10, 0, 1, number}),
                        .address = client_address(i)};
      peer.facts.dialect = bgp::SrPolicyDialect::kCalicoVpp;
      peer.reflect_client = true;
      peers_.push_back(rib_.add_peer(peer));
    }
    queue_ = rib_.open_queue(family, family.safi == bgp::Safi::kSrPolicy
                                         ? bgp::ChangeQueue::Interest::kAllPaths
                                         : bgp::ChangeQueue::Interest::kBest);
  }

  [[noreturn]] void run() {
    while (true) {
      std::vector<pollfd> polled{{.fd = listener_.get(), .events = POLLIN, .revents = 0}};
      for (const auto& session : sessions_) {
        const bool more =
            session.out || (session.established && exporter_.pending(session.id, family_));
        polled.push_back({.fd = session.fd.get(),
                          .events = static_cast<short>(POLLIN | (more ? POLLOUT : 0)),
                          .revents = 0});
      }
      if (poll(polled.data(), polled.size(), -1) < 0) throw std::runtime_error("poll");
      for (std::size_t i = 1; i < polled.size(); ++i) {
        auto& session = sessions_[i - 1];
        if ((polled[i].revents & ~POLLOUT) != 0) receive(session);
        if ((polled[i].revents & POLLOUT) != 0) send(session);
      }
      if (polled[0].revents != 0) accept_one();
      tell_listener();
    }
  }

 private:
  void listen_on_daemon_address() {
    listener_ = UniqueFd(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 own{};
    own.sin6_family = AF_INET6;
    own.sin6_port = htons(179);
    std::memcpy(&own.sin6_addr, kDaemonAddress.bytes().data(), 16);
    if (bind(listener_.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0 ||
        listen(listener_.get(), 16) != 0) {
      throw std::runtime_error("cannot listen");
    }
  }

  void accept_one() {
    sockaddr_in6 from{};
    socklen_t size = sizeof from;
    UniqueFd fd(accept4(listener_.get(), reinterpret_cast<sockaddr*>(&from), &size,
                        SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd.get() < 0) return;
    const auto number = from.sin6_addr.s6_addr[15];
    if (number == 0 || number > peers_.size()) return;
    bgp::Open open{.asn = kLocalAs, .identifier = Ipv4Address({10, 0, 0, 100})};
    open.capabilities.families = {family_};
    open.capabilities.four_octet_as = kLocalAs;
    auto hello = bgp::encode(open);
    const auto keepalive = bgp::encode_keepalive();
    hello.insert(hello.end(), keepalive.begin(), keepalive.end());
    auto& session = sessions_.emplace_back();
    session.fd = std::move(fd);
    session.id = peers_[number - 1U];
    session.out = std::make_shared<const std::vector<std::uint8_t>>(std::move(hello));
  }

  void receive(Session& session) {
    const auto count = recv(session.fd.get(), session.in.data() + session.filled,
                            session.in.size() - session.filled, 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) throw std::runtime_error("a client left");
    session.filled += static_cast<std::size_t>(count);
    std::size_t at = 0;
    while (true) {
      const auto message =
          bgp::next_message(std::span(session.in).subspan(at, session.filled - at));
      if (!message) throw std::runtime_error("a client sent what is no BGP message");
      if (!*message) break;
      if ((*message)->type == bgp::MessageType::kUpdate) {
        (void)rib_.receive(session.id, bgp::split_update((*message)->body));
      } else if ((*message)->type == bgp::MessageType::kKeepalive && !session.established) {
        session.established = true;
        exporter_.add(
            session.id,
            {.family = family_, .reflect_client = true, .self = {.address = kDaemonAddress}});
      }
      at += (*message)->size;
    }
    std::memmove(session.in.data(), session.in.data() + at, session.filled - at);
    session.filled -= at;
  }

  void send(Session& session) {
    if (!session.out) {
      session.out = exporter_.next(session.id, family_);
      session.sent = 0;
    }
    if (!session.out) return;
    const auto left = std::span(*session.out).subspan(session.sent);
    const auto count = ::send(session.fd.get(), left.data(), left.size(), MSG_NOSIGNAL);
    if (count > 0) session.sent += static_cast<std::size_t>(count);
    if (session.sent < session.out->size()) return;
    session.out = nullptr;
    session.sent = 0;
  }

  /// As a node does that programs the routes; here they go nowhere.
  void tell_listener() {
    changes_.clear();
    queue_->take(std::numeric_limits<std::size_t>::max(), changes_);
    for (const auto entry : changes_) queue_->done(entry);
  }

  bgp::Family family_;
  bgp::Rib rib_{{.local_as = kLocalAs, .router_id = Ipv4Address({10, 0, 0, 100})}};
  bgp::Exporter exporter_{rib_};
  std::shared_ptr<bgp::ChangeQueue> queue_;
  std::vector<bgp::PeerId> peers_;
  UniqueFd listener_;
  std::deque<Session> sessions_;
  std::vector<bgp::EntryId> changes_;
};

}  // namespace

int run_speaker(bgp::Family family, std::size_t clients) {
  try {
    Reflector(family, clients).run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}

}  // namespace sextant::bench
