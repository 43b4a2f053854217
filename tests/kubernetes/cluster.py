"""What tests against a real Kubernetes cluster share: the cluster, kubectl, pods, nodes, waiting.

A test program ends with `cluster.main(__doc__)`, which is called as PROGRAM BIN_DIR [unittest's arguments]. Its test
cases are subclasses of ClusterTest; all of a program share one cluster, made for the first of them by `sextant testbed
cluster up` and taken down at the end, however that comes. With SEXTANT_CLUSTER=NAME in the environment they use that
cluster, which stays up: for writing a test without waiting for it. Exit status 77: skipped.

Streams and captures are in stream.py.
"""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
POD_IMAGE = "localhost/sextant-testbed-pod:1"
NAMESPACE = "sextant-system"  # of Sextant's own objects


class Failed(AssertionError):
    """A command that should have succeeded."""


def run(*command, data=None, check=True, timeout=120):
    """Standard output of a command; with check=False the whole result, whatever its status."""
    done = subprocess.run([str(each) for each in command], input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False, timeout=timeout)
    if not check:
        return done
    if done.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))}: status {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def until(condition, what, timeout=30, again=0.05):
    """Waits until condition() is true and returns it; an assertion of the condition counts as "not yet"."""
    end, last = time.monotonic() + timeout, None
    while True:
        try:
            value = condition()
            if value:
                return value
            last = value
        except AssertionError as error:
            last = error
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not after {timeout} s; last: {last}")
        time.sleep(again)


class Cluster:
    def __init__(self, bin_dir, name, options=()):
        self.bin, self.name, self.options = pathlib.Path(bin_dir), name, options
        self.details = None
        self.before_down = []  # functions that remove what a test has added to the cluster's machines

    def command(self, *words):
        """`sextant testbed cluster WORDS... --name NAME`"""
        return [self.bin / "sextant", "testbed", "cluster", *words, "--name", self.name]

    def up(self):
        print(run(*self.command("up"), *self.options, timeout=300), end="", flush=True)
        self.refresh()

    def refresh(self):
        """Processes and places, as they are now."""
        self.details = json.loads(run(*self.command("status"), "-o", "json"))

    def down(self):
        for each in self.before_down:
            each()
        run(*self.command("down"), check=False)

    # ---- kubectl

    def kubectl_command(self, *words):
        return ["nsenter", f"--net={self.netns_path('master')}", "env", f"KUBECONFIG={self.details['kubeconfig']}",
                f"KUBECACHEDIR={self.details['state']}/kubectl", "NO_PROXY=*", "no_proxy=*", self.details["kubectl"],
                *words]

    def kubectl(self, *words, data=None, check=True, timeout=120):
        """Standard output, as the administrator."""
        return run(*self.kubectl_command(*words), data=data, check=check, timeout=timeout)

    def get(self, *words):
        """Objects as Python's: get("node", "worker1"), get("pods", "-n", "x", "-l", "app=y")["items"]"""
        return json.loads(self.kubectl("get", *words, "-o", "json"))

    def apply(self, *objects):
        """Python objects, or text in YAML."""
        texts = [each for each in objects if isinstance(each, str)]
        items = [each for each in objects if not isinstance(each, str)]
        # kubectl reads JSON documents one after the other, but not with YAML's separator between them.
        texts += [json.dumps({"apiVersion": "v1", "kind": "List", "items": items})] if items else []
        return "".join(self.kubectl("apply", "-f", "-", data=each) for each in texts)

    def delete(self, *words):
        return self.kubectl("delete", "--ignore-not-found", *words)

    def patch(self, kind, name, patch, *words):
        return self.kubectl("patch", kind, name, "--type=merge", "--patch", json.dumps(patch), *words)

    # ---- Nodes

    def nodes(self):
        return list(self.details["nodes"])

    def netns_path(self, machine):
        """A node's or router's network namespace."""
        return f"/run/netns/{self.netns(machine)}"

    def netns(self, machine):
        return self.details["nodes"]["master"]["netns"].removesuffix("master") + machine

    def on(self, machine, *words, check=True):
        """Standard output of a command in the node's namespaces, or in the network namespace of a router."""
        return run(*self.command("exec"), machine, "--", *words, check=check)

    def node_command(self, node, *words):
        return [*map(str, self.command("exec")), node, "--", *words]

    def stop_node(self, node):
        run(*self.command("node", "stop"), node)

    def start_node(self, node):
        run(*self.command("node", "start"), node)
        self.refresh()

    def stop_daemon(self, node, daemon):
        run(*self.command("daemon", "stop"), node, daemon)

    def start_daemon(self, node, daemon):
        run(*self.command("daemon", "start"), node, daemon)
        self.refresh()

    def process(self, node, daemon):
        """Its process id; a node's programs are behind nsenter, whose id this is."""
        self.refresh()
        return next(each["process"] for each in self.details["daemons"]
                    if (each["node"], each["daemon"]) == (node, daemon))

    def wait_nodes_ready(self, *nodes, timeout=60):
        self.kubectl("wait", "--for=condition=Ready", "node", *(nodes or ["--all"]), f"--timeout={timeout}s")

    # ---- Pods

    def pod(self, name, node=None, script=None, **more):
        """A pod's object, of the image with busybox: sleeps, or runs the shell script. `more` goes into its spec."""
        command = ["/bin/sh", "-c", script or "trap 'exit 0' TERM; while :; do sleep 3600 & wait $!; done"]
        spec = {"terminationGracePeriodSeconds": 0, "enableServiceLinks": False,
                "containers": [{"name": "main", "image": POD_IMAGE, "imagePullPolicy": "Never", "command": command}]}
        if node:
            spec["nodeSelector"] = {"kubernetes.io/hostname": node}
        spec.update(more)
        return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}}, "spec": spec}

    def wait_pods_ready(self, *words, timeout=60):
        """wait_pods_ready("a", "b"), or wait_pods_ready("-l", "app=x")"""
        self.kubectl("wait", "--for=condition=Ready", "pod", *words, f"--timeout={timeout}s")

    def pod_ips(self, name, *words):
        """{4: address, 6: address}"""
        ips = [each["ip"] for each in self.get("pod", name, *words)["status"]["podIPs"]]
        return {6 if ":" in ip else 4: ip for ip in ips}

    def execute(self, pod, *words, check=True):
        """kubectl exec; through API server and kubelet, so about 0.2 s"""
        return self.kubectl("exec", pod, "--", *words, check=check)

    def ping(self, pod, address, count=1, wait=2):
        done = self.execute(pod, "ping", "-c", str(count), "-W", str(wait), address, check=False)
        return done.returncode == 0

    def fetch(self, pod, address, port=80):
        """The body of an HTTP answer, as seen from a pod; None where there is none."""
        script = f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 3 {address} {port}"
        done = self.execute(pod, "sh", "-c", script, check=False)  # its ends of lines are read as \n
        return done.stdout.partition("\n\n")[2].strip() if done.returncode == 0 and done.stdout else None

    def pod_process(self, name, namespace="default"):
        """A process of the pod, as the machine numbers it: for nsenter --net, /proc/PID/root."""
        uid = self.get("pod", name, "-n", namespace)["metadata"]["uid"]
        for each in pathlib.Path("/proc").glob("[0-9]*/cgroup"):
            try:
                if f"/pod{uid}/" in each.read_text():
                    return int(each.parent.name)
            except OSError:  # it has just ended
                continue
        raise Failed(f"no process of pod {name} ({uid}) runs on this machine")

    # ---- Sextant

    def agent_pods(self):
        """{node: name of its agent's pod}"""
        items = self.get("pods", "-n", NAMESPACE, "-l", "app.kubernetes.io/name=sextant")["items"]
        return {each["spec"]["nodeName"]: each["metadata"]["name"] for each in items}

    def agent_process(self, node):
        """The agent's own process as the machine numbers it; 0 where none runs."""
        for each in pathlib.Path("/proc").glob("[0-9]*/comm"):
            with contextlib.suppress(OSError):
                if each.read_text().strip() != "sextantd":
                    continue
                first = self.details["nodes"][node]["firstProcess"]
                if os.readlink(each.parent / "ns/net") == os.readlink(f"/proc/{first}/ns/net"):
                    return int(each.parent.name)
        return 0

    def logs(self, node):
        return self.kubectl("logs", "-n", NAMESPACE, self.agent_pods()[node], "--all-containers")

    def wait_rolled_out(self, timeout=120):
        self.kubectl("rollout", "status", "-n", NAMESPACE, "daemonset/sextant", f"--timeout={timeout}s")


