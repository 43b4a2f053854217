"""What the control plane and kubelets want of the network: probes, exec, logs, port-forward, webhooks in pods."""
import base64
import ipaddress
import json
import pathlib
import socket
import subprocess
import tempfile

from cluster import run, until
from services_lab import PORT, ServicesTest, answers, fetch_script, url, web_script

# In a pod that sees this machine's Python. Denies what it is asked about, and says whom it sees.
WEBHOOK = """
import http.server, json, socket, ssl
class Review(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        message = "denied by a pod that sees " + self.client_address[0]
        answer = json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": {
            "uid": review["request"]["uid"], "allowed": False, "status": {"message": message}}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
server = Server(("::", 8443), Review)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/webhook/tls.crt", "/webhook/tls.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""


def certificate(names):
    """A self-signed certificate and its key, PEM."""
    with tempfile.TemporaryDirectory() as place:
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/CN=webhook", "-addext", "subjectAltName=" + ",".join(f"DNS:{each}" for each in names),
            "-keyout", f"{place}/key", "-out", f"{place}/crt")
        return pathlib.Path(place, "crt").read_text(), pathlib.Path(place, "key").read_text()


class Webhooks(ServicesTest):
    def test_the_api_server_reaches_a_webhook_in_a_pod(self):
        names = [f"webhook-ipv{family}" for family in self.lab.families]
        crt, key = certificate([f"{each}.default.svc" for each in names])
        pod = self.cluster.pod("webhook", "worker2")
        main = pod["spec"]["containers"][0]
        main["command"] = ["/usr/bin/python3", "-c", WEBHOOK]
        main["readinessProbe"] = {"tcpSocket": {"port": 8443}, "periodSeconds": 1}
        places = {"usr": "/usr", "lib": "/usr/lib", "lib64": "/usr/lib64"}
        main["volumeMounts"] = [{"name": name, "mountPath": f"/{name}", "readOnly": True} for name in places]
        main["volumeMounts"].append({"name": "webhook", "mountPath": "/webhook"})
        pod["spec"]["volumes"] = [{"name": name, "hostPath": {"path": place}} for name, place in places.items()]
        pod["spec"]["volumes"].append({"name": "webhook", "secret": {"secretName": "webhook"}})
        self.cluster.apply(
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "webhook"},
             "stringData": {"tls.crt": crt, "tls.key": key}}, pod,
            *({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
               "spec": {"selector": {"app": "webhook"}, "ports": [{"port": 443, "targetPort": 8443}],
                        "ipFamilies": [name.removeprefix("webhook-").replace("ipv", "IPv")]}} for name in names))
        self.addCleanup(self.cluster.delete, "pod/webhook", "secret/webhook", *(f"service/{each}" for each in names),
                        "--wait=false")
        self.cluster.wait_pods_ready("webhook")
        for name in names:
            with self.subTest(name):
                self.cluster.apply(self.configuration(name, crt))
                self.addCleanup(self.cluster.delete, "validatingwebhookconfiguration", name)
                until(lambda: "denied by a pod" in self.refusal(), "the webhook is asked", timeout=20)
                # The API server is a process of the master: it comes from the master's address in the overlay.
                seen = self.refusal().split("that sees ")[1].split()[0].removeprefix("::ffff:")
                self.assertEqual(seen, self.overlay_address("master", 6 if name.endswith("6") else 4))
                self.cluster.delete("validatingwebhookconfiguration", name)

    @staticmethod
    def configuration(name, crt):
        return {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
                "metadata": {"name": name}, "webhooks": [{
                    "name": f"{name}.sextant.dev", "admissionReviewVersions": ["v1"], "sideEffects": "None",
                    "failurePolicy": "Fail", "timeoutSeconds": 5,
                    "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"],
                               "resources": ["configmaps"]}],
                    "objectSelector": {"matchLabels": {"ask": "webhook"}},
                    "clientConfig": {"caBundle": base64.b64encode(crt.encode()).decode(),
                                     "service": {"namespace": "default", "name": name}}}]}

    def refusal(self):
        """What the API server says to an object that the webhook denies."""
        asked = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "asked-",
                                                                       "labels": {"ask": "webhook"}}}
        return self.cluster.kubectl("create", "-f", "-", data=json.dumps(asked), check=False).stderr

    def overlay_address(self, node, family):
        """The first address of its pod prefix."""
        cidrs = self.cluster.get("node", node)["spec"]["podCIDRs"]
        network = next(ipaddress.ip_network(each) for each in cidrs if (":" in each) == (family == 6))
        return str(network[1])


class KubectlIntoPods(ServicesTest):
    def test_exec_logs_and_port_forward(self):
        self.assertIn("far", self.cluster.execute("far", "hostname"))
        self.cluster.apply(self.cluster.pod("talker", "worker2", "echo a line of the log; sleep 600"))
        self.addCleanup(self.cluster.delete, "pod", "talker", "--wait=false")
        until(lambda: self.cluster.kubectl("logs", "talker", check=False).stdout == "a line of the log\n", "the log")
        command = [str(each) for each in self.cluster.kubectl_command("port-forward", "pod/far", f"18081:{PORT}")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as forward:
            try:
                self.assertIn("Forwarding from", forward.stdout.readline())
                each = url("127.0.0.1", 18081)
                got = answers(self.cluster.on("master", "sh", "-c", fetch_script([each])), [each])[each]
                self.assertEqual(got, ("far", "127.0.0.1"))
            finally:
                forward.terminate()


class Probes(ServicesTest):
    """kubelet's, from each node to its own pods: those of `near` and `far` made these pods Ready already."""

    def test_probes_tell_the_healthy_from_the_sick(self):
        every = {"periodSeconds": 1, "failureThreshold": 1, "timeoutSeconds": 3}
        web = {"httpGet": {"path": "/cgi-bin/who", "port": PORT}, **every}
        tcp, nobody = ({"tcpSocket": {"port": port}, **every} for port in (PORT, PORT + 1))
        shell = {"exec": {"command": ["busybox", "test", "-x", "/tmp/www/cgi-bin/who"]}, **every}
        patient = {"failureThreshold": 20}
        sound = {"healthy-http": {"readinessProbe": web, "livenessProbe": {**tcp, **patient}},
                 "healthy-tcp": {"readinessProbe": tcp, "livenessProbe": {**web, **patient}},
                 "healthy-exec": {"readinessProbe": shell, "startupProbe": {**web, **patient}}}
        sick = {"sick-ready": {"readinessProbe": nobody}, "sick-alive": {"livenessProbe": nobody}}
        pods = []
        for name, probes in {**sound, **sick}.items():
            each = self.cluster.pod(name, "worker1", web_script(PORT))
            each["spec"]["containers"][0].update(probes)
            pods.append(each)
        self.cluster.apply(*pods)
        self.addCleanup(self.cluster.delete, "pod", *sound, *sick, "--wait=false")
        self.cluster.wait_pods_ready(*sound)
        self.assertTrue(all(self.restarts(each) == 0 for each in sound))
        until(lambda: self.restarts("sick-alive") > 0, "kubelet restarts what does not answer")
        status = self.cluster.get("pod", "sick-ready")["status"]
        self.assertEqual((status["phase"], status["containerStatuses"][0]["ready"]), ("Running", False))

    def restarts(self, name):
        return self.cluster.get("pod", name)["status"].get("containerStatuses", [{}])[0].get("restartCount", 0)
