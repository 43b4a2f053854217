"""What tests on the paper's full testbed share: streams between its nodes' pods, the routers that they pass, what a node forwards."""
import re

import cluster
from cluster import SOURCE
from stream import Capture, Stream

OVERLAY = SOURCE / "deploy/overlays/full-testbed"  # which `up` applies there
ROUTERS = [f"r{number}" for number in range(1, 9)]
BY_R6, BY_R7 = ["r3", "r4", "r6", "r8"], ["r3", "r2", "r7", "r8"]  # from master to worker2: the shortest paths


class FullTestbedTest(cluster.ClusterTest):
    OPTIONS = ("--underlay", "full")

    def setUp(self):
        super().setUp()
        each = self.cluster
        self.pods = {node: each.pod_process(f"demo-{node}-1") for node in each.nodes()}
        self.ips = {node: each.pod_ips(f"demo-{node}-1") for node in each.nodes()}
        self.routers = {router: each.netns_path(router) for router in ROUTERS}

    def stream(self, sender, receiver, family=6, rate=500, **more):
        return Stream(self.pods[sender], self.pods[receiver], self.ips[receiver][family], rate=rate, **more)

    def long_stream(self, sender, receiver):
        """One during which paths can be asked for."""
        return self.stream(sender, receiver, port=4300, first=1 << 24)

    def path(self, sender, receiver, family=6):
        with Capture(self.routers) as capture, self.stream(sender, receiver, family, count=100) as stream:
            stream.await_count()
        self.assertEqual(stream.lost, [])
        self.assertEqual(len(stream.sent), 100)
        paths = {tuple(capture.path(number)) for number in stream.received}
        self.assertEqual(len(paths), 1, paths)
        return list(paths.pop())

    def forwarding(self, node):
        """All that Sextant has on a node: the host's and the gateway's routes, nexthops and rules, without counters."""
        show = "; ".join(f"ip -{family} {what}" for family in (4, 6) for what in ("route show table all", "rule"))
        show += "; ip nexthop; ip -6 sr tunsrc show"
        gateways = self.cluster.on(node, "ip", "netns", "list").split("\n")
        text = self.cluster.on(node, "sh", "-c", show)
        for gateway in [line.split()[0] for line in gateways if "gw" in line or "sextant" in line]:
            text += self.cluster.on(node, "ip", "netns", "exec", gateway, "sh", "-c", show)
        # Nexthops are numbered anew when they are made anew.
        return sorted(re.sub(r" expires \d+sec| pref \w+|(nhid|id|group) [\d/]+", "", line) for line in text.splitlines()
                      if "fe80" not in line and "cache" not in line)
