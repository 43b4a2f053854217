#!/usr/bin/python3
"""injector_test.py BIN BGP_SPEAKER [TEST...]: `sextantd --injector` and `sextant pi` against Debian's gobgpd and our own speaker.

Two namespaces with a wire: the injector in one, the daemons that it tells in the other. Exit status 77: skipped.
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import unittest

import lab
from full_testbed import SRV6_PI
from lab import OURS, THEIRS, THIRD, until

NEEDED = {"gobgpd": "gobgpd", "gobgp": "gobgpd", "ip": "iproute2"}
ROUTE, KEY = "4:94:fd12::1000", "94,fd12::1000,4"
GOLD = """apiVersion: sextant.dev/v1alpha1
kind: InjectedPolicy
metadata: {name: gold}
spec:
  distinguisher: 1
  color: 100
  endpoint: "fd12::1000"
  preference: 200
  segmentLists:
  - {weight: 3, segments: ["fcff:6::1", "fcff:8::1"]}
  - {weight: 1, segments: ["fcff:7::1"]}
"""
GOLD_ROUTE = "1:100:fd12::1000"


class Injector(unittest.TestCase):
    programs = speaker_program = None

    def setUp(self):
        self.lab = lab.Lab(self.speaker_program)
        self.addCleanup(self.lab.down)
        self.programs = pathlib.Path(self.programs).resolve()
        self.socket = str(self.lab.work / "injector.sock")

    def tearDown(self):
        if any(error for _, error in self._outcome.result.failures + self._outcome.result.errors):
            print(self.lab.logs(), file=sys.stderr)

    def start_injector(self, peers, **more):
        settings = self.lab.file("injector.yaml", json.dumps(
            {"asn": 64512, "routerId": OURS, "listen": [{"address": OURS}], "peers": peers, **more}))
        daemon = lab.Daemon(self.lab, self.lab.ours, "injector", str(self.programs / "sextantd"), "--injector", settings,
                            "--socket", self.socket, "--state", str(self.lab.work / "state"), "--log-format", "json")
        self.lab.processes.append(daemon)
        until("the injector answers", lambda: self.pi("list"))
        return daemon

    def pi(self, *words, status=0, **environment):
        """What `sextant pi` prints: standard output, then standard error."""
        where = [] if "-u" in words else ["--socket", self.socket]
        done = subprocess.run(["ip", "netns", "exec", self.lab.ours, str(self.programs / "sextant"), "pi", *words, *where],
                              capture_output=True, text=True, check=False, timeout=60,
                              env={**lab.ENVIRONMENT, **environment})
        if done.returncode != status:
            raise RuntimeError(f"pi {' '.join(words)}: status {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def listed(self):
        return json.loads(self.pi("list", "-o", "json"))["items"]

    def node(self, address, name):
        """A headend's speaker, which reads policies as the standard has it."""
        return self.lab.speaker([{"address": OURS, "remote_as": 64512, "local_address": address, "mode": "active",
                                  "families": ["ipv6-srpolicy"]}], name, self.lab.theirs, address, listen=False)

    def test_a_nodes_are_told_edits_replacements_and_withdrawals(self):
        self.start_injector([{"address": f"{THEIRS}/32", "mode": "Passive"}, {"address": THIRD, "mode": "Passive"}])
        policy = self.lab.file("policy.yaml", SRV6_PI)
        self.assertIn(f"created {KEY}", self.pi("create", "-f", policy))
        self.assertIn("nobody: ", self.pi("list"))
        node, other = self.node(THEIRS, "node"), self.node(THIRD, "other")
        for each in (node, other):
            told = each.route(ROUTE)["policy"]
            self.assertEqual([segment["sid"] for segment in told["lists"][0]["segments"]],
                             ["fcff:6::1", "fcff:8::1", "fcdd::12aa:d460:b250:45:b05"])
            self.assertEqual(told["bsid"], "cafe::25")
        until("both were told", lambda: "2/2 peers" in self.pi("list"))
        self.assertIn("unchanged", self.pi("create", "--policyFile", policy))

        # An edit as kubectl has it: another first segment, by an editor.
        editor = self.lab.file("editor", "#!/bin/sh\nsed -i s/fcff:6::1/fcff:2::1/ \"$1\"\n")
        os.chmod(editor, 0o755)
        since = node.mark()
        self.assertIn(f"changed {KEY}", self.pi("edit", KEY, EDITOR=editor))
        edited = node.route(ROUTE, since)
        self.assertEqual(edited["policy"]["lists"][0]["segments"][0]["sid"], "fcff:2::1")
        since = node.mark()
        self.assertIn(f"changed {KEY}", self.pi("edit", "-f", policy))
        self.assertEqual(node.route(ROUTE, since)["policy"]["lists"][0]["segments"][0]["sid"], "fcff:6::1")

        # Declarative: the set becomes the folder's.
        folder = self.lab.work / "policies"
        folder.mkdir()
        (folder / "gold.yaml").write_text(GOLD)
        since = node.mark()
        preview = self.pi("replace", "-f", str(folder), "--dry-run")
        self.assertIn("+ gold (100,fd12::1000,1)", preview)
        self.assertIn(f"- {KEY}", preview)
        self.assertEqual(len(self.listed()), 1)
        self.assertEqual(self.listed()[0]["spec"]["color"], 94)
        self.pi("replace", "-f", str(folder))
        gold = node.route(GOLD_ROUTE, since)["policy"]
        self.assertEqual([each["weight"] for each in gold["lists"]], [3, 1])
        self.assertEqual(gold["preference"], 200)
        node.route(ROUTE, since, present=False)
        self.assertIn("0 added, 0 changed, 0 removed, 1 unchanged", self.pi("replace", "-f", str(folder)))
        # What is listed is written back as it is.
        everything = self.lab.file("all.yaml", self.pi("list", "-o", "yaml"))
        self.assertIn("1 unchanged", self.pi("replace", "-f", everything))

        self.assertIn("no such policy", self.pi("delete", "silver", "gold", status=1))
        self.assertEqual(len(self.listed()), 1, "none goes where one is missing")
        since = node.mark()
        self.assertIn("deleted gold", self.pi("delete", "gold"))
        node.route(GOLD_ROUTE, since, present=False)

    def test_b_a_restart_loses_nothing(self):
        daemon = self.start_injector([{"address": THEIRS, "mode": "Passive"}])
        self.pi("create", "-f", self.lab.file("policy.yaml", SRV6_PI), "-f", self.lab.file("gold.yaml", GOLD))
        node = self.node(THEIRS, "node")
        node.route(ROUTE)
        node.route(GOLD_ROUTE)
        before = self.listed()
        for how in (signal.SIGTERM, signal.SIGKILL):
            since = node.mark()
            daemon.end(how)
            down = node.wait(lambda line: line.get("peer") == OURS and line["state"] != "Established", since=since)
            self.assertIn("ipv6-srpolicy", down["stale"])
            daemon = self.start_injector([{"address": THEIRS, "mode": "Passive"}])
            node.up(OURS, since)
            until("it was told again", lambda: node.peer(OURS).get("stale") == [])
            self.assertEqual([line for line in node.lines[since:] if line.get("present") is False], [],
                             "no route was withdrawn")
            self.assertEqual([policy["spec"] for policy in self.listed()], [policy["spec"] for policy in before])
        since = node.mark()
        self.pi("delete", "--all")
        node.route(ROUTE, since, present=False)
        node.route(GOLD_ROUTE, since, present=False)

    def test_c_a_watch_tells_each_change(self):
        self.start_injector([{"address": THEIRS, "mode": "Passive"}])
        watch = subprocess.Popen(["ip", "netns", "exec", self.lab.ours, str(self.programs / "sextant"), "pi", "watch", "-o",
                                  "json", "--socket", self.socket], stdout=subprocess.PIPE, env=lab.ENVIRONMENT)
        try:
            self.pi("create", "-f", self.lab.file("gold.yaml", GOLD))
            first = json.loads(watch.stdout.readline())
            self.assertIn(first["type"], ("Present", "Announced"))
            self.assertFalse(first["policy"]["status"]["peers"][0]["sent"])
            self.node(THEIRS, "node")
            while not (changed := json.loads(watch.stdout.readline()))["policy"]["status"]["peers"][0]["sent"]:
                pass
            self.assertEqual(changed["type"], "Changed")
            self.pi("delete", "--all")
            self.assertEqual(json.loads(watch.stdout.readline())["type"], "Withdrawn")
        finally:
            watch.terminate()
            watch.communicate()

    def test_d_gobgp_takes_what_is_announced_and_passes_it_on(self):
        neighbors = "".join(f"""
[[neighbors]]
  [neighbors.config]
    neighbor-address = "{address}"
    peer-as = 64512
  [neighbors.transport.config]
    passive-mode = true
    local-address = "{THEIRS}"
  [neighbors.route-reflector.config]
    route-reflector-client = true
    route-reflector-cluster-id = "{THEIRS}"
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ipv6-srpolicy"
""" for address in (OURS, THIRD))
        self.lab.daemon("gobgpd", "gobgpd", "-f", self.lab.file("gobgpd.toml", f"""
[global.config]
  as = 64512
  router-id = "{THEIRS}"
  local-address-list = ["{THEIRS}"]
{neighbors}
"""), "--api-hosts", f"{THEIRS}:50051", "--log-plain")
        until("gobgpd answers", lambda: self.lab.inside("gobgp", "-u", THEIRS, "global"))
        self.start_injector([{"address": THEIRS, "mode": "Active", "convention": "CalicoVPP"}], listen=[])
        other = self.lab.speaker([{"address": THEIRS, "remote_as": 64512, "local_address": THIRD, "mode": "active",
                                   "calico": True, "families": ["ipv6-srpolicy"]}], "other", self.lab.theirs, THIRD,
                                 listen=False)
        self.pi("create", "-f", self.lab.file("policy.yaml", SRV6_PI), "-f", self.lab.file("gold.yaml", GOLD))
        told = other.route(ROUTE)
        self.assertEqual(told["originator"], OURS, "reflected by GoBGP")
        self.assertEqual(told["policy"]["bsid"], "cafe::25")
        self.assertEqual([each["weight"] for each in other.route(GOLD_ROUTE)["policy"]["lists"]], [3, 1])
        since = other.mark()
        self.pi("delete", "gold")
        other.route(GOLD_ROUTE, since, present=False)

    def test_e_mistakes_change_nothing_and_are_all_told(self):
        self.start_injector([{"address": THEIRS, "mode": "Passive"}])
        self.pi("create", "-f", self.lab.file("gold.yaml", GOLD))
        bad = self.lab.file("bad.yaml", GOLD.replace("color: 100", "color: 0") + "---\n" + SRV6_PI.replace("afi: 2", "afi: 1"))
        said = self.pi("replace", "-f", bad, status=1)
        self.assertIn("bad.yaml:6: InjectedPolicy/gold: spec.color: 0 is not", said)
        self.assertIn("is not the family of an SR Policy", said)
        empty = self.lab.work / "empty"
        empty.mkdir()
        self.assertIn("delete --all", self.pi("replace", "-f", str(empty), status=1))
        self.assertIn("delete --all", self.pi("replace", "-f", "/dev/null", status=1))
        self.assertEqual(len(self.listed()), 1)
        # Of a file with one policy that is not announced none goes, of one with those that are all do.
        both = self.lab.file("both.yaml", GOLD + "---\n" + SRV6_PI)
        self.assertIn("both.yaml:14 names it", self.pi("delete", "-f", both, status=1))
        self.assertEqual(len(self.listed()), 1)
        self.assertIn("deleted gold", self.pi("delete", "-f", str(self.lab.work / "gold.yaml")))
        self.assertEqual(self.listed(), [])
        self.pi("edit", status=2)
        self.pi("delete", status=2)
        # A second one on the same socket or state is refused.
        second = subprocess.run(
            ["ip", "netns", "exec", self.lab.ours, str(self.programs / "sextantd"), "--injector",
             str(self.lab.work / "injector.yaml"), "--socket", str(self.lab.work / "second.sock"), "--state",
             str(self.lab.work / "state")], capture_output=True, text=True, check=False, env=lab.ENVIRONMENT, timeout=20)
        self.assertEqual(second.returncode, 1)
        self.assertIn("another one has it", second.stderr)


if __name__ == "__main__":
    lab.main(Injector, __doc__, NEEDED, "programs", "speaker_program")
