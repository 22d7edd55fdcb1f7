"""MethodPanel: any socket method by hand, on a live socket, with what the kernel says before and after."""
from __future__ import annotations

import errno
import ipaddress
import os
import socket
import struct
import tempfile
import threading
from collections import deque
from contextlib import suppress
from html import escape

from netlab import Timeline, kernel
from netlab.panels import arguments
from netlab.panels.base import Panel, box, html, name_of_end
from netlab.sockets import PLAIN
from netlab.teach.workbench import Workbench
from netlab.words import bytes_of, code_of, quoted


class Words:
    """All words of this file, in one place for a translator."""
    title = "Every socket method, by hand"
    plain = "MethodPanel: call any method on a live socket. Run this cell to use the panel."
    sketch = (("Call", "choose a socket and a method, type the arguments", "see the result, or the real exception",
               "cancel a call that waits"),
              ("In the kernel", "the socket before the call and after it", "all sockets: state, bytes to read",
               "and below: the picture of your calls"))
    on, method, arguments, call, cancel, cancel_one = "Socket", "Method", "Arguments", "Call", "Cancel", "Cancel {}"
    again = "Start again"
    heads = "In the kernel", "before", "after", "All sockets: state, receive queue"
    names = {"listener": "listener: TCP", "client": "client: TCP", "connection": "connection: TCP",
             "fresh": "fresh: TCP, new", "udp": "udp: UDP", "unix": "unix: AF_UNIX", "unix_peer": "unix_peer: AF_UNIX"}
    accepted, copied = "{}: TCP", "{}: by dup"
    facts = {"fileno": "descriptor", "state": "TCP state", "own": "own address", "peer": "peer",
             "receive": "receive queue", "send": "send queue", "backlog": "backlog", "timeout": "timeout"}
    none, closed, detached, waits, no_calls = "none", "closed", "detached", "waits", "No call yet."
    connected, alone = "has a peer", "no peer"
    changed = "changed"
    still = "it waits"
    lasts = "Calls"
    returned, raised, waiting = "{} returned {}.", "{} raised {}.", "{} waits."
    cancelled = ("{} was cancelled: shutdown(SHUT_RDWR), from another thread, ends a wait. "
                 "Start again makes new sockets.")
    cancelling = "{} is being cancelled."
    nothing_waits = "No call waits."
    fresh = "New sockets are on the workbench."
    all_closed = "Everything is closed. Start again makes new sockets."
    enough = "{} calls wait already. Cancel one first."
    full = "{} sockets are as many as this panel keeps; the new one was closed at once."
    kept_file = "a file; close() waits until the panel closes it at Start again"
    kept_number = "{}, a descriptor that is now yours; the panel closes it at Start again"
    buffer_now = "{} · the buffer is now {}"
    reach = "reachable from other machines"
    too_big = "{} is too much for this panel: at most {:,} bytes."
    a_name = "{} would be looked up, and a look-up cannot be cancelled. Give an address, such as 127.0.0.1."
    elsewhere = "{} is not on this machine, and this panel stays here. Give 127.0.0.1 or server.address."
    only_path = "On AF_UNIX give path: a name in a folder that the panel removes."
    linger = "SO_LINGER of more than 1 second would make close wait for so long. Give 0 or 1."
    too_many = "{} takes one argument here."


