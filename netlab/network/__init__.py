"""Hosts, routers and cables of one's own, over the real TCP/IP of Linux, and the packets that passed.

Read it from `network`, `hosts` and `cables`, which a notebook uses, to `process` and `helper`, which do the work;
`routing` finds the ways, `fates` says what a bad cable does, `inside` is `with host:`. What passed: `packets`, as a
picture `map`, `ladder`, `one_packet`. `link` and `relay` are a bad way on loopback, with the same fates, on every system.
"""
from netlab.network.cables import Cable, Frame
from netlab.network.hosts import Host, Router
from netlab.network.ladder import Ladder, ladder
from netlab.network.link import Link, Passed
from netlab.network.network import Network
from netlab.network.packets import Packet, Packets, load
from netlab.network.process import HelperEnded, Unavailable

__all__ = ["Cable", "Frame", "HelperEnded", "Host", "Ladder", "Link", "Network", "Packet", "Packets", "Passed", "Router",
           "Unavailable", "ladder", "load"]
