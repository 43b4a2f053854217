"""Nodes reboot, change their address or locator, are deleted, and come anew."""
import contextlib
import ipaddress
import json
import pathlib
import shutil
import subprocess
import time

from api import Api
from cluster import until
from lifecycle import Answers, LifecycleTest, condition, demo, policy, tainted

FIRST, SECOND = "fd10::1001", "fd10::2001"  # addresses of worker1
OTHERS = (("master", "worker2"), ("worker2", "master"))  # whom worker1 must not disturb
READY_TAINTS = ("sextant.dev/not-ready", "node.kubernetes.io/not-ready", "node.kubernetes.io/network-unavailable",
                "node.kubernetes.io/unreachable")


def overlay_addresses(pod_prefixes):
    """The node's own address in each pod prefix: what answers as soon as the node forwards, pods or not."""
    return [str(ipaddress.ip_network(each)[1]) for each in pod_prefixes]


def heartbeat(node_object):
    """When kubelet wrote the Node's status."""
    return next(each["lastHeartbeatTime"] for each in node_object["status"]["conditions"] if each["type"] == "Ready")


class NodeTest(LifecycleTest):
    def node(self, name="worker1"):
        return self.cluster.get("node", name)

    def wait_takes_pods(self, timeout, since=None):
        """Until worker1 is Ready, as kubelet has said after `since`, and nothing keeps the scheduler away: when that was."""
        with Api(self.cluster) as api:
            def takes_pods():
                found = api.get("/api/v1/nodes/worker1")
                return (condition(found, "Ready") == "True" and heartbeat(found) != since and
                        not any(tainted(found, each) for each in READY_TAINTS))
            until(takes_pods, "worker1 takes pods", timeout, again=0.02)
            return time.time()

    def reaches(self, addresses):
        """From a pod of each other node."""
        processes = {other: self.cluster.pod_process(demo(other)) for other in ("master", "worker2")}
        return Answers(**{f"{other} -> {address}": (process, address)
                          for other, process in processes.items() for address in addresses})

    def pod_is_back(self):
        status = self.cluster.get("pod", demo("worker1"))["status"]
        addresses = {each["ip"] for each in status.get("podIPs", [])}
        return len(addresses) == 2 and all(self.ping("master", each) for each in addresses)


class Reboot(NodeTest):
    def test_a_rebooted_node_is_ready_only_when_it_forwards_and_disturbs_no_other(self):
        own = overlay_addresses(self.node()["spec"]["podCIDRs"])
        locator = self.node()["metadata"]["annotations"]["sextant.dev/locator"]
        with self.streams(*OTHERS) as streams:
            self.cluster.stop_node("worker1")
            self.assertNotEqual(self.mentions("master", locator), [], "its Node is there, so is the way to it")
            before = heartbeat(self.node())
            start = time.time()
            self.cluster.start_node("worker1")
            # What kubelet said before the reboot is not to be taken for what is true after it.
            answers = self.reaches(own)
            ready = self.wait_takes_pods(90, since=before)
            forwards = answers.wait(20)
            self.assertEqual(len(forwards), 4, f"reached: {forwards}")
            self.tell(f"others reach the rebooted node after {max(forwards.values()) - start:.1f} s, it takes pods after "
                      f"{ready - start:.1f} s")
            until(self.pod_is_back, "its pod is back", 90)
            self.tell(f"its pod answers {time.time() - start:.1f} s after power on")
        self.assert_lossless(streams)
        self.assertLessEqual(max(forwards.values()), ready, "it took pods before it forwarded")
        self.wait_srv6_nodes("worker1")


