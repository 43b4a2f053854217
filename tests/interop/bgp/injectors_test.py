#!/usr/bin/python3
"""injectors_test.py BIN: policies injected behind r3 of the full testbed whose nodes know each other by BGP alone.

SRv6-PI's file, as it is: announced, seen on the wire, edited, withdrawn, with the same commands through sextantd and through
Debian's gobgpd in its place. Exit status 77: skipped.
"""
import json
import os
import pathlib
import tempfile
import unittest

import lab
from full_testbed import NODES, SRV6_PI, PodTraffic
from lab import run, until

NEEDED = {"tcpdump": "tcpdump", "ping": "iputils-ping", "ip": "iproute2", "gobgpd": "gobgpd"}
OF_WORKER2 = "fcdd::12aa:d460:b250:45:b05"  # its End.DT6, as its ConfigMap has it
# `sextant pi`, by who injects.
PI = {"sextantd": [], "gobgpd": ["-u", "127.0.0.1", "-p", "50051"]}


class FullTestbed(PodTraffic):
    def __init__(self, programs):
        self.name = f"bgp{os.getpid()}"
        self.sextant = str(pathlib.Path(programs).resolve() / "sextant")
        self.home = pathlib.Path("/run/sextant-testbed") / self.name

    def up(self, injector):
        """Repairs what does not run; another injector takes the place of the one before."""
        return run(self.sextant, "testbed", "full", "up", "--name", self.name, "--pods", "1", "--bgp", injector)

    def down(self):
        run(self.sextant, "testbed", "full", "down", "--name", self.name)

    def status(self, node, *what):
        return json.loads(run(self.sextant, *what, "--socket", str(self.home / f"{node}.sock"), "-o", "json"))["items"]

    def pi(self, injector, *what):
        """On the injector's machine, as its operator."""
        return self.inside("injector", "env", f"SEXTANT_INJECTOR_SOCKET={self.home}/injector.sock",
                           self.sextant, "pi", *what, *PI[injector])


class Injectors(unittest.TestCase):
    programs = None

    @classmethod
    def setUpClass(cls):
        cls.testbed = FullTestbed(cls.programs)
        cls.addClassCleanup(cls.testbed.down)
        cls.testbed.up("sextantd")

    def test_a_nodes_reach_each_other_without_any_policy(self):
        self.assertIn("60 of 60 checks passed", run(self.testbed.sextant, "testbed", "full", "test", "--name",
                                                    self.testbed.name))

    def test_b_the_injectors_policies_steer_are_edited_and_go(self):
        self.inject_edit_and_delete("sextantd")

    def test_c_gobgp_in_its_place_does_the_same(self):
        self.inject_edit_and_delete("gobgpd")

    def inject_edit_and_delete(self, injector):
        self.testbed.up(injector)
        with tempfile.TemporaryDirectory() as folder:
            policy, edited = pathlib.Path(folder) / "policy.yaml", pathlib.Path(folder) / "edited.yaml"
            policy.write_text(SRV6_PI)
            edited.write_text(SRV6_PI.replace("fcff:6::1", "fcff:7::1"))

            self.testbed.pi(injector, "create", "--policyFile", str(policy))
            self.steers_by(injector, "r6", "fcff:6::1")
            self.assertIn("unchanged", self.testbed.pi(injector, "create", "-f", str(policy)))
            self.testbed.pi(injector, "edit", "-f", str(edited))
            self.steers_by(injector, "r7", "fcff:7::1")
            self.testbed.pi(injector, "delete", "94,fd12::1000,4")
        until("no policy", lambda: self.testbed.candidate("master") is None)
        self.assertEqual(json.loads(self.testbed.pi(injector, "list", "-o", "json"))["items"], [])
        self.assertTrue(self.testbed.reaches("master", "worker2", 6), "by the plain path")

    def steers_by(self, injector, router, sid):
        until(f"a path by {router}", lambda: self.testbed.candidate("master") == [sid, "fcff:8::1", OF_WORKER2])
        self.assertTrue(self.testbed.passes(router, "master", "worker2"), f"packets at {router}")
        policies = json.loads(self.testbed.pi(injector, "list", "-o", "json"))["items"]
        self.assertEqual([[(peer["peer"], peer["sent"]) for peer in policy["status"]["peers"]] for policy in policies],
                         [[(address, True) for address in NODES.values()]])


if __name__ == "__main__":
    lab.main(Injectors, __doc__, NEEDED, "programs")
