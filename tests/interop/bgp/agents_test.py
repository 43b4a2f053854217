#!/usr/bin/python3
"""agents_test.py BIN BGP_SPEAKER: the full testbed with BGP alone: each agent's manifests name nothing but its own node.
In the end they name all, and Calico's objects say who speaks with whom.

Nodes learn each other's pods and SIDs from each other over IS-IS routers that know nothing of it; headends tell an injector
behind r3 what became of its policies. That these steer, are edited and go is injectors_test.py's. Exit status 77: skipped.
"""
import json
import os
import pathlib
import signal
import unittest

import lab
from full_testbed import NODES, PodTraffic
from lab import run, until

NEEDED = {"tcpdump": "tcpdump", "ping": "iputils-ping", "ip": "iproute2"}
ROUTER_IDS = {"master": "192.168.10.254", "worker1": "192.168.11.254", "worker2": "192.168.12.254"}
INJECTOR = "fd00:0:34::2"
# TESTBED's file: to worker2's pods by r6 and r8. Behavior 18 is End.DT6.
POLICY = {"distinguisher": 4, "color": 94, "endpoint": NODES["worker2"]}
OF_WORKER2 = "fcdd:0:0:12aa:12::"  # its End.DT6, derived from its locator

BGP_CONFIGURATION = """apiVersion: crd.projectcalico.org/v1
kind: BGPConfiguration
metadata: {name: default}
spec: {%s}
"""
BGP_PEER = """---
apiVersion: crd.projectcalico.org/v1
kind: BGPPeer
metadata: {name: to-the-hub}
spec: {peerSelector: has(hub)}
"""


class FullTestbed(PodTraffic):
    """Up without agents, whose settings are the test's."""

    def __init__(self, programs, speaker):
        self.name = f"bgp{os.getpid()}"
        self.programs = pathlib.Path(programs).resolve()
        self.program = str(pathlib.Path(speaker).resolve())
        self.home = pathlib.Path("/run/sextant-testbed") / self.name
        self.processes = []
        self.agents = {}

    def up(self):
        run(str(self.programs / "sextant"), "testbed", "full", "up", "--name", self.name, "--no-agent", "--pods", "1")
        self.work = self.home / "bgp"
        self.work.mkdir()
        self.nodes = (self.home / "manifests" / "nodes.yaml").read_text()
        documents = self.nodes.split("---\n")
        for node in NODES:
            folder = self.work / node
            folder.mkdir()
            own = [text for text in documents if f"\n  name: {node}\n" in text]
            assert len(own) == 1, documents
            (folder / "node.yaml").write_text(own[0])

    def down(self):
        for process in reversed(self.processes):
            process.end(signal.SIGKILL)
        run(str(self.programs / "sextant"), "testbed", "full", "down", "--name", self.name)

    def write(self, name, text):
        """The same manifest for every node."""
        for node in NODES:
            written = self.work / node / f".{name}"
            written.write_text(text)
            written.rename(self.work / node / name)

    def start_agent(self, node, convention="Standard", options=(), settings=None):
        peers = [{"address": address, "convention": convention} for other, address in NODES.items() if other != node]
        peers.append({"address": INJECTOR, "convention": "CalicoVPP", "mode": "Passive"})
        file = self.work / f"{node}.bgp.yaml"
        # A restarted agent waits so long for the injector, which is not always there.
        file.write_text(json.dumps(settings or {"asn": 64512, "restartDeferralSeconds": 5, "peers": peers}))
        agent = lab.Daemon(self, self.netns(node), node, str(self.programs / "sextantd"), "--node", node, "--manifests",
                           str(self.work / node), "--socket", str(self.home / f"{node}.sock"), "--bgp", str(file),
                           *options)
        self.processes.append(agent)
        self.agents[node] = agent
        return agent

    def status(self, node, *what):
        return json.loads(run(str(self.programs / "sextant"), *what, "--socket", str(self.home / f"{node}.sock"),
                              "-o", "json"))["items"]


