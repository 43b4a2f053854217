"""Agents come and go under traffic: another build rolls out, processes are killed, the API server is away."""
import json
import pathlib
import time

import cluster
from cluster import NAMESPACE, run, until
from lifecycle import EVERY_WAY, LifecycleTest, policy
from other_image import import_image, with_other_agent

OTHER_IMAGE = "localhost/sextant:other"


class Upgrade(LifecycleTest):
    def setUp(self):
        super().setUp()
        other_build = cluster.BIN_DIR.parent / "tests/e2e/other_build/sextantd"
        images = pathlib.Path(self.cluster.details["state"]) / "images"
        with_other_agent(images / "sextant.tar", other_build, images / "other.tar", OTHER_IMAGE)
        for node in self.cluster.nodes():
            import_image(self.into(node, "ctr"), images / "other.tar")

    def programs(self):
        """{node: what tells builds of the attached BPF programs apart}"""
        def tag(program):
            return json.loads(run("bpftool", "-j", "prog", "show", "id", program["id"]))["tag"]
        return {node: sorted({tag(each) for each in self.attached(node)}) for node in self.cluster.nodes()}

    def roll_out(self, what, *change):
        """Applies the change and awaits it on every node; the agents are others afterwards, and say that they are Ready."""
        before, start = self.cluster.agent_pods(), time.monotonic()
        self.cluster.kubectl(*change)
        self.cluster.wait_rolled_out()
        self.tell(f"{what}: {time.monotonic() - start:.1f} s")
        after = self.cluster.agent_pods()
        for node in self.cluster.nodes():
            self.assertNotEqual(after[node], before[node], f"the agent of {node} was not replaced")
        self.wait_healthy()
        self.wait_srv6_nodes()

    def test_another_build_rolls_out_and_back_without_losing_a_packet(self):
        first = self.programs()
        with self.streams(*EVERY_WAY) as streams:
            self.roll_out("upgrade of the nodes one by one", "set", "image", "-n", NAMESPACE, "daemonset/sextant",
                          f"*={OTHER_IMAGE}")
            other = self.programs()
            all_at_once = {"spec": {"updateStrategy": {"rollingUpdate": {"maxUnavailable": "100%"}}}}
            self.cluster.patch("daemonset", "sextant", all_at_once, "-n", NAMESPACE)
            self.roll_out("downgrade of all nodes at once", "rollout", "undo", "-n", NAMESPACE, "daemonset/sextant")
        self.assert_lossless(streams)
        for node in self.cluster.nodes():
            self.assertNotEqual(other[node], first[node], f"the other build's programs were not attached on {node}")
            self.assertEqual(self.programs()[node], first[node], f"the first build's programs are not back on {node}")


class AgentEnds(LifecycleTest):
    def test_a_killed_agent_is_started_again_and_no_packet_is_lost(self):
        killed = ("master", "worker2")  # one that encapsulates, one that decapsulates
        restarts = {node: self.restarts(node) for node in killed}
        with self.streams(*EVERY_WAY) as streams:
            for node in killed:
                start = time.monotonic()
                self.kill_agent(node)
                until(lambda: self.restarts(node) > restarts[node], f"kubelet counts the restart on {node}")
                self.wait_healthy(node)
                self.tell(f"{node}: killed, restarted by kubelet and healthy after {time.monotonic() - start:.1f} s")
        self.assert_lossless(streams)

    def restarts(self, node):
        pod = self.cluster.get("pod", "-n", NAMESPACE, self.cluster.agent_pods()[node])
        return sum(each["restartCount"] for each in pod["status"]["containerStatuses"])

    def test_an_agent_that_starts_without_an_api_server_leaves_forwarding_and_catches_up(self):
        node = "worker1"  # whose agent no other test here kills: kubelet starts it again at once
        self.addCleanup(self.cluster.wait_nodes_ready)
        with self.streams(("master", node), (node, "master")) as streams:
            self.cluster.stop_daemon("master", "kube-apiserver")
            self.addCleanup(self.cluster.start_daemon, "master", "kube-apiserver")
            old = self.kill_agent(node)
            until(lambda: self.agent_process(node) not in (0, old), "kubelet has started another agent", 60)
            until(lambda: self.source(node) is not None, "it answers")
            self.assertFalse(self.source(node)["loaded"], "nobody can have told it anything")
            self.cluster.start_daemon("master", "kube-apiserver")
            start = time.monotonic()
            until(lambda: self.cluster.kubectl("get", "--raw", "/readyz", check=False).returncode == 0,
                  "the API server answers", 60)
            answers = time.monotonic()
            until(lambda: self.source(node)["loaded"], "the agent has read everything", 60)
            self.wait_healthy(node)
            self.tell(f"the agent is in step {time.monotonic() - start:.1f} s after the API server was started, which was "
                      f"ready {answers - start:.1f} s after it")
        self.assert_lossless(streams)

    def test_what_is_deleted_while_an_agent_is_down_is_gone_when_it_is_back(self):
        self.cluster.apply(policy("missed", "worker2", "master", ["worker1", "master"], bsid="cafe::77"))
        self.addCleanup(self.cluster.delete, "srv6policy", "missed")
        edge = {"apiVersion": "sextant.dev/v1alpha1", "kind": "SRv6Node", "metadata": {"name": "edge"},
                "spec": {"addresses": ["fd10::77"], "locator": "fcdd:0:0:77::/64",
                         "podPrefixes": [{"prefix": "172.31.77.0/24"}, {"prefix": "fdfb:77::/64"}]}}
        self.cluster.apply(edge)
        self.addCleanup(self.cluster.delete, "srv6node", "edge")
        traces = ("172.31.77.0/24", "fdfb:77::/64", "cafe::77/128")
        for trace in traces:
            until(lambda: self.mentions("worker2", trace), f"worker2 knows {trace}")
        self.cluster.stop_daemon("worker2", "kubelet")  # or it would start the agent again
        self.addCleanup(self.cluster.start_daemon, "worker2", "kubelet")
        self.kill_agent("worker2")
        self.cluster.delete("srv6policy", "missed")
        self.cluster.delete("srv6node", "edge")
        self.assertNotEqual(self.mentions("worker2", *traces), [], "forwarding does not need the agent")
        self.cluster.start_daemon("worker2", "kubelet")
        until(lambda: self.agent_process("worker2"), "kubelet has started another agent", 60, again=0.01)
        start = time.monotonic()
        until(lambda: not self.mentions("worker2", *traces), "worker2 has forgotten both")
        self.tell(f"gone {time.monotonic() - start:.1f} s after the agent was started")