class ClusterTest(unittest.TestCase):
    """Tests with a cluster. A class whose tests want another one sets OPTIONS, of `up`."""
    OPTIONS = ()
    cluster = None

    @classmethod
    def setUpClass(cls):
        cls.cluster = shared_cluster(cls.OPTIONS)

    def setUp(self):
        self.addCleanup(self._show_on_failure)

    def _show_on_failure(self):
        outcome = self._outcome.result
        if any(test is self for test, _ in outcome.failures + outcome.errors):
            print(self.cluster.kubectl("get", "nodes,pods", "-A", "-o", "wide", check=False).stdout, file=sys.stderr)
            print(self.cluster.kubectl("get", "events", "-A", "--sort-by=.lastTimestamp", check=False).stdout[-3000:],
                  file=sys.stderr)


BIN_DIR = None
CLUSTERS = {}  # options -> Cluster


def shared_cluster(options=()):
    options = tuple(options)
    if options not in CLUSTERS:
        for each in list(CLUSTERS):  # one at a time: a cluster takes a gigabyte
            CLUSTERS.pop(each).down()
        given = os.environ.get("SEXTANT_CLUSTER")
        made = Cluster(BIN_DIR, given or f"k{os.getpid()}", options)
        if given:
            made.down = lambda: None
        CLUSTERS[options] = made
        made.up()
    return CLUSTERS[options]


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def kubernetes_built():
    if os.environ.get("SEXTANT_KUBERNETES"):
        return True
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    return any(cache.glob("sextant/kubernetes-*/kube-apiserver"))


def main(usage):
    global BIN_DIR
    if len(sys.argv) < 2:
        sys.exit(usage)
    BIN_DIR = pathlib.Path(sys.argv.pop(1)).resolve()
    if os.geteuid() != 0:
        skip("needs root to make namespaces")
    if not kubernetes_built():
        skip("Kubernetes is not built: ./run kubernetes")
    for program, package in {"etcd": "etcd-server", "containerd": "containerd", "runc": "runc"}.items():
        if not shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin"):
            skip(f"needs {program} (Debian: {package})")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # ctest's time limit: clean up all the same
    try:
        unittest.main(module="__main__", verbosity=2)
    finally:
        for each in CLUSTERS.values():
            each.down()
