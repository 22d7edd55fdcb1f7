"""netlab.network.routing: every address is reached where a way is left, by a shortest one, and no packet goes in circles."""
import random
from collections import deque
from ipaddress import ip_address, ip_interface, ip_network

import pytest

from netlab.network.routing import Link, tables


class Net:
    """A plan of nodes and cables, and what its kernels would do with the tables."""

    def __init__(self, routers, cables, cut=()):
        self.routers, self.addresses, self.links, self.cables = set(routers), {}, {}, []
        names = dict.fromkeys([*routers, *(name for cable in cables for name in cable)])
        for name in names:
            self.addresses[name], self.links[name] = [], []
        for n, ends in enumerate(cables, 1):
            own = [[f"10.0.{n}.{side}/24", f"2001:db8:0:{n:x}::{side}/64"] for side in (1, 2)]
            self.cables.append((ends, own, n in cut))
            for side in (0, 1):
                self.addresses[ends[side]] += own[side]
                if n not in cut:
                    self.links[ends[side]].append(Link(f"c{n}", ends[1 - side], own[1 - side]))
        self.tables = tables(self.links, self.routers, self.addresses)

    def step(self, node, address):
        """The node that gets a packet for `address` next; None where `node` has no route or the cable is cut."""
        table = dict(self.tables[node])
        for n, (ends, own, _) in enumerate(self.cables, 1):
            for side in (0, 1):
                if ends[side] == node:
                    for mine in own[side]:
                        assert str(ip_interface(mine).network) not in table, "a network's own route must stay"
                        table[str(ip_interface(mine).network)] = (None, f"c{n}")
        fitting = [to for to in table if ip_address(address) in ip_network(to)]
        if not fitting:
            return None
        via, interface = table[max(fitting, key=lambda to: ip_network(to).prefixlen)]
        ends, own, is_cut = self.cables[int(interface[1:]) - 1]
        side = 1 - ends.index(node)
        wanted = [str(ip_interface(mine).ip) for mine in own[side]]
        return None if is_cut or (via or address) not in wanted else ends[side]

    def way(self, node, address):
        """The nodes that a packet passes, to the owner of the address; None where it is lost."""
        owner = next(name for name, those in self.addresses.items() if any(str(ip_interface(a).ip) == address for a in those))
        way = [node]
        while way[-1] != owner:
            if len(way) > 1 and way[-1] not in self.routers:
                return None
            way.append(self.step(way[-1], address))
            if way[-1] is None or len(way) > 30:
                assert len(way) <= 30, f"in circles: {way}"
                return None
        return way

    def distance(self, node, other):
        far, near = {node: 0}, deque([node])
        while near:
            here = near.popleft()
            if here == node or here in self.routers:
                for link in self.links[here]:
                    if link.far not in far:
                        far[link.far] = far[here] + 1
                        near.append(link.far)
        return far.get(other)

    def check(self):
        for node in self.addresses:
            for other, those in self.addresses.items():
                if other == node:
                    continue
                for address in those:
                    way = self.way(node, str(ip_interface(address).ip))
                    distance = self.distance(node, other)
                    assert (way is None) == (distance is None), f"{node} to {other}'s {address}: {way}, not {distance} steps"
                    assert way is None or len(way) - 1 == distance, f"{way}, though {distance} steps do"


TWO_WAYS = (["north", "east", "south"],
            [("alice", "north"), ("north", "east"), ("east", "bob"), ("alice", "south"), ("south", "bob")])


def test_the_shorter_way_and_the_other_when_it_is_cut():
    assert Net(*TWO_WAYS).way("alice", "10.0.3.2") == ["alice", "south", "bob"]
    for cut in ({4}, {5}):
        assert Net(*TWO_WAYS, cut=cut).way("alice", "10.0.5.2") == ["alice", "north", "east", "bob"]
    assert Net(*TWO_WAYS, cut={4, 2}).way("alice", "10.0.5.2") is None


def test_a_host_with_one_cable_has_one_route_and_a_router_one_for_each_network():
    net = Net(["router"], [("alice", "router"), ("router", "bob")])
    assert net.tables["alice"] == {"0.0.0.0/0": ("10.0.1.2", "c1"), "::/0": ("2001:db8:0:1::2", "c1")}
    assert net.tables["router"] == {}
    far = Net(["one", "two"], [("alice", "one"), ("one", "two"), ("two", "bob")])
    assert far.tables["one"] == {"10.0.3.0/24": ("10.0.2.2", "c2"), "2001:db8:0:3::/64": ("2001:db8:0:2::2", "c2")}


def test_a_host_passes_nothing_on():
    net = Net([], [("alice", "middle"), ("middle", "bob")])
    assert net.way("alice", "10.0.2.2") is None
    assert net.way("alice", "10.0.2.1") == ["alice", "middle"], "but each address of a host is that host's (RFC 1122, 3.3.4.2)"


@pytest.mark.parametrize("seed", range(30))
def test_any_network_with_any_cables_cut(seed):
    dice = random.Random(seed)
    routers = [f"r{n}" for n in range(dice.randint(1, 6))]
    hosts = [f"h{n}" for n in range(dice.randint(2, 5))]
    cables = [tuple(dice.sample(routers + hosts, 2)) for _ in range(dice.randint(3, 14))]
    Net(routers, cables, {n for n in range(1, len(cables) + 1) if dice.random() < .25}).check()
