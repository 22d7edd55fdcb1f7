"""Hosts, routers and cables of one's own, over the real TCP/IP of Linux, and the packets that passed.

Read it from `network`, which a notebook uses, to `process` and `helper`, which do the work; `routing` finds the ways,
`inside` is `with host:`. `packets` says what passed.
"""
from netlab.network.network import Cable, Frame, Host, Network, Router
from netlab.network.packets import Packet, Packets
from netlab.network.process import HelperEnded, Unavailable

__all__ = ["Cable", "Frame", "HelperEnded", "Host", "Network", "Packet", "Packets", "Router", "Unavailable"]
