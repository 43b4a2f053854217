#!/usr/bin/python3
"""calico_test.py BIN_DIR: deploy/overlays/calico, on a cluster whose pods somebody else wires and whose addresses Calico's objects allocate.

Debian has no Calico. In its place are a CNI plugin that wires pods as Calico's does (calico_plugin.py), with host-local for the addresses
of each node's block, and Calico's objects as its IPAM writes them. Sextant's own overlay is uninstalled first, and is not installed again.
"""
import ipaddress
import json
import pathlib
import time

import cluster
from calico_objects import GROUP, crd, definition, of_calico
from cluster import NAMESPACE, SOURCE, run, until
from lifecycle import LifecycleTest, condition, demo, policy, sextants_objects, tainted
from stream import Capture

OVERLAY, STANDALONE = (SOURCE / "deploy/overlays" / each for each in ("calico", "standalone"))
KINDS = ["IPPool", "BlockAffinity", "IPAMBlock"]
# Not those of Node.spec.podCIDRs, nor of the annotations that `up` gives the Nodes.
BLOCKS = {"master": ("172.16.8.0/26", "fdfb:af47:32af:8::/122"),
          "worker1": ("172.16.8.64/26", "fdfb:af47:32af:8::40/122"),
          "worker2": ("172.16.8.128/26", "fdfb:af47:32af:8::80/122")}
LOCATORS = {"master": "fcdd:0:0:ca00::/64", "worker1": "fcdd:0:0:ca01::/64", "worker2": "fcdd:0:0:ca02::/64"}
# Out of worker2's block, of a pod on worker1.
BORROWED = {4: "172.16.8.190", 6: "fdfb:af47:32af:8::be"}
BORROWER = "borrower"
# A block that has no pods: it comes, moves and goes.
ROVING = ("172.16.9.0/26", "fdfb:af47:32af:9::/122")
POD_MTU = 1356  # of 1500, under six segments: docs/install.md
CONFIG = "/etc/cni/net.d/10-calico.conflist"
PROGRAMS = {"calico": None, "host-local": "/usr/lib/cni/host-local", "loopback": "/usr/lib/cni/loopback"}


def block_name(cidr):
    return str(ipaddress.ip_network(cidr)).replace(".", "-").replace(":", "-").replace("/", "-").strip("-")


def affinity(node, cidr, state="confirmed"):
    return of_calico("BlockAffinity", f"{node}-{block_name(cidr)}", node=node, cidr=cidr, state=state, deleted="false", type="host")


def block(node, cidr, lent=()):
    """The node's; of its addresses those that pods on other nodes have: (address, node)."""
    network = ipaddress.ip_network(cidr)
    allocations, attributes = [None] * network.num_addresses, []
    for address, borrower in lent:
        allocations[int(ipaddress.ip_address(address)) - int(network.network_address)] = len(attributes)
        attributes.append({"handle_id": f"k8s-pod-network.{len(attributes)}",
                           "secondary": {"namespace": "default", "node": borrower, "pod": BORROWER}})
    return of_calico("IPAMBlock", block_name(cidr), cidr=cidr, affinity=f"host:{node}", strictAffinity=False, deleted=False,
                     allocations=allocations, attributes=attributes,
                     unallocated=[number for number, each in enumerate(allocations) if each is None])


def blocks(lent=True):
    for node, cidrs in BLOCKS.items():
        for cidr, address in zip(cidrs, BORROWED.values()):
            yield affinity(node, cidr)
            yield block(node, cidr, [(address, "worker1")] if lent and node == "worker2" else [])


def pools():
    yield of_calico("IPPool", "default-ipv4-ippool", cidr="172.16.0.0/16", blockSize=26, ipipMode="Never", vxlanMode="Never")
    yield of_calico("IPPool", "default-ipv6-ippool", cidr="fdfb:af47:32af::/48", blockSize=122, ipipMode="Never", vxlanMode="Never")
    for node, locator in LOCATORS.items():
        yield of_calico("IPPool", f"sr-localsids-pool-{node}", cidr=locator, blockSize=122, nodeSelector=f"kubernetes.io/hostname == '{node}'")


def network_configuration(node):
    """worker1's first pod gets the borrowed addresses."""
    ranges = [[{"subnet": cidr}] for cidr in BLOCKS[node]]
    if node == "worker1":
        for each, lender, address in zip(ranges, BLOCKS["worker2"], BORROWED.values()):
            each.insert(0, {"subnet": lender, "rangeStart": address, "rangeEnd": address})
    return json.dumps({"cniVersion": "0.3.1", "name": "k8s-pod-network", "plugins": [
        {"type": "calico", "mtu": POD_MTU, "ipam": {"type": "host-local", "ranges": ranges}}]})


