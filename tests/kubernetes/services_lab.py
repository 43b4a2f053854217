"""What the tests of Services share: pods that answer with their name and with whom they see, Services before them, a
machine outside of the cluster, and fetching from all of these.

Backends: `near` on worker1, `far` on worker2, `host` on worker2's own network. Clients: the pod `client` on worker1, the
nodes, and the machine `outside`, which is on the nodes' link, knows nodes' addresses only, and is their default gateway.
"""
import atexit
import subprocess

import cluster
from cluster import run, until

PORT = 8080       # of backends that are pods
HOST_PORT = 8082  # of the backend on a node's own network
OUTSIDE = {4: "192.168.10.99", 6: "fd10::99"}
OUTSIDE_PORT = 8090
POOLS = {4: "172.16.0.0/16", 6: "fdfb:af47:32af::/48"}

# busybox' httpd runs this. REMOTE_ADDR is "[::ffff:10.0.0.1]" or "[fd00::1]": the socket takes both families.
# What a POST brings is counted.
WHO = ('#!/bin/sh\necho\nlength=$(busybox head -c "${CONTENT_LENGTH:-0}" | busybox wc -c)\n'
       'echo "$(busybox hostname) $REMOTE_ADDR $length"\n')


def web_script(port, name="$(busybox hostname)"):
    """A shell script that answers HTTP requests for /cgi-bin/who with its name and the client's address."""
    who = WHO.replace("$(busybox hostname)", name)
    return (f"busybox mkdir -p /tmp/www/cgi-bin; printf %s '{who}' >/tmp/www/cgi-bin/who; "
            f"busybox chmod 755 /tmp/www/cgi-bin/who; exec busybox httpd -f -p {port} -h /tmp/www")


def url(address, port):
    return f"http://[{address}]:{port}/cgi-bin/who" if ":" in address else f"http://{address}:{port}/cgi-bin/who"


def fetch_script(urls):
    """All at once; a line each: the URL's number, and what was answered (nothing where nothing was)."""
    one = "fetch() { echo \"$1 $(busybox timeout 4 busybox wget -q -O - \"$2\" 2>/dev/null)\"; }\n"
    return one + "".join(f"fetch {number} '{each}' &\n" for number, each in enumerate(urls)) + "wait\n"


def answers(output, urls):
    """{url: (name, address of the client as the backend saw it), or None}"""
    result = dict.fromkeys(urls)
    for line in output.splitlines():
        words = line.split()
        if len(words) == 4:
            result[urls[int(words[0])]] = (words[1], words[2].strip("[]").removeprefix("::ffff:"))
    return result


