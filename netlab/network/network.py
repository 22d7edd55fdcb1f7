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
import sys
import threading
from dataclasses import dataclass, field
from ipaddress import ip_interface

from netlab.fates import Impairment
from netlab.kernel import STATES
from netlab.network import routing
from netlab.network.inside import Inside
from netlab.network.packets import Packet, Packets
from netlab.network.process import PLAIN, HelperEnded, Process, Unavailable

MTU = 1500      # bytes that a frame carries, as on Ethernet (RFC 894)
KEEP = 10_000   # packets


class Frame(bytes):
    """A frame on a cable, as a function given as `through` gets it: the bytes, and the names of the two ends of its way."""
    sender = receiver = ""


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

    def host(self, name: str) -> "Host":
        """A new host. `name` is a word of your choice; ValueError when it is taken."""
        return self._add(Host, name)

    def router(self, name: str) -> "Router":
        """A new host that passes on what is not for itself (RFC 1812)."""
        return self._add(Router, name)

    def _add(self, kind, name):
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z][\w-]{0,14}", name):
            raise ValueError(f"a host's name is a word of at most 15 letters and digits, not {name!r}")
        if name in self._nodes:
            raise ValueError(f"there is a {name} already in this network")
        self._process.ask("node", name, kind is Router, self.ipv6)
        self._nodes[name] = _Node(kind)
        return kind(self, name)

    @property
    def hosts(self) -> dict[str, "Host"]:
        """All hosts and routers, by name, in the order in which they were made."""
        return {name: node.kind(self, name) for name, node in self._nodes.items()}

    @property
    def cables(self) -> list["Cable"]:
        """All cables, in the order in which they were made."""
        return [Cable(self, number) for number in range(len(self._wires))]

    def cable(self, a: "Host", b: "Host", *, addresses: tuple[str, str] | None = None, mtu: int = MTU, loss: float = 0,
              duplicate: float = 0, reorder: float = 0, delay: float = 0, seed: int = 0, through=None) -> "Cable":
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
        wire = _Wire((a.name, b.name), mtu, Impairment(loss, duplicate, reorder, delay, seed))
        number = len(self._wires) + 1
        wire.addresses = _given(addresses) if addresses is not None else _chosen(number, a, b, False)
        if self.ipv6:
            wire.addresses = [four + six for four, six in zip(wire.addresses, _chosen(number, a, b, True))]
        taken = {ip_interface(own).ip: name for name, node in self._nodes.items() for own in node.addresses()}
        for own in wire.addresses[0] + wire.addresses[1]:
            if (ip := ip_interface(own).ip) in taken:
                raise ValueError(f"{ip} is {taken[ip]}'s: an address belongs to one interface")
        pairs = [[(str(ip_interface(own).ip), ip_interface(own).network.prefixlen) for own in end] for end in wire.addresses]
        wire.interfaces = self._process.ask("cable", wire.ends, pairs, mtu, vars(wire.impairment))
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
            with open(self._process.ask("packets", self._since), "rb") as file:
                found, self.overflowed = marshal.load(file)
            unsettled = []
            for number, when, cable, side, data, fate, arrivals, became, settled in found:
                ends = self._wires[cable].ends
                packet = Packet(number, when, f"{ends[0]}-{ends[1]}", ends[side], ends[1 - side], data, fate, arrivals, became)
                if settled and not unsettled:
                    self._kept.append(packet)
                    self._since = number + 1
                else:
                    unsettled.append(packet)
            del self._kept[:-KEEP]
            return Packets(self._kept + unsettled)

    def clear(self):
        """Forget the packets so far."""
        self._kept = []
        self.still(1)
        self.packets_now()
        self._kept = []

    def still(self, seconds: float = 1) -> bool:
        """Wait until nothing is on its way and nothing that TCP sent is without its ACK: True; or after so long: False."""
        return self._process.ask("still", float(seconds))

    def _pass_through(self, number, side, data):
        """What a cable's function makes of a frame, in the thread that asks it."""
        wire, frame = self._wires[number], Frame(data)
        frame.sender, frame.receiver = wire.ends[side], wire.ends[1 - side]
        try:
            return _frames(wire.through(frame)) if wire.through else [data]
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
            changes = []
            for name, node in self._nodes.items():
                table, before = {**wanted[name], **node.own_routes}, node.table
                changes += [(name, "del", to, *step) for to, step in before.items() if step and not table.get(to)]
                changes += [(name, "replace", to, *step) for to, step in table.items() if step and before.get(to) != step]
                node.table = table
            if changes:
                self._process.ask("change_routes", changes)
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
    addresses: list = ()            # of each end
    interfaces: list = ()
    is_cut: bool = False
    through: object = None


