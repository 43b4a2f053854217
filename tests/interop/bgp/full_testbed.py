"""Of the full testbed, what tests of BGP on it share: its pods' traffic, an agent's candidate path, SRv6-PI's file."""
import json
import pathlib
import subprocess

import lab
from lab import run

NODES = {"master": "fd10::1000", "worker1": "fd11::1000", "worker2": "fd12::1000"}
SRV6_PI = (pathlib.Path(__file__).parent / "srv6_pi.yaml").read_text(encoding="utf-8")


class PodTraffic:
    """`name` is the testbed's; status(node, *words) is what the node's agent answers to `sextant`'s words."""

    name = ""

    def netns(self, machine):
        return f"sx-{self.name}-{machine}"

    def inside(self, machine, *command):
        return run("ip", "netns", "exec", self.netns(machine), *command)

    def candidate(self, node):
        """The active candidate path to worker2 for IPv6 as the agent has it; none: the plain path."""
        for policy in self.status(node, "policies"):
            if policy["endpoint"] != NODES["worker2"] or policy["family"] != "IPv6":
                continue
            for path in policy["candidatePaths"]:
                if path["active"]:
                    return [sid for entry in path["segmentLists"] for sid in entry["segments"]]
        return None

    def reaches(self, node, other, family):
        found = json.loads(self.inside(f"pod-{other}-1", "ip", "-j", f"-{family}", "address", "show", "scope", "global"))
        address = next(entry["local"] for link in found for entry in link["addr_info"]
                       if entry["scope"] == "global" and not link["ifname"].startswith("lo"))
        done = subprocess.run(["ip", "netns", "exec", self.netns(f"pod-{node}-1"), "ping", f"-{family}", "-c", "1", "-W", "1",
                               address], stdout=subprocess.DEVNULL, check=False, env=lab.ENVIRONMENT)
        return done.returncode == 0

    def passes(self, router, node, other):
        """Whether IPv6 packets of the two pods pass the router, with a routing header."""
        capture = subprocess.Popen(
            ["ip", "netns", "exec", self.netns(router), "tcpdump", "-n", "-l", "-i", "any", "-c", "1",
             f"ip6[6] = 43 and src host {NODES[node]} and dst net fcff::/16"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=lab.ENVIRONMENT)
        try:
            while b"listening on" not in capture.stderr.readline():
                pass
            for _ in range(5):
                if not self.reaches(node, other, 6):
                    return False
            return capture.poll() == 0 or capture.wait(1) == 0
        except subprocess.TimeoutExpired:
            return False
        finally:
            if capture.poll() is None:
                capture.terminate()
            capture.communicate()
