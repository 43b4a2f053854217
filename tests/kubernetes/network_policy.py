"""NetworkPolicy as policy engines of netfilter make it: stateful rules in FORWARD, by pods' addresses."""
import cluster
from services_lab import HOST_PORT, PORT, ServicesTest, url


def chain(program, pods, rules):
    """As kube-router and Calico do with iptables: a chain a direction, entered from FORWARD before all else."""
    lines = [f"{program} -N SX-POLICY", f"{program} -I FORWARD 1 {pods} -j SX-POLICY",
             f"{program} -A SX-POLICY -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN"]
    lines += [f"{program} -A SX-POLICY {rule}" for rule in rules]
    return "set -e\n" + "\n".join(lines)


def unchain(program, pods):
    return f"{program} -D FORWARD {pods} -j SX-POLICY; {program} -F SX-POLICY; {program} -X SX-POLICY"


def dropped(listing):
    """Packets that DROP rules of `iptables -vnL` counted."""
    return sum(int(line.split()[0]) for line in listing.splitlines() if " DROP " in line)


class NetworkPolicies(ServicesTest):
    def iptables(self, family):
        return "ip6tables" if family == 6 else "iptables"

    def enforce(self, node, family, pods, rules):
        program = self.iptables(family)
        self.cluster.on(node, "sh", "-c", chain(program, pods, rules))
        self.addCleanup(self.cluster.on, node, "sh", "-c", unchain(program, pods))

    def test_ingress_is_allowed_by_the_clients_address(self):
        for family in self.lab.families:
            far, client = self.lab.pods["far"][family], self.lab.pods["client"][family]
            direct, service = url(far, PORT), self.lab.service_url("far", family)
            self.expect("near", {direct: ("far", None)})
            self.enforce("worker2", family, f"-d {far}",
                         [f"-s {client} -p tcp --dport {PORT} -j RETURN", "-j DROP"])
            # By the Service too: its translation is done, and the pod still comes as itself.
            self.expect("client", {direct: ("far", client), service: ("far", client)})
            self.expect("near", {direct: None, service: None})
            self.assertGreater(dropped(self.cluster.on("worker2", self.iptables(family), "-vnL", "SX-POLICY")), 0)

    def test_egress_is_denied_to_one_pod(self):
        for family in self.lab.families:
            near, far = self.lab.pods["near"][family], self.lab.pods["far"][family]
            host = self.lab.nodes["worker2"][family]
            self.enforce("worker1", family, f"-s {near}",
                         [f"-d {host} -p tcp --dport {HOST_PORT} -j RETURN", "-j DROP"])
            self.expect("near", {url(far, PORT): None, self.lab.service_url("far", family): None,
                                 url(host, HOST_PORT): ("host", near)})
            client = self.lab.pods["client"][family]
            # Its replies are of connections that others opened.
            self.expect("client", {url(far, PORT): ("far", client), url(near, PORT): ("near", client)})

    def test_a_policy_of_nftables_for_both_families_and_a_hostnetwork_pod(self):
        """A host endpoint: pods come to other nodes with their own address, so INPUT can tell them apart."""
        client, near = self.lab.pods["client"], self.lab.pods["near"]
        rules = "".join(f"  {'ip6' if family == 6 else 'ip'} saddr {near[family]} tcp dport {HOST_PORT} counter name denied drop\n"
                        for family in self.lab.families)
        self.nft(f"table inet sx_policy {{\n counter denied {{}}\n chain input {{\n"
                 f"  type filter hook input priority 0; policy accept;\n  ct state established,related accept\n"
                 f"{rules} }}\n}}\n")
        self.addCleanup(self.nft, "delete table inet sx_policy\n")
        for family in self.lab.families:
            each = url(self.lab.nodes["worker2"][family], HOST_PORT)
            service = self.lab.service_url("host", family)
            self.expect("client", {each: ("host", client[family]), service: ("host", client[family])})
            self.expect("near", {each: None, service: None})

    def nft(self, script):
        cluster.run(*self.cluster.node_command("worker2", "nft", "-f", "-"), data=script)
