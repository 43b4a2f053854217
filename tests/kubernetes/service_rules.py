"""kube-proxy's rules by hand, in nftables: what its nftables mode (newer than the tests' kube-proxy) makes of Services.

The same hooks, priorities, chains and the packet mark 0x4000; a map from addresses and ports to a Service's chain, a
random choice among endpoints, masquerade for hairpins, for what is not a pod's, and for NodePorts.
"""

MARK = "meta mark set mark or 0x4000"


def target(address, port):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def ruleset(family, pool, services):
    """`services`: [{"name", "cluster_ip", "port", "node_port", "endpoints": [(address, port)], "local": None or those of
    this node}]"""
    ip = "ip6" if family == 6 else "ip"
    kind = "ipv6_addr" if family == 6 else "ipv4_addr"
    chains, addresses, ports = [], [], []
    for each in services:
        name = each["name"]

        def choose(endpoints, prefix):
            if not endpoints:
                return "drop"
            verdicts = ", ".join(f"{number} : goto {prefix}_{number}" for number in range(len(endpoints)))
            return f"numgen random mod {len(endpoints)} vmap {{ {verdicts} }}"

        for prefix, endpoints in ((f"ep_{name}", each["endpoints"]), (f"near_{name}", each["local"] or [])):
            for number, (address, port) in enumerate(endpoints):
                chains.append(f"chain {prefix}_{number} {{\n {ip} saddr {address} {MARK}\n"
                              f" meta l4proto tcp dnat to {target(address, port)}\n}}")
        chains.append(f"chain svc_{name} {{\n {ip} daddr {each['cluster_ip']} {ip} saddr != {pool} {MARK}\n"
                      f" {choose(each['endpoints'], f'ep_{name}')}\n}}")
        if each["local"] is None:
            chains.append(f"chain ext_{name} {{\n {MARK}\n goto svc_{name}\n}}")
        else:
            chains.append(f"chain ext_{name} {{\n {ip} saddr {pool} goto svc_{name}\n"
                          f" fib saddr type local {MARK}\n fib saddr type local goto svc_{name}\n"
                          f" {choose(each['local'], f'near_{name}')}\n}}")
        addresses.append(f"{each['cluster_ip']} . {each['port']} : goto svc_{name}")
        ports.append(f"{each['node_port']} : goto ext_{name}")
    newline = "\n"
    return f"""
table {ip} hand_made_services {{
{newline.join(chains)}
map service_ips {{ type {kind} . inet_service : verdict; elements = {{ {", ".join(addresses)} }} }}
map node_ports {{ type inet_service : verdict; elements = {{ {", ".join(ports)} }} }}
chain services {{
 meta l4proto tcp {ip} daddr . tcp dport vmap @service_ips
 meta l4proto tcp fib daddr type local tcp dport vmap @node_ports
}}
chain prerouting {{ type nat hook prerouting priority -100; jump services; }}
chain output {{ type nat hook output priority -100; jump services; }}
chain postrouting {{ type nat hook postrouting priority 100;
 meta mark and 0x4000 == 0 return
 meta mark set mark xor 0x4000
 masquerade fully-random
}}
chain forward {{ type filter hook forward priority 0; ct state invalid drop; }}
}}
"""


def removal(family):
    return f"delete table {'ip6' if family == 6 else 'ip'} hand_made_services\n"