class Host(Inside):
    """A computer of a Network: a TCP/IP of its own. `with host:` runs code that you did not write on it."""

    def __init__(self, network, name):
        self.network, self.name = network, name

    def __eq__(self, other):
        return isinstance(other, Host) and (self.network, self.name) == (other.network, other.name)

    def __hash__(self):
        return hash(self.name)

    def __repr__(self):
        return f"<{' '.join([type(self).__name__, self.name, *self.addresses])}>"

    @property
    def _node(self):
        return self.network._nodes[self.name]

    @property
    def interfaces(self) -> dict[str, tuple[str, ...]]:
        """{"eth0": ("10.0.1.2/24",)}: an interface for each cable, with its address and the length of its network's prefix."""
        return dict(self._node.interfaces)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Its addresses, one of each interface (two with IPv6), without 127.0.0.1."""
        return tuple(str(ip_interface(address).ip) for address in self._node.addresses())

    @property
    def address(self) -> str:
        """The first of its addresses."""
        if not self.interfaces:
            raise ValueError(f"{self.name} has no address yet: an address comes with a cable")
        return self.addresses[0]

    def socket(self, family=socket.AF_INET, type=socket.SOCK_STREAM, proto=0, *, timeline=None, name=None) -> socket.socket:
        """A socket of this host: a real `socket.socket`, recorded where a `timeline` is given. You close it. socket(2).

        Raw and packet sockets too: here you are root (raw(7), packet(7)). OSError as from `socket.socket`.
        """
        made = self.open(family, type, proto)
        return timeline.socket(family, type, proto, made, name=name) if timeline is not None else PLAIN(family, type, proto, made)

    def open(self, family, type, proto) -> int:
        """The descriptor of a new socket of this host."""
        self.network._settle()
        return self.network._process.ask("socket", self.name, int(family), int(type), int(proto))

    def resolve(self, name: str) -> str | None:
        """The address of a host of this network by its name, as a line in /etc/hosts would give it."""
        known = self.network.hosts.get(name)
        return known.address if known else None

    def add_route(self, to: str, via: str):
        """Send what is for `to` ("10.0.9.0/24", or "default") by way of the neighbour with the address `via`. ip-route(8)."""
        interface = next((name for name, own in self.interfaces.items()
                          if any(ip_interface(via).ip in ip_interface(address).network for address in own)), None)
        if interface is None:
            raise ValueError(f"{self.name} has no cable to the network of {via}: via is a neighbour's address")
        self._node.own_routes[_destination(to, via)] = (via, interface)
        self._changed()

    def remove_route(self, to: str):
        """Forget the route to `to`, also one that was found by itself, until `add_route` gives a new one."""
        known = [found for found, *_ in self.routes]
        to = _destination(to, "::" if ":" in to else "")
        if to not in known:
            raise ValueError(f"{self.name} has no route to {to}; it has {', '.join(known)}")
        self._node.own_routes[to] = None
        self._changed()

    def _changed(self):
        self.network._stale = True
        self.network._settle()

    @property
    def routes(self) -> list[tuple[str, str | None, str]]:
        """Its routing table, from the kernel: [(to, via or None where it is plugged in there, interface)]."""
        self.network._settle()
        return [tuple(route) for route in self.network._process.ask("routes", self.name)]

    @property
    def neighbours(self) -> dict[str, str | None]:
        """{IP address: MAC address, or None while it is looked for}: what ARP (RFC 826) has found out. arp(7)."""
        return {to: mac for to, mac, _ in self.network._process.ask("neighbours", self.name)}

    @property
    def connections(self) -> list[tuple[tuple[str, int], tuple[str, int], str]]:
        """Every TCP socket of this host: [((address, port), (its peer's), state)], as ss(8) lists them.

        Also those that no program holds any more, as in TIME_WAIT. States as in RFC 9293, 3.3.2.
        """
        found = self.network._process.ask("connections", self.name)
        return sorted((_endpoint(own), _endpoint(peer), STATES[int(state, 16) - 1]) for own, peer, state, *_ in found)

    def sysctl(self, name: str, value) -> None:
        """Change a setting of this host's kernel, such as "net.ipv4.ip_default_ttl". sysctl(8), ip(7), tcp(7)."""
        if not re.fullmatch(r"net(\.[\w-]+)+", name):
            raise ValueError(f'a setting of the network is named as "net.ipv4.ip_default_ttl", not {name!r}')
        self.network._process.ask("setting", self.name, name.removeprefix("net.").replace(".", "/"), str(value))


class Router(Host):
    """A host that passes packets on (RFC 1812)."""


class Cable:
    """What joins two hosts. Its values may be changed at any time, and hold for what comes then.

    `loss`, `duplicate`, `reorder`: shares of the frames, 0 to 1. `delay`: seconds, each way. `seed` chooses which.
    `through`: a function that gets each frame (bytes with a `.sender` and a `.receiver`) and gives back what goes on in
    its place: a frame, a list of frames, or None for nothing. It is called in another thread, one frame at a time; what
    it raises is raised by `net.packets` and at the end of `with`, and that frame is lost.
    """

    def __init__(self, network, number):
        vars(self).update(network=network, number=number, _wire=network._wires[number])

    def __eq__(self, other):
        return isinstance(other, Cable) and (self.network, self.number) == (other.network, other.number)

    def __hash__(self):
        return hash(self.number)

    def __repr__(self):
        return f"<Cable {self.name}{', cut' if self.is_cut else ''}>"

    @property
    def name(self) -> str:
        """The names of its ends: "alice-router"."""
        return "-".join(self._wire.ends)

    @property
    def ends(self) -> tuple[Host, Host]:
        """The hosts that it joins."""
        hosts = self.network.hosts
        return tuple(hosts[name] for name in self._wire.ends)

    def __getattr__(self, name):
        if name in Impairment.__dataclass_fields__:
            return getattr(self._wire.impairment, name)
        if name in ("mtu", "is_cut", "through"):
            return getattr(self._wire, name)
        raise AttributeError(f"a cable has no {name}")

    def __setattr__(self, name, value):
        ask = self.network._process.ask
        if name in Impairment.__dataclass_fields__:
            setattr(self._wire.impairment, name, value)         # it says what is wrong with a value
            ask("set", self.number, name, value)
        elif name == "through":
            if value is not None and not callable(value):
                raise TypeError(f"through is a function that gets a frame and gives back frames, not {value!r}")
            self._wire.through = value
            self.network._process.listen_to_frames()
            ask("set", self.number, "through", value is not None)
        else:
            raise AttributeError(f"a cable has loss, duplicate, reorder, delay, seed and through to change, and no {name}; "
                                 "it has cut() and mend()")

    def cut(self):
        """From now on nothing comes through; what is on its way is lost too. Packets take another way, if there is one."""
        self._cut(True)

    def mend(self):
        """It is whole again, and the ways over it are back."""
        self._cut(False)

    def _cut(self, is_cut):
        self._wire.is_cut = is_cut
        self.network._process.ask("set", self.number, "is_cut", is_cut)
        self.network._stale = True
        self.network._settle()


@functools.cache
def _why():
    try:
        with Network() as net:
            a, b = net.host("a"), net.router("b")
            net.cable(a, b)
            a.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
    except HelperEnded as error:
        return str(error)
    except Unavailable as error:
        return str(error)
    except OSError as error:
        return f"This machine does not give a network of your own: {error.strerror or error}."
    return ""


def _given(addresses):
    """[[address of one end], [of the other]], where they are of one network."""
    wrong = f'addresses are two of one network, such as ("192.168.7.1/24", "192.168.7.9/24"), not {addresses!r}'
    try:
        one, other = map(ip_interface, addresses)
    except (ValueError, TypeError):
        raise ValueError(wrong) from None
    if one.version != 4 or one.network != other.network or one == other or one.network.prefixlen > 31:
        raise ValueError(wrong)
    return [[str(one)], [str(other)]]


def _chosen(number, a, b, six):
    """Addresses of the network of cable `number`: a router's is the lowest."""
    swapped = isinstance(b, Router) and not isinstance(a, Router)
    # 10.0.0.0/8 is for everybody's own use (RFC 1918), 2001:db8::/32 for examples (RFC 3849)
    ends = [[f"2001:db8:0:{number:x}::{n}/64" if six else f"10.{number >> 8}.{number & 255}.{n}/24"] for n in (1, 2)]
    return ends[::-1] if swapped else ends


def _destination(to, via):
    if to == "default":
        return "::/0" if ":" in via else "0.0.0.0/0"
    return str(ip_interface(to).network)


def _frames(given):
    """What a function gave back, as a list of frames."""
    if given is None:
        return []
    frames = [given] if isinstance(given, (bytes, bytearray)) else list(given)
    if not all(isinstance(frame, (bytes, bytearray)) for frame in frames):
        raise TypeError(f"a cable's function gives back a frame, a list of frames or None, not {given!r}")
    return [bytes(frame) for frame in frames]


def _endpoint(text):
    """("10.0.1.2", 80) of "0201000A:0050": the kernel shows the address as it lies in memory, in words of 32 bits."""
    address, port = text.split(":")
    words = [int(address[i:i + 8], 16).to_bytes(4, sys.byteorder) for i in range(0, len(address), 8)]
    packed = b"".join(words)
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed), int(port, 16)
