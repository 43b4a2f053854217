#!/usr/bin/python3
"""deploy_test.py BIN_DIR: deploy/ against a real API server, without nodes.

etcd and kube-apiserver run in a network namespace of the test's own. Every overlay is built, applied twice and deleted with
Kubernetes' own kubectl (1.20 has kustomize 2.0.3), and built the same by the machine's. RBAC is asked for what
the agent does and for what it must not. `sextant cni install` waits for a Node's podCIDRs as an init container does.
Exit status 77: skipped.
"""
import base64
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import yaml

SOURCE = pathlib.Path(__file__).resolve().parents[2]
OVERLAYS = ["standalone", "calico", "calico-vpp", "full-testbed", "bgp"]
ADDRESS = "10.77.0.1"
AGENT = "system:serviceaccount:sextant-system:sextant"


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def kubernetes():
    """The folder with the API server, as `./run kubernetes` made it."""
    given = os.environ.get("SEXTANT_KUBERNETES")
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "sextant"
    folders = [pathlib.Path(given)] if given else sorted(cache.glob("kubernetes-[0-9]*"), key=lambda each: each.stat().st_mtime)
    folders = [each for each in folders if (each / "kube-apiserver").exists()]
    return folders[-1] if folders else None


def comparable(value):
    """Without empty maps, and with a container's mounts in one order."""
    if isinstance(value, list):
        return [comparable(each) for each in value]
    if not isinstance(value, dict):
        return value
    result = {key: comparable(each) for key, each in value.items() if each != {}}
    if "volumeMounts" in result:
        result["volumeMounts"].sort(key=lambda each: each["mountPath"])
    return result


