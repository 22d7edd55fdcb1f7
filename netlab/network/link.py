"""Link: a bad link on loopback, on every system, between clients and a server (chapter 05).

    with netlab.serve_udp(handler) as server, netlab.Link(server, loss=0.2, seed=7) as link:
        client.sendto(b"tea", link.address)         # to the link, in the place of server.address

What is real: every socket, and each datagram that arrives. What is not: no cable loses anything on loopback, so a relay
does, a thread that takes what comes and passes it on, or not, as `netlab.network.fates` decides: the same piece decides
for the cables of a Network, which carry real packets, on Linux.
"""
import functools
import socket
import threading

from netlab import kernel
from netlab.network import inside
from netlab.network.fates import Impairment
from netlab.network.link_picture import fates_picture, fates_text
from netlab.network.relay import DatagramRelay, Passed, StreamRelay
from netlab.servers import Server
from netlab.style import tag


class Link(Server):
    """A bad link on loopback to a server. It is a `Server` itself: clients send and connect to `link.address`; you end it.

    `to`: a Server of this process, whose kind and timeline it takes over, or an address (host, port) of any program, with
    `type` SOCK_DGRAM or SOCK_STREAM. `loss`, `duplicate`, `reorder`: shares, 0 to 1; `delay`: seconds, each way; `seed`
    chooses the fates, by the client's turn, the direction and the datagram's number alone. Each may be changed at any time.

    TCP bears no loss: the link has one connection with the client and one with the server, and acts the part of TCP on a bad
    link between. A chunk that is lost comes 0.2 s later, as when Linux sends again, and all behind it wait; the order stays.
    `rechunk` cuts a stream into pieces of 1 to so many bytes, 1 ms apart. For TCP's real packets: `netlab.Network`.

    ValueError or TypeError for bad arguments, with what is allowed.
    """

    def __init__(self, to, *, type=None, loss=0, duplicate=0, reorder=0, delay=0, seed=0, rechunk=0, host=None, timeline=None,
                 name="link"):
        impairment, recorder = Impairment(loss, duplicate, reorder, delay, seed), timeline
        if isinstance(to, Server):
            type, target = to.socket.type, to.address
            recorder = timeline or getattr(to._engine, "relays", to._engine.recorder)
        else:
            target, type = _address(to), socket.SOCK_DGRAM if type is None else type
        if type not in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            raise ValueError(f"type is SOCK_DGRAM or SOCK_STREAM, not {type!r}")
        if not hasattr(recorder, "relayed") and recorder is not None:
            raise TypeError(f"timeline must be a netlab.Timeline, not {recorder!r}")
        if inside.current():
            raise ValueError("a link is on this machine's loopback, not in a Network: there a cable can be bad, cable(loss=0.2)")
        family = socket.AF_INET6 if ":" in target[0] else socket.AF_INET
        if family == socket.AF_INET:
            target = socket.gethostbyname(target[0]), target[1]         # a name is looked up here, and once
        kind = DatagramRelay if type == socket.SOCK_DGRAM else StreamRelay
        host = host or ("::1" if family == socket.AF_INET6 else "127.0.0.1")
        engine = kind(target, family, host, name, impairment, _pieces(rechunk), recorder)
        super().__init__(engine)
        if recorder is not None:
            recorder.relayed(self.address, target)

    def __getattr__(self, name):
        if name in Impairment.__dataclass_fields__:
            return getattr(self._engine.impairment, name)
        raise AttributeError(f"a link has no {name}")

    def __setattr__(self, name, value):
        if name in Impairment.__dataclass_fields__:
            setattr(self._engine.impairment, name, value)       # it says what is wrong with a value
        elif name in ("_engine", "name", "host", "port"):
            super().__setattr__(name, value)
        elif name == "rechunk":
            self._engine.rechunk = _pieces(value)
        else:
            raise AttributeError(f"a link has loss, duplicate, reorder, delay, seed and rechunk to change, and no {name}")

    @property
    def rechunk(self) -> int:
        """The longest piece of a stream, in bytes; 0 where it is not cut."""
        return self._engine.rechunk

    @property
    def passed(self) -> list[Passed]:
        """What has come to the link so far, in that order, and what became of it; the last 10,000.

        It waits until nothing is on its way, but at most a second.
        """
        self.still()
        return self.passed_now()

    def passed_now(self) -> list[Passed]:
        """The same without waiting: the fate of the last ones may be "on its way"."""
        return [item.passed() for item in self._engine.items.copy()]

    @property
    def overflowed(self) -> int:
        """Datagrams that came too fast: the kernel dropped them before the link could take them. Linux tells; elsewhere 0."""
        engine = self._engine
        return engine.in_thread(engine.overflowed) or engine.lost_before

    def still(self, seconds: float = 1) -> bool:
        """Wait until nothing is on its way: True; or after so long: False."""
        own = threading.current_thread() is self._engine.main       # that cannot wait for itself
        try:
            kernel.wait_until(lambda: not self.running or self._engine.in_thread(self._engine.is_still), 0 if own else seconds)
            return True
        except TimeoutError:
            return False

    def clear(self):
        """Forget what has passed. What is on its way comes first; the fates go on where they were."""
        self._forget(False)

    def rewind(self):
        """Forget what has passed, and begin the fates anew: the same messages with the same seed meet the same fates.

        A connection is a new client, the first again; a UDP socket stays the client that it was.
        """
        self._forget(True)

    def _forget(self, dice):
        self.still()
        self._engine.in_thread(functools.partial(self._engine.forget, dice))

    def text(self) -> str:
        """What has passed, as a table in plain text."""
        return "\n".join(filter(None, [fates_text(self.passed), self._too_fast()]))

    def _too_fast(self):
        return (too_fast := self.overflowed) and f"{too_fast:,} more came too fast: the kernel dropped them before the link."

    def _repr_mimebundle_(self, include=None, exclude=None):
        shown = fates_picture(self.passed, self.name)._repr_mimebundle_()
        if too_fast := self._too_fast():
            shown["text/html"] += str(tag("p", too_fast))
        return {**shown, "text/plain": self.text()}

    def __repr__(self):
        return f"<Link {self.name!r} {'running' if self.running else 'stopped'}>"


def _address(to):
    if not isinstance(to, tuple) or len(to) < 2 or not isinstance(to[0], str) or not isinstance(to[1], int):
        raise TypeError(f'a link leads to a Server, or to an address such as ("127.0.0.1", 4321), not to {to!r}')
    if not 0 < to[1] <= 65535:
        raise ValueError(f"port {to[1]} is out of range: 1 to 65535")
    return to


def _pieces(rechunk):
    if isinstance(rechunk, bool) or not isinstance(rechunk, int) or rechunk < 0:
        raise ValueError(f"rechunk is the longest piece in bytes, and 0 for no cuts, not {rechunk!r}")
    return rechunk
