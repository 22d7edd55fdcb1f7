"""The table of chapter 04: each socket method called on each kind of socket, on a fresh workbench."""
import os
import select
import socket
import tempfile
from dataclasses import dataclass

from markupsafe import Markup

from netlab.kernel import SYSTEM
from netlab.style import FRAME, tag
from netlab.teach.workbench import Workbench
from netlab.words import code_of

PATIENCE = 5.0                          # seconds until what was sent must be there
KEY = "✓ it came back · ✗ an OSError with this errno (connect_ex returns it) · … it waits · – not here"
NOTE = f"Tried on {SYSTEM}, each call on a fresh workbench."
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
            yield ("" if row.group == group else row.group, row.call, "5\u00a0bytes" if row.there else "", *map(_told, found))
            group = row.group

    def __str__(self):
        lines = [("", "call", "there", *COLUMNS), *self._lines()]
        widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
        table = "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)
        return f"{table}\n{KEY}\n{NOTE}"

    __repr__ = __str__

    def _repr_html_(self):
        left, rows, whole = "text-align:left;padding:3px 4px", [], "background:none;break-inside:avoid"
        head = [tag("th", words, scope="col", style=left) for words in ("call", *COLUMNS)]
        for group, call, there, *found in self._lines():
            if group:
                rows.append(tag("tr", tag("th", group, colspan=len(head), scope="rowgroup", style=left), style=whole))
            when = [tag("br"), f"when {there} are there"] if there else []
            name, arguments = call.split("(", 1)
            may_break = tag("wbr") if len(arguments) > 1 else ""
            rows.append(tag("tr", tag("th", tag("code", f"{name}(", may_break, arguments, style=_CODE), *when, scope="row",
                            style=f"{left};font-weight:normal"),
                            *(tag("td", *_marked(words), style=left + _LOOK.get(words[0], "")) for words in found), style=whole))
        table = tag("table", tag("thead", tag("tr", *head)), tag("tbody", Markup("\n"), *(row + "\n" for row in rows)))
        return str(tag("div", table, tag("div", KEY), tag("div", NOTE), style=FRAME + "overflow-x:auto",
                       tabindex=0, role="region", aria_label="What each call does on each kind of socket"))


def outcomes() -> Outcomes:
    """Try every call of the table on every kind of socket; takes well under a second (chapter 04)."""
    return Outcomes()


def _try(row, name):
    with tempfile.TemporaryDirectory() as folder, Workbench() as bench, socket.socket(type=socket.SOCK_DGRAM) as partner:
        partner.bind(("127.0.0.1", 0))
        sock = getattr(bench, name)
        if sock is None:
            return NOT_HERE
        if row.there and name != "listener":
            if name == "udp":
                partner.sendto(b"hello", sock.getsockname())
            else:
                (bench.connection if name == "client" else bench.unix_peer).sendall(b"hello")
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


def _words(method, result):
    """A result in a few words, with nothing in them that changes from run to run."""
    if method == "detach":
        socket.close(result)
    if method in ("fileno", "detach"):
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


def _told(words):
    """A result with its mark: ✗ before the name of an error, … where it waits, ✓ before what came back."""
    return words if words == NOT_HERE else f"{'…' if words == WAITS else '✗' if words.isupper() else '✓'}\u00a0{words}"


def _marked(told):
    """Codes and values as code; what a person says as words."""
    mark, _, words = told.partition("\u00a0")
    if words in (WAITS, ADDRESS, NUMBER, "a file", ""):
        return [told]
    return [f"{mark}\u00a0", tag("wbr"), tag("code", words, style=_CODE)]


_CODE = "background:none;padding:0;font-size:11.5px"
_LOOK = {"✗": ";background:rgba(204,60,50,.16)", "…": ";outline:1.5px dashed #b07a00;outline-offset:-4px"}
