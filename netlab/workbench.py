"""Five sockets ready for any call, and a table of what each method does on each of them (chapter 04).

    listener      TCP, bound and listening          udp     bound, connected to nobody
    client        TCP, connected to the listener    unix    one end of a connected pair; `unix_peer` is the other
    connection    what the listener accepted

All of it stays on loopback. The table is made by trying: each cell is one call on a fresh workbench.
"""
from __future__ import annotations

import errno
import html
import os
import select
import socket
import tempfile
from dataclasses import dataclass

from netlab.kernel import SYSTEM
from netlab.sockets import PLAIN

PATIENCE = 5.0                          # seconds until what was sent must be there


class Workbench:
    """The five sockets, in blocking mode; with a `timeline` they record there. A context manager: leaving closes.

    `unix` and `unix_peer` are None where the system has no AF_UNIX. Raises OSError where loopback has no TCP.
    """

    def __init__(self, timeline=None):
        make = timeline.socket if timeline else _plain
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
            PLAIN.settimeout(self.connection, None)
            self.udp.bind(("127.0.0.1", 0))
            if hasattr(socket, "AF_UNIX"):
                self.unix, self.unix_peer = (timeline or socket).socketpair()
                for sock in (self.unix, self.unix_peer):
                    PLAIN.settimeout(sock, None)
            if timeline:                            # what accept and socketpair made has no name of its own
                for name in ("connection", "unix", "unix_peer"):
                    if (sock := getattr(self, name)) is not None:
                        timeline._ends[sock.number].name = name
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
        names = ("listener", "client", "connection", "udp", "unix")
        return {name: sock for name, sock in zip(names, self) if sock is not None}

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


def _plain(family, kind, name):
    return socket.socket(family, kind)


def attempt(call, *args):
    """call(*args): its result, or in place of a traceback the error as text, "OSError EINVAL" (chapter 04)."""
    try:
        return call(*args)
    except (OSError, ValueError, TypeError, OverflowError) as error:
        number = getattr(error, "errno", None)
        return f"{type(error).__name__} {code_of(number)}" if number in errno.errorcode else type(error).__name__


# --- the table ---------------------------------------------------------------------------------------------------

COLUMNS = {"TCP listener": "listener", "TCP connection": "client", "UDP": "udp", "AF_UNIX": "unix"}
WAITS, ADDRESS, NUMBER, NOT_HERE = "waits", "address", "number", "–"


@dataclass(frozen=True)
class Row:
    """One call as it is typed; `there` says whether five bytes have arrived before."""

    group: str
    call: str
    there: bool = False


def _rows(group, *calls):
    return [Row(group, call.removesuffix(" +"), call.endswith(" +")) for call in calls]


# " +" marks a call that is made when five bytes are there. The names are those of `_try`.
ROWS = (*_rows("server", "bind(free)", "listen()", "accept()"),
        *_rows("client", "connect(address)", "connect_ex(address)"),
        *_rows("data", "recv(9)", "recv(9) +", "recv(9, MSG_PEEK) +", "recv_into(buffer) +", "recvfrom(9) +",
               "send(b'hello')", "sendall(b'hello')", "sendto(b'hello', address)"),
        *_rows("names", "getsockname()", "getpeername()"),
        *_rows("options", "getsockopt(SOL_SOCKET, SO_ERROR)", "setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)",
               "setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)"),
        *_rows("time", "gettimeout()", "settimeout(1)", "setblocking(True)"),
        *_rows("files", "fileno()", "makefile('rb')", "detach()"),
        *_rows("ending", "shutdown(SHUT_WR)", "close()"))


class Outcomes:
    """What happened when each method was called on each kind of socket: a table in a cell, `cells` as data."""

    def __init__(self):
        self.cells = [(row, [_try(row, name) for name in COLUMNS.values()]) for row in ROWS]

    def _lines(self):
        group = ""
        for row, found in self.cells:
            yield ("" if row.group == group else row.group, row.call, "5\u00a0bytes" if row.there else "", *found)
            group = row.group

    def __str__(self):
        lines = [("", "call", "there", *COLUMNS), *self._lines()]
        widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
        return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines) + f"\n{self._note()}"

    __repr__ = __str__

    def _repr_html_(self):
        left = 'style="text-align:left"'
        head = "".join(f"<th {left} scope='col'>{words}</th>" for words in ("", "call", "there", *COLUMNS))
        body = ""
        for group, call, there, *found in self._lines():
            cells = "".join(f"<td {left}>{_marked(words)}</td>" for words in found)
            body += (f"<tr><td {left}>{group}</td><th {left} scope='row'><code>{html.escape(call)}</code></th>"
                     f"<td {left}>{there}</td>{cells}</tr>\n")
        return f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table><p>{self._note()}</p>"

    def _note(self):
        return (f"Tried on {SYSTEM}, each call on a fresh workbench. "
                "A name in capitals is the errno of the OSError raised.")


def outcomes() -> Outcomes:
    """Try every call of the table on every kind of socket; takes well under a second (chapter 04)."""
    return Outcomes()


def _try(row, name):
    with tempfile.TemporaryDirectory() as folder, Workbench() as bench, _plain_udp() as partner:
        sock = getattr(bench, name)
        if sock is None:
            return NOT_HERE
        if row.there and name != "listener":
            _send_five(bench, partner, name)
            select.select([sock], [], [], PATIENCE)
        unix = name == "unix"
        names = {"sock": sock, "buffer": bytearray(9), **vars(socket),
                 "free": os.path.join(folder, "free") if unix else ("127.0.0.1", 0),
                 "address": os.path.join(folder, "nobody") if unix else
                 partner.getsockname() if name == "udp" else bench.listener.getsockname()}
        if row.group != "time":
            sock.setblocking(False)                 # what would wait says so at once
        try:
            result = eval(f"sock.{row.call}", names)
        except BlockingIOError:
            return WAITS
        except OSError as error:
            return code_of(error.errno)
        return _words(row.call.partition("(")[0], result)


def _plain_udp():
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    return sock


def _send_five(bench, partner, name):
    if name == "udp":
        partner.sendto(b"hello", bench.udp.getsockname())
    else:
        {"client": bench.connection, "unix": bench.unix_peer}[name].sendall(b"hello")


def _words(method, result):
    """A result in a few words, with nothing in them that changes from run to run."""
    if method in ("fileno", "detach"):
        if method == "detach":
            socket.close(result)
        return NUMBER
    if method in ("getsockname", "getpeername"):
        return ADDRESS if result else repr(result)
    if method == "makefile":
        result.close()
        return "a file"
    if method == "connect_ex":
        return code_of(result) if result else "0"
    if method == "recvfrom":
        return f"{result[0]!r}, {ADDRESS if result[1] else result[1]}"
    return repr(result)


def code_of(number: int) -> str:
    """The name of an error number, "EINVAL"; of two names for one number the one that the man pages use."""
    return "EOPNOTSUPP" if number == errno.EOPNOTSUPP else errno.errorcode.get(number, str(number))


def _marked(words):
    """Codes and values as code; what a person says as words."""
    return words if words in (WAITS, ADDRESS, NUMBER, NOT_HERE, "a file") else f"<code>{html.escape(words)}</code>"
