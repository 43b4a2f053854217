"""deploy/overlays/bgp on the cluster of the full testbed: nodes that are a mesh, an injector behind r3, Calico's objects.

The overlay takes the place of `full-testbed`, whose pods and locators stay; its ConfigMaps go first, for they give the nodes other SIDs.
The policies' detour goes by r5, which is on no shortest path: a packet there took it.
"""
import json
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import tempfile
import time

import cluster
from calico_objects import GROUP, crd, definition, of_calico
from cluster import NAMESPACE, SOURCE, run, until
from testbed_paths import BY_R6, BY_R7, OVERLAY, FullTestbedTest
from stream import Capture

BGP_OVERLAY = SOURCE / "deploy/overlays/bgp"
ADDRESSES = {"master": "fd10::1000", "worker1": "fd11::1000", "worker2": "fd12::1000"}
INJECTOR = "fd00:0:34::2"
BY_R5 = ["r3", "r4", "r5", "r6", "r8"]
KINDS = ["BGPConfiguration", "BGPPeer", "BGPFilter"]
SRV6_PI = SOURCE / "tests/interop/bgp/srv6_pi.yaml"  # by r6, to a SID of the testbed's ConfigMaps
# For master alone, which is named by its BGP identifier, and preferred.
OF_MASTER = {"apiVersion": "sextant.dev/v1alpha1", "kind": "InjectedPolicy", "metadata": {"name": "of-master"},
             "spec": {"distinguisher": 5, "color": 95, "endpoint": ADDRESSES["worker2"], "preference": 200,
                      "headends": ["192.168.10.254"],
                      "segmentLists": [{"segments": ["fcff:2::1", "fcff:7::1", "fcff:8::1"]}]}}