# method -> (signature, what it does and needs, arguments to begin with)
METHODS = {
    "accept": ("accept()",
               "Takes a waiting connection: (connection, address). Waits for one. Needs a listener.", ""),
    "bind": ("bind(address)",
             "Gives the socket its own address. Needs one without an address.", '("127.0.0.1", 0)'),
    "close": ("close()", "Gives the descriptor back. Does not wake a call that waits.", ""),
    "connect": ("connect(address)",
                "TCP: the handshake, waits for it. UDP: notes the peer. Needs a socket without a peer.",
                "server.address"),
    "connect_ex": ("connect_ex(address)",
                   "As connect, but returns the error code; 0 is success.", "server.address"),
    "detach": ("detach()", "Gives the descriptor away and finishes the object.", ""),
    "dup": ("dup()", "A second object with a descriptor of its own for the same kernel socket.", ""),
    "fileno": ("fileno()", "The file descriptor; -1 when closed.", ""),
    "getblocking": ("getblocking()", "False when the timeout is 0.", ""),
    "getpeername": ("getpeername()", "The other end's address. Needs a peer.", ""),
    "getsockname": ("getsockname()", "This end's address.", ""),
    "getsockopt": ("getsockopt(level, option, length=0)",
                   "Reads an option: a number, or bytes with a length.",
                   "SOL_SOCKET, SO_RCVBUF"),
    "gettimeout": ("gettimeout()", "None waits, 0.0 never waits, else seconds.", ""),
    "listen": ("listen(backlog)",
               "Lets the kernel take connections. Needs a stream socket without a peer.", "5"),
    "makefile": ('makefile(mode="r", buffering=None)',
                 "A file object over the socket, with a buffer.", '"rb"'),
    "recv": ("recv(n, flags=0)",
             'At most n bytes; b"" at the end. Waits for the first. Needs a peer, or UDP.', "1024"),
    "recv_into": ("recv_into(buffer, n=0, flags=0)",
                  "recv into memory of yours; returns how many.", "bytearray(16)"),
    "recvfrom": ("recvfrom(n, flags=0)",
                 "(data, address); on a connection the address is None. Waits.", "1024"),
    "recvmsg": ("recvmsg(n)", "(data, ancillary, flags, address). Waits.", "1024"),
    "send": ("send(data, flags=0)",
             "Returns how many bytes the kernel took. Waits for room. Needs a peer.", 'b"hello"'),
    "sendall": ("sendall(data, flags=0)",
                "Goes on until all are taken. Waits for room. Needs a peer.", 'b"hello"'),
    "sendmsg": ("sendmsg(buffers)", "send from a list of buffers.", '[b"two ", b"parts"]'),
    "sendto": ("sendto(data, address)",
               "One datagram to an address. For sockets without a peer.", 'b"hello", udp.address'),
    "setblocking": ("setblocking(flag)", "True is settimeout(None), False is settimeout(0).", "False"),
    "setsockopt": ("setsockopt(level, option, value)",
                   "Sets an option: a number, or bytes.", "IPPROTO_TCP, TCP_NODELAY, 1"),
    "settimeout": ("settimeout(seconds)", "How long calls wait: None, 0, or seconds.", "2"),
    "shutdown": ("shutdown(how)",
                 "Ends a direction of the connection: SHUT_RD, SHUT_WR, SHUT_RDWR.", "SHUT_WR"),
}
METHODS = {name: about for name, about in METHODS.items() if hasattr(PLAIN, name)}      # no sendmsg on Windows

WAITS = {"accept", "connect", "connect_ex", "recv", "recv_into", "recvfrom", "recvmsg", "send", "sendall", "sendmsg",
         "sendto"}
MAX_CALLS, MAX_SOCKETS, LINES = 8, 12, 6
GATE = 0.05             # seconds that a call may take before the next one starts beside it
PATIENCE = 2.0          # seconds that the end waits for calls that were woken


class Call:
    """One call: made by a click, then running in a thread of the panel's, then done."""

    def __init__(self, name, sock, method, read, typed, before, turn):
        self.name, self.sock, self.method = name, sock, method
        self.args, self.keywords, code = read
        self.code = f"{name}.{method}({code})"
        self.shown = f"{name}.{method}({typed if len(typed) <= 40 else typed[:40] + '…'})"
        self.earlier, self.turn = before, turn          # the call clicked before; the workbench that it belongs to
        self.before, self.after = {}, {}
        self.result, self.failed, self.cancelled, self.started, self.handle = "", False, False, False, None
        self.done = threading.Event()


