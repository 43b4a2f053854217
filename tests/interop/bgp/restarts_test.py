#!/usr/bin/python3
"""restarts_test.py BIN BGP_SPEAKER [TEST...]: what agents do while a reflector of others restarts, or one of them.

Two nodes on a link know each other's pods only from a route reflector: GoBGP, FRR or BIRD. It is killed and comes back with
graceful restart, or does not; packets between the pods are counted meanwhile. Exit status 77: skipped.
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

import lab
from lab import run, until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "kubernetes"))
from stream import Stream  # noqa: E402  pylint: disable=wrong-import-position

NEEDED = {"/usr/lib/frr/bgpd": "frr", "bird": "bird2", "gobgpd": "gobgpd", "ip": "iproute2"}
NODES = {"master": "fd10::1000", "worker2": "fd10::1002"}
REFLECTOR, REFLECTOR4, INJECTOR = "fd10::100", "192.168.10.100", "fd10::200"
AWAY = 2.0  # s that packets are counted while somebody is away
# What the injector tells: two policies of master's, to worker2 for both families. The higher preference is the active one.
POLICIES = {"kept": {"distinguisher": 1, "color": 94, "endpoint": NODES["worker2"]},
            "dropped": {"distinguisher": 2, "color": 95, "endpoint": NODES["worker2"]}}


class BasicTestbed:
    """Up without agents; the reflector has a machine of its own on the nodes' link."""

    def __init__(self, programs, speaker):
        self.name = f"gr{os.getpid()}"
        self.programs = pathlib.Path(programs).resolve()
        self.program = str(pathlib.Path(speaker).resolve())
        self.home = pathlib.Path("/run/sextant-testbed") / self.name
        self.reflector = self.netns("reflector")
        self.processes = []

    def up(self):
        run(str(self.programs / "sextant"), "testbed", "basic", "up", "--name", self.name, "--no-agent", "--pods", "1")
        self.work = self.home / "bgp"
        self.work.mkdir()
        documents = (self.home / "manifests" / "nodes.yaml").read_text().split("---\n")
        for node in NODES:
            (self.work / node).mkdir()
            own = [text for text in documents if f"\n  name: {node}\n" in text]
            assert len(own) == 1, documents
            (self.work / node / "node.yaml").write_text(own[0])
        run("ip", "netns", "add", self.reflector)
        run("ip", "-n", self.reflector, "link", "set", "lo", "up")
        run("ip", "link", "add", "eth0", "netns", self.reflector, "type", "veth",
            "peer", "name", "to-reflector", "netns", self.netns("switch"))
        run("ip", "-n", self.netns("switch"), "link", "set", "to-reflector", "up", "master", "bridge")
        for address in (f"{REFLECTOR}/64", f"{INJECTOR}/64"):
            run("ip", "-n", self.reflector, "address", "add", address, "dev", "eth0", "nodad")
        run("ip", "-n", self.reflector, "address", "add", f"{REFLECTOR4}/24", "dev", "eth0")
        run("ip", "-n", self.reflector, "link", "set", "eth0", "up")

    def end_processes(self):
        for process in reversed(self.processes):
            process.end(signal.SIGKILL)
        self.processes.clear()

    def down(self):
        self.end_processes()
        subprocess.run(["ip", "netns", "delete", self.reflector], check=False, stderr=subprocess.DEVNULL)
        run(str(self.programs / "sextant"), "testbed", "basic", "down", "--name", self.name)

    def netns(self, machine):
        return f"sx-{self.name}-{machine}"

    def inside(self, machine, *command):
        return run("ip", "netns", "exec", self.netns(machine), *command)

    def file(self, name, text):
        path = self.work / name
        path.write_text(text)
        return str(path)

    def daemon(self, name, *command):
        daemon = lab.Daemon(self, self.reflector, name, *command)
        self.processes.append(daemon)
        return daemon

    def start_agent(self, node, *peers):
        settings = self.file(f"{node}.bgp.yaml", json.dumps({
            "asn": 64512, "restartDeferralSeconds": 20, "locatorReach": "OnLink",
            "peers": [{"connectRetrySeconds": 1, **peer} for peer in peers]}))
        agent = lab.Daemon(self, self.netns(node), node, str(self.programs / "sextantd"), "--node", node, "--manifests",
                           str(self.work / node), "--socket", str(self.home / f"{node}.sock"), "--bgp", settings)
        self.processes.append(agent)
        return agent

    def ask(self, node, *what):
        return json.loads(run(str(self.programs / "sextant"), *what, "--socket", str(self.home / f"{node}.sock"),
                              "-o", "json"))["items"]

    def pod(self, node, family):
        found = json.loads(self.inside(f"pod-{node}-1", "ip", "-j", f"-{family}", "address", "show", "dev", "eth0",
                                       "scope", "global"))
        return next(entry["local"] for link in found for entry in link.get("addr_info", []))

    def logs(self):
        return "".join(f"---- {path.name}\n{path.read_text(errors='replace')[-3000:]}\n"
                       for path in sorted(self.work.glob("*.log")))


