#!/usr/bin/python3
"""cluster_test.py BIN_DIR: the cluster itself, and pods of it talking over the overlay."""
import os
import pathlib
import signal
import unittest

import cluster
from cluster import run, until
from stream import Stream


class ClusterWorks(cluster.ClusterTest):
    def test_pods_reach_each_other_in_both_families(self):
        print(run(*self.cluster.command("test")))

    def test_a_stream_between_nodes_loses_nothing(self):
        sender = self.cluster.pod_process("demo-master-1")
        receiver = self.cluster.pod_process("demo-worker2-1")
        for address in self.cluster.pod_ips("demo-worker2-1").values():
            with self.subTest(address), Stream(sender, receiver, address) as stream:
                self.assertTrue(self.cluster.ping("demo-master-1", address))
            self.assertGreater(len(stream.received), 20)
            self.assertEqual(stream.lost, [])

    def test_services_of_both_families_reach_pods_on_every_node(self):
        for address in self.cluster.get("service", "demo")["spec"]["clusterIPs"]:
            answers = set()
            until(lambda: answers.add(self.cluster.fetch("demo-master-1", address)) or
                  answers >= {"demo-master-1", "demo-worker1-1", "demo-worker2-1"},
                  f"every pod answers behind {address}")

    def test_z_a_node_loses_its_power_and_comes_back(self):
        self.cluster.stop_node("worker1")
        self.assertFalse(pathlib.Path(self.cluster.netns_path("worker1")).exists())
        self.cluster.start_node("worker1")

        def answers():
            # Its addresses are new ones, and there are none until its sandbox is.
            status = self.cluster.get("pod", "demo-worker1-1")["status"]
            addresses = [each["ip"] for each in status.get("podIPs", [])]
            return addresses and all(self.cluster.ping(f"demo-{node}-1", each, wait=1)
                                     for each in addresses for node in ("master", "worker2"))
        until(answers, "the pod on worker1 answers again", timeout=90)

    def test_up_repairs_what_was_killed(self):
        os.kill(self.cluster.process("worker2", "kubelet"), signal.SIGKILL)
        until(lambda: self.cluster.process("worker2", "kubelet") == 0, "kubelet is gone")
        output = run(*self.cluster.command("up"))
        self.assertIn("started kubelet on worker2", output)
        self.assertNotEqual(self.cluster.process("worker2", "kubelet"), 0)


class NothingIsLeft(unittest.TestCase):
    """After the cluster that the other tests shared."""

    def test_down_leaves_nothing_even_after_pieces_were_killed(self):
        each = cluster.shared_cluster()
        if "SEXTANT_CLUSTER" in os.environ:
            self.skipTest("the cluster is to stay up")
        killed = [each.process("worker1", "init"), each.process("master", "etcd")]
        self.assertNotIn(0, killed, "one does not run; 0 would be this test itself")
        for process in killed:
            os.kill(process, signal.SIGKILL)
        each.down()
        traces = [str(path) for top in ("/run/netns", "/run/sextant-testbed", "/var/lib/sextant-testbed")
                  for path in pathlib.Path(top).glob(f"*{each.name}*")]
        traces += [str(path) for path in pathlib.Path("/sys/fs/cgroup").glob(f"*/sx-{each.name}-*")]
        self.assertEqual(traces, [])
        mounts = pathlib.Path("/proc/self/mounts").read_text()
        self.assertNotIn(f"{each.name}/", mounts)
        left = [path.parent.name for path in pathlib.Path("/proc").glob("[0-9]*/cmdline")
                if f"/{each.name}/".encode() in path.read_bytes()]
        self.assertEqual(left, [])


if __name__ == "__main__":
    cluster.main(__doc__)