class MethodPanel(Panel):
    """Any method on a listener, a client, an accepted connection, a fresh socket, a UDP socket, a pair of AF_UNIX.

    Calls run in threads of the panel's own, so one that waits blocks nobody and can be cancelled. The module's
    setdefaulttimeout is left out: it would change every socket of the notebook. Sockets and threads end with
    "Close all", with `close()`, or when the cell is run again. Chapter 04.
    """
    title, plain, sketch = Words.title, Words.plain, Words.sketch

    def __init__(self):
        super().__init__()
        self.timeline = self._recorder()
        self.sockets: dict[str, socket.socket] = {}
        self._labels = {}
        self._bench = self._folder = self._last = None
        self._turn, self._made = 0, 0
        self._running, self._loose, self._files = [], [], []
        self._log, self._seen, self._filled = deque(maxlen=LINES), -1, None

    def _recorder(self):
        timeline = Timeline(limit=60, one_hand=True)
        timeline.on_change = self.changed
        return timeline

    # the view

    def build(self):
        self._on = self.choice(Words.on, [(words, name) for name, words in Words.names.items()])
        self._method = self.choice(Words.method, list(METHODS))
        self._on.value, self._method.value = "client", "recv"
        for widget in (self._on, self._method):
            widget.observe(lambda _: self.changed(), "value")
        self._args = self.field(Words.arguments, "", enter=self._call_clicked)
        self._about, self._kernel, self._calls, self._picture = html(), html(), html(), html()
        self._cancel = self.button(Words.cancel, self._cancel_clicked)
        left = box([box([self._on, self._method], "nl-row"), self._about, box([self._args.text], "nl-row"),
                    self._args.note,
                    box([self.button(Words.call, self._call_clicked, "nl-main"), self._cancel,
                         self.button(Words.again, self.start_again)], "nl-row"), self._calls], "nl-side")
        self.start_again()
        return [box([left, box([self._kernel], "nl-side")], "nl-sides"), self._picture]

    def render(self):
        options = [(self._labels.get(name, name), name) for name in self.sockets] or list(self._on.options)
        if list(self._on.options) != options:
            chosen = self._on.value if self._on.value in self.sockets else options[0][1]
            self.put(self._on, options=options, value=chosen)
        name, method = self._on.value, self._method.value
        signature, about, example = METHODS[method]
        head = f"<code>{escape(f'{name}.{signature}')}</code>"
        self.put(self._about, value=f'<div class="nl-caption">{head}<br>{escape(about)}</div>')
        if self._filled != (method, self._family(name)):
            self._filled = method, self._family(name)
            self._args.error = ""
            self.put(self._args.text, value=self._example(name, method, example))
        waiting = [call for call in self._running if not call.done.is_set()]
        first = self._waiting(name)
        self.put(self._cancel, disabled=not waiting,
                 description=Words.cancel_one.format(f"{first.name}.{first.method}") if first else Words.cancel)
        self.put(self._calls, value=self._calls_html(waiting))
        self.put(self._kernel, value=self._kernel_html(name, waiting))

    def render_large(self):
        events = self.timeline.events
        if events and events[-1].index != self._seen:
            self._seen = events[-1].index
            self.put(self._picture, value=f'<div class="nl-picture">{self.timeline.svg(standalone=False)}</div>')

    def aside(self):
        return " ".join(Words.waiting.format(call.shown) for call in self._running[:2] if call.started)

    def chips(self):
        for sock in list(self.sockets.values()):
            own = _try(PLAIN.getsockname, sock)
            if isinstance(own, tuple) and own[1] and not ipaddress.ip_address(own[0]).is_loopback:
                return [Words.reach]
        return []

    def pace(self):
        return 0.25 if self.sockets else None

    def code(self):
        return "\n".join(["import socket", "from netlab import Timeline", "from netlab.teach.workbench import Workbench", "",
                          "timeline = Timeline()", "bench = Workbench(timeline)",
                          "listener, client, connection, udp, unix = bench", "unix_peer = bench.unix_peer",
                          'fresh = timeline.socket(name="fresh")', *self._code])

    def _calls_html(self, waiting):
        lines = [f'<div class="nl-line"><span class="nl-waits">{escape(call.shown)} · {Words.still}</span></div>'
                 for call in waiting]
        return (f'<div class="nl-caption">{Words.lasts}</div><div class="nl-log" role="log">'
                + ("".join([*self._log, *lines]) or f'<span class="nl-soft">{Words.no_calls}</span>') + '</div>')

    def _kernel_html(self, name, waiting):
        last, cells = self._last, 'style="text-align:left;padding:1px 10px 1px 0;vertical-align:top"'
        label = cells[:-1] + ';white-space:nowrap"'
        head, before, after, everything = Words.heads
        rows = ""
        if last is not None:
            for key, words in Words.facts.items():
                was, now = last.before.get(key, ""), last.after.get(key, "")
                if was or now:
                    mark = f"<b>{escape(now)}</b> · {Words.changed}" if now and now != was else escape(now)
                    rows += (f'<tr><th scope="row" {label}>{words}</th>'
                             f'<td {cells}>{escape(was)}</td><td {cells}>{mark}</td></tr>')
            shown = "server" if last.name in ("listener", "connection") else "client"
            still = Words.waits if last in waiting else ""
            rows = (name_of_end(last.shown, shown, waits=still)
                    + f'<table class="nl-line"><tr><td></td><th scope="col" {cells}>{before}</th>'
                      f'<th scope="col" {cells}>{after}</th></tr>{rows}</table>')
        busy = {call.name for call in waiting}
        lines = "".join(
            f'<tr><th scope="row" {label}>{escape(each)}</th><td {cells}>{escape(_state(sock))}'
            f'{" · " + Words.waits if each in busy else ""}</td><td {cells}>{escape(_to_read(sock))}</td></tr>'
            for each, sock in list(self.sockets.items()))
        return (f'<div class="nl-name"><b>{head}</b></div>{rows}<div class="nl-caption">{everything}</div>'
                f'<table class="nl-line">{lines}</table>')

    def _family(self, name):
        sock = self.sockets.get(name)
        return getattr(sock, "family", None) == getattr(socket, "AF_UNIX", -1)

    def _example(self, name, method, example):
        if self._family(name) and method in ("bind", "connect", "connect_ex"):
            return "path"
        return 'b"hello", path' if self._family(name) and method == "sendto" else example

    # what the buttons ask for

    def _call_clicked(self):
        self.call(self._on.value, self._method.value, self._args.text.value)

    def call(self, name, method, typed) -> Call | None:
        """Enqueue sockets[name].method(typed); None where the arguments are wrong, as then stands under the field."""
        sock, typed = self.sockets.get(name), typed.strip()
        if sock is None:
            self.say(Words.all_closed)
            return None
        if len(self._running) >= MAX_CALLS:
            self.say(Words.enough.format(MAX_CALLS))
            return None
        try:
            read = self._read(typed)
            _check(sock, method, read.args, read.keywords, self._path())
        except ValueError as error:
            self._args.error = str(error)
            self.changed()
            return None
        self._args.error = ""
        call = Call(name, sock, method, read, typed, self._last, self._turn)
        with self._lock:
            self._last = call
            self._running.append(call)
        self.do(self._make, call)
        return call

    def _cancel_clicked(self):
        call = self._waiting(self._on.value)
        self.say(Words.cancelling.format(call.shown) if call else Words.nothing_waits)
        if call is not None:
            self.do(self.cancel, call)

    def start_again(self):
        """Close everything and put new sockets on the workbench."""
        self.do(self._fresh, who=self)

    def _waiting(self, name):
        """The call that Cancel would end: the oldest on this socket, else the oldest."""
        running = [call for call in self._running.copy() if call.handle is not None and not call.done.is_set()]
        return next((call for call in running if call.name == name), running[0] if running else None)

    # in a thread of the panel's

    def _make(self, call):
        if call.earlier is not None:                    # clicks in their order, as long as nothing waits
            call.earlier.done.wait(GATE)
            call.earlier = None
        with self._lock:
            if call.turn != self._turn:                 # its workbench is closed
                self._finish(call)
                return
            call.before = _facts(call.sock)
            call.started = True
            if call.method in WAITS:                    # lives as long as the call, and reaches it after a close() too
                call.handle = _handle(call.sock)
        try:
            result, error = getattr(call.sock, call.method)(*call.args, **call.keywords), None
        except Exception as failed:                     # whatever comes, it is the learner's to see
            result, error = None, failed
        with self._lock:
            call.after = _facts(call.sock)
            call.failed = error is not None
            call.result = _error(error) if call.failed else self._keep(call, result)
            self._finish(call)
        if call.turn == self._turn and not self._closed:
            self._tell(call)

    def _finish(self, call):
        if call.handle is not None:
            call.handle.close()
        if call in self._running:
            self._running.remove(call)
        call.args = ()                                  # perhaps some megabytes
        call.done.set()

    def _tell(self, call):
        words = Words.raised if call.failed else Words.returned
        self._log.append(f'<div class="nl-line"><b>{escape(call.shown)}</b> '
                         + (f'<span style="color:var(--nl-error)">✗ {escape(call.result)}</span>' if call.failed
                            else f"→ {escape(call.result)}") + "</div>")
        self.say(Words.cancelled.format(call.shown) if call.cancelled else words.format(call.shown, call.result))
        self.typed(f"# {call.code} raised {call.result}" if call.failed else call.code)

    def _keep(self, call, result):
        """The result in words; what has to be closed some day is kept until then."""
        stale = call.turn != self._turn
        if call.method == "accept":
            name = self._adopt("connection", result[0], Words.accepted, stale)
            call.code = f"{name}, address = {call.code}"
            return f"({name}, {_address(result[1])})"
        if call.method == "dup":
            name = self._adopt(f"{call.name}_copy", result, Words.copied, stale)
            call.code = f"{name} = {call.code}"
            return name
        if call.method == "makefile":
            self._files.append(result)
            call.code = f"file_{len(self._files)} = {call.code}"
            if stale:
                self._close_loose()
            return Words.kept_file
        if call.method == "detach" and result >= 0:
            self._loose.append(result)
            if stale:
                self._close_loose()
            return Words.kept_number.format(result)
        if call.method == "recv_into" and call.args:
            return Words.buffer_now.format(result, _short(bytes(call.args[0])))
        if call.method == "connect_ex" and result:
            return f"{result}, {code_of(result)}"
        return _short(result)

    def _adopt(self, kind, sock, words, stale):
        self._made += 1
        name = f"{kind}_{self._made + 1}"
        if stale or len(self.sockets) >= MAX_SOCKETS:
            sock.close()
            self.say(Words.full.format(MAX_SOCKETS))
            return "closed"
        self._labels[name] = words.format(name)
        self.sockets = {**self.sockets, name: sock}
        return name

    def cancel(self, call):
        """End the wait of a call: shut its socket down by another descriptor, since close() wakes nobody."""
        call.cancelled = True
        for attempt in range(int(PATIENCE / 0.05)):
            with self._lock:
                if call.done.is_set() or call.handle is None:
                    return
                with suppress(OSError):
                    call.handle.shutdown(socket.SHUT_RDWR)
                if attempt == 4:
                    _knock(call)
            call.done.wait(0.05)

    def release(self):
        with self._lock:
            self._turn += 1
            running, bench, folder = self._running.copy(), self._bench, self._folder
            sockets, self.sockets, self._bench, self._folder = self.sockets, {}, None, None
        for call in running:
            if call.handle is not None:
                with suppress(OSError, AttributeError):
                    call.handle.setblocking(False)      # what is not in the kernel yet will not wait there
                    call.handle.shutdown(socket.SHUT_RDWR)
        for call in running:
            if call.handle is not None:
                self.cancel(call)
            elif call.started:
                call.done.wait(PATIENCE)
        with self._lock:
            self._close_loose()
        for sock in sockets.values():
            with suppress(OSError):
                PLAIN.settimeout(sock, None)
                PLAIN.setsockopt(sock, socket.SOL_SOCKET, socket.SO_LINGER, bytes(8))
            PLAIN.close(sock)
        if bench is not None:
            self.say(Words.all_closed)
        if folder is not None:
            folder.cleanup()

    def _close_loose(self):
        for file in self._files:
            with suppress(OSError, ValueError):
                file.close()
        for number in self._loose:
            with suppress(OSError):
                socket.close(number)
        self._files, self._loose = [], []

    def _fresh(self):
        self.release()
        timeline = self._recorder()
        bench = Workbench(timeline)
        fresh = timeline.socket(name="fresh")
        PLAIN.settimeout(fresh, None)
        with self._lock:
            if not self._closed:
                self._bench, self._folder = bench, tempfile.TemporaryDirectory(prefix="netlab")
                self._last, self._made = None, 0
                found = {**bench.sockets, "fresh": fresh, "unix_peer": bench.unix_peer}
                self.sockets = {name: found[name] for name in Words.names if found.get(name) is not None}
                self._labels, self.timeline, self._seen = dict(Words.names), timeline, -1
                self._log.clear()
                self._code.clear()
                self.say(Words.fresh)
                return
        bench.close()
        fresh.close()

    # reading what the learner typed: never eval

    def _path(self):
        folder = self._folder
        return folder and os.path.join(folder.name, "path")

    def _read(self, typed):
        """What was typed, as `Arguments`; ValueError with the words that help."""
        here, path = self.sockets, self._path()             # as they are now: "Start again" puts others there
        words = {"server": "listener", "udp": "udp", **{name: name for name in here}}
        names = {f"{word}.address": _try(PLAIN.getsockname, here[name]) or ("127.0.0.1", 0)
                 for word, name in words.items() if name in here}
        code = {f"{word}.address": f"{name}.getsockname()" for word, name in words.items()}
        return arguments.read(typed, {**names, **({"path": path} if path else {})}, code)


