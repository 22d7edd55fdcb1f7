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

    `links` has every node's cables in the order in which they were made, without those that are cut; `addresses` has every
    node's own, of all its cables. Of two ways of one length the earlier cable wins. Only `routers` pass packets on.
    """
    return {node: _table(node, links, routers, addresses) for node in links}


def _table(node, links, routers, addresses):
    plugged = {ip_interface(own).network for own in addresses[node]}
    reached = {address for link in links[node] for address in link.far_addresses}
    table = {}
    for other, link in _first_steps(node, links, routers).items():      # the nearest first
        for address in addresses[other]:
            network, step = ip_interface(address).network, _via(link, ip_interface(address).version)
            if network in plugged:          # its own cable leads there, but that may be cut
                if address not in reached:
                    table[_alone(address)] = step
            elif table.setdefault(str(network), step) != step:      # of this network, this end is reached by another way
                table[_alone(address)] = step
    if node not in routers:
        table |= _way_out(node, links, routers, table, plugged)
    return {to: step for to, step in table.items() if step}


def _way_out(node, links, routers, table, plugged):
    """A host's default routes: to its first router. Where that is its only way, it needs no other route."""
    ways = {}
    for version, everything in ((4, "0.0.0.0/0"), (6, "::/0")):
        gate = next((step for link in links[node] if link.far in routers and (step := _via(link, version))), None)
        if gate:
            ways[everything] = gate
            others = [to for to in map(ip_network, table) if to.version == version
                      and not any(net.version == version and to.subnet_of(net) for net in plugged)]
            if all(table[str(to)] == gate for to in others):
                for to in others:
                    del table[str(to)]
    return ways


def _first_steps(node, links, routers):
    """{other node: the cable to take first}, the nearest first."""
    first, near = {}, deque([node])
    while near:
        here = near.popleft()
        if here == node or here in routers:
            for link in links[here]:
                if link.far != node and link.far not in first:
                    first[link.far] = link if here == node else first[here]
                    near.append(link.far)
    return first


def _via(link, version):
    """(address of the next node, interface), or None where that cable has no such addresses."""
    for address in link.far_addresses:
        if ip_interface(address).version == version:
            return str(ip_interface(address).ip), link.interface
    return None


def _alone(address):
    ip = ip_interface(address).ip
    return f"{ip}/{ip.max_prefixlen}"
