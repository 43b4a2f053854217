// Address translation on the way into the overlay, as kube-proxy and masquerading CNI plugins do
// it.

#include <fmt/format.h>

#include "scenario.h"

namespace sextant::conformance {

SEXTANT_SCENARIOS(Services);

constexpr std::uint16_t kServicePort = 80;
constexpr std::uint16_t kPodPort = 8080;

Endpoint service(Family family) {
  return {family == Family::kIpv4 ? ip("10.96.0.10") : ip("fd96::10"), kServicePort};
}

/// The service's address becomes the pod's, for forwarded packets and for the node's own.
/// `postrouting` is the body of that chain.
std::string service_rules(const std::string& family, const Endpoint& from, const Endpoint& to,
                          const std::string& postrouting = {}) {
  const bool v4 = to.address.is_v4();
  const std::string target =
      fmt::format(fmt::runtime(v4 ? "{}:{}" : "[{}]:{}"), to.address.to_string(), to.port);
  std::string script = fmt::format("table {} services {{\n", family);
  for (const std::string hook : {"prerouting", "output"}) {
    script += fmt::format(
        "  chain {0} {{\n    type nat hook {0} priority -100;\n"
        "    {1} daddr {2} meta l4proto {{ tcp, udp }} th dport {3} meta mark set mark or 0x4000 "
        "dnat to {4}\n  }}\n",
        hook, family, from.address.to_string(), from.port, target);
  }
  return script +
         fmt::format(
             "  chain postrouting {{\n    type nat hook postrouting priority 100;\n    {}\n  "
             "}}\n}}\n",
             postrouting);
}

TEST_P(Services, PodReachesARemotePodByAServiceAddress) {
  Lab lab(GetParam());
  const Endpoint backend{lab.pod("b1").address(family()), kPodPort};
  lab.node("a").netns().nft(service_rules(nft_family(), service(family()), backend));

  const Exchange exchange = udp_exchange(lab.pod("a1").netns, lab.pod("b1").netns,
                                         service(family()), {.listen = backend});
  ASSERT_TRUE(exchange.complete()) << exchange.to_string();
  EXPECT_EQ(exchange.server_saw->address, lab.pod("a1").address(family()));
  EXPECT_EQ(exchange.client_saw, service(family())) << "the reply is translated back";

  const TcpReport tcp = tcp_transfer(lab.pod("a1").netns, lab.pod("b1").netns, service(family()),
                                     100'000, {.listen = backend});
  EXPECT_EQ(tcp.to_client, 100'000U) << tcp.to_string();
}

TEST_P(Services, NodeReachesARemotePodByAServiceAddress) {
  Lab lab(GetParam());
  const Endpoint backend{lab.pod("b1").address(family()), kPodPort};
  lab.node("a").netns().nft(service_rules(nft_family(), service(family()), backend));

  const Exchange exchange = udp_exchange(lab.node("a").netns(), lab.pod("b1").netns,
                                         service(family()), {.listen = backend});
  ASSERT_TRUE(exchange.complete()) << exchange.to_string();
  EXPECT_EQ(exchange.client_saw, service(family())) << "the reply is translated back";

  const TcpReport tcp = tcp_transfer(lab.node("a").netns(), lab.pod("b1").netns, service(family()),
                                     100'000, {.listen = backend});
  EXPECT_EQ(tcp.to_client, 100'000U) << tcp.to_string();
}

TEST_P(Services, NodeReachesARemotePodByAMasqueradedServiceAddress) {
  Lab lab(GetParam());
  const Endpoint backend{lab.pod("b1").address(family()), kPodPort};
  lab.node("a").netns().nft(service_rules(nft_family(), service(family()), backend,
                                          "meta mark & 0x4000 == 0x4000 masquerade"));

  const Exchange exchange = udp_exchange(lab.node("a").netns(), lab.pod("b1").netns,
                                         service(family()), {.listen = backend});
  ASSERT_TRUE(exchange.complete()) << exchange.to_string();
  EXPECT_EQ(exchange.server_saw->address, lab.overlay_address("a", family()));
  EXPECT_EQ(exchange.client_saw, service(family()));
}

TEST_P(Services, PodOfAnotherNodeReachesAServiceOfThisNodesAddress) {
  // A NodePort without a local backend: in through the overlay, translated, and out through it
  // again.
  Lab lab(GetParam());
  const Endpoint node_port{lab.address("a", family()), 30080};
  const Endpoint backend{lab.pod("b1").address(family()), kPodPort};
  lab.node("a").netns().nft(
      service_rules(nft_family(), node_port, backend, "meta mark & 0x4000 == 0x4000 masquerade"));

  const Exchange exchange =
      udp_exchange(lab.pod("c1").netns, lab.pod("b1").netns, node_port, {.listen = backend});
  ASSERT_TRUE(exchange.complete()) << exchange.to_string();
  EXPECT_EQ(exchange.server_saw->address, lab.overlay_address("a", family()));
  EXPECT_EQ(exchange.client_saw, node_port);
}

TEST_P(Services, MasqueradedPodTrafficComesFromTheOverlayAddress) {
  Lab lab(GetParam());
  lab.node("a").netns().nft(
      fmt::format("table {0} cni {{\n  chain postrouting {{\n    type nat hook postrouting "
                  "priority 100;\n"
                  "    {0} saddr {1} {0} daddr {2} masquerade\n  }}\n}}\n",
                  nft_family(), lab.pod("a1").address(family()).to_string(),
                  lab.pod("b1").address(family()).to_string()));
  const Endpoint to{lab.pod("b1").address(family()), kPodPort};

  const Exchange masqueraded = udp_exchange(lab.pod("a1").netns, lab.pod("b1").netns, to);
  ASSERT_TRUE(masqueraded.complete()) << masqueraded.to_string();
  EXPECT_EQ(masqueraded.server_saw->address, lab.overlay_address("a", family()));
  EXPECT_EQ(masqueraded.client_saw, to);

  const Exchange other = udp_exchange(lab.pod("a2").netns, lab.pod("b1").netns, to);
  ASSERT_TRUE(other.complete()) << other.to_string();
  EXPECT_EQ(other.server_saw->address, lab.pod("a2").address(family()));
}

}  // namespace sextant::conformance
