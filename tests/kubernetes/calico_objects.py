"""Calico's objects for an API server that has none of Calico."""
GROUP = "crd.projectcalico.org"
PLURALS = {"BGPConfiguration": "bgpconfigurations", "BGPPeer": "bgppeers", "BGPFilter": "bgpfilters", "IPPool": "ippools",
           "BlockAffinity": "blockaffinities", "IPAMBlock": "ipamblocks"}


def crd(kind):
    """The name of its definition."""
    return f"{PLURALS[kind]}.{GROUP}"


def definition(kind):
    """As much of Calico's as an API server needs to hold the objects."""
    plural = PLURALS[kind]
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": crd(kind)},
            "spec": {"group": GROUP, "scope": "Cluster",
                     "names": {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()},
                     "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {
                         "type": "object", "x-kubernetes-preserve-unknown-fields": True}}}]}}


def of_calico(kind, name, **spec):
    return {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