class ApiServer:
    """etcd and kube-apiserver in a namespace; all of it goes with this object."""

    def __init__(self, work, programs):
        self.work, self.programs, self.name = work, programs, f"sx-deploy{os.getpid()}"
        self.processes = []
        self.run("ip", "netns", "add", self.name)
        self.run("ip", "-n", self.name, "address", "add", ADDRESS + "/32", "dev", "lo")
        self.run("ip", "-n", self.name, "link", "set", "lo", "up")
        self.run("openssl", "genrsa", "-out", work / "sa.key", "2048")
        (work / "tokens").write_text("admin,admin,1,system:masters\n")
        self.start("etcd", "--data-dir", work / "etcd", "--unsafe-no-fsync")
        self.start(programs / "kube-apiserver", "--etcd-servers=http://127.0.0.1:2379", f"--cert-dir={work}/pki",
                   f"--bind-address={ADDRESS}", f"--advertise-address={ADDRESS}", "--authorization-mode=Node,RBAC",
                   f"--token-auth-file={work}/tokens", f"--service-account-key-file={work}/sa.key",
                   f"--service-account-signing-key-file={work}/sa.key", "--service-account-issuer=https://sextant.test",
                   "--service-cluster-ip-range=10.96.0.0/16", "--allow-privileged", "--feature-gates=IPv6DualStack=true",
                   "--disable-admission-plugins=ServiceAccount")
        self.config = work / "kubeconfig"
        self.await_ready()

    @staticmethod
    def run(*command, **more):
        done = subprocess.run([str(each) for each in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                              **more)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, command))}: {done.stdout}")
        return done.stdout

    def inside(self, *command):
        return ["ip", "netns", "exec", self.name, *[str(each) for each in command]]

    def start(self, *command):
        with open(self.work / f"{pathlib.Path(str(command[0])).name}.log", "wb") as log:
            self.processes.append(subprocess.Popen(self.inside(*command), stdout=log, stderr=subprocess.STDOUT, cwd=self.work))

    def write_config(self):
        # The self-signed certificate is its own authority.
        authority = base64.b64encode((self.work / "pki/apiserver.crt").read_bytes()).decode()
        self.config.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": f"https://{ADDRESS}:6443", "certificate-authority-data": authority}}],
            "users": [{"name": "u", "user": {"token": "admin"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}]}))

    def await_ready(self):
        end = time.monotonic() + 120
        while time.monotonic() < end:
            if self.processes[1].poll() is not None:
                raise RuntimeError("kube-apiserver ended: " + (self.work / "kube-apiserver.log").read_text()[-2000:])
            if (self.work / "pki/apiserver.crt").exists():
                self.write_config()
                done = subprocess.run(self.inside(self.programs / "kubectl", f"--kubeconfig={self.config}", "get", "--raw", "/readyz"),
                                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
                if done.returncode == 0:
                    return
            time.sleep(0.2)  # nothing announces that an API server is ready
        raise RuntimeError("kube-apiserver is not ready after 120 s")

    def kubectl(self, *arguments, program=None, fails=False, text=None):
        """Its standard output; with `fails`, its standard error, of a command that must fail."""
        done = subprocess.run(self.inside(program or self.programs / "kubectl", f"--kubeconfig={self.config}", *arguments),
                              input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        if (done.returncode != 0) != fails:
            raise RuntimeError(f"kubectl {' '.join(map(str, arguments))}: {done.returncode} {done.stderr}{done.stdout}")
        return done.stderr if fails else done.stdout

    def stop(self):
        for process in reversed(self.processes):
            process.send_signal(signal.SIGKILL)
            process.wait()
        subprocess.run(["ip", "netns", "delete", self.name], check=False)


class DeployTest(unittest.TestCase):
    server, programs, work = None, None, None

    @classmethod
    def setUpClass(cls):
        cls.work = pathlib.Path(tempfile.mkdtemp(prefix="sextant-deploy-"))
        try:
            cls.server = ApiServer(cls.work, kubernetes())
        except Exception:
            cls.tearDownClass()
            raise

    @classmethod
    def tearDownClass(cls):
        if cls.server:
            cls.server.stop()
        shutil.rmtree(cls.work, ignore_errors=True)

    def kubectls(self):
        """One for each version of kustomize."""
        yield "own", self.server.programs / "kubectl"
        other = shutil.which("kubectl")
        if other and not os.path.samefile(other, self.server.programs / "kubectl"):
            yield "machine's", other

    def built(self, overlay, program):
        text = subprocess.run([str(program), "kustomize", str(SOURCE / "deploy/overlays" / overlay)], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True, check=True).stdout
        return {(each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"]): each
                for each in yaml.safe_load_all(text)}

    def drop_namespace(self, name):
        """No controller manager runs here, which would empty it."""
        found = self.server.kubectl("get", "namespace", name, "--ignore-not-found", "-o", "json")
        if found:
            body = json.loads(found)
            body["spec"]["finalizers"] = []
            self.server.kubectl("replace", "--raw", f"/api/v1/namespaces/{name}/finalize", "-f", "-", text=json.dumps(body))

    def test_every_overlay_is_applied_and_deleted(self):
        for label, program in self.kubectls():
            # They build the same, see below: the second one need not try all.
            for overlay in OVERLAYS if label == "own" else ["full-testbed"]:
                with self.subTest(kubectl=label, overlay=overlay):
                    folder = SOURCE / "deploy/overlays" / overlay
                    if overlay == "calico-vpp":  # its namespace is Calico-VPP's
                        self.server.kubectl("create", "namespace", "calico-vpp-dataplane")
                    first = self.server.kubectl("apply", "-k", folder, program=program)
                    self.assertIn("daemonset.apps/sextant created", first)
                    again = self.server.kubectl("apply", "-k", folder, program=program)
                    self.assertNotIn("created", again)
                    self.assertIn("daemonset.apps/sextant unchanged", again)
                    if overlay == "full-testbed":
                        self.apply_the_papers_pools(folder / "pools", program)
                    removed = self.server.kubectl("delete", "--wait=false", "-k", folder, program=program)
                    self.assertIn('daemonset.apps "sextant" deleted', removed)
                    if overlay == "calico-vpp":
                        self.assertNotIn('"calico-vpp-dataplane" deleted', removed, "it stays: it is not ours")
                        self.server.kubectl("delete", "--wait=false", "namespace", "calico-vpp-dataplane")
                    for name in ("sextant-system", "calico-vpp-dataplane"):
                        self.drop_namespace(name)
                    for kind in ("clusterroles", "clusterrolebindings", "customresourcedefinitions"):
                        self.assertNotIn("sextant", self.server.kubectl("get", kind, "-o", "name"))

    def apply_the_papers_pools(self, folder, program):
        self.server.kubectl("wait", "--for=condition=established", "crd/ippools.crd.projectcalico.org")
        self.assertIn("sr-policies-pool created", self.server.kubectl("apply", "-k", folder, program=program))
        pools = self.server.kubectl("get", "ippools.crd.projectcalico.org", "-o", "jsonpath={.items[*].spec.cidr}")
        self.assertEqual(pools.split(), ["fcdd:0:0:aa::/64", "fcdd:0:0:11aa::/64", "fcdd:0:0:12aa::/64", "cafe::/118"])
        self.server.kubectl("delete", "-k", folder, program=program)

    def test_both_kustomizes_build_the_same(self):
        kubectls = list(self.kubectls())
        if len(kubectls) < 2:
            self.skipTest("there is only one kubectl")
        for overlay in OVERLAYS:
            shapes = []
            for _, program in kubectls:
                objects = self.built(overlay, program)
                hashed = [name for kind, _, name in objects if kind == "ConfigMap" and name.startswith(("sextant-options-", "sextant-bgp-"))]
                self.assertEqual(len(hashed), 2 if overlay == "bgp" else 1)
                # The two versions compute other hashes, and order what is merged by another rule.
                text = json.dumps(list(objects.values()))
                for name in hashed:
                    text = text.replace(name, name.rsplit("-", 1)[0] + "-HASH")
                shapes.append(comparable(json.loads(text)))
                shapes[-1].sort(key=lambda each: (each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"]))
            self.maxDiff = None
            self.assertEqual(*shapes, overlay)

    def test_a_component_says_in_a_field_what_the_annotation_says_of_apparmor(self):
        kubectls = list(self.kubectls())
        if len(kubectls) < 2:
            self.skipTest("Kubernetes' own kubectl is too old for components, and there is no other")
        program, folder = kubectls[-1][1], self.work / "with-apparmor"
        folder.mkdir()
        (folder / "kustomization.yaml").write_text(json.dumps({
            "resources": [os.path.relpath(SOURCE / "deploy/overlays/standalone", folder)],
            "components": [os.path.relpath(SOURCE / "deploy/components/apparmor", folder)]}))
        wanted = self.built("standalone", program)
        template = wanted["DaemonSet", "sextant-system", "sextant"]["spec"]["template"]
        self.assertEqual(template["metadata"]["annotations"]["container.apparmor.security.beta.kubernetes.io/sextantd"], "unconfined")
        template["spec"]["containers"][0]["securityContext"]["appArmorProfile"] = {"type": "Unconfined"}
        self.assertEqual(self.built(folder, program), wanted)

    def test_kubectl_explains_every_field(self):
        def silent(path, schema):
            fields = {f"{path}.{name}": each for name, each in schema.get("properties", {}).items()}
            if "items" in schema:
                yield from silent(path, schema["items"])
            for name, each in fields.items():
                if not each.get("description"):
                    yield name
                yield from silent(name, each)

        for file in sorted((SOURCE / "deploy/crds").glob("srv6*.yaml")):
            definition = yaml.safe_load(file.read_text())
            schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
            for part in ("spec", "status"):
                self.assertEqual(list(silent(part, schema["properties"].get(part, {}))), [], file.name)
        self.server.kubectl("apply", "-k", SOURCE / "deploy/crds")
        try:
            self.server.kubectl("wait", "--for=condition=established", "crd/srv6policies.sextant.dev")
            field = "srp.spec.candidatePaths.segmentLists.weight"
            end = time.monotonic() + 30  # the API server publishes a definition some seconds after it serves it
            while not (told := self.explained(field)) and time.monotonic() < end:
                time.sleep(0.2)
            self.assertIn("share of the flows", told)
        finally:
            self.server.kubectl("delete", "-k", SOURCE / "deploy/crds")

    def explained(self, field):
        """Empty while the API server does not know it."""
        command = self.server.inside(self.server.programs / "kubectl", f"--kubeconfig={self.server.config}", "explain", field)
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout

    def refused(self, questions):
        """Those of them that the agent may not: (verb, "resource.group/subresource", namespace, name)."""
        reviews = []
        for verb, resource, *place in questions:
            resource, _, subresource = resource.partition("/")
            resource, _, group = resource.partition(".")
            reviews.append({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "metadata": {}, "spec": {
                "user": AGENT, "groups": ["system:serviceaccounts", "system:serviceaccounts:sextant-system", "system:authenticated"],
                "resourceAttributes": {"verb": verb, "group": group, "resource": resource, "subresource": subresource,
                                       "namespace": place[0] if place else "", "name": place[1] if len(place) > 1 else ""}}})
        listed = {"apiVersion": "v1", "kind": "List", "items": reviews}
        told = self.server.kubectl("create", "-f", "-", "-o", "jsonpath={.status.allowed} ", text=json.dumps(listed))
        answers = told.split()
        self.assertEqual(len(answers), len(questions), told)
        return [question for question, answer in zip(questions, answers) if answer != "true"]

    def test_the_agent_may_what_it_does_and_no_more(self):
        self.server.kubectl("apply", "-k", SOURCE / "deploy/overlays/full-testbed")
        try:
            system, paper = "sextant-system", "calico-vpp-dataplane"
            leases = "leases.coordination.k8s.io"
            allowed = [
                ("get", "nodes"), ("list", "nodes"), ("watch", "nodes"), ("patch", "nodes"), ("patch", "nodes/status"),
                ("list", "srv6nodes.sextant.dev"), ("create", "srv6nodes.sextant.dev"), ("patch", "srv6nodes.sextant.dev"),
                ("patch", "srv6nodes.sextant.dev/status"), ("patch", "srv6policies.sextant.dev/status"),
                ("watch", "srv6policies.sextant.dev"), ("create", "srv6locators.sextant.dev"),
                ("watch", "ippools.crd.projectcalico.org"), ("watch", "configmaps", paper), ("create", leases, system),
                ("update", leases, system, "sextant-aggregator"), ("get", "daemonsets.apps", system, "sextant"),
                ("watch", "daemonsets.apps", system, "sextant"), ("get", "namespaces", "", system),
                ("watch", "namespaces", "", system), ("create", "events", "default"), ("patch", "events", "default"),
                ("create", "events", paper), ("patch", "events", paper)]
            forbidden = [
                ("delete", "nodes"), ("create", "nodes"), ("update", "nodes"), ("get", "secrets", system), ("list", "pods"),
                ("get", "configmaps", "kube-system"), ("list", "configmaps"), ("update", "configmaps", paper),
                ("create", "srv6policies.sextant.dev"), ("patch", "srv6policies.sextant.dev"), ("delete", "srv6policies.sextant.dev"),
                ("delete", "srv6nodes.sextant.dev"), ("patch", "ippools.crd.projectcalico.org"), ("get", leases, system, "other"),
                ("get", leases, "kube-system"), ("patch", leases, system, "sextant-aggregator"),
                ("get", "srv6nodes.sextant.dev/status"), ("patch", "daemonsets.apps", system, "sextant"),
                ("get", "daemonsets.apps", system, "other"), ("list", "daemonsets.apps", system), ("delete", "events", "default"),
                ("create", "events", "kube-system"), ("list", "events", "default"),
                ("get", "namespaces", "", "kube-system"), ("list", "namespaces"),
                ("impersonate", "users"), ("create", "pods/exec", system), ("escalate", "clusterroles.rbac.authorization.k8s.io"),
                ("*", "*.*")]
            self.assertEqual(self.refused(allowed), [])
            self.assertEqual(self.refused(forbidden), forbidden)
        finally:
            self.server.kubectl("delete", "--wait=false", "-k", SOURCE / "deploy/overlays/full-testbed")
            for name in ("sextant-system", "calico-vpp-dataplane"):
                self.drop_namespace(name)

    def test_with_bgp_the_agent_reads_the_one_secret_of_passwords(self):
        self.server.kubectl("apply", "-k", SOURCE / "deploy/overlays/bgp")
        try:
            system, passwords = "sextant-system", "sextant-bgp-passwords"
            allowed = [(verb, "secrets", system, passwords) for verb in ("get", "list", "watch")]
            allowed += [("watch", f"{plural}.crd.projectcalico.org") for plural in ("bgpconfigurations", "bgppeers", "bgpfilters")]
            forbidden = [("list", "secrets", system), ("get", "secrets", system, "other"), ("patch", "secrets", system, passwords),
                         ("get", "secrets", "kube-system", passwords), ("patch", "bgppeers.crd.projectcalico.org")]
            self.assertEqual(self.refused(allowed), [])
            self.assertEqual(self.refused(forbidden), forbidden)
        finally:
            self.server.kubectl("delete", "--wait=false", "-k", SOURCE / "deploy/overlays/bgp")
            self.drop_namespace("sextant-system")

    def test_cni_install_waits_for_the_nodes_pod_prefixes(self):
        programs, configs = self.work / "opt-cni-bin", self.work / "net.d"
        command = self.server.inside(sys.argv[1] + "/sextant", "cni", "install", "--node", "n1", "--kubeconfig", self.server.config,
                                     "--cni-bin-dir", programs, "--cni-conf-dir", configs, "--timeout", "60")
        waiting = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(waiting.stdout.close)
        self.addCleanup(waiting.stderr.close)
        try:
            said = ""
            while "there is no Node n1 yet" not in said:
                line = waiting.stdout.readline()
                self.assertTrue(line, "it ended: " + waiting.stderr.read() if not line else "")
                said += line
            self.assertFalse((configs / "10-sextant.conflist").exists(), "pods are started as soon as it is there")
            self.server.kubectl("create", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}}))
            begun = time.monotonic()
            self.server.kubectl("patch", "node", "n1", "-p", json.dumps(
                {"spec": {"podCIDR": "172.16.0.0/26", "podCIDRs": ["172.16.0.0/26", "fdfb:af47:32af::/122"]}}))
            rest, errors = waiting.communicate(timeout=30)
            self.assertEqual(waiting.returncode, 0, errors)
            self.assertLess(time.monotonic() - begun, 10, "told by a watch")
        finally:
            waiting.kill()
            waiting.wait()
        written = json.loads((configs / "10-sextant.conflist").read_text())
        self.assertEqual(written["plugins"][0]["ipam"]["ranges"],
                         [[{"subnet": "172.16.0.0/26"}], [{"subnet": "fdfb:af47:32af::/122"}]])
        self.assertIn("wrote", rest)
        again = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        self.assertNotIn("wrote", again)

    def test_cni_install_says_why_it_gives_up(self):
        command = self.server.inside(sys.argv[1] + "/sextant", "cni", "install", "--node", "nobody", "--kubeconfig", self.server.config,
                                     "--cni-bin-dir", self.work / "bin2", "--cni-conf-dir", self.work / "net2.d", "--timeout", "1")
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("there is no such Node within 1 s", done.stderr)


if __name__ == "__main__":
    if os.geteuid() != 0:
        skip("needs root, for a network namespace")
    if kubernetes() is None:
        skip("Kubernetes is not built: ./run kubernetes")
    if shutil.which("etcd") is None:
        skip("no etcd (Debian: etcd-server)")
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)
