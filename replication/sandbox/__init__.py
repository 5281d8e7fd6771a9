"""A simulated Open Telekom Cloud to practise and test on: IAM and CBR v3 over real sockets.

Written after the API reference; it knows neither Django nor our own client.
"""

from replication.sandbox.serving import PortTaken, Sandbox, serve
from replication.sandbox.state import StateUnusable
from replication.sandbox.switches import PROFILES, SWITCHES, Profile, UnknownSwitch, read_switches

__all__ = [
    "PROFILES",
    "SWITCHES",
    "PortTaken",
    "Profile",
    "Sandbox",
    "StateUnusable",
    "UnknownSwitch",
    "read_switches",
    "serve",
]
