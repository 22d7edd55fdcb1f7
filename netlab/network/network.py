"""A network of one's own: hosts, routers and cables, over the real TCP/IP of this machine's Linux (chapter 01).

    with netlab.Network() as net:
        alice, bob, router = net.host("alice"), net.host("bob"), net.router("router")
        net.cable(alice, router)
        net.cable(bob, router, loss=0.1)
        sock = alice.socket(socket.AF_INET, socket.SOCK_DGRAM)      # a plain socket, but alice's

A socket belongs to the namespace that it was made in, whoever uses it (network_namespaces(7)): the helper process makes
it on the host and hands it over, as unix(7) sockets can. Nothing of such a network is reachable from outside it, and
nothing outside is reachable from it.
"""
import functools
import marshal
import re
import socket
import threading
import time
from dataclasses import dataclass, field
from ipaddress import ip_interface, ip_network
from itertools import count

from netlab.network import routing
from netlab.network.cables import Cable, Frame, checked, frames_of
from netlab.network.fates import Impairment
from netlab.network.hosts import Host, Router
from netlab.network.packets import Packet, Packets
from netlab.network.process import HelperEnded, Process, Unavailable

MTU = 1500      # bytes that a frame carries, as on Ethernet (RFC 894)
KEEP = 10_000   # packets


def _one_at_a_time(method):
    @functools.wraps(method)
    def alone(self, *args, **kwargs):
        with self._lock:
            return method(self, *args, **kwargs)
    return alone