class Changes(NodeTest):
    def test_another_locator_moves_one_node_without_a_gap(self):
        before = self.node()["metadata"]["annotations"]["sextant.dev/locator"]
        ways = OTHERS + (("master", "worker1"), ("worker1", "worker2"))
        with self.streams(*ways) as streams:
            start = time.monotonic()
            self.cluster.patch("node", "worker1", {"metadata": {"annotations": {"sextant.dev/locator": "fcdd:0:0:66aa::/64"}}})
            self.addCleanup(self.restore, before)
            for node in ("master", "worker2"):
                until(lambda: not self.mentions(node, before), f"{node} has forgotten {before}", again=0.01)
            self.tell(f"nothing of the old locator is left {time.monotonic() - start:.1f} s after the annotation was edited")
            self.assertTrue(self.mentions("master", "fcdd:0:0:66aa::/64"))
        self.assert_lossless(streams)

    def restore(self, locator):
        self.cluster.patch("node", "worker1", {"metadata": {"annotations": {"sextant.dev/locator": locator}}})
        until(lambda: not self.mentions("master", "fcdd:0:0:66aa::/64"), "master has the first locator again")
        self.wait_healthy()

    def test_another_address_moves_one_node_and_no_other(self):
        device = json.loads(self.on("worker1", "ip", "-j", "-6", "addr", "show", "to", FIRST))[0]["ifname"]
        ways = OTHERS + (("master", "worker1"), ("worker1", "worker2"))
        command = self.kubelet_command()
        self.addCleanup(self.cluster.start_daemon, "worker1", "kubelet")  # where it runs, it stays
        with self.streams(*ways) as streams:
            self.cluster.stop_daemon("worker1", "kubelet")
            with self.kubelet([each.replace(FIRST, SECOND) for each in command]):
                self.move(device, FIRST, SECOND)
            with self.kubelet(command):
                self.move(device, SECOND, FIRST)
        self.assert_lossless(streams)

    def kubelet_command(self):
        process = self.cluster.process("worker1", "kubelet")
        return pathlib.Path(f"/proc/{process}/cmdline").read_text().split("\0")[:-1]

    @contextlib.contextmanager
    def kubelet(self, command):
        """worker1's, with other options, until the end of the `with`."""
        with open(pathlib.Path(self.cluster.details["state"]) / "logs/worker1/kubelet.log", "a") as log:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            try:
                yield
            finally:
                child.terminate()
                child.wait()

    def move(self, device, old, new):
        """As an administrator does it: the new address is there, kubelet tells it, then the old one goes."""
        start = time.monotonic()
        self.on("worker1", "ip", "addr", "add", f"{new}/64", "dev", device, "nodad")
        until(lambda: new in [each["address"] for each in self.node()["status"]["addresses"]], f"kubelet tells {new}", 60)
        told = time.monotonic()
        for node in ("master", "worker2"):
            until(lambda: not self.mentions(node, f"{old}/128"), f"{node} has forgotten {old}", 60, again=0.01)
        self.tell(f"{old} -> {new}: kubelet tells after {told - start:.1f} s, no other node uses the old one "
                  f"{time.monotonic() - told:.1f} s later")
        self.on("worker1", "ip", "addr", "del", f"{old}/64", "dev", device)


