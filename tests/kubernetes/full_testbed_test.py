#!/usr/bin/python3
"""full_testbed_test.py BIN_DIR: Traffic Engineering with kubectl, on the paper's full testbed.

The nodes are behind r3 and r8 of eight IS-IS routers. Policies come from the paper's ConfigMaps and from SRv6Policy
objects; packets of a stream are captured on every router, so that the path is what they took. At the end the same cluster's nodes
speak BGP, and policies come from an injector: bgp_overlay.py.
"""
import json
import os
import statistics
import time

import cluster
from api import Api
from bgp_overlay import SpeaksBgp
from cluster import until
from testbed_paths import BY_R6, BY_R7, OVERLAY, FullTestbedTest
from stream import Capture

__all__ = ["FullTestbed", "SpeaksBgp"]  # in this order

CONFIG_MAPS = "calico-vpp-dataplane"
EDITS = int(os.environ.get("SEXTANT_EDITS", "10"))  # of each way
# Sextant's share of an edit: what it takes to the first packet beyond what kubectl takes for an object that nobody watches. About 10 on a
# quiet machine; this allows for one that is busy with ten other things, and for no polling.
SHARE_MS = 250
# Without the download of the API server's OpenAPI document, which is kubectl's own affair.
QUICK = ("--server-side", "--force-conflicts", "--validate=false")
# As the paper's ConfigMaps say, as routers from the sender's to the receiver's.
PAPER_PATHS = [("master", "worker1", ["r3"]), ("master", "worker2", BY_R6), ("worker1", "worker2", BY_R7),
               ("worker2", "master", ["r8", "r7", "r2", "r3"]), ("worker2", "worker1", ["r8", "r6", "r4", "r3"])]


def policy(segments, name="detour", color=6, preference=200, headend="master", endpoint="worker2"):
    """Of the same color and endpoint as the ConfigMap's IPv6 policy, and preferred."""
    return {"apiVersion": "sextant.dev/v1alpha1", "kind": "SRv6Policy", "metadata": {"name": name},
            "spec": {"headend": {"nodeNames": [headend]}, "endpoint": {"nodeName": endpoint}, "color": color,
                     "candidatePaths": [{"preference": preference, "segmentLists": [{"segments": segments}]}]}}