class Network:
    """Hosts, routers and cables on this machine; a context manager, and `close()` ends it too.

    With `ipv6` each cable has IPv6 addresses as well. Unavailable (an OSError) says what this machine lacks; so does
    `Network.why()`. namespaces(7), user_namespaces(7), veth(4).
    """

    def __init__(self, *, ipv6: bool = False):
        self.ipv6, self._nodes, self._wires = ipv6, {}, []
        self.overflowed = 0             # frames that came too fast to be seen: the kernel dropped them before the cable
        self._error = None              # what a cable's function raised
        self._since, self._kept = 1, []         # the next packet to ask for, and those whose fate is settled
        self._stale, self._lock = False, threading.RLock()
        self._process = Process(self._pass_through)

    @staticmethod
    def why() -> str:
        """Why a network cannot be had on this machine, in one sentence; "" where it can. Found out by trying, once."""
        return _why()

    def host(self, name: str) -> Host:
        """A new host. `name` is a word of your choice; ValueError when it is taken."""
        return self._add(Host, name)

    def router(self, name: str) -> Router:
        """A new host that passes on what is not for itself (RFC 1812)."""
        return self._add(Router, name)

    @_one_at_a_time
    def _add(self, kind, name):
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z]\w{0,14}", name):
            raise ValueError(f"a host's name is a word of at most 15 letters and digits, not {name!r}")
        if name in self._nodes:
            raise ValueError(f"this network has {name} already")
        self._process.make("host", name, kind is Router, self.ipv6)
        self._nodes[name] = _Node(kind)
        return kind(self, name)

    @property
    def hosts(self) -> dict[str, Host]:
        """All hosts and routers, by name, in the order in which they were made."""
        return {name: node.kind(self, name) for name, node in list(self._nodes.items())}

    @property
    def cables(self) -> list[Cable]:
        """All cables, in the order in which they were made."""
        return [Cable(self, number) for number in range(len(self._wires))]

    @_one_at_a_time
    def cable(self, a: Host, b: Host, *, addresses: tuple[str, str] | None = None, mtu: int = MTU, loss: float = 0,
              duplicate: float = 0, reorder: float = 0, delay: float = 0, seed: int = 0, through=None) -> Cable:
        """A new cable between two hosts, with an interface and an address at each end.

        `addresses` are two such as ("192.168.7.1/24", "192.168.7.9/24"), else 10.0.1.1/24 and 10.0.1.2/24 and so on: one
        network for each cable, the router's address first. `mtu` is the largest packet in bytes, 68 to 9000 (IPv6: from
        1280 on, RFC 8200); the rest as `Cable` has it. A second cable between the same two is one more way.
        """
        for end in (a, b):
            if not isinstance(end, Host) or end.network is not self:
                raise TypeError(f"a cable joins two hosts of this network, not {end!r}")
        if a == b:
            raise ValueError(f"a cable joins two hosts; both ends are {a.name}")
        least = 1280 if self.ipv6 else 68
        if type(mtu) is not int or not least <= mtu <= 9000:
            raise ValueError(f"mtu is in bytes, {least} to 9000, not {mtu!r}")
        checked(through)
        wire = _Wire((a.name, b.name), mtu, Impairment(loss, duplicate, reorder, delay, seed))
        number, names = len(self._wires) + 1, [wire.name for wire in self._wires]
        wire.name = next(name for n in count(1) if (name := f"{a.name}-{b.name}" + f" ({n})" * (n > 1)) not in names)
        taken = {ip_interface(own).network: wire.name for wire in self._wires for own in wire.addresses[0]}
        wire.addresses = _given(addresses, taken) if addresses is not None else _chosen(a, b, taken, number)
        if self.ipv6:
            lower = isinstance(a, Router) or not isinstance(b, Router)          # 2001:db8::/32 is for examples (RFC 3849)
            wire.addresses = [[*four, f"2001:db8:0:{number:x}::{1 + (side != lower)}/64"]
                              for side, four in zip((True, False), wire.addresses)]
        pairs = [[(str(ip_interface(own).ip), ip_interface(own).network.prefixlen) for own in end] for end in wire.addresses]
        wire.interfaces = self._process.make("cable", number - 1, wire.ends, pairs, mtu, vars(wire.impairment))
        self._wires.append(wire)
        for name, interface, own in zip(wire.ends, wire.interfaces, wire.addresses):
            self._nodes[name].interfaces[interface] = tuple(own)
        self._stale = True
        cable = Cable(self, number - 1)
        if through is not None:
            cable.through = through
        return cable

    # --- what passed ---
    @property
    def packets(self) -> Packets:
        """What has passed so far, in order: one Packet for each frame that entered a cable, with its fate.

        It waits until nothing is on its way and nothing that TCP sent is without its ACK, but at most a second. The last
        10,000 are kept. What a cable's function raised is raised here.
        """
        self.still(1)
        return self.packets_now()

    def packets_now(self) -> Packets:
        """The same without waiting: the fate of the last ones may be "on its way"."""
        self._raise()
        with self._lock:
            with self._process.fetch(functools.partial(open, mode="rb"), "packets", self._since) as file:
                found, self.overflowed = marshal.load(file)
            unsettled = []
            for number, when, cable, side, data, fate, arrivals, became, settled in found:
                ends = self._wires[cable].ends
                packet = Packet(number, when, self._wires[cable].name, ends[side], ends[1 - side], data, fate, arrivals, became)
                if settled and not unsettled:
                    self._kept.append(packet)
                    self._since = number + 1
                else:
                    unsettled.append(packet)
            del self._kept[:-KEEP]
            owners = {own: name for name, host in self.hosts.items() for own in host.addresses}
            return Packets(self._kept + unsettled, owners)

    def clear(self):
        """Forget the packets so far."""
        self._kept = []
        self.still(1)
        self.packets_now()
        self._kept = []

    def still(self, seconds: float = 1) -> bool:
        """Wait until nothing is on its way and nothing that TCP sent is without its ACK: True; or after so long: False."""
        until = time.monotonic() + seconds
        while not self._process.ask("still", max(0, min(.2, until - time.monotonic()))):    # others have their turn between
            if time.monotonic() >= until:
                return False
            time.sleep(.001)
        return True

    def _pass_through(self, number, side, data):
        """What a cable's function makes of a frame, in the thread that asks it."""
        wire, frame = self._wires[number], Frame(data)
        frame.sender, frame.receiver = wire.ends[side], wire.ends[1 - side]
        try:
            through = wire.through          # read once: another thread may take it away
            return frames_of(through(frame)) if through else [data]
        except BaseException as error:
            with self._lock:
                self._error = self._error or error
            return []

    def _raise(self):
        with self._lock:
            error, self._error = self._error, None
        if error is not None:
            raise error

    # --- routes ---
    def _settle(self):
        """Bring the hosts' tables up to date with the cables."""
        with self._lock:
            if not self._stale:
                return
            links = {name: [] for name in self._nodes}
            for wire in self._wires:
                for here, there in ((0, 1), (1, 0)) if not wire.is_cut else ():
                    link = routing.Link(wire.interfaces[here], wire.ends[there], wire.addresses[there])
                    links[wire.ends[here]].append(link)
            routers = {name for name, node in self._nodes.items() if node.kind is Router}
            wanted = routing.tables(links, routers, {name: node.addresses() for name, node in self._nodes.items()})
            changes, tables = [], []
            for name, node in self._nodes.items():
                table, before = {**wanted[name], **node.own_routes}, node.table
                changes += [(name, "del", to, *step) for to, step in before.items() if step and not table.get(to)]
                changes += [(name, "replace", to, *step) for to, step in table.items() if step and before.get(to) != step]
                tables.append((node, table))
            for at in range(0, len(changes) or 1, 500):         # one message has its limit
                self._process.ask("ready", changes[at:at + 500])
            for node, table in tables:          # not before the kernels have them
                node.table = table
            self._stale = False

    def close(self):
        """End the network: its helper process, hosts and cables. Sockets that you still hold reach nobody any more."""
        self._process.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.close()
        if error is None:
            self._raise()

    def _repr_mimebundle_(self, include=None, exclude=None):
        from netlab.network import map as drawn  # a picture, where one is asked for
        return drawn.of(self)._repr_mimebundle_()

    def __repr__(self):
        return f"<Network of {', '.join(self._nodes) or 'nobody yet'}>"