class Lab:
    """One a cluster: `Lab.of(cluster)`."""
    labs = {}

    @classmethod
    def of(cls, where):
        if where not in cls.labs:
            cls.labs[where] = cls(where)
        return cls.labs[where]

    def __init__(self, where):
        self.cluster = where
        self.families = [6 if ":" in cidr else 4
                         for cidr in where.get("node", "worker1")["spec"]["podCIDRs"]]
        where.apply(*self.backends(), *(self.service(each) for each in ("near", "far", "host")),
                    self.service("local", "far", externalTrafficPolicy="Local"), self.service("both", "pods"))
        self.outside, self.server = where.netns("outside"), None
        self.make_outside()
        where.wait_pods_ready("near", "far", "host", "client")
        self.pods = {name: where.pod_ips(name) for name in ("near", "far", "client")}
        self.nodes = {}
        for item in where.get("nodes")["items"]:
            addresses = [each["address"] for each in item["status"]["addresses"] if each["type"] == "InternalIP"]
            self.nodes[item["metadata"]["name"]] = {6 if ":" in each else 4: each for each in addresses}
        self.services, self.node_ports = {}, {}
        for name in ("near", "far", "host", "local", "both"):
            spec = where.get("service", name)["spec"]
            self.services[name] = {6 if ":" in ip else 4: ip for ip in spec["clusterIPs"]}
            self.node_ports[name] = spec["ports"][0]["nodePort"]
        for name in self.services:
            for family in self.families:
                until(lambda at=name, of=family: self.fetch_all("client", [self.service_url(at, of)]).popitem()[1],
                      f"Service {name} answers over IPv{family}")

    # ---- Objects

    def backends(self):
        pod = self.cluster.pod
        probe = {"httpGet": {"path": "/cgi-bin/who", "port": PORT}, "periodSeconds": 1}
        objects = []
        for name, node in (("near", "worker1"), ("far", "worker2")):
            each = pod(name, node, web_script(PORT))
            each["metadata"]["labels"]["tier"] = "pods"
            each["spec"]["containers"][0]["readinessProbe"] = probe
            objects.append(each)
        objects.append(pod("host", "worker2", web_script(HOST_PORT, "host"), hostNetwork=True))
        objects.append(pod("client", "worker1"))
        return objects

    def service(self, name, backend=None, **more):
        backend = backend or name
        selector = {"tier": "pods"} if backend == "pods" else {"app": backend}
        port = HOST_PORT if backend == "host" else PORT
        spec = {"selector": selector, "type": "NodePort", "ports": [{"port": 80, "targetPort": port}], **more}
        if len(self.families) == 2:
            spec["ipFamilyPolicy"] = "RequireDualStack"
        return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}

    def service_url(self, name, family):
        return url(self.services[name][family], 80)

    def node_port_url(self, node, name, family):
        return url(self.nodes[node][family], self.node_ports[name])

    # ---- The machine outside

    def make_outside(self):
        """A machine on the nodes' link that serves OUTSIDE_PORT. It is the nodes' default gateway: without a route to
        Services' addresses, a node's own packets would never come to their translation."""
        switch = self.cluster.netns("switch")
        name = self.outside
        self.remove_outside()
        run("ip", "netns", "add", name)
        atexit.register(self.remove_outside)  # of a cluster that stays up
        self.cluster.before_down.append(self.remove_outside)
        for words in (f"-n {switch} link add to-outside type veth peer name eth0 netns {name}",
                      f"-n {switch} link set to-outside master bridge up", f"-n {name} link set lo up",
                      f"-n {name} link set eth0 up", f"-n {name} address add {OUTSIDE[4]}/24 dev eth0",
                      f"-n {name} address add {OUTSIDE[6]}/64 dev eth0 nodad"):
            run("ip", *words.split())
        for node in self.cluster.nodes():
            for gateway in OUTSIDE.values():
                run("ip", "-n", self.cluster.netns(node), "route", "replace", "default", "via", gateway)
        self.server = subprocess.Popen(["nsenter", f"--net=/run/netns/{name}", "unshare", "--mount", "sh", "-c",
                                        "mount -t tmpfs tmpfs /tmp; " + web_script(OUTSIDE_PORT, "outside")])
        until(lambda: self.fetch("outside", url(OUTSIDE[4], OUTSIDE_PORT)), "the machine outside")

    def remove_outside(self):
        if self.server:
            self.server.kill()
            self.server.wait()
            self.server = None
        run("ip", "netns", "del", self.outside, check=False)

    # ---- Traffic

    def fetch_all(self, source, urls):
        """From a pod, a node, or `outside`: {url: (name, address seen), or None where there was no answer}"""
        script = fetch_script(urls)
        if source == "outside":
            output = run("nsenter", f"--net=/run/netns/{self.outside}", "sh", "-c", script)
        elif source in self.nodes:
            output = self.cluster.on(source, "sh", "-c", script)
        else:
            output = self.cluster.execute(source, "sh", "-c", script)
        return answers(output, urls)

    def fetch(self, source, each):
        return self.fetch_all(source, [each])[each]


class ServicesTest(cluster.ClusterTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab = Lab.of(cls.cluster)

    def expect(self, source, wanted):
        """`wanted`: {url: (name, address that the backend sees, or None for any)}; None: no answer."""
        got = self.lab.fetch_all(source, list(wanted))
        for each, want in wanted.items():
            with self.subTest(source=source, url=each):
                if want is None:
                    self.assertIsNone(got[each])
                    continue
                self.assertIsNotNone(got[each], "no answer")
                name, seen = got[each]
                self.assertEqual(name, want[0])
                if want[1]:
                    self.assertEqual(seen, want[1], "the address that the backend sees")
