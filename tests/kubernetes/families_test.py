#!/usr/bin/python3
"""families_test.py BIN_DIR: clusters of one family, IPv4 and IPv6: what services_test.py tries with both."""
import cluster
import control_plane_traffic
import services_test

IPV4, IPV6 = (("--families", family, "--pods", "0") for family in "46")


class Ipv4Services(services_test.ServicesByKubeProxy):
    OPTIONS = IPV4


class Ipv4NatOutgoing(services_test.NatOutgoing):
    OPTIONS = IPV4


class Ipv6Services(services_test.ServicesByKubeProxy):
    OPTIONS = IPV6


class Ipv6NatOutgoing(services_test.NatOutgoing):
    OPTIONS = IPV6


class Ipv6Probes(control_plane_traffic.Probes):
    """kubelet probes a pod's first address only, so this is where it probes over IPv6."""
    OPTIONS = IPV6


if __name__ == "__main__":
    cluster.main(__doc__)
