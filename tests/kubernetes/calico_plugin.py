#!/usr/bin/python3
"""A CNI plugin that wires pods as Calico's does, which Debian has none of: /opt/cni/bin/calico on the nodes of calico_test.py.

A pod is behind a veth pair of its own, whose host side is caliXXXXXXXXXXX; its gateway answers to everything, and is no address of the node
in IPv4 and the link-local one of the host's side in IPv6; the node has a route to each address. `ipam`, a real plugin, gives the addresses.
"""
import hashlib
import json
import os
import pathlib
import subprocess
import sys

MAC = "ee:ee:ee:ee:ee:ee"  # of each host side
GATEWAY = {4: "169.254.1.1", 6: "fe80::ecee:eeff:feee:eeee"}


def ip(*words):
    subprocess.run(["ip", *words], check=True, stdout=sys.stderr)


def ask_ipam(text, config):
    """The answer of the plugin that gives addresses; None to what has none."""
    program = pathlib.Path(os.environ["CNI_PATH"].split(":")[0]) / config["ipam"]["type"]
    done = subprocess.run([program], input=text, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.stdout.write(done.stdout)  # its error, as it is
        sys.exit(1)
    return json.loads(done.stdout) if done.stdout else None


def host_side():
    return "cali" + hashlib.sha1(os.environ["CNI_CONTAINERID"].encode()).hexdigest()[:11]


def set_sysctl(name, value):
    pathlib.Path("/proc/sys/net", name).write_text(value)


def attach(result, mtu):
    device, inside, pod = host_side(), os.environ["CNI_IFNAME"], os.environ["CNI_NETNS"]
    enter = ["nsenter", f"--net={pod}", "ip"]
    ip("link", "add", device, "address", MAC, "mtu", str(mtu), "type", "veth", "peer", "name", inside, "netns", pod, "mtu", str(mtu))
    # Calico's link-local address, not one that the kernel makes out of the MAC, is there at once.
    set_sysctl(f"ipv6/conf/{device}/accept_dad", "0")
    set_sysctl(f"ipv4/conf/{device}/proxy_arp", "1")
    set_sysctl(f"ipv4/neigh/{device}/proxy_delay", "0")
    ip("link", "set", device, "up")
    subprocess.run([*enter, "link", "set", inside, "up"], check=True)
    for each in result["ips"]:
        address = each["address"].split("/")[0]
        family = 6 if ":" in address else 4
        length = "128" if family == 6 else "32"
        each.update(address=f"{address}/{length}", interface=1)
        each.pop("gateway", None)
        for words in (["address", "add", f"{address}/{length}", "dev", inside, *(["nodad"] if family == 6 else [])],
                      ["route", "add", GATEWAY[family], "dev", inside, "scope", "link"],
                      ["route", "add", "default", "via", GATEWAY[family], "dev", inside]):
            subprocess.run([*enter, f"-{family}", *words], check=True)
        ip(f"-{family}", "route", "add", f"{address}/{length}", "dev", device, *(["scope", "link"] if family == 4 else []))
    result.update(interfaces=[{"name": device, "mac": MAC}, {"name": inside, "sandbox": pod}], routes=[], dns={})
    return result


def main():
    command, text = os.environ["CNI_COMMAND"], sys.stdin.read()
    config = json.loads(text)
    if command == "VERSION":
        print(json.dumps({"cniVersion": "0.3.1", "supportedVersions": ["0.3.1"]}))
    elif command == "ADD":
        print(json.dumps(attach(ask_ipam(text, config), config["mtu"])))
    elif command == "DEL":
        ask_ipam(text, config)
        if pathlib.Path("/sys/class/net", host_side()).exists():
            ip("link", "delete", host_side())


if __name__ == "__main__":
    main()