class Agents(unittest.TestCase):
    programs = speaker = None

    @classmethod
    def setUpClass(cls):
        cls.testbed = FullTestbed(cls.programs, cls.speaker)
        cls.addClassCleanup(cls.testbed.down)
        cls.testbed.up()
        for node in NODES:
            # worker1 takes short lists only.
            cls.testbed.start_agent(node, options=("--max-segments", "3") if node == "worker1" else ())

    def test_a_nodes_know_each_other_by_bgp_alone(self):
        for node in NODES:
            for other in NODES:
                for family in (4, 6):
                    if node != other:
                        until(f"pods of {node} and {other}, IPv{family}",
                              lambda n=node, o=other, f=family: self.testbed.reaches(n, o, f))
        states = {peer["address"]: peer["state"] for peer in self.testbed.status("master", "bgp", "peers")}
        self.assertEqual(states, {NODES["worker1"]: "Established", NODES["worker2"]: "Established", INJECTOR: "Active"})
        sids = {route["route"]: route["serviceSID"] for route in self.testbed.status("master", "bgp", "rib")
                if route["peer"] == NODES["worker2"]}
        self.assertEqual(sids["172.16.0.128/26"], {"sid": "fcdd:0:0:12aa:13::", "behavior": "End.DT4"})
        self.assertEqual(self.testbed.status("master", "bgp", "rib", "--rejected"), [])

    def test_b_an_agent_that_is_killed_comes_back_and_forwarding_stays(self):
        agent = self.testbed.processes[0]  # of master
        agent.end(signal.SIGKILL)
        for other in ("worker1", "worker2"):
            for family in (4, 6):
                self.assertTrue(self.testbed.reaches("master", other, family), "while it is away")
                self.assertTrue(self.testbed.reaches(other, "master", family), "its peers keep its routes as stale")
        self.testbed.processes[0] = self.testbed.start_agent("master")
        self.testbed.processes.pop()
        until("it knows all again", lambda: len(self.testbed.status("master", "nodes")) == len(NODES))
        for other in ("worker1", "worker2"):
            for family in (4, 6):
                self.assertTrue(self.testbed.reaches("master", other, family))

    def test_c_the_injectors_daemon_says_who_took_a_policy_and_keeps_it(self):
        work, socket = self.testbed.work, str(self.testbed.home / "injector.sock")
        settings = work / "injector.yaml"
        settings.write_text(json.dumps({"asn": 64512, "routerId": "192.168.9.254", "peers": [
            {"address": address, "description": node, "mode": "Active", "connectRetrySeconds": 1}
            for node, address in NODES.items()]}))

        def start():
            daemon = lab.Daemon(self.testbed, self.testbed.netns("injector"), "injector-daemon",
                                str(self.testbed.programs / "sextantd"), "--injector", str(settings), "--socket", socket,
                                "--state", str(work / "injector-state"))
            self.testbed.processes.append(daemon)
            return daemon

        def pi(*words):
            return run(str(self.testbed.programs / "sextant"), "pi", *words, "--socket", socket)

        def policy(*segments):
            path = work / "policy.yaml"
            path.write_text(json.dumps({
                "nlri": POLICY, "iswithdraw": False, "family": {"afi": 2, "safi": 73}, "bsid": "cafe::25", "priority": 0,
                "nexthop": POLICY["endpoint"], "segmentlist": {"weight": 0, "segments": [
                    {"sid": sid, "behavior": 18} for sid in (*segments, OF_WORKER2)]}}))
            return str(path)

        daemon = start()
        until("it is told", lambda: "created" in pi("create", "-f", policy("fcff:6::1", "fcff:8::1")))
        until("both headends take it", lambda: "2/2 accepted" in pi("list"))
        self.assertEqual(self.testbed.candidate("master"), ["fcff:6::1", "fcff:8::1", OF_WORKER2])
        self.assertTrue(self.testbed.passes("r6", "master", "worker2"))
        # One more segment is one too many for worker1.
        pi("edit", "-f", policy("fcff:4::1", "fcff:6::1", "fcff:8::1"))
        said = until("worker1 says why not", lambda: "1/2 accepted" in (text := pi("list")) and text)
        self.assertIn("rejected: worker1: ", said)
        self.assertIn("more than maxSegments (3)", said)
        # Killed: the headends keep the policy, and it is not withdrawn when the injector is back.
        daemon.end(signal.SIGKILL)
        self.assertEqual(len(self.testbed.candidate("master")), 4)
        daemon = start()
        until("it hears the headends again", lambda: "1/2 accepted" in pi("list"))
        self.assertEqual(len(self.testbed.candidate("master")), 4)
        pi("delete", "--all")
        until("no policy", lambda: self.testbed.candidate("master") is None)
        daemon.end()

    def test_d_headends_tell_the_injector_what_became_of_a_policy(self):
        injector = lab.Speaker(self.testbed, self.testbed.netns("injector"), "collector", {
            "asn": 64512, "router_id": "192.168.9.254", "listen": [],
            "peers": [{"address": address, "remote_as": 64512, "mode": "active", "calico": True,
                       "graceful_restart": False, "families": ["ipv6-srpolicy", "link-state"]}
                      for address in NODES.values()]})
        self.testbed.processes.append(injector)
        for address in NODES.values():
            injector.up(address)

        def told(node, policy, flags, since=0):
            """The headend's answer with exactly these of the flags active 0x4000, evaluated 0x1000, valid 0x0800."""
            name = f"{NODES[node]} ({ROUTER_IDS[node]}): path 4 of policy 94 to {policy['endpoint']}"
            return injector.wait(lambda line: line.get("route") == name and line["present"]
                                 and line["flags"] & 0x5800 == flags, since=since)

        def inject(*segments):
            injector.say(announce={"policy": POLICY, "next_hop": POLICY["endpoint"], "bsid": "cafe::25",
                                   "lists": [{"segments": [{"sid": sid, "behavior": 18} for sid in
                                                           (*segments, OF_WORKER2)]}]})

        inject("fcff:6::1", "fcff:8::1")
        for node in ("master", "worker1"):
            self.assertEqual(told(node, POLICY, 0x5800)["reason"], "")
        own = [route for route in self.testbed.status("master", "bgp", "rib") if route["family"] == "link-state"]
        self.assertEqual([(route["peer"], route["pathState"]) for route in own],
                         [(None, {"evaluated": True, "valid": True, "active": True, "reason": ""})],
                         "what the others say is not for a node that reflects nothing")
        # One more segment is one too many for worker1.
        since = injector.mark()
        inject("fcff:4::1", "fcff:6::1", "fcff:8::1")
        self.assertIn("more than maxSegments (3)", told("worker1", POLICY, 0x1000, since)["reason"])
        until("master takes it", lambda: len(self.testbed.candidate("master")) == 4)
        self.assertFalse([line for line in injector.lines if NODES["worker2"] + " (" in line.get("route", "")],
                         "its endpoint is no headend of it")
        # What nobody can make use of.
        since = injector.mark()
        injector.say(announce={"policy": POLICY, "next_hop": POLICY["endpoint"],
                               "lists": [{"segments": [{"sid": "fcdd:0:0:11aa:12::", "behavior": 18}]}]})
        self.assertIn(NODES["worker1"], told("master", POLICY, 0x1000, since)["reason"])

        # A headend that is gone says nothing any more, nor does one whose policy was taken back.
        since = injector.mark()
        self.testbed.agents["worker1"].end(signal.SIGKILL)
        gone = f"{NODES['worker1']} ({ROUTER_IDS['worker1']}): path 4 of policy 94 to {POLICY['endpoint']}"
        injector.route(gone, since, present=False)
        injector.say(withdraw={"policy": POLICY})
        injector.route(gone.replace(NODES["worker1"], NODES["master"])
                       .replace(ROUTER_IDS["worker1"], ROUTER_IDS["master"]), since, present=False)

    def sessions(self, node):
        """How long each session is up, in seconds, of those that are."""
        return {peer["address"]: peer["upForSeconds"] for peer in self.testbed.status(node, "bgp", "peers")
                if peer["state"] == "Established"}

    def await_sessions(self, node, *others):
        wanted = {NODES[other] for other in others}
        until(f"sessions of {node} with {others}", lambda: set(self.sessions(node)) == wanted)

    def test_e_peers_come_from_calicos_objects(self):
        for agent in self.testbed.agents.values():
            agent.end(signal.SIGTERM)
        self.testbed.write("node.yaml", self.testbed.nodes)
        self.testbed.write("bgp.yaml", BGP_CONFIGURATION % "listenPort: 1179")
        for node in NODES:
            self.testbed.start_agent(node, settings={"calico": {}})
        for node in NODES:
            self.await_sessions(node, *(other for other in NODES if other != node))
        listening = run("ip", "netns", "exec", self.testbed.netns("master"), "ss", "-Hltn", "sport", "=", ":1179")
        self.assertIn("[::]:1179", listening)

        # Another shape: worker1 is everybody's peer. The sessions that stay are not touched.
        up = self.sessions("master")[NODES["worker1"]]
        hostname = "    kubernetes.io/hostname: worker1\n"
        self.testbed.write("node.yaml", self.testbed.nodes.replace(hostname, hostname + "    hub: ''\n"))
        self.testbed.write("bgp.yaml", BGP_CONFIGURATION % "listenPort: 1179, nodeToNodeMeshEnabled: false" + BGP_PEER)
        self.await_sessions("master", "worker1")
        self.await_sessions("worker2", "worker1")
        self.await_sessions("worker1", "master", "worker2")
        self.assertGreaterEqual(self.sessions("master")[NODES["worker1"]], up)
        for node in NODES:
            for other in NODES:
                for family in (4, 6):
                    self.assertTrue(node == other or self.testbed.reaches(node, other, family), (node, other, family))

        self.testbed.write("bgp.yaml", BGP_CONFIGURATION % "listenPort: 1179, nodeToNodeMeshEnabled: false"
                           + BGP_PEER.replace("has(hub)", "has(hub"))
        until("a word on the selector", lambda: any(
            "peerSelector: 'has(hub' is no selector" in problem["reason"]
            for problem in json.loads(run(str(self.testbed.programs / "sextant"), "status", "--socket",
                                          str(self.testbed.home / "master.sock"), "-o", "json"))["problems"]))
        self.await_sessions("master", "worker1")


if __name__ == "__main__":
    lab.main(Agents, __doc__, NEEDED, "programs", "speaker")
