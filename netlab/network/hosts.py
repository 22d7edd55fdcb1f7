"""Hosts and routers: what a notebook asks of one computer of its network."""
import marshal
import re
import socket
import sys
from functools import partial
from ipaddress import ip_interface
from operator import index

from netlab.kernel import STATES
from netlab.network.inside import Inside
from netlab.sockets import PLAIN


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
        made = self._plain(family, type, proto)
        return made if timeline is None else timeline.socket(family, type, proto, made.detach(), name=name)

    def open(self, family, type, proto) -> int:
        """The descriptor of a new socket of this host."""
        return self._plain(family, type, proto).detach()

    def _plain(self, *kind):
        self.network._settle()
        return self.network._process.fetch(partial(PLAIN, *kind), "socket", self.name, *map(index, kind))

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
        self._not_its_own(_destination(to, via))
        to, own = _destination(to, via), self._node.own_routes
        self.network._settle()              # so that an error of this route is of no other
        before = own.get(to, KeyError)
        own[to] = (via, interface)
        try:
            self._changed()
        except OSError as error:
            own.pop(to) if before is KeyError else own.update({to: before})
            raise ValueError(f"{self.name}'s kernel takes no route to {to} by way of {via}: {error}") from None

    def remove_route(self, to: str):
        """Forget the route to `to`, also one that was found by itself, until `add_route` gives a new one."""
        known = [found for found, *_ in self.routes]
        to = _destination(to, "::" if ":" in to else "")
        self._not_its_own(to)
        if to not in known:
            raise ValueError(f"{self.name} has no route to {to}; it has {', '.join(known)}")
        self._node.own_routes[to] = None
        self._changed()

    def _not_its_own(self, to):
        if to in [str(ip_interface(own).network) for own in self._node.addresses()]:
            raise ValueError(f"{self.name} is plugged into {to}: that route stays as long as the cable is there")

    def _changed(self):
        with self.network._lock:
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
        with self.network._process.fetch(partial(open, mode="rb"), "connections", self.name) as file:
            found = marshal.load(file)
        return sorted((_endpoint(own), _endpoint(peer), STATES[int(state, 16) - 1]) for own, peer, state, *_ in found)

    def sysctl(self, name: str, value) -> None:
        """Change a setting of this host's kernel, such as "net.ipv4.ip_default_ttl". sysctl(8), ip(7), tcp(7)."""
        if not re.fullmatch(r"net(\.[\w-]+)+", name):
            raise ValueError(f'a setting of the network is named as "net.ipv4.ip_default_ttl", not {name!r}')
        self.network._process.ask("setting", self.name, name.removeprefix("net.").replace(".", "/"), str(value))


class Router(Host):
    """A host that passes packets on (RFC 1812)."""


def _destination(to, via):
    if to == "default":
        return "::/0" if ":" in via else "0.0.0.0/0"
    return str(ip_interface(to).network)


def _endpoint(text):
    """("10.0.1.2", 80) of "0201000A:0050": the kernel shows the address as it lies in memory, in words of 32 bits."""
    address, port = text.split(":")
    words = [int(address[i:i + 8], 16).to_bytes(4, sys.byteorder) for i in range(0, len(address), 8)]
    packed = b"".join(words)
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed), int(port, 16)
