#!/usr/bin/python3
"""basic_underlay_test.py BIN_DIR: what a cluster on the basic underlay is tried with, all on one cluster, for making one takes half a minute.

The parts run by themselves too: cluster_test.py, services_test.py, calico_test.py. Those of lifecycle_test.py want a cluster without others' pods.
"""
import unittest

import calico_test
import cluster
import cluster_test
import services_test


def load_tests(loader, _tests, _pattern):
    each = unittest.TestSuite()
    each.addTests(loader.loadTestsFromModule(services_test))
    each.addTests(loader.loadTestsFromTestCase(cluster_test.ClusterWorks))
    each.addTests(loader.loadTestsFromModule(calico_test))
    each.addTests(loader.loadTestsFromTestCase(cluster_test.NothingIsLeft))  # after it the cluster is gone
    return each


if __name__ == "__main__":
    cluster.main(__doc__)
