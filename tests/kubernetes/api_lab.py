"""A small lab for faults of the API server: the basic testbed, whose worker1 takes its objects from a real API server.

etcd, the API server and a proxy before it run in worker1's network namespace, so nothing but the faults is between them and
the agent. The objects are those that the testbed's other agents read from files: taking the API server's in their place
changes nothing in the kernel, and the agent's pods go on.
"""
import base64
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

from cluster import SOURCE, run, until

AGENT, API, PROXY = "worker1", 6443, 7443
ETCD = ("http://127.0.0.1:2379", "http://127.0.0.1:2380")


class Authority:
    """A certificate authority in a folder."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.cert, self.key = folder / f"{name}.crt", folder / f"{name}.key"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.cert)

    def issue(self, name):
        """(certificate, key) of a server on 127.0.0.1"""
        cert, key, request = (self.folder / f"{name}.{each}" for each in ("crt", "key", "csr"))
        extension = self.folder / f"{name}.ext"
        extension.write_text("subjectAltName=IP:127.0.0.1\n")
        run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
            "-keyout", key, "-out", request)
        run("openssl", "x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self.key, "-CAcreateserial", "-days", "2",
            "-extfile", extension, "-out", cert)
        return cert, key


class Lab:
    def __init__(self, programs, kubernetes):
        self.programs, self.kubernetes = programs, kubernetes
        self.name = f"kf{os.getpid()}"
        self.state = pathlib.Path(f"/run/sextant-testbed/{self.name}")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sextant-api-faults-"))
        self.processes = {}

    # ---- Up and down

    def up(self):
        run(self.programs / "sextant", "testbed", "basic", "up", "--name", self.name, "--pods", 1)
        self.authority = Authority(self.folder, "ca")
        self.identity = self.authority.issue("server")
        self.trust(self.authority)
        self.start("etcd", shutil.which("etcd"), "--data-dir", self.folder / "etcd", "--unsafe-no-fsync",
                   "--listen-client-urls", ETCD[0], "--advertise-client-urls", ETCD[0], "--listen-peer-urls", ETCD[1],
                   "--initial-advertise-peer-urls", ETCD[1], "--initial-cluster", f"default={ETCD[1]}", "--log-level=error")
        (self.folder / "tokens.csv").write_text('secret,agent,agent,"system:masters"\n')
        run("openssl", "genrsa", "-out", self.folder / "accounts.key", 2048)
        self.start_api()
        self.start_proxy("pass")
        self.apply_objects()
        self.replace_agent()

    def down(self):
        for name in list(self.processes):
            self.stop(name, signal.SIGKILL)
        run(self.programs / "sextant", "testbed", "basic", "down", "--name", self.name, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def inside(self, *words):
        return ["nsenter", f"--net=/run/netns/sx-{self.name}-{AGENT}", *map(str, words)]

    def start(self, name, *words):
        log = open(self.folder / f"{name}.log", "a", encoding="utf-8")  # pylint: disable=consider-using-with
        self.processes[name] = subprocess.Popen(self.inside(*words), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        log.close()

    def stop(self, name, with_signal=signal.SIGTERM):
        process = self.processes.pop(name)
        process.send_signal(with_signal)
        process.wait(timeout=60)

    # ---- The API server

    def start_api(self):
        self.start("api", self.kubernetes / "kube-apiserver", "--etcd-servers", ETCD[0], "--bind-address=127.0.0.1",
                   "--advertise-address=192.0.2.1", f"--secure-port={API}", "--endpoint-reconciler-type=none",
                   f"--tls-cert-file={self.identity[0]}", f"--tls-private-key-file={self.identity[1]}",
                   f"--token-auth-file={self.folder}/tokens.csv", "--authorization-mode=RBAC",
                   "--service-account-issuer=https://test", f"--service-account-signing-key-file={self.folder}/accounts.key",
                   f"--service-account-key-file={self.folder}/accounts.key", "--service-cluster-ip-range=10.96.0.0/16",
                   "--feature-gates=IPv6DualStack=true")  # of 1.20: else it cuts podCIDRs to one family
        until(self.is_ready, "the API server is ready", timeout=120)

    def stop_api(self):
        self.stop("api", signal.SIGKILL)

    def is_ready(self):
        return run(*self.inside("curl", "-sk", "-H", "Authorization: Bearer secret", f"https://127.0.0.1:{API}/readyz"),
                   check=False).stdout == "ok"

    def kubectl(self, *words, data=None, check=True):
        """Past the proxy."""
        return run(*self.inside(self.kubernetes / "kubectl", "--server", f"https://127.0.0.1:{API}", "--token=secret",
                                "--insecure-skip-tls-verify", "--cache-dir", self.folder / "kubectl", *words),
                   data=data, check=check)

    def apply(self, item):
        self.kubectl("apply", "-f", "-", data=json.dumps(item))

    def etcd(self, call, **values):
        """One call of etcd's JSON gateway."""
        return json.loads(run(*self.inside("curl", "-sf", f"{ETCD[0]}/v3/kv/{call}", "-d", json.dumps(values))))

    def forget(self, key):
        """Deletes a key behind the API server's back and compacts the history: who resumes is told 410."""
        coded = base64.b64encode(key.encode()).decode()
        deleted = self.etcd("deleterange", key=coded)
        assert deleted.get("deleted") == "1", f"{key} is not in etcd: {deleted}"
        self.etcd("compaction", revision=deleted["header"]["revision"], physical=True)

    # ---- The proxy

    def start_proxy(self, mode, identity=None):
        """In place of the one that runs: all connections end."""
        if "proxy" in self.processes:
            self.stop("proxy", signal.SIGKILL)
        log = self.folder / "proxy.log"
        before = len(log.read_text()) if log.exists() else 0
        cert, key = identity or self.identity
        self.start("proxy", sys.executable, pathlib.Path(__file__).with_name("api_proxy.py"), PROXY, API, cert, key, mode)
        until(lambda: "ready" in log.read_text()[before:], "the proxy listens")

    def trust(self, authority):
        """The agent's certificate-authority, replaced as kubelet replaces a pod's ca.crt: by a rename."""
        fresh = self.folder / "trusted.new"
        fresh.write_text(authority.cert.read_text())
        fresh.rename(self.folder / "trusted.crt")

    # ---- The agent

    def apply_objects(self):
        for crd in ("srv6nodes", "srv6policies", "srv6locators"):
            self.kubectl("apply", "-f", SOURCE / f"deploy/crds/{crd}.sextant.dev.yaml")
        self.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
        for namespace in ("calico-vpp-dataplane", "sextant-system"):
            self.kubectl("create", "namespace", namespace)
        self.kubectl("apply", "-f", self.state / "manifests")
        # apply does not write a Node's status, which is a subresource.
        text = self.kubectl("create", "--dry-run=client", "-o", "json", "-f", self.state / "manifests/nodes.yaml")
        decoder, at = json.JSONDecoder(), 0
        while at < len(text.rstrip()):
            node, end = decoder.raw_decode(text[at:].lstrip())
            at += end + len(text[at:]) - len(text[at:].lstrip())
            for each in node.get("items", [node]):
                patch = {"status": {"addresses": each["status"]["addresses"]}}
                run(*self.inside("curl", "-skf", "-X", "PATCH", "-H", "Authorization: Bearer secret", "-H",
                                 "Content-Type: application/merge-patch+json", "-d", json.dumps(patch),
                                 f"https://127.0.0.1:{API}/api/v1/nodes/{each['metadata']['name']}/status"))

    def replace_agent(self):
        """The testbed's agent of the node gives way to one that reads from the API server."""
        (self.folder / "token").write_text("secret\n")
        config = {"clusters": [{"name": "c", "cluster": {"server": f"https://127.0.0.1:{PROXY}",
                                                         "certificate-authority": "trusted.crt"}}],
                  "users": [{"name": "u", "user": {"tokenFile": "token"}}],
                  "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}], "current-context": "x"}
        (self.folder / "kubeconfig").write_text(json.dumps(config))
        old = int((self.state / f"{AGENT}.pid").read_text().split()[0])
        os.kill(old, signal.SIGTERM)
        until(lambda: not pathlib.Path(f"/proc/{old}").exists(), "the other agent ends")
        self.start("agent", self.programs / "sextantd", "--node", AGENT, "--kubeconfig", self.folder / "kubeconfig",
                   "--socket", self.state / f"{AGENT}.sock")
        until(lambda: self.ask("/healthz"), "the agent is healthy", timeout=60)

    def ask(self, path):
        """GET of the agent's API: the text, None where it does not answer with 200."""
        connection = http.client.HTTPConnection("localhost", timeout=5)
        connection.sock = socket.socket(socket.AF_UNIX)
        try:
            connection.sock.connect(str(self.state / f"{AGENT}.sock"))
            connection.request("GET", path)
            answer = connection.getresponse()
            text = answer.read().decode()
            return text if answer.status == 200 else None
        except OSError:
            return None
        finally:
            connection.close()

    def knows(self, policy):
        return f'"{policy}"' in (self.ask("/v1/policies") or "") or f"/{policy}" in (self.ask("/v1/policies") or "")

    def log(self, name="agent"):
        path = self.folder / f"{name}.log"
        return path.read_text() if path.exists() else ""

    # ---- Traffic

    def pod(self, node):
        return f"/run/netns/sx-{self.name}-pod-{node}-1"

    def pod_address(self, node, family):
        words = ["nsenter", f"--net={self.pod(node)}", "ip", "-j", f"-{family}", "addr", "show", "scope", "global"]
        return json.loads(run(*words))[0]["addr_info"][0]["local"]
