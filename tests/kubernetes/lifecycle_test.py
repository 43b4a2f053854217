#!/usr/bin/python3
"""lifecycle_test.py BIN_DIR: upgrades, faults, reboots, changes and removal of nodes and of Sextant, under traffic.

What was measured is printed. One cluster for all.
"""
import cluster
from lifecycle_agents import AgentEnds, Upgrade
from lifecycle_nodes import Changes, Reboot, Replaced
from lifecycle_objects import PolicyDeleted, Uninstalled

__all__ = ["AgentEnds", "Changes", "PolicyDeleted", "Reboot", "Replaced", "Uninstalled", "Upgrade"]

if __name__ == "__main__":
    cluster.main(__doc__)
