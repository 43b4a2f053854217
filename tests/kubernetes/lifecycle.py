"""What the lifecycle tests share: streams between pods, what Sextant has on a node, which of its state names an address."""
import contextlib
import functools
import ipaddress
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time

import cluster
from cluster import Failed, run, until
from stream import Stream

# Which Sextant's routes and rules, and its CNI plugin's routes, carry: docs/reference-cni.md.
PROTOCOLS = ("200", "201")
# What shows a node's forwarding, besides its BPF maps.
LOOKS = ("ip -4 route show table all", "ip -6 route show table all", "ip nexthop", "ip -4 rule", "ip -6 rule", "nft list ruleset")
RATE = 1000  # packets a second of each stream
AROUND = 0.5  # seconds of traffic before and after what is tried: its late effects count too
EVERY_WAY = (("master", "worker2"), ("worker2", "worker1"))  # every node encapsulates or decapsulates, worker2 both


def demo(node):
    """The pod for trying things that `up` has put there."""
    return f"demo-{node}-1"


class Answers:
    """When places first answered: one ping each, started with this and asking all the time, so that waiting costs little."""

    def __init__(self, **places):
        """name=(process id in whose network namespace, address)"""
        self.pings = {name: self._ping(*place) for name, place in places.items()}
        self.first = {}  # name: seconds since the epoch
        self.threads = [threading.Thread(target=self._follow, args=each, daemon=True) for each in self.pings.items()]
        for each in self.threads:
            each.start()

    @staticmethod
    def _ping(process, address):
        return subprocess.Popen(["nsenter", f"--net=/proc/{process}/ns/net", "ping", "-D", "-n", "-i", "0.02", address],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def _follow(self, name, ping):
        for line in ping.stdout:  # [1763890000.123456] 64 bytes from 172.16.9.1: ...
            if "bytes from" in line:
                self.first[name] = float(line[1:line.index("]")])
                return

    def wait(self, timeout):
        """{name: time of its first answer}; those that did not answer are missing."""
        end = time.monotonic() + timeout
        for each in self.threads:
            each.join(max(0.0, end - time.monotonic()))
        for each in self.pings.values():
            each.kill()
            each.communicate()
        return dict(self.first)


class LifecycleTest(cluster.ClusterTest):
    def setUp(self):
        super().setUp()
        self.cluster.refresh()

    def tell(self, text):
        """A measured fact."""
        print(f"    {text}", flush=True)

    # ---- Streams

    @contextlib.contextmanager
    def streams(self, *ways, rate=RATE):
        """Streams in both families between the demo pods of (node, node)... : {"master -> worker2, IPv4": Stream}"""
        opened = {}
        with contextlib.ExitStack() as stack:
            port = 4300
            for sender, receiver in ways:
                sender_process = self.cluster.pod_process(demo(sender))
                receiver_process = self.cluster.pod_process(demo(receiver))
                for family, address in self.cluster.pod_ips(demo(receiver)).items():
                    until(lambda: self.ping(sender, address), f"{sender} reaches {address}")
                    port += 1
                    opened[f"{sender} -> {receiver}, IPv{family}"] = stack.enter_context(
                        Stream(sender_process, receiver_process, address, rate=rate, port=port))
            time.sleep(AROUND)
            yield opened
            time.sleep(AROUND)
        for name, each in opened.items():
            self.tell(f"{name}: {len(each.sent)} packets, {len(each.lost)} lost, longest gap {each.longest_gap * 1000:.0f} ms")

    def ping(self, node, address):
        """From the node's demo pod, without kubectl: quick, and without an API server."""
        process = self.cluster.pod_process(demo(node))
        return run("nsenter", f"--net=/proc/{process}/ns/net", "ping", "-c", 1, "-W", 1, address,
                   check=False).returncode == 0

    def assert_lossless(self, streams):
        for name, each in streams.items():
            with self.subTest(name):
                self.assertGreater(len(each.received), RATE // 2)
                self.assertEqual(len(each.lost), 0, f"lost: {each.lost[:10]}")

    # ---- The agent

    def agent_process(self, node):
        return self.cluster.agent_process(node)

    def first_process(self, node):
        return self.cluster.details["nodes"][node]["firstProcess"]

    def kill_agent(self, node):
        """kill -9, as the kernel does when memory runs out; gives the process that was."""
        process = self.agent_process(node)
        self.assertNotEqual(process, 0, f"no agent runs on {node}")
        os.kill(process, signal.SIGKILL)
        until(lambda: not pathlib.Path(f"/proc/{process}").exists(), "the agent has ended", again=0.005)
        return process

    def ask(self, node, path):
        """GET of the agent's API."""
        return json.loads(self.on(node, "curl", "-s", "--fail", "--unix-socket", "/run/sextant/sextantd.sock",
                                  f"http://localhost{path}"))

    def source(self, node):
        """What the agent says of its source of wishes; None while it does not answer."""
        with contextlib.suppress(Failed):
            return self.ask(node, "/v1/status")["source"]
        return None

    def on(self, node, *words):
        return run(*self.into(node, *words))

    def into(self, node, *words):
        """A command in the node's namespaces, without its cgroups: for looking, quickly."""
        return ["nsenter", "--target", self.first_process(node), "--mount", "--net", "--uts", "--ipc", "--pid", "--wd=/", *words]

    def wait_healthy(self, *nodes, timeout=30):
        for node in nodes or self.cluster.nodes():
            until(lambda: self.ask(node, "/healthz")["healthy"], f"the agent of {node} is healthy", timeout)

    def wait_srv6_nodes(self, *nodes, timeout=30):
        """Their agents have written a status that says Ready."""
        for node in nodes or self.cluster.nodes():
            until(lambda: condition(self.cluster.get("srv6node", node), "Ready") == "True",
                  f"the SRv6Node of {node} is Ready", timeout)

    # ---- What is on a node

    def traces(self, node):
        """Everything of Sextant's that a look at the node finds, without asking Sextant."""
        found = []
        for name in self.on(node, "ls", "/run/netns").split():
            if name == "sextant":
                found.append("network namespace sextant")
        for link in json.loads(self.on(node, "ip", "-j", "link")):
            if link["ifname"].startswith("sextant") or link["ifname"].startswith("sxp"):
                found.append(f"device {link['ifname']}")
        for family in ("-4", "-6"):
            for protocol in PROTOCOLS:
                routes = self.on(node, "ip", family, "route", "show", "table", "all", "proto", protocol)
                found += [f"route {line}" for line in routes.splitlines()]
            rules = self.on(node, "ip", family, "rule", "show")
            found += [f"rule {line}" for line in rules.splitlines() if any(f"proto {each}" in line for each in PROTOCOLS)]
        nexthops = self.on(node, "ip", "nexthop")
        found += [f"nexthop {line}" for line in nexthops.splitlines() if any(f"proto {each}" in line for each in PROTOCOLS)]
        tables = self.on(node, "nft", "list", "tables")
        found += [line for line in tables.splitlines() if "sextant" in line]
        found += [f"BPF program {each['name']} at {each['devname']}" for each in self.attached(node)]
        for pattern in ("/etc/cni/net.d/*sextant*", "/opt/cni/bin/*", "/run/sextant/*",
                        "/var/lib/cni/networks/sextant*"):
            found += self.on(node, "sh", "-c", f"ls -d {pattern} 2>/dev/null || true").split()
        return found

    def mentions(self, node, *prefixes):
        """Where the node's forwarding names one of the prefixes: routes, nexthops, nftables, BPF maps; also the gateway's."""
        found, texts = [], {}
        for place, enter in (("host", ""), ("gateway", "ip netns exec sextant ")):
            looks = [f"{enter}{each}" for each in LOOKS]
            answer = self.on(node, "sh", "-ec", "; echo =====; ".join(looks))
            texts.update(zip((f"{place}: {each}" for each in LOOKS), answer.split("=====\n"), strict=True))
        networks = [ipaddress.ip_network(each) for each in prefixes]
        for where, text in texts.items():
            # "proto kernel": what the kernel itself keeps of the node's link.
            found += [f"{where}: {line}" for line in text.splitlines()
                      if "proto kernel" not in line and any(_inside(each, networks) for each in _ADDRESS.findall(line))]
        for name, entries in self.bpf_maps(node).items():
            found += [f"map {name}: {entry.hex()}" for entry in entries if any(_holds(entry, each) for each in networks)]
        return found

    def attached(self, node):
        """The BPF programs at the node's devices that Sextant put there, as bpftool lists them."""
        listed = json.loads(self.on(node, "bpftool", "-j", "net"))[0].get("tc", [])
        return [each for each in listed if each["name"].startswith("sx_")]

    def bpf_maps(self, node):
        """{name: keys and values as bytes} of their maps."""
        programs = {each["id"] for each in self.attached(node)}
        numbers = {number for each in json.loads(run("bpftool", "-j", "prog")) if each["id"] in programs
                   for number in each.get("map_ids", [])}
        maps = {}
        for each in json.loads(run("bpftool", "-j", "map")):
            if each["id"] in numbers and each.get("name", "").startswith("sx_"):
                entries = json.loads(run("bpftool", "-j", "map", "dump", "id", each["id"]))
                maps[each["name"]] = [_bytes(entry.get("key", [])) + b"|" + _bytes(entry.get("value", [])) for entry in entries]
        return maps


_ADDRESS = re.compile(r"[0-9a-fA-F]*[:.][0-9a-fA-F:.]*(?:/[0-9]+)?")


@functools.lru_cache(maxsize=None)
def _network(text):
    with contextlib.suppress(ValueError):
        return ipaddress.ip_network(text, strict=False)
    return None


def _inside(text, networks):
    """Whether the text is an address or a prefix in one of the networks."""
    found = _network(text)
    return found is not None and any(found.version == each.version and found.subnet_of(each) for each in networks)


def _holds(entry, network):
    """Whether an address of the network lies anywhere in the bytes; IPv4 as IPv4-mapped IPv6, as the maps have it."""
    bits = network.network_address.packed
    begin = b"\xff\xff" if network.version == 4 else b""
    width, kept = len(bits), network.max_prefixlen - network.prefixlen
    wanted, whole = int.from_bytes(bits, "big") >> kept, begin + bits[:network.prefixlen // 8]
    at = entry.find(whole)
    while at >= 0:
        candidate = entry[at + len(begin):at + len(begin) + width]
        if len(candidate) == width and int.from_bytes(candidate, "big") >> kept == wanted:
            return True
        at = entry.find(whole, at + 1)
    return False


def _bytes(numbers):
    return bytes(int(each, 16) for each in numbers) if isinstance(numbers, list) else b""


def condition(obj, kind):
    """The status of a condition: "True", "False", "Unknown"; None where there is none."""
    return next((each["status"] for each in obj.get("status", {}).get("conditions", []) if each["type"] == kind), None)


def sextants_objects(where):
    """Names of what Sextant has at the API server: definitions, permissions, Leases, its namespace."""
    kinds = "customresourcedefinitions,clusterroles,clusterrolebindings,namespaces,priorityclasses,leases,daemonsets"
    return [each for each in where.kubectl("get", kinds, "-A", "-o", "name").split() if "sextant" in each]


def tainted(node_object, key="sextant.dev/not-ready"):
    return any(each["key"] == key for each in node_object["spec"].get("taints", []))


def policy(name, headend, endpoint, segments, color=10, bsid=None):
    spec = {"headend": {"nodeNames": [headend]}, "endpoint": {"nodeName": endpoint}, "color": color,
            "candidatePaths": [{"name": "only", "preference": 100,
                                "segmentLists": [{"segments": segments}]}]}
    if bsid:
        spec["bindingSID"] = bsid
    return {"apiVersion": "sextant.dev/v1alpha1", "kind": "SRv6Policy", "metadata": {"name": name}, "spec": spec}