class SpeaksBgp(FullTestbedTest):
    work = injector = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.work = pathlib.Path(tempfile.mkdtemp(prefix="sextant-bgp-"))
        cls.addClassCleanup(shutil.rmtree, cls.work)
        each = cls.cluster
        if "SEXTANT_CLUSTER" in os.environ:  # which stays up
            cls.addClassCleanup(each.kubectl, "apply", "-k", OVERLAY)
        each.delete("configmaps", "-n", "calico-vpp-dataplane", *(f"srv6-config-{node}" for node in ADDRESSES))
        # Before the agents start to look for them: what is not there is asked for once a minute only.
        each.apply(*map(definition, KINDS))
        each.kubectl("wait", "--for=condition=Established", "crd", "--all")
        cls.addClassCleanup(each.delete, "crd", *map(crd, KINDS))
        cls.addClassCleanup(each.delete, "-n", NAMESPACE, "role,rolebinding", "sextant-bgp-passwords")
        cls.start_injector()
        plugin = shlex.join(map(str, each.kubectl_command()))
        (cls.work / "kubectl").write_text(f'#!/bin/sh\nexec {plugin} "$@"\n')
        (cls.work / "kubectl").chmod(0o755)

    @classmethod
    def injector_settings(cls, **more):
        peers = [{"address": address, "description": node, "port": 1179, "connectRetrySeconds": 1, **more}
                 for node, address in ADDRESSES.items()]
        settings = cls.work / "injector.yaml"
        settings.write_text(json.dumps({"asn": 64512, "routerId": "192.168.9.254", "peers": peers}))
        return settings

    @classmethod
    def start_injector(cls):
        settings = cls.injector_settings()
        with open(cls.work / "injector.log", "wb") as log:
            cls.injector = subprocess.Popen(  # pylint: disable=consider-using-with
                ["nsenter", f"--net={cls.cluster.netns_path('injector')}", cls.cluster.bin / "sextantd", "--injector", settings,
                 "--socket", cls.work / "injector.sock", "--state", cls.work / "state"],
                stdout=log, stderr=subprocess.STDOUT)
        cls.addClassCleanup(cls.injector.wait)
        cls.addClassCleanup(cls.injector.terminate)
        until(lambda: cls.injector.poll() is not None or cls.pi("list"), "the injector answers")
        if cls.injector.poll() is not None:
            raise cluster.Failed((cls.work / "injector.log").read_text())

    # ---- Who is asked

    @classmethod
    def pi(cls, *words):
        return run(cls.cluster.bin / "sextant", "pi", *words, "--socket", cls.work / "injector.sock")

    @classmethod
    def agent(cls, node, *words):
        """What `sextant WORDS...` says on the node."""
        process = cls.cluster.details["nodes"][node]["firstProcess"]
        return json.loads(run(cls.cluster.bin / "sextant", *words, "-o", "json",
                              "--socket", f"/proc/{process}/root/run/sextant/sextantd.sock"))

    def plugin(self, *words):
        """`kubectl sextant WORDS...`"""
        done = subprocess.run([SOURCE / "deploy/kubectl-sextant", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False, env={**os.environ, "KUBECTL": str(self.work / "kubectl")})
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    def sessions(self, node):
        """{peer: how often its session came up} of those that are up."""
        return {peer["address"]: peer["sessions"] for peer in self.agent(node, "bgp", "peers")["items"]
                if peer["state"] == "Established"}

    def await_sessions(self, *others, mesh=True):
        for node, own in ADDRESSES.items():
            wanted = {*others, *(each for each in ADDRESSES.values() if mesh and each != own)}
            until(lambda: set(self.sessions(node)) == wanted, f"{node} has sessions with {wanted} and nobody else")

    def reports(self, node):
        """Of policies by BGP, in the status of the SRv6Node: {object: report}"""
        reports = self.cluster.get("srv6node", node)["status"].get("policies", [])
        return {each["object"]: each for each in reports if each["object"].startswith("BGP/")}

    def sids(self, node):
        return {each["behavior"]: each["sid"] for each in self.cluster.get("srv6node", node)["status"]["sids"]}

    def inject(self):
        """The policy for everybody, as a file of SRv6-PI: by r5, to the SID that worker2 has here."""
        text = SRV6_PI.read_text(encoding="utf-8")
        here = {"fcff:6::1": "fcff:5::1", "cafe::25": "cafe::95",
                "fcdd::12aa:d460:b250:45:b05": self.sids("worker2")["End.DT6"]}
        for there, instead in here.items():
            self.assertIn(there, text)
            text = text.replace(there, instead)
        file = self.work / "policy.yaml"
        file.write_text(text)
        self.pi("create", "-f", file)
        self.addCleanup(self.pi, "delete", "--all")
        until(lambda: "2/2 accepted" in self.pi("list"), "master and worker1 have taken it")

    def connect_injector(self):
        self.cluster.apply(of_calico("BGPPeer", "injector", peerIP=INJECTOR, asNumber=64512))
        self.addCleanup(self.cluster.delete, f"bgppeers.{GROUP}", "injector")
        self.await_sessions(INJECTOR)

    def apply_overlay(self):
        """As it is, but for all nodes at once: one by one, each but the last would wait for those that do not speak BGP yet."""
        text = self.cluster.kubectl("kustomize", BGP_OVERLAY)
        quick = text.replace("maxUnavailable: 10%", "maxUnavailable: 100%")
        self.assertNotEqual(quick, text)
        before, start = self.cluster.agent_pods(), time.monotonic()
        processes = {node: self.cluster.agent_process(node) for node in ADDRESSES}
        self.cluster.apply(quick)
        for node, process in processes.items():
            until(lambda: self.cluster.agent_process(node) != process, f"the agent of {node} has ended")
        # The containers have ended; kubelet 1.20 may leave the pods' objects for another minute, until it collects containers.
        self.cluster.delete("pods", "-n", NAMESPACE, "--force", "--grace-period=0", *before.values())
        self.cluster.wait_rolled_out()
        print(f"\nthe overlay is rolled out: {time.monotonic() - start:.1f} s", flush=True)
        self.assertFalse(set(before.values()) & set(self.cluster.agent_pods().values()), "an agent was not replaced")

    def restart_agents(self):
        """As an exchange of their pods does, without the time that kubelet takes for it."""
        before, start = {node: self.cluster.agent_process(node) for node in ADDRESSES}, time.monotonic()
        self.assertNotIn(0, before.values())
        for process in before.values():
            os.kill(process, signal.SIGTERM)
        for node, process in before.items():
            until(lambda: self.cluster.agent_process(node) not in (0, process), f"kubelet has started the agent of {node} again")
        self.await_sessions(INJECTOR)
        print(f"\nall agents are restarted and have their sessions: {time.monotonic() - start:.1f} s", flush=True)

    # ---- In this order

    def test_1_the_overlay_rolls_out_and_the_nodes_are_a_mesh(self):
        for node in ADDRESSES:
            until(lambda: all(each["sids"]["dt6"].startswith("fcdd:0:0:") for each in self.agent(node, "nodes")["items"]),
                  f"{node} knows no SID of a ConfigMap")
        with self.stream("master", "worker2") as stream:
            self.apply_overlay()
            self.await_sessions()
        self.assertEqual(stream.lost, [])
        for node in ADDRESSES:
            self.assertEqual(self.agent(node, "bgp", "peers")["listening"], ["[::]:1179"])
            self.assertEqual(self.agent(node, "status")["problems"], [])
        self.assertIn("Established", self.plugin("bgp", "peers", "--node", "worker1"))
        with self.subTest("what Kubernetes says, BGP says too, and nothing is there twice"):
            nodes = {each["name"]: each for each in self.agent("master", "nodes")["items"]}
            self.assertEqual(set(nodes), set(ADDRESSES))
            told = {each["route"]: each for each in self.agent("master", "bgp", "rib")["items"]
                    if each["best"] and each["peer"] == ADDRESSES["worker2"]}
            sids = self.sids("worker2")
            prefixes = self.cluster.get("node", "worker2")["spec"]["podCIDRs"]
            self.assertEqual(sorted(each["prefix"] for each in nodes["worker2"]["podPrefixes"]), sorted(prefixes))
            for prefix in prefixes:
                service = sids["End.DT6" if ":" in prefix else "End.DT4"]
                self.assertEqual(told[prefix]["serviceSID"]["sid"], service)

    def test_2_an_injected_policy_is_in_force_until_it_is_withdrawn(self):
        self.connect_injector()
        before = self.forwarding("master")
        with self.long_stream("master", "worker2") as stream:
            self.inject()
            self.assertEqual(self.path("master", "worker2"), BY_R5)
            report = until(lambda: self.reports("master").get("BGP/4:94:fd12::1000"), "the SRv6Node's status has it")
            self.assertEqual((report["programmed"], report["color"], report["endpointNode"]), (True, 94, "worker2"))
            self.assertRegex(self.plugin("policies", "--node", "master"), r"94 .* BGP/4:94:fd12::1000 +active +fcff:5::1, fcff:8::1")
            self.assertIn("Candidate path:  BGP/4:94:fd12::1000",
                          self.plugin("trace", "demo-master-1", "demo-worker2-1", "--family", "6", "--one-way"))
            with self.subTest("one for master alone"):
                file = self.work / "of-master.json"
                file.write_text(json.dumps(OF_MASTER))
                self.pi("create", "-f", file)
                until(lambda: self.path("master", "worker2") == BY_R7, "master takes its own policy's path")
                self.assertEqual(self.path("worker1", "worker2"), BY_R5)
                self.assertIn("not used: its route targets name other headends", self.plugin("bgp", "rib", "--node", "worker1"))
                self.assertEqual(self.agent("worker1", "status")["problems"], [], "and nothing is wrong with that")
                until(lambda: "BGP/5:95:fd12::1000" in self.reports("master"), "master reports it")
                self.assertNotIn("BGP/5:95:fd12::1000", self.reports("worker1"))
            self.pi("delete", "--all")
            until(lambda: self.forwarding("master") == before, "nothing is left of them")
            until(lambda: not self.reports("master"), "nor in the status")
        self.assertEqual(stream.lost, [])
        self.assertIn(self.path("master", "worker2"), (BY_R6, BY_R7))

    def test_3_agents_restart_and_neither_packets_nor_the_policy_are_lost(self):
        self.connect_injector()
        self.inject()
        with Capture({"r5": self.routers["r5"]}) as capture, self.stream("master", "worker2") as stream:
            self.restart_agents()
            until(lambda: "2/2 accepted" in self.pi("list"), "master and worker1 say so again")
        self.assertEqual(stream.lost, [])
        beside = [number for number in stream.received if number not in capture.seen["r5"]]
        self.assertEqual(beside, [], "packets left the policy's path")

    def test_4_objects_of_calico_take_peers_away_and_bring_them_back(self):
        self.connect_injector()
        self.inject()
        before = {node: self.sessions(node)[INJECTOR] for node in ADDRESSES}
        with self.long_stream("master", "worker2") as stream:
            self.addCleanup(self.cluster.delete, f"bgpconfigurations.{GROUP}", "default")
            self.cluster.apply(of_calico("BGPConfiguration", "default", nodeToNodeMeshEnabled=False))
            self.await_sessions(INJECTOR, mesh=False)
            self.cluster.delete(f"bgpconfigurations.{GROUP}", "default")
            self.await_sessions(INJECTOR)
            self.assertEqual({node: self.sessions(node)[INJECTOR] for node in ADDRESSES}, before, "nobody touched that one")
            self.assertEqual(self.path("master", "worker2"), BY_R5)
            with self.subTest("a password, from the Secret that the overlay's Role names"):
                self.sign_sessions()
            self.cluster.delete(f"bgppeers.{GROUP}", "injector")
            self.await_sessions()
            until(lambda: self.path("master", "worker2") in (BY_R6, BY_R7), "its policies go with it")
        self.assertEqual(stream.lost, [])

    def sign_sessions(self):
        def sessions():
            """As the injector counts: the agents have the peer anew, when they have read the Secret."""
            peers = json.loads(run(self.cluster.bin / "sextant", "bgp", "peers", "-o", "json", "--socket", self.work / "injector.sock"))
            return {peer["description"]: peer["sessions"] for peer in peers["items"] if peer["state"] == "Established"}

        before = sessions()
        (self.work / "password").write_text("s3cret\n")
        self.addCleanup(self.cluster.delete, "-n", NAMESPACE, "secret", "sextant-bgp-passwords")
        self.cluster.kubectl("create", "-n", NAMESPACE, "secret", "generic", "sextant-bgp-passwords", "--from-literal=injector=s3cret")
        self.injector_settings(passwordFile=str(self.work / "password"))
        self.injector.send_signal(signal.SIGHUP)
        self.cluster.apply(of_calico("BGPPeer", "injector", peerIP=INJECTOR, asNumber=64512, password={
            "secretKeyRef": {"name": "sextant-bgp-passwords", "key": "injector"}}))
        until(lambda: all(sessions().get(node, 0) > count for node, count in before.items()), "they have come to terms")
        self.await_sessions(INJECTOR)


if __name__ == "__main__":
    cluster.main(__doc__)
