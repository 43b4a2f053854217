#include "bgp/speaker_process.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>

#include "bgp/daemon.h"
#include "bgp/feed.h"
#include "bgp/speaker.h"

namespace sextant::bench {

int run_speaker(bgp::Family family, std::size_t clients) {
  bgp::SpeakerConfig config{.asn = kLocalAs, .router_id = Ipv4Address({10, 0, 0, 100})};
  config.listen = {{.address = kDaemonAddress}};
  for (std::size_t i = 0; i < kSources + clients; ++i) {
    bgp::PeerConfig peer{.address = IpPrefix::host(peer_address(i)), .remote_as = kLocalAs};
    peer.mode = bgp::ConnectMode::kPassive;
    peer.families = {{.family = family}};
    peer.route_reflector_client = i >= kSources;
    peer.dialect = bgp::SrPolicyDialect::kCalicoVpp;
    config.peers.push_back(peer);
  }
  boost::asio::io_context loop(1);
  bgp::SpeakerListener nobody;  // as a node does that programs the routes; here they go nowhere
  bgp::Speaker speaker(loop, config, &nobody);
  if (const auto started = speaker.start(); !started) {
    std::fprintf(stderr, "%s\n", started.error().message().c_str());
    return 1;
  }
  boost::asio::signal_set signals(loop, SIGTERM);
  signals.async_wait([&](auto, int) { loop.stop(); });
  loop.run();
  return 0;
}

}  // namespace sextant::bench
