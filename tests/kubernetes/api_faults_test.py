#!/usr/bin/python3
"""api_faults_test.py BIN_DIR [unittest's arguments]: what an agent does while its API server fails.

One agent of three takes its objects from a real API server; packets flow between its pod and another node's, in both
families, and none may be lost. After each fault a new policy must arrive by itself; how long that took is printed.
SEXTANT_API_OUTAGE: seconds for which the server stays away. The default of 12 is past the longest delay between attempts,
so that longer makes no difference (60 was tried).
SEXTANT_SHOW_LOG: print the agent's log at the end.
"""
import contextlib
import os
import pathlib
import signal
import sys
import time
import unittest

import cluster
from api_lab import AGENT, Authority, Lab
from cluster import until
from stream import Stream

OUTAGE = float(os.environ.get("SEXTANT_API_OUTAGE", "12"))
PEER = "worker2"
LAB = None


def policy(name, color):
    """Away from the stream: to the third node."""
    return {"apiVersion": "sextant.dev/v1alpha1", "kind": "SRv6Policy", "metadata": {"name": name},
            "spec": {"endpoint": {"nodeName": "master"}, "color": color, "headend": {"nodeNames": [AGENT]},
                     "candidatePaths": [{"segmentLists": [{"segments": [PEER]}]}]}}


class ApiServerFails(unittest.TestCase):
    colors = iter(range(100, 1000))

    @contextlib.contextmanager
    def streams(self):
        """Both ways, both families; nothing is lost."""
        ways = []
        with contextlib.ExitStack() as stack:
            for port, (sender, receiver, family) in enumerate(
                    [(AGENT, PEER, 4), (AGENT, PEER, 6), (PEER, AGENT, 4), (PEER, AGENT, 6)], 4300):
                stream = Stream(LAB.pod(sender), LAB.pod(receiver), LAB.pod_address(receiver, family), rate=200, port=port)
                ways.append((f"{sender} -> {receiver} IPv{family}", stack.enter_context(stream)))
            time.sleep(0.3)
            yield
        print(f"    {sum(len(stream.sent) for _, stream in ways)} packets", end="")
        lost = {name: len(stream.lost) for name, stream in ways}
        print(f", {sum(lost.values())} lost", flush=True)
        self.assertEqual(set(lost.values()), {0}, lost)
        self.assertTrue(all(len(stream.received) > 50 for _, stream in ways))

    def arrives(self, since, what, timeout=60):
        """A new policy reaches the agent; prints the seconds since `since`."""
        color = next(self.colors)
        name = f"p{color}"
        LAB.apply(policy(name, color))
        until(lambda: LAB.knows(name), f"policy {name} arrives", timeout)
        print(f"    {what}: caught up in {time.monotonic() - since:.1f} s", flush=True)
        return name

    def setUp(self):
        LAB.start_proxy("pass")
        self.first = self.arrives(time.monotonic(), "before")

    def test_the_server_is_killed_and_comes_back(self):
        with self.streams():
            LAB.stop_api()
            time.sleep(OUTAGE)
            self.assertTrue(LAB.knows(self.first))
            LAB.start_api()
            self.arrives(time.monotonic(), f"away for {OUTAGE:.0f} s, from readiness")

    def test_etcd_is_compacted_and_an_object_goes_meanwhile(self):
        with self.streams():
            LAB.stop_api()
            LAB.forget(f"/registry/sextant.dev/srv6policies/{self.first}")
            self.assertTrue(LAB.knows(self.first))
            LAB.start_api()
            since = time.monotonic()
            self.arrives(since, "history compacted, from readiness")
            until(lambda: not LAB.knows(self.first), "the deleted policy goes")

    def test_the_server_is_slow(self):
        with self.streams():
            LAB.start_proxy("slow")
            self.arrives(time.monotonic(), "1 s an answer")

    def test_the_server_refuses_with_429(self):
        with self.streams():
            LAB.start_proxy("refuse")
            until(lambda: "HTTP 429" in LAB.log(), "the agent is refused")
            time.sleep(5)
            self.assertTrue(LAB.knows(self.first))
            LAB.start_proxy("pass")
            self.arrives(time.monotonic(), "429 for 5 s")

    def test_its_certificate_is_replaced_by_the_same_authority(self):
        with self.streams():
            LAB.start_proxy("pass", LAB.authority.issue("second"))
            self.arrives(time.monotonic(), "another certificate")

    def test_its_authority_is_replaced(self):
        with self.streams():
            other = Authority(LAB.folder, f"ca{next(self.colors)}")
            LAB.start_proxy("pass", other.issue("third"))
            until(lambda: "certificate is not accepted" in LAB.log(), "the agent refuses the new certificate")
            LAB.trust(other)
            self.arrives(time.monotonic(), "another authority, from its bundle's replacement")
            LAB.authority, LAB.identity = other, other.issue("fourth")


def built_kubernetes():
    given = os.environ.get("SEXTANT_KUBERNETES")
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "sextant"
    folders = [pathlib.Path(given)] if given else sorted(cache.glob("kubernetes-[0-9]*"), key=lambda each: each.stat().st_mtime)
    return next((each for each in reversed(folders) if (each / "kube-apiserver").exists()), None)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    programs = pathlib.Path(sys.argv.pop(1)).resolve()
    if os.geteuid() != 0:
        cluster.skip("needs root to make namespaces")
    kubernetes = built_kubernetes()
    if kubernetes is None:
        cluster.skip("Kubernetes is not built: ./run kubernetes")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    LAB = Lab(programs, kubernetes)
    try:
        LAB.up()
        unittest.main(verbosity=2)
    finally:
        if os.environ.get("SEXTANT_SHOW_LOG"):
            print(LAB.log())
        LAB.down()
