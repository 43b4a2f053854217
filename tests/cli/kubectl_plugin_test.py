#!/usr/bin/python3
"""kubectl_plugin_test.py: deploy/kubectl-sextant asks the right pod the right thing.

A stand-in for kubectl knows two nodes with an agent each, one without, and three pods; it writes down what is executed. Against a
real cluster: tests/kubernetes.
"""
import os
import pathlib
import subprocess
import tempfile
import unittest

PLUGIN = pathlib.Path(__file__).resolve().parents[2] / "deploy/kubectl-sextant"
KUBECTL = r"""#!/bin/sh
while :; do case ${1:-} in --kubeconfig=* | --context=*) echo "$1" >>"$CALLS"; shift ;; *) break ;; esac; done
all=" $* "
case $all in
  *' exec '*)
    echo "$*" >>"$CALLS"
    case $all in *' agent-a '*) if [ "${A_EXITS:-0}" -ne 0 ]; then exit "$A_EXITS"; fi ;; esac
    case $all in *' agent-b '*) echo 'no path to n1' >&2; exit "${B_EXITS:-0}" ;; esac
    exit 0 ;;
  *spec.nodeName=n1*) echo 'agent-a n1' ;;
  *spec.nodeName=n2*) echo 'agent-b n2' ;;
  *spec.nodeName=*) ;;
  *' get pods '*app.kubernetes.io/name=sextant*) printf 'agent-b n2\nagent-a n1\n' ;;
  *' get pod '*' web '*)
    case $all in *' --namespace shop '*) echo 'n1 172.16.0.2 fd00::2' ;; *) exit 1 ;; esac ;;
  *' get pod '*' db '*) echo 'n2 172.16.1.3 fd00::103' ;;
  *' get pod '*' six '*) echo 'n2 fd00::104' ;;
  *' get pod '*' new '*) echo ' ' ;;
  *' get pod '*) exit 1 ;;
  *' get pods --all-namespaces '*) printf 'n1 172.16.0.2 fd00::2\nn2 172.16.1.3 fd00::103\n' ;;
  *' get node n'[123]*) echo node ;;
  *' get node '*) exit 1 ;;
  *' get nodes '*) printf 'n1\nn2\nn3\n' ;;
  *' config view '*) echo shop ;;
  *) echo "unexpected: $*" >&2; exit 9 ;;
esac
"""


class KubectlPluginTest(unittest.TestCase):
    def setUp(self):
        self.work = tempfile.TemporaryDirectory()
        self.kubectl = pathlib.Path(self.work.name) / "kubectl"
        self.kubectl.write_text(KUBECTL)
        self.kubectl.chmod(0o755)
        self.calls = pathlib.Path(self.work.name) / "calls"

    def tearDown(self):
        self.work.cleanup()

    def run_plugin(self, *arguments, status=0, program=PLUGIN, **environment):
        self.calls.write_text("")
        done = subprocess.run([str(program), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                              env={**os.environ, "KUBECTL": str(self.kubectl), "CALLS": str(self.calls), **environment})
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def asked(self, *arguments, **more):
        """What was executed, without what is the same for all."""
        self.run_plugin(*arguments, **more)
        return [line.replace("exec --namespace sextant-system ", "").replace(" --container sextantd -- sextant", "")
                for line in self.calls.read_text().splitlines()]

    def test_asks_one_node_or_all_in_their_order(self):
        self.assertEqual(self.asked("status", "--node", "n2"), ["agent-b status"])
        self.assertEqual(self.asked("status", "--node=n2", "-o", "json"), ["agent-b status -o json"])
        self.assertEqual(self.asked("bgp", "rib", "--rejected", "--node", "n1"), ["agent-a bgp rib --rejected"])
        self.assertEqual(self.asked("doctor", "--quiet"), ["agent-a doctor --quiet", "agent-b doctor --quiet"])
        self.assertEqual(self.run_plugin("status").stdout, "== n1\n== n2\n")
        self.assertEqual(self.asked("exec", "--node", "n1", "--", "trace", "--node", "x"), ["agent-a trace --node x"])

    def test_the_worst_exit_status_counts(self):
        self.assertEqual(len(self.asked("doctor", status=1, B_EXITS="1")), 2)
        self.assertEqual(len(self.asked("doctor", status=1, A_EXITS="1")), 2)

    def test_a_wrong_command_line_is_told_once(self):
        self.assertEqual(self.asked("bgp", status=2, A_EXITS="2", B_EXITS="2"), ["agent-a bgp"])

    def test_traces_between_pods_from_the_first_ones_node(self):
        self.assertEqual(self.asked("trace", "web", "db"), ["agent-a trace 172.16.0.2 172.16.1.3"])
        self.assertEqual(self.asked("trace", "--from", "other/db", "--to=web", "--one-way"),
                         ["agent-b trace 172.16.1.3 172.16.0.2 --one-way"])
        self.assertEqual(self.asked("trace", "--family", "6", "shop/web", "db"), ["agent-a trace fd00::2 fd00::103 --family 6"])
        self.assertEqual(self.asked("trace", "web", "six"), ["agent-a trace fd00::2 fd00::104"], "the only family of both")
        self.assertEqual(self.asked("trace", "172.16.1.3", "n1"), ["agent-b trace 172.16.1.3 n1"])
        self.assertEqual(self.asked("trace", "fd00::2", "fd00::103"), ["agent-a trace fd00::2 fd00::103"])
        self.assertEqual(self.asked("trace", "n2", "web"), ["agent-b trace n2 172.16.0.2"])

    def test_says_what_is_wrong(self):
        for arguments, words, status in (
                (("status", "--node", "n3"), "no agent runs on node n3", 1),
                (("status", "--node", "n9"), "there is no node n9", 1),
                (("trace", "web", "nobody"), "there is no pod or node 'nobody'", 1),
                (("trace", "new", "web"), "is on no node yet", 1),
                (("trace", "--family", "4", "web", "six"), "no addresses of one family", 1),
                (("trace", "web"), "trace wants FROM and TO", 2),
                (("stauts",), "there is no command 'stauts'", 2),
                (("status", "--node"), "--node wants a value", 2),
                (("exec", "--node", "n1"), "exec wants --node NODE -- COMMAND", 2)):
            with self.subTest(arguments=arguments):
                self.assertIn(words, self.run_plugin(*arguments, status=status).stderr)
                self.assertEqual(self.calls.read_text(), "", "nothing was executed")
        self.assertIn("kubectl sextant trace", self.run_plugin(status=2).stderr)
        self.assertIn("kubectl sextant trace", self.run_plugin("--help").stdout)

    def test_hands_on_how_to_reach_the_cluster(self):
        calls = self.asked("status", "--context", "lab", "--kubeconfig=/k", "--node", "n1")
        self.assertEqual(calls, ["--kubeconfig=/k", "--context=lab"] * 2 + ["agent-a status"])

    def test_completes_commands_nodes_and_nothing_of_files(self):
        link = pathlib.Path(self.work.name) / "kubectl_complete-sextant"
        link.symlink_to(PLUGIN)
        first = self.run_plugin("", program=link).stdout.split()
        self.assertIn("trace", first)
        self.assertEqual(first[-1], ":4")
        self.assertEqual(self.run_plugin("status", "--node", "", program=link).stdout.split(), ["n1", "n2", "n3", ":4"])


if __name__ == "__main__":
    unittest.main()