class FullTestbed(FullTestbedTest):
    def config_map(self, node, change=lambda text: text):
        """The paper's ConfigMap as the file in deploy/ has it, edited."""
        return change((OVERLAY / f"srv6-config-{node}.yaml").read_text())

    def measure(self, what, edits, apply, alone=None):
        """Applies the two edits, one for a path by r7 and one by r6, in turn under a stream of IPv6 from master to worker2, and each
        time `alone` too, which changes an object that nobody watches: kubectl's own share. Prints milliseconds (medians)."""
        firsts, answers, own = [], [], []
        turns = [("r7", edits[0]), ("r6", edits[1])] * (EDITS // 2)
        done = []
        with Capture({"r6": self.routers["r6"], "r7": self.routers["r7"]}) as capture, \
                self.stream("master", "worker2", rate=1000) as stream:
            for number, (router, edit) in enumerate(turns):
                if alone:
                    own.append(seconds(lambda: alone(number)) * 1000)
                start = time.time()
                apply(edit)
                done.append((router, start, time.time()))
                time.sleep(0.1)  # packets on the new path
        for router, start, end in done:
            first = min((when for when in capture.seen[router].values() if when > start), default=None)
            self.assertIsNotNone(first, f"no packet went by {router} after the edit")
            firsts.append((first - start) * 1000)
            answers.append((end - start) * 1000)
        text = (f"{what}: {len(firsts)} edits: first packet on the new path after {statistics.median(firsts):.0f} ms "
                f"(worst {max(firsts):.0f}), answer after {statistics.median(answers):.0f} ms")
        if own:
            text += f"; the same kubectl for an object that nobody watches: {statistics.median(own):.0f} ms"
        print(f"\n{text}; {len(stream.lost)} of {len(stream.sent)} packets lost", flush=True)
        self.assertEqual(stream.lost, [])
        self.assertLess(statistics.median(firsts) - (statistics.median(own) if own else 0), SHARE_MS)

    def apply_with(self, *options):
        """kubectl apply of Python objects or text, and the same of an object that nobody watches"""
        def apply(each):
            text = each if isinstance(each, str) else json.dumps(each)
            self.cluster.kubectl("apply", *options, "-f", "-", data=text)

        def alone(number):
            apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "unwatched", "namespace": "default"},
                   "data": {"number": str(number)}})
        alone(-1)  # made first: only edits are measured
        self.addCleanup(self.cluster.delete, "configmap", "unwatched")
        return apply, alone

    def test_1_the_papers_config_maps_choose_the_paths(self):
        for sender, receiver, wanted in PAPER_PATHS:
            for family in (4, 6):
                with self.subTest(f"{sender} -> {receiver}, IPv{family}"):
                    self.assertEqual(self.path(sender, receiver, family), wanted)

    def test_2_an_edited_config_map_moves_traffic_at_once(self):
        original = self.config_map("master")
        edited = self.config_map("master", lambda text: text.replace("fcff:6::1", "fcff:7::1"))
        self.assertNotEqual(original, edited)
        self.addCleanup(self.cluster.apply, original)
        self.measure("kubectl apply of a ConfigMap", (edited, original), *self.apply_with())
        self.assertEqual(self.path("master", "worker2", 6), BY_R6)
        self.cluster.apply(edited)
        until(lambda: self.path("master", "worker2", 4) == BY_R7, "IPv4 takes the edited path too")

    def test_3_an_srv6policy_is_edited_waited_for_and_deleted_without_a_trace(self):
        until(lambda: self.path("master", "worker2") == BY_R6, "the ConfigMap's path")
        before = self.forwarding("master")
        self.addCleanup(self.cluster.delete, "srv6policy", "detour")
        edits = policy(["fcff:7::1", "fcff:8::1"]), policy(["fcff:6::1", "fcff:8::1"])
        self.cluster.apply(edits[1])
        self.measure("kubectl apply of an SRv6Policy", edits, *self.apply_with())
        self.measure(f"kubectl apply {' '.join(QUICK)} of an SRv6Policy", edits, *self.apply_with(*QUICK))
        with Api(self.cluster) as api:
            self.measure("PATCH of an SRv6Policy", edits, lambda edit: api.patch(
                "/apis/sextant.dev/v1alpha1/srv6policies/detour", {"spec": edit["spec"]}))
        self.cluster.apply(edits[0])
        self.cluster.kubectl("wait", "--for=condition=Ready", "srv6policy/detour", "--timeout=30s")
        self.assertEqual(self.path("master", "worker2"), BY_R7)
        self.assertNotEqual(self.forwarding("master"), before)
        with self.stream("master", "worker2") as stream:
            self.cluster.kubectl("delete", "srv6policy", "detour")
            until(lambda: self.forwarding("master") == before, "every trace of the policy is gone", timeout=10)
        self.assertEqual(stream.lost, [])
        self.assertEqual(self.path("master", "worker2"), BY_R6)

    def test_4_a_bad_object_ends_as_a_condition_of_that_object_and_nowhere_else(self):
        """Bad in ways that the schema cannot tell."""
        until(lambda: self.path("master", "worker2") == BY_R6, "the ConfigMap's path")
        good = policy(["fcff:7::1", "fcff:8::1"], name="good")
        # Each would be preferred to the good one, if it were in force.
        bad = {"no-address": (policy(["fcff:6:::1", "fcff:8::1"], preference=300), "Accepted", "Invalid", "'fcff:6:::1'"),
               "no-headend": (policy(["fcff:6::1"], preference=300, headend="ghost"), "Accepted", "HeadendNotFound", "ghost"),
               "no-endpoint": (policy(["fcff:6::1"], preference=300, endpoint="ghost"), "Accepted", "EndpointNotFound", "ghost"),
               "no-router": (policy(["r9", "fcff:8::1"], preference=300), "Ready", "Failed", "'r9'")}
        for name, (each, *_) in bad.items():
            each["metadata"]["name"] = name
        self.addCleanup(self.cluster.delete, "srv6policy", "good", *bad)
        self.cluster.apply(good)
        self.cluster.kubectl("wait", "--for=condition=Ready", "srv6policy/good", "--timeout=30s")
        before = self.forwarding("master")
        with self.stream("master", "worker2") as stream:
            self.cluster.apply(*(each for each, *_ in bad.values()))
            for name, (_, kind, reason, words) in bad.items():
                with self.subTest(name):
                    until(lambda: self.condition(name, kind)[:2] == ("False", reason), f"{kind} is False, {reason}")
                    self.assertIn(words, self.condition(name, kind)[2])
                    self.assertEqual(self.condition(name, "Ready")[0], "False")
            with self.subTest("an edit that is bad"):
                self.cluster.apply(policy(["fcff:7:::1"], name="good"))
                until(lambda: self.condition("good", "Accepted")[:2] == ("False", "Invalid"), "the edit is not accepted")
            with self.subTest("the paper's ConfigMap, which has no conditions: an event"):
                self.addCleanup(self.cluster.apply, self.config_map("master"))
                self.cluster.apply(self.config_map("master", lambda text: text.replace("fcff:6::1", "fcff:6:::1")))
                until(lambda: "'fcff:6:::1'" in self.events("srv6-config-master"), "an event says what is wrong")
            with self.subTest("a color of 0"):
                self.assertIn("spec.color", self.refused(policy(["fcff:6::1"], name="no-color", color=0)))
        self.assertEqual(stream.lost, [])
        self.assertEqual(self.forwarding("master"), before, "the last good form of what was good stays, and nothing else came")
        self.cluster.apply(good)
        self.cluster.kubectl("wait", "--for=condition=Ready", "srv6policy/good", "--timeout=30s")

    def condition(self, name, kind):
        """(status, reason, message)"""
        status = self.cluster.get("srv6policy", name).get("status", {})
        return next(((each["status"], each["reason"], each["message"])
                     for each in status.get("conditions", []) if each["type"] == kind), (None, None, ""))

    def events(self, config_map):
        items = self.cluster.get("events", "-n", CONFIG_MAPS, "--field-selector", f"involvedObject.name={config_map}")["items"]
        return "\n".join(f"{each['reason']}: {each['message']}" for each in items)

    def refused(self, each):
        """What the API server says to an object that it refuses."""
        done = self.cluster.kubectl("apply", "-f", "-", data=json.dumps(each), check=False)
        self.assertNotEqual(done.returncode, 0)
        return done.stderr


def seconds(action):
    start = time.time()
    action()
    return time.time() - start


if __name__ == "__main__":
    cluster.main(__doc__)