def _check(sock, method, args, keywords, path):
    """Refuse, with a ValueError, what could not be cancelled or would leave this machine."""
    sizes = args[2:3] if method == "getsockopt" else args[:1] if method in ("recv", "recvfrom", "recvmsg") else ()
    for size in sizes:
        if isinstance(size, int) and size > arguments.MAX_BUFFER:
            raise ValueError(Words.too_big.format(f"{size:,}", arguments.MAX_BUFFER))
    if method in ("sendmsg", "recvmsg") and len(args) + len(keywords) > 1:
        raise ValueError(Words.too_many.format(method))         # ancillary data could carry descriptors
    if method == "setsockopt" and args[:2] == [socket.SOL_SOCKET, socket.SO_LINGER] and len(args) > 2:
        value = args[2]
        if isinstance(value, (bytes, bytearray)) and len(value) >= 8 \
                and not 0 <= struct.unpack("ii", value[:8])[1] <= 1:
            raise ValueError(Words.linger)
    if method in ("bind", "connect", "connect_ex", "sendto"):
        for address in args[1:] if method == "sendto" else args[:1]:
            _check_address(sock, method, address, path)


def _check_address(sock, method, address, path):
    if sock.family == getattr(socket, "AF_UNIX", None):
        folder = path and os.path.dirname(path)
        if isinstance(address, (str, bytes, bytearray)) and not (
                isinstance(address, str) and folder and os.path.dirname(address) == folder or address in ("", b"")):
            raise ValueError(Words.only_path)
        return
    if not (isinstance(address, tuple) and address and isinstance(address[0], (str, bytes, bytearray))):
        return                                                  # Python itself refuses it
    host = address[0] if isinstance(address[0], str) else bytes(address[0]).decode("latin-1")
    if not host:
        return
    try:
        number = ipaddress.ip_address(host)
    except ValueError:
        raise ValueError(Words.a_name.format(quoted(host))) from None
    if method != "bind" and not (number.is_loopback or number.is_unspecified):
        raise ValueError(Words.elsewhere.format(quoted(host)))