class UnderCalico(LifecycleTest):
    clean = None  # what the nodes had before

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        each = cls.cluster
        each.delete("pod", "--all", "--grace-period=1")
        # Without it first, the namespace would wait for half of the agents' grace period.
        each.delete("daemonset", "-n", NAMESPACE, "sextant")
        until(lambda: not each.agent_pods(), "the agents are gone", 60)
        each.delete("-k", STANDALONE)
        for node in each.nodes():
            cls.install_calico(node)
        # Where a locator is carried is said as before; which it is, by Calico's pools.
        each.kubectl("annotate", "node", "--all", "sextant.dev/locator-", "sextant.dev/locator-reach=on-link", "--overwrite")
        each.delete("crd", *map(crd, KINDS))  # of an earlier try on the same cluster
        each.apply(*map(definition, KINDS))
        each.kubectl("wait", "--for=condition=Established", *(f"crd/{crd(kind)}" for kind in KINDS))

    @classmethod
    def install_calico(cls, node):
        root = pathlib.Path(f"/proc/{cls.cluster.details['nodes'][node]['firstProcess']}/root")
        folder = root / "opt/cni/bin"
        for name, target in PROGRAMS.items():
            (folder / name).unlink(missing_ok=True)
            if target:
                (folder / name).symlink_to(target)
        (folder / "calico").write_text((SOURCE / "tests/kubernetes/calico_plugin.py").read_text())
        (folder / "calico").chmod(0o755)
        run("nsenter", f"--mount=/proc/{cls.cluster.details['nodes'][node]['firstProcess']}/ns/mnt", "rm", "-rf",
            "/var/lib/cni/networks/k8s-pod-network")
        # containerd notices a rename in the same directory.
        config = root / CONFIG.lstrip("/")
        config.with_suffix(".new").write_text(network_configuration(node))
        config.with_suffix(".new").rename(config)

    def in_agent(self, node, *words):
        """`sextant WORDS...` in the agent's pod, as `kubectl sextant` runs it."""
        return self.cluster.kubectl("exec", "-n", NAMESPACE, self.cluster.agent_pods()[node], "-c", "sextantd", "--", "sextant", *words,
                                    check=False)

    def doctor(self, node):
        """What it finds wrong."""
        findings = json.loads(self.in_agent(node, "doctor", "-o", "json").stdout)["findings"]
        probed = {each["object"] for each in findings if each["check"] == "peer SID"}
        self.assertEqual(probed, {f"{other} {family}" for other in self.cluster.nodes() if other != node for family in ("IPv4", "IPv6")})
        return [each for each in findings if each["verdict"] != "ok"]

    def wait_forwarding(self):
        self.wait_srv6_nodes()
        self.wait_healthy()

    def node_says(self, node):
        """(reason of NetworkUnavailable, whether the node says Ready, whether somebody keeps pods away)"""
        found = self.cluster.get("node", node)
        reasons = {each["type"]: each["reason"] for each in found["status"]["conditions"]}
        return (reasons.get("NetworkUnavailable"), condition(found, "Ready"),
                tainted(found, "node.kubernetes.io/network-unavailable"))

    def pod_prefixes(self, asked, of):
        """The pod prefixes of a node, as another one's agent has them."""
        nodes = {each["name"]: each for each in self.ask(asked, "/v1/nodes")["items"]}
        return {each["prefix"] for each in nodes[of]["podPrefixes"]}

    def segment_lists(self, sender, receiver, family):
        """Those by which packets of its pod go to the receiver's, if all of them arrive; and who says so: `kubectl sextant trace`."""
        done = self.in_agent(sender, "trace", "--one-way", "-o", "json", self.cluster.pod_ips(demo(sender))[family],
                             self.cluster.pod_ips(demo(receiver))[family])
        direction = json.loads(done.stdout)["directions"][0]
        self.assertTrue(direction["complete"], done.stdout)
        path = (direction["policy"] or {}).get("candidatePath")
        return [[sid["sid"] for sid in each["segments"]] for each in direction["segmentLists"]], path and path["object"]

    # ---- In this order

    def test_1_nodes_take_pods_only_when_they_forward(self):
        """Calico has put its network configuration there, so kubelet says Ready: that the overlay does not forward, Sextant must say."""
        each = self.cluster
        type(self).clean = {node: self.traces(node) for node in each.nodes()}
        each.wait_nodes_ready()
        each.kubectl("apply", "-k", OVERLAY)
        each.wait_rolled_out()
        for node in each.nodes():
            until(lambda: self.node_says(node) == ("SextantIsNotUp", "True", True), f"{node} has no locator, and says so")
            self.assertEqual(condition(each.get("srv6node", node), "LocatorAssigned"), "False")
        # The first one on worker1 gets the borrowed addresses: it exists before the other.
        each.apply(each.pod(BORROWER, "worker1"), *(each.pod(demo(node), node) for node in each.nodes() if node != "worker1"))
        until(lambda: {pod["status"].get("conditions", [{}])[0].get("reason") for pod in each.get("pods")["items"]} == {"Unschedulable"},
              "no pod is scheduled")
        start = time.monotonic()
        each.apply(*pools(), *blocks())
        self.wait_forwarding()
        for node in each.nodes():
            until(lambda: self.node_says(node) == ("SextantIsUp", "True", False), f"{node} takes pods")
        self.tell(f"all nodes forward and take pods {time.monotonic() - start:.1f} s after Calico's objects came")
        each.wait_pods_ready(BORROWER)
        each.apply(each.pod(demo("worker1"), "worker1"))
        each.wait_pods_ready(*map(demo, each.nodes()))
        self.assertEqual(each.pod_ips(BORROWER), BORROWED)

    def test_2_pods_and_nodes_reach_pods_and_nobody_but_calico_wires_them(self):
        with self.streams(("master", "worker2"), ("worker2", "worker1"), ("worker1", "master")) as streams:
            for node in self.cluster.nodes():
                for other in self.cluster.nodes():
                    for address in self.cluster.pod_ips(demo(other)).values():
                        # From the node's own address: it has none of the overlay.
                        run(*self.into(node, "ping", "-c", 1, "-W", 2, address))
        self.assert_lossless(streams)
        for node, locator in LOCATORS.items():
            with self.subTest(node):
                self.assertEqual(self.on(node, "ls", "/etc/cni/net.d").split(), [pathlib.Path(CONFIG).name])
                self.assertEqual(set(self.on(node, "ls", "/opt/cni/bin").split()), set(PROGRAMS))
                self.assertIn("inet 192.0.0.8/32 scope link", self.on(node, "ip", "-4", "address", "show", "sextant0"))
                for address in self.cluster.pod_ips(demo(node)).values():
                    self.assertTrue(self.on(node, "ip", "route", "get", address).split(" dev ")[1].startswith("cali"))
                status = self.cluster.get("srv6node", node)["status"]
                self.assertEqual((status["locator"]["prefix"], status["locator"]["origin"]), (locator, "IPPool"))
                for each in status["sids"]:
                    self.assertIn(ipaddress.ip_address(each["sid"]), ipaddress.ip_network(locator))
                for other in set(LOCATORS) - {node}:
                    self.assertNotEqual(self.mentions(node, *BLOCKS[other]), [])
                    for ignored in self.cluster.get("node", other)["spec"]["podCIDRs"]:
                        self.assertEqual(self.mentions(node, ignored), [], "podCIDRs do not count")

    def test_3_a_borrowed_address_is_reached_until_it_is_given_back(self):
        for node in ("master", "worker2"):  # worker2 has lent it
            for family, address in BORROWED.items():
                self.assertTrue(self.ping(node, address), f"{node} -> {address}")
                route = self.on(node, "ip", f"-{family}", "route", "show", "exact", address)
                self.assertIn("dev sextant0", route)
        self.assertLessEqual({"172.16.8.190/32", "fdfb:af47:32af:8::be/128"}, self.pod_prefixes("master", "worker1"))
        self.cluster.delete("pod", BORROWER)
        self.cluster.apply(*blocks(lent=False))
        for node in ("master", "worker2"):
            until(lambda: not any(self.on(node, "ip", f"-{family}", "route", "show", "exact", address)
                                  for family, address in BORROWED.items()), f"{node} has forgotten it", again=0.02)
        self.assertEqual(self.pod_prefixes("master", "worker1"), set(BLOCKS["worker1"]))

    def test_4_a_block_is_followed_to_another_node_and_away(self):
        self.addCleanup(self.cluster.delete, f"blockaffinities.{GROUP}", *(f"{node}-{block_name(cidr)}" for node in BLOCKS for cidr in ROVING))
        addresses = [str(ipaddress.ip_network(cidr)[9]) for cidr in ROVING]
        with self.streams(("master", "worker2")) as streams:
            for owner in ("worker2", "worker1"):
                for address in addresses:  # in place of a pod
                    self.on(owner, "ip", "address", "add", address, "dev", "lo")
                self.cluster.apply(*(affinity(owner, cidr) for cidr in ROVING))
                for address in addresses:
                    until(lambda: self.ping("master", address), f"{address} on {owner} answers")
                until(lambda: set(ROVING) <= self.pod_prefixes("master", owner), f"{owner} has the blocks")
                self.cluster.delete(f"blockaffinities.{GROUP}", *(f"{owner}-{block_name(cidr)}" for cidr in ROVING))
                for address in addresses:
                    self.on(owner, "ip", "address", "delete", address, "dev", "lo")
            for node in self.cluster.nodes():
                until(lambda: not self.mentions(node, *ROVING), f"{node} knows nothing of the blocks any more")
            with self.subTest("an affinity that Calico is only about to make, or to give up, is none"):
                self.cluster.apply(*(affinity("worker2", cidr, state) for cidr, state in zip(ROVING, ("pending", "pendingDeletion"))))
                self.cluster.apply(affinity("worker1", "172.16.10.0/26"))
                self.addCleanup(self.cluster.delete, f"blockaffinities.{GROUP}", "worker1-172-16-10-0-26")
                until(lambda: "172.16.10.0/26" in self.pod_prefixes("master", "worker1"), "what came after them is there")
                self.assertEqual(self.pod_prefixes("master", "worker2"), set(BLOCKS["worker2"]))
        self.assert_lossless(streams)

    def test_5_a_policy_steers_what_goes_to_calicos_blocks(self):
        sids = {each["behavior"]: each["sid"] for each in self.cluster.get("srv6node", "worker2")["status"]["sids"]}
        with self.streams(("master", "worker2")) as streams:
            self.assertEqual(self.passed_worker1(), 0)
            self.cluster.apply(policy("detour", "master", "worker2", ["worker1", "worker2"], bsid="fcdd:0:0:ca00:b::1"))
            self.addCleanup(self.cluster.delete, "srv6policy", "detour")
            self.cluster.kubectl("wait", "--for=condition=Ready", "srv6policy/detour", "--timeout=30s")
            for family, behavior in ((4, "End.DT4"), (6, "End.DT6")):
                lists, path = self.segment_lists("master", "worker2", family)
                self.assertEqual((len(lists), path), (1, "SRv6Policy/detour"))
                self.assertIn(ipaddress.ip_address(lists[0][0]), ipaddress.ip_network(LOCATORS["worker1"]))
                self.assertEqual(lists[0][-1], sids[behavior])
            self.assertGreater(self.passed_worker1(), 50)
            self.cluster.delete("srv6policy", "detour")
            until(lambda: self.segment_lists("master", "worker2", 6)[1] is None, "the plain path is back")
            self.assertEqual(self.passed_worker1(), 0)
        self.assert_lossless(streams)

    def passed_worker1(self):
        """Packets of the streams that worker1 sees in a while."""
        with Capture({"worker1": self.cluster.netns_path("worker1")}) as capture:
            time.sleep(0.2)
        return len(capture.seen["worker1"])

    def test_6_doctor_blames_nothing_that_is_right_under_calico(self):
        for node in self.cluster.nodes():
            self.assertEqual(self.doctor(node), [], node)
            self.assertEqual(self.ask(node, "/v1/status")["problems"], [], node)
        with self.subTest("and finds what is wrong there: Calico makes pods without regard to the outer headers"):
            device = self.on("worker2", "ip", "route", "get", self.cluster.pod_ips(demo("worker2"))[4]).split(" dev ")[1].split()[0]
            self.on("worker2", "ip", "link", "set", device, "mtu", "1500")
            found = self.doctor("worker2")
            self.assertEqual([(each["check"], each["object"]) for each in found], [("pod MTU", device)])
            self.assertIn(f"set Calico's MTU of pods to {POD_MTU}", found[0]["mend"])

    def test_7_uninstalling_leaves_calico_as_it_was(self):
        def calicos():
            return {kind: self.cluster.get(crd(kind))["items"] for kind in KINDS}
        before = calicos()
        start = time.monotonic()
        self.cluster.kubectl("delete", "--wait=false", "-k", OVERLAY)
        for node in self.cluster.nodes():
            until(lambda: self.agent_process(node) == 0, f"the agent of {node} has ended", 60)
            self.assertEqual(self.traces(node), self.clean[node])
            self.assertEqual(self.on(node, "ls", "/etc/cni/net.d").split(), [pathlib.Path(CONFIG).name])
            reason, ready, unavailable = self.node_says(node)
            self.assertEqual((reason, ready, unavailable), (None, "True", False), f"{node} is Calico's again")
        self.tell(f"nothing is left on the nodes after {time.monotonic() - start:.1f} s")
        self.assertEqual(calicos(), before)
        # The namespace's own end is Kubernetes' affair, and takes it 15 s.
        until(lambda: sextants_objects(self.cluster) in ([], [f"namespace/{NAMESPACE}"]), "nothing is left at the API server")
        for address in self.cluster.pod_ips(demo("worker1")).values():  # what Calico has wired works without Sextant
            run(*self.into("worker1", "ping", "-c", 1, "-W", 2, address))


if __name__ == "__main__":
    cluster.main(__doc__)
