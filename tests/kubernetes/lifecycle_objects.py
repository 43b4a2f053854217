"""Policies come and go; Sextant is uninstalled, and installed again."""
import json
import time

from cluster import NAMESPACE, SOURCE, run, until
from lifecycle import EVERY_WAY, LifecycleTest, condition, demo, policy, sextants_objects

OVERLAY = SOURCE / "deploy/overlays/standalone"


class PolicyDeleted(LifecycleTest):
    def test_a_deleted_policy_leaves_no_trace(self):
        before = self.state()
        with self.streams(("master", "worker2")) as streams:
            self.cluster.apply(policy("traced", "master", "worker2", ["worker1", "worker2"], color=77, bsid="cafe::79"))
            self.addCleanup(self.cluster.delete, "srv6policy", "traced")
            until(lambda: condition(self.cluster.get("srv6policy", "traced"), "Ready") == "True", "the policy is Ready")
            self.assertTrue(self.mentions("master", "cafe::79/128"), "its binding SID is installed")
            self.assertIn("traced", self.metrics())
            until(lambda: "traced" in self.status(), "its headend's status has it")
            start = time.monotonic()
            self.cluster.kubectl("delete", "srp", "traced")
            until(lambda: not self.mentions("master", "cafe::79/128"), "its binding SID is gone", again=0.01)
            until(lambda: self.state() == before, f"forwarding is what it was: {before}", again=0.01)
            self.tell(f"nothing of the policy is left in forwarding {time.monotonic() - start:.2f} s after the deletion")
            until(lambda: "traced" not in self.metrics(), "no metric names it")
            until(lambda: "traced" not in self.status(), "no status names it")
            self.tell(f"nor in status and metrics after {time.monotonic() - start:.1f} s")
        self.assert_lossless(streams)

    def status(self):
        return self.cluster.kubectl("get", "srv6nodes", "-o", "yaml")

    def metrics(self):
        return self.on("master", "curl", "-s", "--unix-socket", "/run/sextant/sextantd.sock", "http://localhost/metrics")

    def state(self):
        """What forwards on the headend, without counters."""
        gateway = ["ip", "netns", "exec", "sextant"]
        texts = [self.on("master", *gateway, "ip", *words) for words in (["nexthop"], ["-6", "route"], ["-4", "route"])]
        sizes = {name: len(entries) for name, entries in self.bpf_maps("master").items()
                 if name != "sx_retired" and not name.endswith("_counts")}
        return sorted(line for text in texts for line in text.splitlines()), sizes


class Uninstalled(LifecycleTest):
    def test_uninstalling_leaves_clean_nodes_and_installing_again_works(self):
        self.addCleanup(self.install)
        self.cluster.delete("pod", *[demo(node) for node in self.cluster.nodes()])
        start = time.monotonic()
        self.cluster.kubectl("delete", "-k", OVERLAY, timeout=120)
        self.tell(f"kubectl delete -k took {time.monotonic() - start:.1f} s")
        for node in self.cluster.nodes():
            until(lambda: self.agent_process(node) == 0, f"the agent of {node} has ended", 60)
            self.assertEqual(self.traces(node), [], f"left on {node}")
        self.assertEqual(sextants_objects(self.cluster), [], "left at the API server")
        for node in self.cluster.get("nodes")["items"]:
            name = node["metadata"]["name"]
            reasons = {each["type"]: each["reason"] for each in node["status"]["conditions"]}
            self.assertNotIn("NetworkUnavailable", reasons, f"{name}: {reasons}")
            words = json.dumps([node["metadata"].get("annotations", {}), node["spec"].get("taints", [])])
            self.assertNotIn("sextant.dev/", words.replace("sextant.dev/locator", "what was given to it"))
            until(lambda: condition(self.cluster.get("node", name), "Ready") == "False",
                  f"{name} says that it has no network", 60)
        self.tell(f"all nodes say NotReady {time.monotonic() - start:.1f} s after the start")
        start = time.monotonic()
        self.install()
        self.tell(f"installed again, all nodes Ready, pods reach each other after {time.monotonic() - start:.1f} s")

    def install(self):
        self.cluster.kubectl("apply", "-k", OVERLAY)
        self.cluster.wait_rolled_out()
        self.cluster.wait_nodes_ready()
        self.cluster.apply(*[self.cluster.pod(demo(node), node) for node in self.cluster.nodes()])
        self.cluster.wait_pods_ready(*[demo(node) for node in self.cluster.nodes()])
        with self.streams(*EVERY_WAY) as streams:
            pass
        self.assert_lossless(streams)
