"""Five sockets ready for any call (chapter 04, MethodPanel).

    listener      TCP, bound and listening          udp     bound, connected to nobody
    client        TCP, connected to the listener    unix    one end of a connected pair; `unix_peer` is the other
    connection    what the listener accepted

All of it stays on loopback.
"""
from __future__ import annotations

import socket

from netlab.sockets import PLAIN
from netlab.words import error_name


class Workbench:
    """The five sockets, in blocking mode; with a `timeline` they record there. A context manager: leaving closes.

    `unix` and `unix_peer` are None where the system has no AF_UNIX. Raises OSError where loopback has no TCP.
    """

    def __init__(self, timeline=None):
        make = timeline.socket if timeline else lambda family, kind, name: socket.socket(family, kind)
        self._timeline, self.connection, self.unix, self.unix_peer = timeline, None, None, None
        self.listener = make(socket.AF_INET, socket.SOCK_STREAM, name="listener")
        self.client = make(socket.AF_INET, socket.SOCK_STREAM, name="client")
        self.udp = make(socket.AF_INET, socket.SOCK_DGRAM, name="udp")
        try:
            for sock in (self.listener, self.client, self.udp):
                PLAIN.settimeout(sock, None)        # whatever setdefaulttimeout said; not a call to record
            self.listener.bind(("127.0.0.1", 0))
            self.listener.listen()
            self.client.connect(self.listener.getsockname())
            self.connection, _ = self.listener.accept()
            self.udp.bind(("127.0.0.1", 0))
            if hasattr(socket, "AF_UNIX"):
                self.unix, self.unix_peer = (timeline or socket).socketpair()
            for name in ("connection", "unix", "unix_peer"):
                if (sock := getattr(self, name)) is not None:
                    PLAIN.settimeout(sock, None)
                    if timeline:                    # what accept and socketpair made has no name of its own
                        timeline.name(sock, name)
        except BaseException:
            self.close()
            raise

    def fresh(self) -> Workbench:
        """Close the five and make five new ones; returns itself, so that they can be unpacked."""
        self.close()
        self.__init__(self._timeline)
        return self

    def __iter__(self):
        return iter((self.listener, self.client, self.connection, self.udp, self.unix))

    @property
    def sockets(self) -> dict[str, socket.socket]:
        """The five by name, in the order above; without `unix` where there is none."""
        return {name: sock for name, sock in zip("listener client connection udp unix".split(), self) if sock is not None}

    def close(self) -> None:
        """Close all of them. Once is enough; again does nothing."""
        for sock in (*self.sockets.values(), self.unix_peer):
            if sock is not None:
                sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def __repr__(self):
        return f"<Workbench: {', '.join(self.sockets)}>"


def attempt(call, *arguments, **options):
    """What the call returned; in place of a traceback the error as text, "OSError EINVAL"."""
    try:
        return call(*arguments, **options)
    except (OSError, ValueError, TypeError, OverflowError) as error:
        return error_name(error, code=True)
