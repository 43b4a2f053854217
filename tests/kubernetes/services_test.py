#!/usr/bin/python3
"""services_test.py BIN_DIR: Services, host ports, NAT and policies over the overlay, as kube-proxy and others make them."""
import cluster
import service_rules
from cluster import run, until
from control_plane_traffic import KubectlIntoPods, Probes, Webhooks  # noqa: F401 they are tests
from network_policy import NetworkPolicies  # noqa: F401
from services_lab import HOST_PORT, OUTSIDE, OUTSIDE_PORT, POOLS, PORT, ServicesTest, url, web_script

NODES = ("master", "worker1", "worker2")


class Services(ServicesTest):
    """Of kube-proxy, or of whoever took its place."""

    def test_cluster_ip(self):
        for family in self.lab.families:
            near, far, host = (self.lab.service_url(each, family) for each in ("near", "far", "host"))
            client = self.lab.pods["client"][family]
            with self.subTest("pods keep their address"):
                self.expect("client", {near: ("near", client), far: ("far", client), host: ("host", client)})
            with self.subTest("a pod reaches itself"):
                self.expect("near", {near: ("near", None), far: ("far", self.lab.pods["near"][family])})
            with self.subTest("nodes"):
                for node in NODES:
                    self.expect(node, {near: ("near", None), far: ("far", None), host: ("host", None)})

    def test_endpoints_on_both_nodes_share_the_connections(self):
        for family in self.lab.families:
            each = self.lab.service_url("both", family)
            seen = set()
            until(lambda: seen.add(self.lab.fetch("client", each)) or {"near", "far"} == {name for name, _ in seen},
                  "both answer")

    def test_node_port(self):
        for family in self.lab.families:
            wanted = {self.lab.node_port_url(node, name, family): (name, None)
                      for node in NODES for name in ("near", "far", "host")}
            for source in ("client", "outside", *NODES):
                self.expect(source, wanted)

    def test_an_upload_from_a_link_with_a_larger_mtu_than_the_overlays(self):
        """Through a node without an endpoint, which sends the client's full packets on, encapsulated."""
        size = 300_000
        for family in self.lab.families:
            each = self.lab.node_port_url("worker1", "far", family)
            with self.subTest(each):
                post = (f"import urllib.request; print(urllib.request.urlopen('{each}', data=bytes({size}), timeout=10)"
                        ".read().decode())")
                answer = run("nsenter", f"--net=/run/netns/{self.lab.outside}", "python3", "-c", post)
                self.assertEqual(answer.split()[::2], ["far", str(size)])

    def test_external_traffic_policy_local_keeps_the_clients_address(self):
        for family in self.lab.families:
            here, elsewhere = (self.lab.node_port_url(node, "local", family) for node in ("worker2", "worker1"))
            self.expect("outside", {here: ("far", OUTSIDE[family]), elsewhere: None})
            # To another node's port, a pod comes with its own address.
            self.expect("client", {here: ("far", self.lab.pods["client"][family])})


class ServicesByKubeProxy(Services):
    """iptables mode."""

    def test_kube_proxy_is_what_translates(self):
        for family in self.lab.families:
            program = "ip6tables-save" if family == 6 else "iptables-save"
            self.assertIn("KUBE-SVC-", self.cluster.on("worker1", program, "-t", "nat"))

    def test_pods_and_nodes_reach_the_api_servers_service(self):
        address = self.cluster.get("service", "kubernetes")["spec"]["clusterIP"]
        script = f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | busybox nc -w 3 {address} 443"
        self.assertIn("an HTTP request to an HTTPS server", self.cluster.execute("client", "sh", "-c", script))
        self.assertIn("an HTTP request to an HTTPS server", self.cluster.on("worker2", "sh", "-c", script))


class ServicesByNftables(Services):
    """The same by hand-written rules, kube-proxy gone."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for node in NODES:
            cls.cluster.stop_daemon(node, "kube-proxy")
            cls.addClassCleanup(cls.cluster.start_daemon, node, "kube-proxy")
            for program in ("iptables", "ip6tables"):
                for table in ("nat", "filter", "mangle"):
                    cls.cluster.on(node, program, "-t", table, "-F")
            for family in cls.lab.families:
                cls.nft(node, service_rules.ruleset(family, POOLS[family], cls.services(node, family)))
                cls.addClassCleanup(cls.nft, node, service_rules.removal(family))

    @classmethod
    def nft(cls, node, script):
        run(*cls.cluster.node_command(node, "nft", "-f", "-"), data=script)

    @classmethod
    def services(cls, node, family):
        lab = cls.lab
        places = {"near": ("worker1", lab.pods["near"][family], PORT), "far": ("worker2", lab.pods["far"][family], PORT),
                  "host": ("worker2", lab.nodes["worker2"][family], HOST_PORT)}
        backends = {"near": ["near"], "far": ["far"], "host": ["host"], "local": ["far"], "both": ["near", "far"]}
        return [{"name": name, "cluster_ip": lab.services[name][family], "port": 80, "node_port": lab.node_ports[name],
                 "endpoints": [places[each][1:] for each in backends[name]],
                 "local": [places[each][1:] for each in backends[name] if places[each][0] == node]
                 if name == "local" else None} for name in lab.services]


class HostPort(ServicesTest):
    def test_a_pods_host_port_is_reached_from_everywhere(self):
        if "portmap" not in self.cluster.on("worker2", "sh", "-c", "cat /etc/cni/net.d/*sextant*"):
            self.skipTest("the nodes' CNI configuration has no portmap")
        pod = self.cluster.pod("ported", "worker2", web_script(PORT))
        pod["spec"]["containers"][0]["ports"] = [{"containerPort": PORT, "hostPort": 18080}]
        self.cluster.apply(pod)
        self.addCleanup(self.cluster.delete, "pod", "ported", "--wait=false")
        self.cluster.wait_pods_ready("ported")
        for family in self.lab.families:
            each = url(self.lab.nodes["worker2"][family], 18080)
            until(lambda at=each: self.lab.fetch("outside", at), "the host port answers")
            self.expect("outside", {each: ("ported", OUTSIDE[family])})
            self.expect("client", {each: ("ported", self.lab.pods["client"][family])})
            for node in NODES:
                self.expect(node, {each: ("ported", None)})


class NatOutgoing(ServicesTest):
    def test_pods_leave_the_cluster_from_their_nodes_address_and_stay_themselves_inside(self):
        for family in self.lab.families:
            client = self.lab.pods["client"][family]
            self.expect("client", {
                url(OUTSIDE[family], OUTSIDE_PORT): ("outside", self.lab.nodes["worker1"][family]),
                url(self.lab.pods["near"][family], PORT): ("near", client),
                url(self.lab.pods["far"][family], PORT): ("far", client),
                url(self.lab.nodes["worker2"][family], HOST_PORT): ("host", client)})


del Services  # tested in its subclasses

if __name__ == "__main__":
    cluster.main(__doc__)
