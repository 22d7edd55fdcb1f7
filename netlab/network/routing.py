"""Who sends a packet where: the shortest way to each address over the cables that are not cut.

In life routers tell each other which networks they reach (OSPF, RFC 2328; BGP, RFC 4271), and each works out its table
from that. Here the whole map is known, and the tables follow at once.
"""
from collections import deque
from ipaddress import ip_interface, ip_network
from typing import NamedTuple


class Link(NamedTuple):
    """A cable that is not cut, from one end: the interface there, the node at the far end, and that end's addresses."""
    interface: str
    far: str
    far_addresses: list[str]            # "10.0.1.1/24", "2001:db8:0:1::1/64"


def tables(links: dict[str, list[Link]], routers: set[str], addresses: dict[str, list[str]]) -> dict[str, dict]:
    """{node: {destination: (via, interface)}}: what each node needs beside the networks that it is plugged into.

    `links` has every node's cables in the order in which they were made, `addresses` every node's own, with those of
    cables that are cut. Of two ways of one length the earlier cable wins. Only `routers` pass packets on.
    """
    return {node: _table(node, links, routers, addresses) for node in links}


def _table(node, links, routers, addresses):
    first = _first_steps(node, links, routers)
    own = {ip_interface(address).network for link in links[node] for address in link.far_addresses}
    table, behind = {}, {}
    for other, (link, _) in sorted(first.items(), key=lambda step: step[1][1]):     # the nearest first
        for address in addresses[other]:
            network = ip_interface(address).network
            step = _via(link, network.version)
            if network in own:      # plugged in here: only an address on a cut cable needs another way
                on_cable = any(address in mine.far_addresses for mine in links[node] if mine.far == other)
                if not on_cable:
                    table[_host(address)] = step
            elif network not in behind:
                behind[network] = table[str(network)] = step
            elif behind[network] != step:       # the same network, but this end of it is reached by another way
                table[_host(address)] = step
    if node not in routers:
        for version, everything in ((4, "0.0.0.0/0"), (6, "::/0")):
            gate = next((link for link in links[node] if link.far in routers and _via(link, version)), None)
            if gate:
                table = {to: step for to, step in table.items() if ip_network(to).version != version or step != _via(gate, version)}
                table[everything] = _via(gate, version)
    return {to: step for to, step in table.items() if step}


def _first_steps(node, links, routers):
    """{other node: (the cable to take first, how far it is)}"""
    first, waiting = {}, deque()
    for link in links[node]:
        if link.far not in first:
            first[link.far] = (link, 1)
            waiting.append(link.far)
    while waiting:
        near = waiting.popleft()
        if near in routers:
            for link in links[near]:
                if link.far not in first and link.far != node:
                    first[link.far] = (first[near][0], first[near][1] + 1)
                    waiting.append(link.far)
    return first


def _via(link, version):
    """(address of the next node, interface), or None where that cable has no such addresses."""
    for address in link.far_addresses:
        if ip_interface(address).version == version:
            return str(ip_interface(address).ip), link.interface
    return None


def _host(address):
    ip = ip_interface(address).ip
    return f"{ip}/{ip.max_prefixlen}"
