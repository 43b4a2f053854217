#!/usr/bin/python3
"""interop_test.py BGP_SPEAKER [TEST...]: the speaker against BGP daemons of others, over a wire between namespaces.

Both directions each time: what the daemon announces is read from the speaker, and what that announces from the daemon.
Exit status 77: skipped.
"""
import json
import os
import signal
import subprocess
import sys
import unittest

import lab
from lab import OURS, OURS6, THEIRS, THEIRS6, THIRD, until

NEEDED = {"/usr/lib/frr/bgpd": "frr", "vtysh": "frr", "bird": "bird2", "gobgpd": "gobgpd", "gobgp": "gobgpd",
          "exabgp": "exabgp", "tcpdump": "tcpdump", "tshark": "tshark", "ip": "iproute2"}
UNICAST = ["ipv4-unicast", "ipv6-unicast"]
POLICY = {"distinguisher": 4, "color": 94, "endpoint": "fd12::1000"}
LISTS = [{"weight": 12, "segments": [{"sid": "fcff:6::1"}, {"sid": "fcff:8::1"},
                                     {"sid": "fcdd:0:0:12aa::5", "behavior": 18}]},
         {"weight": 4, "segments": [{"sid": "fcff:7::1"}, {"sid": "fcdd:0:0:12aa::5", "behavior": 18}]}]