class Replaced(NodeTest):
    """A node is deleted; one of the same name comes, with another identity, locator and other pod prefixes."""
    SUCCESSORS = ((["172.16.9.0/26", "fdfb:af47:32af::900/122"], "fcdd:0:0:99aa::/64"),
                  (["172.16.8.0/26", "fdfb:af47:32af::800/122"], "fcdd:0:0:88aa::/64"))

    def test_nothing_is_left_of_a_deleted_node_and_its_successor_is_reached_at_once(self):
        old = self.node()
        prefixes, locator = old["spec"]["podCIDRs"], old["metadata"]["annotations"]["sextant.dev/locator"]
        addresses = [each["address"] for each in old["status"]["addresses"] if each["type"] == "InternalIP"]
        traces = [*prefixes, locator, *(f"{each}/{128 if ':' in each else 32}" for each in addresses)]
        self.cluster.apply(policy("to-worker1", "master", "worker1", ["worker2", "worker1"], bsid="cafe::78"))
        self.addCleanup(self.cluster.delete, "srv6policy", "to-worker1")
        self.wait_policy("to-worker1", "Ready", "True")
        with self.streams(*OTHERS) as streams:
            self.cluster.stop_node("worker1")
            self.forget_disk()
            self.cluster.delete("pod", demo("worker1"), "--force", "--grace-period=0")
            start = time.monotonic()
            self.cluster.kubectl("delete", "node", "worker1")
            self.assert_nothing_left(traces, start)
            self.join(*next(each for each in self.SUCCESSORS if each[1] != locator))
        self.assert_lossless(streams)
        self.assertNotEqual(self.node()["metadata"]["uid"], old["metadata"]["uid"])
        for other in ("master", "worker2"):
            self.assertEqual(self.mentions(other, *prefixes, locator), [], f"of the former node, on {other}")
        owner = self.cluster.get("srv6node", "worker1")["metadata"]["ownerReferences"][0]
        self.assertEqual(owner["uid"], self.node()["metadata"]["uid"], "the SRv6Node belongs to the former Node")
        self.wait_policy("to-worker1", "Ready", "True")

    def wait_policy(self, name, kind, status):
        until(lambda: condition(self.cluster.get("srv6policy", name), kind) == status, f"SRv6Policy {name}: {kind} {status}")

    def assert_nothing_left(self, traces, start):
        for other in ("master", "worker2"):
            until(lambda: not self.mentions(other, *traces), f"nothing of worker1 is left on {other}")
        self.tell(f"the others' forwarding has forgotten the deleted node after {time.monotonic() - start:.1f} s")
        self.wait_policy("to-worker1", "Ready", "False")
        for kind in ("srv6nodes", "srv6locators"):
            until(lambda: not [each for each in self.cluster.get(kind)["items"] if each["metadata"]["name"] == "worker1" or
                               each["spec"].get("nodeName") == "worker1"], f"no {kind} of it is left", 60)
        self.tell(f"its objects are gone after {time.monotonic() - start:.1f} s")

        def told():
            statuses = [each.get("status") for each in self.cluster.get("srv6nodes")["items"]]
            return not any(each in json.dumps(statuses) for each in [*traces[:3], '"endpointNode": "worker1"'])
        until(told, "no node's status speaks of it")

    def forget_disk(self):
        """kubelet's and the CNI's state, as on a machine that was set up anew; the images stay."""
        disk = pathlib.Path(self.cluster.details["nodes"]["worker1"]["disk"])
        for each in ("var/lib/upper/kubelet", "var/lib/upper/cni", "etc/upper/cni/net.d"):
            shutil.rmtree(disk / each, ignore_errors=True)

    def join(self, prefixes, locator):
        self.cluster.start_node("worker1")
        until(lambda: self.cluster.kubectl("get", "node", "worker1", check=False).returncode == 0, "kubelet registers", 60)
        self.assertTrue(tainted(self.node()), "it registers with the taint")
        self.cluster.apply(self.cluster.pod(demo("worker1"), "worker1"))
        until(lambda: (self.source("worker1") or {}).get("loaded"), "its agent has read all and waits for pod prefixes", 60)
        patch = {"metadata": {"annotations": {"sextant.dev/locator": locator, "sextant.dev/locator-reach": "on-link"}},
                 "spec": {"podCIDR": prefixes[0], "podCIDRs": prefixes}}
        answers = self.reaches(overlay_addresses(prefixes))
        with Api(self.cluster) as api:
            assigned = time.time()
            api.patch("/api/v1/nodes/worker1", patch)
        ready = self.wait_takes_pods(60) - assigned
        first = answers.wait(30)
        self.assertEqual(len(first), 4, f"reached: {first}")
        reached = max(first.values()) - assigned
        self.tell(f"new node: reached by all others {reached:.2f} s after it was given pod prefixes and locator, takes pods "
                  f"after {ready:.2f} s")
        until(self.pod_is_back, "its pod is reached", 60)
        self.tell(f"its first pod answers {time.time() - assigned:.1f} s after that")
        each = {place: round(when - assigned, 2) for place, when in first.items()}
        self.assertLessEqual(reached, ready, f"it took pods before it was reached: {each}")
        self.assertLessEqual(reached, 1.0, each)