@dataclass
class _Node:
    """What the network knows of a host. A Host is only a handle: so a network that nobody holds any more ends at once."""
    kind: type
    interfaces: dict = field(default_factory=dict)      # "eth0": ("10.0.1.2/24",)
    own_routes: dict = field(default_factory=dict)      # by add_route, and None for those of remove_route
    table: dict = field(default_factory=dict)           # what the kernel has been given

    def addresses(self):
        return [own for those in self.interfaces.values() for own in those]


@dataclass
class _Wire:
    """What the network knows of a cable."""
    ends: tuple
    mtu: int
    impairment: Impairment
    name: str = ""
    addresses: list = ()            # of each end
    interfaces: list = ()
    is_cut: bool = False
    through: object = None


@functools.cache
def _why():
    try:
        with Network() as net:
            a, b = net.host("a"), net.router("b")
            net.cable(a, b)
            a.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
    except (HelperEnded, Unavailable) as error:
        return str(error)
    return ""


def _given(addresses, taken):
    """[[address of one end], [of the other]], where both can be a host's and no other cable has their network."""
    wrong = f'addresses are two of one network, such as ("192.168.7.1/24", "192.168.7.9/24"), not {addresses!r}'
    try:
        one, other = map(ip_interface, addresses)
    except (ValueError, TypeError):
        raise ValueError(wrong) from None
    net = one.network
    if one.version != 4 or net != other.network or one.ip == other.ip or net.prefixlen > 30:
        raise ValueError(wrong)
    for own in (one.ip, other.ip):
        if own.is_loopback or own.is_multicast or own.is_unspecified or own in (net.network_address, net.broadcast_address):
            raise ValueError(f"{own} cannot be a host's address on a cable of {net}")
    for network, name in taken.items():
        if network.version == 4 and network.overlaps(net):
            raise ValueError(f"{net} overlaps {network}, the network of the cable {name}: each cable has one of its own")
    return [[str(one)], [str(other)]]


def _chosen(a, b, taken, number):
    """Addresses of the next network that no cable has: a router's is the lower one."""
    nets = (ip_network(f"10.{n >> 8}.{n & 255}.0/24") for n in count(number))       # for everybody's own use (RFC 1918)
    net = next(net for net in nets if not any(other.version == 4 and other.overlaps(net) for other in taken))
    ends = [[f"{net[n]}/24"] for n in (1, 2)]
    return ends[::-1] if isinstance(b, Router) and not isinstance(a, Router) else ends