class Restarts(unittest.TestCase):
    programs = speaker = None

    @classmethod
    def setUpClass(cls):
        cls.testbed = BasicTestbed(cls.programs, cls.speaker)
        cls.addClassCleanup(cls.testbed.down)
        cls.testbed.up()

    def setUp(self):
        self.addCleanup(self.testbed.end_processes)

    def tearDown(self):
        if any(error for _, error in self._outcome.result.failures + self._outcome.result.errors):
            print(self.testbed.logs(), file=sys.stderr)

    # ---- What is seen ----------------------------------------------------------------------------------------------

    def await_pods(self, families):
        """What agents of the test before left still forwards: so it is asked for, too, what these know."""
        for node in NODES:
            until(f"{node} knows the other", lambda n=node: len(self.testbed.ask(n, "nodes")) == 2)
        for family in families:
            address = self.testbed.pod("worker2", family)
            until(f"master's pod reaches {address}",
                  lambda to=address: self.testbed.inside("pod-master-1", "ping", "-c", "1", "-W", "1", to))

    def streams(self, families):
        places = [f"/run/netns/{self.testbed.netns(f'pod-{node}-1')}" for node in NODES]
        found = [Stream(*places, self.testbed.pod("worker2", family), rate=500, port=4240 + family) for family in families]
        for stream in found:
            self.addCleanup(stream.close)
        return found

    def assert_nothing_lost(self, streams):
        for stream in streams:
            stream.close()
            self.assertGreater(len(stream.received), 500 * AWAY)
            self.assertEqual(stream.lost, [], f"of {len(stream.sent)}, longest gap {stream.longest_gap:.3f} s")

    def peer(self, node):
        return next(peer for peer in self.testbed.ask(node, "bgp", "peers") if peer["address"] == REFLECTOR)

    def stale(self, node):
        """Routes of the reflector that are those from before its restart."""
        return {route["route"] for route in self.testbed.ask(node, "bgp", "rib")
                if route["peer"] == REFLECTOR and route["stale"]}

    def routes(self, node):
        return {route["route"] for route in self.testbed.ask(node, "bgp", "rib") if route["peer"] == REFLECTOR}

    def await_stale(self):
        """Both nodes have lost the session, and keep all that it had told."""
        for node in NODES:
            until(f"{node} has lost the session", lambda n=node: self.peer(n)["state"] != "Established")
            self.assertEqual(self.stale(node), self.routes(node))
            self.assertNotEqual(self.stale(node), set())

    @staticmethod
    def count_packets():
        """For a while: what is awaited is that nothing happens."""
        time.sleep(AWAY)

    def await_back(self):
        for node in NODES:
            until(f"{node} has its session again", lambda n=node: self.peer(n)["state"] == "Established")
            until(f"{node} has nothing stale", lambda n=node: not self.stale(n))

    # ---- The reflectors --------------------------------------------------------------------------------------------

    def gobgpd(self, *options, restart_time=30):
        neighbors = "".join(f"""
[[neighbors]]
  [neighbors.config]
    neighbor-address = "{address}"
    peer-as = 64512
  [neighbors.transport.config]
    passive-mode = true
  [neighbors.route-reflector.config]
    route-reflector-client = true
    route-reflector-cluster-id = "{REFLECTOR4}"
  [neighbors.graceful-restart.config]
    enabled = true
    restart-time = {restart_time}
    deferral-time = 10
""" + "".join(f"""
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "{family}"
    [neighbors.afi-safis.mp-graceful-restart.config]
      enabled = true
""" for family in ("ipv6-unicast", "ipv6-srpolicy")) for address in (*NODES.values(), INJECTOR))
        path = self.testbed.file("gobgpd.toml", f"""
[global.config]
  as = 64512
  router-id = "{REFLECTOR4}"
  local-address-list = ["{REFLECTOR}"]
{neighbors}
""")
        return self.testbed.daemon("gobgpd", "gobgpd", "-f", path, "--api-hosts", "127.0.0.1:50051", "--log-plain",
                                   "--log-level", "debug", *options)

    def frr(self, restart_time=30):
        folder = self.testbed.work / "bgpd"
        folder.mkdir(exist_ok=True)
        os.chmod(folder, 0o777)
        peers = "".join(f" neighbor {address} remote-as 64512\n neighbor {address} passive\n"
                        f" neighbor {address} capability extended-nexthop\n" for address in NODES.values())
        clients = "".join(f"  neighbor {address} activate\n  neighbor {address} route-reflector-client\n"
                          for address in NODES.values())
        path = self.testbed.file("bgpd.conf", f"""
router bgp 64512
 bgp router-id {REFLECTOR4}
 no bgp default ipv4-unicast
 no bgp network import-check
 bgp graceful-restart
 bgp graceful-restart preserve-fw-state
 bgp graceful-restart restart-time {restart_time}
 bgp graceful-restart select-defer-time 10
{peers} address-family ipv4 unicast
{clients} exit-address-family
 address-family ipv6 unicast
{clients} exit-address-family
""")
        return self.testbed.daemon("bgpd", "/usr/lib/frr/bgpd", "-f", path, "-i", f"{folder}/pid", "-Z", "-S",
                                   "--vty_socket", str(folder), "-l", REFLECTOR, "-P", "0", "--log", "stdout")

    def bird(self, *options, restart_time=30):
        peers = "".join(f"""
protocol bgp {node} {{
  local {REFLECTOR} as 64512;
  neighbor {address} as 64512;
  passive on; rr client; rr cluster id {REFLECTOR4};
  graceful restart on;
  graceful restart time {restart_time};
  ipv4 {{ import all; export where source = RTS_BGP; extended next hop on; gateway recursive; }};
  ipv6 {{ import all; export where source = RTS_BGP; gateway recursive; }};
}}
""" for node, address in NODES.items())
        path = self.testbed.file("bird.conf", f"""
router id {REFLECTOR4};
graceful restart wait 10;
protocol device {{ }}
protocol direct {{ ipv4; ipv6; }}
{peers}
""")
        return self.testbed.daemon("bird", "bird", "-f", "-c", path, "-s", str(self.testbed.work / "bird.ctl"),
                                   "-P", str(self.testbed.work / "bird.pid"), *options)

    # ---- Who talks to them -----------------------------------------------------------------------------------------

    def start_agents_by_gobgp(self):
        """All of Calico-VPP's convention by the reflector: it speaks SR Policy. IPv4 routes it takes with IPv4 next hops only."""
        for node in NODES:
            self.testbed.start_agent(node, {"address": REFLECTOR, "convention": "CalicoVPP",
                                            "families": ["ipv6-unicast", "ipv6-srpolicy"], "mode": "Active"})

    def start_agent_by_frr(self, node):
        """FRR does not pass SIDs on: these the nodes tell each other, as Calico-VPP does, and their prefixes by FRR."""
        other = next(address for name, address in NODES.items() if name != node)
        return self.testbed.start_agent(
            node,
            {"address": REFLECTOR, "convention": "CalicoVPP", "families": ["ipv4-unicast", "ipv6-unicast"], "mode": "Active"},
            {"address": other, "convention": "CalicoVPP", "families": ["ipv6-srpolicy"]})

    def start_agent_by_bird(self, node):
        return self.testbed.start_agent(node, {"address": REFLECTOR, "families": ["ipv4-unicast", "ipv6-unicast"],
                                               "mode": "Active"})

    # ---- Tests -----------------------------------------------------------------------------------------------------

    def test_gobgp_restarts_and_what_it_does_not_tell_again_goes(self):
        gobgpd = self.gobgpd()
        self.start_agents_by_gobgp()
        injector = lab.Speaker(self.testbed, self.testbed.reflector, "injector", {
            "asn": 64512, "router_id": "192.168.10.200", "listen": [],
            "peers": [{"address": REFLECTOR, "local_address": INJECTOR, "remote_as": 64512, "mode": "active", "calico": True,
                       "families": ["ipv6-srpolicy"], "connect_retry": 1}]})
        self.testbed.processes.append(injector)
        injector.up(REFLECTOR)
        for policy in POLICIES.values():
            injector.say(announce={"policy": policy, "next_hop": policy["endpoint"], "preference": 100,
                                   "lists": [{"weight": 3, "segments": [{"sid": "fcdd:0:0:12aa:12::", "behavior": 18}]},
                                             {"weight": 1, "segments": [{"sid": "fcdd:0:0:12aa:12::", "behavior": 18}]}]})
        kept, dropped = (f"{policy['distinguisher']}:{policy['color']}:{policy['endpoint']}" for policy in POLICIES.values())
        for node in NODES:
            until(f"{node} has the policies", lambda n=node: {kept, dropped} <= self.routes(n))
        self.await_pods([6])
        streams = self.streams([6])
        known = {node: self.routes(node) for node in NODES}

        gobgpd.end(signal.SIGKILL)
        self.await_stale()
        injector.say(withdraw={"policy": POLICIES["dropped"]})
        self.count_packets()
        self.gobgpd("--graceful-restart")
        self.await_back()
        for node in NODES:
            self.assertEqual(self.routes(node), known[node] - {dropped})
        self.count_packets()
        self.assert_nothing_lost(streams)

    def test_gobgp_that_stays_away_is_given_up_in_time(self):
        gobgpd = self.gobgpd(restart_time=int(AWAY) + 3)
        self.start_agents_by_gobgp()
        self.await_pods([6])
        streams = self.streams([6])
        gobgpd.end(signal.SIGKILL)
        self.await_stale()
        self.count_packets()
        self.assert_nothing_lost(streams)
        for node in NODES:
            until(f"{node} has given up", lambda n=node: not self.routes(n), limit=5)
            until(f"{node} knows nobody", lambda n=node: len(self.testbed.ask(n, "nodes")) == 1)

    def test_frr_restarts(self):
        bgpd = self.frr()
        for node in NODES:
            self.start_agent_by_frr(node)
        self.await_pods([4, 6])
        streams = self.streams([4, 6])
        known = {node: self.routes(node) for node in NODES}
        bgpd.end(signal.SIGKILL)
        self.await_stale()
        self.count_packets()
        self.frr()
        self.await_back()
        for node in NODES:
            self.assertEqual(self.routes(node), known[node])
        self.count_packets()
        self.assert_nothing_lost(streams)

    def test_frr_keeps_the_routes_of_an_agent_that_is_killed(self):
        self.frr()
        for node in NODES:
            agent = self.start_agent_by_frr(node)
        self.await_pods([4, 6])
        streams = self.streams([4, 6])
        known = self.routes("master")
        agent.end(signal.SIGKILL)  # worker2's
        self.count_packets()
        self.assertEqual(self.routes("master"), known)
        self.start_agent_by_frr("worker2")
        until("worker2 has its session again", lambda: self.peer("worker2")["state"] == "Established")
        until("worker2 knows master again", lambda: len(self.testbed.ask("worker2", "nodes")) == 2)
        self.count_packets()
        self.assertEqual(self.routes("master"), known)
        self.assert_nothing_lost(streams)

    def test_bird_restarts_and_so_does_an_agent(self):
        bird = self.bird()
        for node in NODES:
            agent = self.start_agent_by_bird(node)
        self.await_pods([4, 6])
        streams = self.streams([4, 6])
        known = {node: self.routes(node) for node in NODES}
        bird.end(signal.SIGKILL)
        self.await_stale()
        self.count_packets()
        self.bird("-R")
        self.await_back()
        for node in NODES:
            self.assertEqual(self.routes(node), known[node])

        agent.end(signal.SIGKILL)  # worker2's
        self.count_packets()
        self.assertEqual(self.routes("master"), known["master"])
        self.start_agent_by_bird("worker2")
        until("worker2 knows master again", lambda: len(self.testbed.ask("worker2", "nodes")) == 2)
        self.count_packets()
        self.assert_nothing_lost(streams)


if __name__ == "__main__":
    lab.main(Restarts, __doc__, NEEDED, "programs", "speaker")