class Interop(unittest.TestCase):
    program = None

    def setUp(self):
        self.lab = lab.Lab(self.program)
        self.addCleanup(self.lab.down)

    def tearDown(self):
        if any(error for _, error in self._outcome.result.failures + self._outcome.result.errors):
            print(self.lab.logs(), file=sys.stderr)

    def capture(self):
        """Everything on the wire from now on; returns what ends it and gives what tshark makes of it."""
        path = str(self.lab.work / "wire.pcap")
        dump = lab.Process(self.lab, self.lab.ours, "tcpdump", "tcpdump", "-U", "-i", "bgp0", "-w", path, "tcp")
        self.lab.processes.append(dump)
        until("capture", lambda: os.path.exists(path) and os.path.getsize(path) >= 24)

        def decoded(display_filter):
            done = subprocess.run(["tshark", "-r", path, "-Y", display_filter, "-V"], capture_output=True, text=True,
                                  check=True, env=lab.ENVIRONMENT, timeout=60)
            return done.stdout
        return decoded

    def assert_well_formed(self, decoded):
        """What tshark says of our packets: UPDATEs among them, and nothing that it calls malformed."""
        # tshark 4.0 knows neither SR Policy's NLRI (the codec's own test compares with GoBGP's) nor RFC 8654.
        ours = (f"(ip.src == {OURS} || ipv6.src == {OURS6}) && bgp && !(bgp.length > 4096)"
                " && !(bgp.update.path_attribute.mp_reach_nlri.safi == 73)"
                " && !(bgp.update.path_attribute.mp_unreach_nlri.safi == 73)")
        self.assertNotEqual(decoded(f"{ours} && bgp.type == 2"), "")
        self.assertEqual(decoded(f"{ours} && (_ws.malformed || _ws.expert.severity >= 0x800000)"), "")

    # ---- FRR -------------------------------------------------------------------------------------------------------

    def frr(self, configuration, name="bgpd", address=THEIRS):
        folder = self.lab.work / name
        folder.mkdir()
        os.chmod(folder, 0o777)
        path = self.lab.file(f"{name}.conf", configuration)
        daemon = self.lab.daemon(name, "/usr/lib/frr/bgpd", "-f", path, "-i", f"{folder}/pid", "-Z", "-S",
                                 "--vty_socket", str(folder), "-l", address, "-P", "0", "--log", "stdout")
        until(f"{name} answers", lambda: self.vtysh("show version", name))
        return daemon

    def vtysh(self, command, name="bgpd"):
        return self.lab.inside("vtysh", "--vty_socket", str(self.lab.work / name), "-d", "bgpd", "-c", command)

    def frr_route(self, family, prefix, name="bgpd"):
        found = json.loads(self.vtysh(f"show bgp {family} {prefix} json", name))
        return found.get("paths")

    def test_frr_unicast(self):
        decoded = self.capture()
        self.frr(f"""
router bgp 64512
 bgp router-id {THEIRS}
 no bgp default ipv4-unicast
 no bgp network import-check
 neighbor {OURS} remote-as 64512
 neighbor {OURS} timers connect 1
 address-family ipv4 unicast
  neighbor {OURS} activate
  network 10.2.0.0/16
 address-family ipv6 unicast
  neighbor {OURS} activate
  network fd02::/64
""")
        # A family that FRR does not know is not agreed on.
        speaker = self.lab.speaker([{"address": THEIRS, "remote_as": 64512, "families": [*UNICAST, "link-state"]}])
        speaker.say(announce={"prefix": "10.1.0.0/16", "next_hop": OURS, "med": 7, "communities": ["64512:1"]})
        speaker.say(announce={"prefix": "fd01::/64", "next_hop": OURS6})
        speaker.say(announce={"path": {**POLICY, "flags": 0x5800}})
        self.assertEqual(speaker.up(THEIRS)["families"], UNICAST)
        self.assertEqual(speaker.route("10.2.0.0/16")["next_hop"], THEIRS)
        speaker.route("fd02::/64")
        path = until("10.1.0.0/16 in FRR", lambda: self.frr_route("ipv4", "10.1.0.0/16"))[0]
        self.assertEqual(path["metric"], 7)
        self.assertEqual(path["community"]["string"], "64512:1")
        path = until("fd01::/64 in FRR", lambda: self.frr_route("ipv6", "fd01::/64"))[0]
        self.assertEqual(path["nexthops"][0]["ip"], OURS6)

        # Withdraws, and route refresh (RFC 2918, 7313), both ways.
        speaker.say(withdraw={"prefix": "10.1.0.0/16"})
        until("10.1.0.0/16 gone from FRR", lambda: not self.frr_route("ipv4", "10.1.0.0/16"))
        since = speaker.mark()
        self.vtysh(f"clear bgp {OURS} soft in")
        received = speaker.peer(THEIRS)["updates_received"]
        speaker.say(refresh=THEIRS)
        until("FRR answers a refresh", lambda: speaker.peer(THEIRS)["updates_received"] > received)
        self.assertTrue(self.frr_route("ipv6", "fd01::/64"))
        self.vtysh("conf t\nrouter bgp 64512\naddress-family ipv4 unicast\nno network 10.2.0.0/16")
        speaker.route("10.2.0.0/16", since, present=False)

        # An administrative shutdown, with a text (RFC 9003) that FRR reads past.
        speaker.say(stop="maintenance")
        until("FRR shows the reason",
              lambda: "Cease/Administrative Shutdown" in self.vtysh(f"show bgp neighbors {OURS}"))
        self.assert_well_formed(decoded)

    def test_frr_external_with_md5_and_gtsm(self):
        self.frr(f"""
router bgp 64513
 bgp router-id {THEIRS}
 no bgp ebgp-requires-policy
 no bgp network import-check
 neighbor {OURS} remote-as 64512
 neighbor {OURS} password secret
 neighbor {OURS} ttl-security hops 1
 neighbor {OURS} timers connect 1
 network 10.2.0.0/16
""")
        speaker = self.lab.speaker([{"address": THEIRS, "remote_as": 64513, "families": ["ipv4-unicast"],
                                     "md5": "secret", "gtsm": 1}])
        speaker.say(announce={"prefix": "10.1.0.0/16", "next_hop": OURS})
        speaker.up(THEIRS)
        self.assertEqual(speaker.route("10.2.0.0/16")["as_path"], "64513")
        path = until("10.1.0.0/16 in FRR", lambda: self.frr_route("ipv4", "10.1.0.0/16"))[0]
        self.assertEqual(path["aspath"]["string"], "64512")

    def test_frr_ipv4_routes_through_ipv6_next_hops(self):
        decoded = self.capture()
        self.frr(f"""
router bgp 64512
 bgp router-id {THEIRS}
 no bgp network import-check
 neighbor {OURS6} remote-as 64512
 neighbor {OURS6} capability extended-nexthop
 neighbor {OURS6} timers connect 1
 network 10.2.0.0/16
""", address=THEIRS6)
        speaker = self.lab.speaker([{"address": THEIRS6, "remote_as": 64512, "families": ["ipv4-unicast"],
                                     "extended_next_hop": True}])
        speaker.say(announce={"prefix": "10.1.0.0/16", "next_hop": OURS6})
        speaker.up(THEIRS6)
        self.assertEqual(speaker.route("10.2.0.0/16")["next_hop"], THEIRS6)
        path = until("10.1.0.0/16 in FRR", lambda: self.frr_route("ipv4", "10.1.0.0/16"))[0]
        self.assertEqual(path["nexthops"][0]["ip"], OURS6)
        self.assert_well_formed(decoded)

    def test_vpn_routes_are_reflected_between_two_frr(self):
        for name, address, other in (("bgpd", THEIRS, "10.5.0.0/16"), ("bgpd3", THIRD, "10.6.0.0/16")):
            self.frr(f"""
router bgp 64512
 bgp router-id {address}
 no bgp default ipv4-unicast
 no bgp network import-check
 neighbor {OURS} remote-as 64512
 neighbor {OURS} update-source {address}
 neighbor {OURS} timers connect 1
 address-family ipv4 vpn
  neighbor {OURS} activate
  network {other} rd 64512:7 label 77
""", name, address)
        families = {"families": ["ipv4-vpn"], "remote_as": 64512, "client": True}
        self.lab.speaker([{"address": THEIRS, **families}, {"address": THIRD, **families}])
        found = until("10.5.0.0/16 reflected", lambda: self.vpn_path("10.5.0.0/16", "bgpd3"))
        self.assertEqual(found["originatorId"], THEIRS)
        self.assertEqual(found["clusterList"]["list"], [OURS])
        self.assertEqual(found["remoteLabel"], 77)
        until("10.6.0.0/16 reflected", lambda: self.vpn_path("10.6.0.0/16", "bgpd"))

    def vpn_path(self, prefix, name):
        found = json.loads(self.vtysh(f"show bgp ipv4 vpn {prefix} json", name))
        for each in found.values():
            if isinstance(each, dict) and each.get("paths"):
                return each["paths"][0]
        return None

    # ---- BIRD ------------------------------------------------------------------------------------------------------

    def bird(self, *options):
        path = self.lab.file("bird.conf", f"""
router id {THEIRS};
protocol device {{ }}
protocol static routes4 {{ ipv4; route 10.2.0.0/16 unreachable; }}
protocol static routes6 {{ ipv6; route fd02::/64 unreachable; }}
protocol bgp sextant {{
  local {THEIRS} as 64512;
  neighbor {OURS} as 64512;
  connect delay time 1;
  connect retry time 1;
  error wait time 1, 2;
  enable extended messages on;
  graceful restart on;
  ipv4 {{ import all; export where source = RTS_STATIC; next hop self; }};
  ipv6 {{ import all; export where source = RTS_STATIC; next hop address {THEIRS6}; }};
}}
""")
        daemon = self.lab.daemon("bird", "bird", "-f", "-c", path, "-s", str(self.lab.work / "bird.ctl"),
                                 "-P", str(self.lab.work / "bird.pid"), *options)
        until("BIRD answers", lambda: self.birdc("show", "status"))
        return daemon

    def birdc(self, *command):
        return self.lab.inside("birdc", "-s", str(self.lab.work / "bird.ctl"), *command)

    def bird_count(self):
        return self.birdc("show", "route", "protocol", "sextant", "count")

    def test_bird_unicast_extended_messages_and_restart(self):
        decoded = self.capture()
        bird = self.bird()
        speaker = self.lab.speaker([{"address": THEIRS, "remote_as": 64512, "families": [*UNICAST, "link-state"]}])
        for number in range(2000):
            speaker.say(announce={"prefix": f"fd01:0:0:{number:x}::/64", "next_hop": OURS6})
        peer = speaker.up(THEIRS)
        self.assertEqual(peer["families"], UNICAST)
        self.assertEqual(peer["send_limit"], 65535)
        self.assertTrue(peer["graceful_restart"])
        speaker.route("10.2.0.0/16")
        self.assertEqual(speaker.route("fd02::/64")["next_hop"], THEIRS6)
        until("2000 routes in BIRD", lambda: "2000 of" in self.bird_count())
        self.birdc("reload", "in", "sextant")  # all of them once more
        until("a message above 4096 bytes", lambda: decoded(f"ip.src == {OURS} && bgp.length > 4096"))

        # It is killed and comes back: its routes stay, and are not withdrawn meanwhile.
        since = speaker.mark()
        bird.end(signal.SIGKILL)
        down = speaker.wait(lambda line: line.get("peer") == THEIRS and line["state"] != "Established", since=since)
        self.assertEqual(down["stale"], UNICAST)
        self.bird("-R")
        speaker.up(THEIRS, since)
        until("no stale routes", lambda: not speaker.peer(THEIRS)["stale"])
        self.assertFalse([line for line in speaker.lines[since:] if line.get("present") is False])

        # And so for ours.
        speaker.end(signal.SIGKILL)
        until("BIRD keeps stale routes", lambda: "2000 of" in self.bird_count())
        again = self.lab.speaker([{"address": THEIRS, "remote_as": 64512, "families": UNICAST}], name="again",
                                 restarting=True)
        again.say(announce={"prefix": "fd01::/64", "next_hop": OURS6})
        again.up(THEIRS)
        until("the rest is swept", lambda: "1 of" in self.bird_count())
        self.assert_well_formed(decoded)

    # ---- GoBGP -----------------------------------------------------------------------------------------------------

    def gobgpd(self, clients=(OURS,), families=("ipv4-unicast", "ipv6-unicast", "ipv6-srpolicy")):
        neighbors = "".join(f"""
[[neighbors]]
  [neighbors.config]
    neighbor-address = "{address}"
    peer-as = 64512
  [neighbors.timers.config]
    connect-retry = 5
    idle-hold-time-after-reset = 1
  [neighbors.route-reflector.config]
    route-reflector-client = true
    route-reflector-cluster-id = "{THEIRS}"
  [neighbors.graceful-restart.config]
    enabled = true
    restart-time = 60
""" + "".join(f"""
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "{family}"
    [neighbors.afi-safis.mp-graceful-restart.config]
      enabled = true
""" for family in families) for address in clients)
        path = self.lab.file("gobgpd.toml", f"""
[global.config]
  as = 64512
  router-id = "{THEIRS}"
  local-address-list = ["{THEIRS}"]
{neighbors}
""")
        daemon = self.lab.daemon("gobgpd", "gobgpd", "-f", path, "--api-hosts", "127.0.0.1:50051", "--log-plain",
                                 "--log-level", "debug")
        until("gobgpd answers", lambda: self.gobgp("global"))
        return daemon

    def gobgp(self, *command):
        return self.lab.inside("gobgp", *command)

    def test_gobgp_unicast_and_sr_policies(self):
        gobgpd = self.gobgpd((OURS, THIRD))
        config = {"address": THEIRS, "remote_as": 64512, "families": [*UNICAST, "ipv6-srpolicy"], "calico": True}
        speaker = self.lab.speaker([config])
        # Another one behind it, on its own side: what GoBGP makes of a policy is what that one reads.
        other = self.lab.speaker([{**config, "local_address": THIRD, "mode": "active"}], "other", self.lab.theirs,
                                 THIRD, listen=False)
        speaker.say(announce={"prefix": "fd01::/64", "next_hop": OURS6, "color": 94})
        speaker.say(announce={"policy": POLICY, "next_hop": OURS6, "preference": 11, "priority": 10, "bsid": "cafe::25",
                              "lists": LISTS})
        speaker.up(THEIRS)
        other.up(THEIRS)
        self.assertEqual(other.route("fd01::/64")["extended"], ["color:00:94"])
        reflected = other.route("4:94:fd12::1000")
        self.assertEqual(reflected["originator"], OURS)
        policy = reflected["policy"]
        self.assertEqual((policy["preference"], policy["priority"], policy["bsid"]), (11, 10, "cafe::25"))
        self.assertEqual([each["weight"] for each in policy["lists"]], [12, 4])
        self.assertEqual([[segment["sid"] for segment in each["segments"]] for each in policy["lists"]],
                         [[segment["sid"] for segment in each["segments"]] for each in LISTS])
        self.assertEqual(policy["lists"][0]["segments"][2]["behavior"], 18)

        self.gobgp("global", "rib", "add", "-a", "ipv6", "fd02::/64", "nexthop", THEIRS6)
        speaker.route("fd02::/64")
        since = speaker.mark()
        self.gobgp("global", "rib", "del", "-a", "ipv6", "fd02::/64")
        speaker.route("fd02::/64", since, present=False)

        # An edit replaces, a refresh repeats, a withdraw removes.
        since = other.mark()
        speaker.say(announce={"policy": POLICY, "next_hop": OURS6, "preference": 12, "lists": LISTS[1:]})
        self.assertEqual(other.route("4:94:fd12::1000", since)["policy"]["preference"], 12)
        received = speaker.peer(THEIRS)["updates_received"]
        self.gobgp("neighbor", OURS, "softresetin")
        speaker.say(refresh=THEIRS)
        until("GoBGP answers a refresh", lambda: speaker.peer(THEIRS)["updates_received"] >= received)
        since = other.mark()
        speaker.say(withdraw={"policy": POLICY})
        other.route("4:94:fd12::1000", since, present=False)

        # Killed: what it had told stays until it is back and has told it again, or the time is up.
        since = other.mark()
        gobgpd.end(signal.SIGKILL)
        down = other.wait(lambda line: line.get("peer") == THEIRS and line["state"] != "Established", since=since)
        self.assertIn("ipv6-srpolicy", down["stale"])

    def test_gobgp_without_and_with_link_state(self):
        # Where it does not speak BGP-LS the family is not agreed on, and all else goes on.
        gobgpd = self.gobgpd()
        config = {"address": THEIRS, "remote_as": 64512, "families": [*UNICAST, "ipv6-srpolicy", "link-state"]}
        speaker = self.lab.speaker([config])
        speaker.say(announce={"path": {**POLICY, "flags": 0x5800}})
        speaker.say(announce={"prefix": "fd01::/64", "next_hop": OURS6})
        self.assertNotIn("link-state", speaker.up(THEIRS)["families"])
        until("fd01::/64 in GoBGP", lambda: "fd01::/64" in self.gobgp("global", "rib", "-a", "ipv6"))
        gobgpd.end(signal.SIGKILL)
        # Where it does: 3.10 does not know candidate paths, and looks at no more of the family; the session stays.
        since = speaker.mark()
        self.gobgpd(families=("ipv6-unicast", "ls"))
        self.assertIn("link-state", speaker.up(THEIRS, since)["families"])
        until("fd01::/64 in GoBGP", lambda: "fd01::/64" in self.gobgp("global", "rib", "-a", "ipv6"))
        until("GoBGP gives the family up",
              lambda: 'msg="Capability was disabled" Cap=ls' in (self.lab.work / "gobgpd.log").read_text())
        self.assertIn("not in table", self.gobgp("global", "rib", "-a", "ls"))
        speaker.say(withdraw={"prefix": "fd01::/64"})
        until("fd01::/64 gone from GoBGP", lambda: "fd01::/64" not in self.gobgp("global", "rib", "-a", "ipv6"))
        self.assertEqual(speaker.peer(THEIRS)["established"], 2)

    # ---- ExaBGP ----------------------------------------------------------------------------------------------------

    def test_exabgp_sends_what_is_odd_but_legal(self):
        path = self.lab.file("exabgp.conf", f"""
neighbor {OURS} {{
  router-id {THEIRS};
  local-address {THEIRS};
  local-as 64512;
  peer-as 64512;
  family {{ ipv4 unicast; ipv6 unicast; }}
  static {{
    route 10.20.0.0/16 next-hop {THEIRS} as-path [ 65001 ( 65002 65003 ) 4200000000 ] med 4294967295;
    route 10.21.0.0/16 next-hop {THEIRS} community [ 64512:1 no-export 0:0 ] large-community [ 1:2:3 ];
    route 10.22.0.0/16 next-hop {THEIRS} attribute [ 0x63 0xc0 0x01020304 ];
    route 10.23.0.0/16 next-hop {THEIRS} atomic-aggregate aggregator ( 65001:10.0.0.1 ) origin incomplete;
    route 0.0.0.0/0 next-hop {THEIRS};
    route fd20::/64 next-hop {THEIRS6} extended-community [ 0x030b00000000005e ];
  }}
}}
""")
        self.lab.daemon("exabgp", "exabgp", "-e", "/dev/null", path, exabgp_daemon_user="root",
                        exabgp_log_enable="true", exabgp_api_cli="false", exabgp_log_destination="stdout")
        speaker = self.lab.speaker([{"address": THEIRS, "remote_as": 64512, "families": UNICAST}])
        speaker.up(THEIRS)
        self.assertEqual(speaker.route("10.20.0.0/16")["med"], 4294967295)
        self.assertIn("4200000000", speaker.route("10.20.0.0/16")["as_path"])
        odd = speaker.route("10.21.0.0/16")
        self.assertEqual(sorted(odd["communities"]), ["0:0", "64512:1", "no-export"])
        self.assertEqual(odd["large"], ["1:2:3"])
        self.assertEqual(speaker.route("10.22.0.0/16")["unknown"], 1)
        speaker.route("10.23.0.0/16")
        speaker.route("0.0.0.0/0")
        self.assertEqual(speaker.route("fd20::/64")["extended"], ["color:00:94"])
        self.assertEqual(speaker.peer(THEIRS)["treated_as_withdraw"], 0)


if __name__ == "__main__":
    lab.main(Interop, __doc__, NEEDED, "program")