# --- what the kernel says, in words ------------------------------------------------------------------------------

def _try(call, *args):
    try:
        return call(*args)
    except (OSError, ValueError):
        return None


def _handle(sock):
    """Another descriptor for the same kernel socket, to end a waiting call by; None for a closed socket."""
    if (number := PLAIN.fileno(sock)) < 0:
        return None
    try:
        handle = PLAIN(sock.family, sock.type, sock.proto, fileno=socket.dup(number))
        handle.settimeout(sock.gettimeout())            # the flag is shared: leave it as it is
    except OSError:
        return None
    if PLAIN.fileno(sock) != number:                    # closed meanwhile: the number may be somebody else's by now
        handle.close()
        return None
    return handle


def _knock(call):
    """Where shutdown does not wake a wait (accept on macOS and Windows, UDP): come as the client it waits for."""
    with suppress(OSError):
        own = call.handle.getsockname()
        with PLAIN(call.handle.family, call.handle.type) as visitor:
            visitor.settimeout(0.2)
            visitor.connect(own)
            if visitor.type == socket.SOCK_DGRAM:
                visitor.send(b"")


def _facts(sock):
    """What there is to know about a socket now: key of Words.facts -> words."""
    number = PLAIN.fileno(sock)
    if number < 0:
        return {"fileno": f"-1, {Words.closed}"}
    peer, timeout, backlog = _try(PLAIN.getpeername, sock), sock.gettimeout(), kernel.backlog(sock)
    receive, send = kernel.queues(sock)
    found = {"fileno": str(number), "state": kernel.state(sock) or "", "own": _address(_try(PLAIN.getsockname, sock)),
             "peer": Words.none if peer is None else _address(peer), "timeout": str(timeout)}
    if receive is not None:
        found["receive"] = bytes_of(receive)
    if send is not None:
        found["send"] = bytes_of(send)
    if backlog is not None:
        found["backlog"] = "{} / {}".format(*backlog)
    return found


def _state(sock):
    if PLAIN.fileno(sock) < 0:
        return Words.closed
    return kernel.state(sock) or (Words.alone if _try(PLAIN.getpeername, sock) is None else Words.connected)


def _to_read(sock):
    size = kernel.receive_queue(sock)
    return "" if size is None else bytes_of(size)


def _address(address):
    if isinstance(address, tuple) and len(address) > 1:
        return f"{address[0]}, port {address[1]}"
    return Words.none if address is None else _short(address)


def _short(value, limit=60):
    if isinstance(value, (bytes, bytearray, str)) and len(value) > limit:
        return f"{value[:limit // 2]!r}… ({len(value):,} in all)"
    text = repr(value)
    return text if len(text) <= 2 * limit else text[:2 * limit] + "…"


def _error(error):
    number = getattr(error, "errno", None)
    code = code_of(number) if number in errno.errorcode else ""
    said = getattr(error, "strerror", None) or str(error)
    said = said.removeprefix("RecordingSocket.")        # Python's own words name the class that records
    return f"{type(error).__name__}{' ' + code if code else ''}: {said[:160]}"
