"""MethodPanel: any socket method by hand, on a live socket, with what the kernel says before and after."""
import os
import socket
import tempfile
import threading
from collections import deque
from contextlib import suppress

from markupsafe import Markup

from netlab import Timeline
from netlab.panels import arguments, parts
from netlab.panels.arguments import METHODS
from netlab.panels.base import Panel
from netlab.panels.parts import RUN_ME, box, caption, facts, html, line, log, name_of_end, open_to_all, row, to_read
from netlab.sockets import PLAIN
from netlab.style import tag
from netlab.teach.workbench import Workbench
from netlab.words import code_of, error_text, shortened

NAMES = {"listener": "listener: TCP", "client": "client: TCP", "connection": "connection: TCP",
         "fresh": "fresh: TCP, new", "udp": "udp: UDP", "unix": "unix: AF_UNIX", "unix_peer": "unix_peer: AF_UNIX"}
WAITS = set("accept connect connect_ex recv recv_into recvfrom recvmsg send sendall sendmsg sendto".split())
MAKES = {"accept", "dup", "makefile", "detach"}       # what somebody has to close
MAX_CALLS, MAX_SOCKETS, LINES = 8, 12, 6
START = """\
import socket
from netlab import Timeline
from netlab.teach.workbench import Workbench

timeline = Timeline()
bench = Workbench(timeline)
listener, client, connection, udp, unix = bench
unix_peer = bench.unix_peer
fresh = timeline.socket(name="fresh")"""
GATE = 0.05             # seconds that a call may take before the next one starts beside it
PATIENCE = 2.0          # seconds that the end waits for calls that were woken


class Call:
    """One call: made by a click, then running in a thread of the panel's, then done."""

    def __init__(self, name, sock, method, read, typed, before, bench):
        self.name, self.sock, self.method = name, sock, method
        self.args, self.keywords, code = read
        self.code, self.shown = f"{name}.{method}({code})", f"{name}.{method}({shortened(typed, 40)})"
        self.earlier, self.bench = before, bench        # the call clicked before; the workbench that it belongs to
        self.before, self.after, self.result, self.handle, self.done = {}, {}, "", None, threading.Event()
        self.failed = self.cancelled = self.started = False


class MethodPanel(Panel):
    """Any method on a listener, a client, an accepted connection, a fresh socket, a UDP socket, a pair of AF_UNIX.

    Calls run in threads of the panel's own, so one that waits blocks nobody and can be cancelled. The module's
    setdefaulttimeout is left out: it would change every socket of the notebook. Sockets and threads end with
    "Close all", with `close()`, or when the cell is run again. Chapter 04.
    """
    title = "Every socket method, by hand"
    plain = f"MethodPanel: call any method on a live socket. {RUN_ME}"
    sketch = (("Call", "choose a socket and a method, type the arguments", "see the result, or the real exception",
               "cancel a call that waits"),
              ("In the kernel", "the socket before the call and after it", "all sockets: state, bytes to read",
               "and below: the picture of your calls"))
    sockets, _bench = {}, None              # of a panel that is closed

    def __init__(self):
        super().__init__()
        self.timeline = self._recorder()
        self._bench = self._folder = self._last = self._filled = None
        self._labels, self._made, self._seen, self._running, self._kept = {}, 0, -1, [], []
        self._log = deque(maxlen=LINES)

    def _recorder(self):
        timeline = Timeline(limit=60, one_hand=True)
        timeline.on_change = self.changed
        return timeline

    # the view

    def build(self):
        self._on = self.choice("Socket", [(words, name) for name, words in NAMES.items()])
        self._method = self.choice("Method", list(METHODS))
        self._on.value, self._method.value = "client", "recv"
        for widget in (self._on, self._method):
            widget.observe(lambda _: self.changed(), "value")
        self._args = self.field("Arguments", "", enter=self._call_clicked)
        self._about, self._kernel, self._calls, self._picture = html(), html(), html(), html()
        self._cancel = self.button("Cancel", self._cancel_clicked)
        buttons = [self.button("Call", self._call_clicked, "nl-main"), self._cancel, self.button("Start again", self.start_again)]
        left = box([box([self._on, self._method], "nl-row"), self._about, box([self._args.text], "nl-row"),
                    self._args.note, box(buttons, "nl-row"), self._calls], "nl-side")
        self.start_again()
        return [box([left, box([self._kernel], "nl-side")], "nl-sides"), self._picture]

    def render(self):
        options = [(self._labels.get(name, name), name) for name in self.sockets] or list(self._on.options)
        if list(self._on.options) != options:
            chosen = self._on.value if self._on.value in self.sockets else options[0][1]
            with self._on.hold_sync():              # new options choose the first
                self.write(self._on, options=options)
                self.write(self._on, value=chosen)
        name, method = self._on.value, self._method.value
        signature, about, example = METHODS[method]
        self.write(self._about, value=caption(tag("code", f"{name}.{signature}"), tag("br"), about))
        if self._filled != (filled := (method, self._is_unix(name))):
            self._filled, self._args.error = filled, ""
            self.write(self._args.text, value=self._example(name, method, example))
        waiting = [call for call in self._running if not call.done.is_set()]
        first = self._waiting(name)
        self.write(self._cancel, disabled=not waiting, description=f"Cancel {first.name}.{first.method}" if first else "Cancel")
        lines = [tag("div", tag("span", f"{call.shown} · it waits", class_="nl-waits"), class_="nl-line") for call in waiting]
        self.write(self._calls, value=log("Calls", [*self._log, *lines], "No call yet.", role="log"))
        self.write(self._kernel, value=self._kernel_html(waiting))

    def render_large(self):
        events = self.timeline.events
        if events and events[-1].index != self._seen:
            self._seen = events[-1].index
            self.write(self._picture, value=parts.picture_of(self.timeline))

    def aside(self):
        return " ".join(f"{call.shown} waits." for call in self._running[:2] if call.started)

    def chips(self):
        return ["reachable from other machines"] if any(map(open_to_all, list(self.sockets.values()))) else []

    def pace(self):
        return 0.25 if self.sockets else None

    def code(self):
        return "\n".join([START, *self._code])

    def _kernel_html(self, waiting):
        last, rows = self._last, []
        if last is not None:
            for key, words in parts.FACTS.items():
                was, now = last.before.get(key, ""), last.after.get(key, "")
                mark = tag("b", now) + " · changed" if now and now != was else now
                rows += [row(words, was, mark)] if was or now else []
            side = "server" if last.name in ("listener", "connection") else "client"
            head = tag("tr", tag("td"), *(tag("th", when, scope="col", style=parts.CELL) for when in ("before", "after")))
            rows = [name_of_end(last.shown, side, waits="waits" if last in waiting else ""),
                    tag("table", head, *rows, class_="nl-line")]
        busy = {call.name for call in waiting}
        everything = [row(each, parts.state_of(sock) + (" · waits" if each in busy else ""), to_read(sock))
                      for each, sock in list(self.sockets.items())]
        return (tag("div", tag("b", "In the kernel"), class_="nl-name") + Markup("").join(rows)
                + caption("All sockets: state, receive queue") + tag("table", *everything, class_="nl-line"))

    def _is_unix(self, name):
        sock = self.sockets.get(name)
        return getattr(sock, "family", None) == getattr(socket, "AF_UNIX", -1)

    def _example(self, name, method, example):
        if self._is_unix(name) and method in ("bind", "connect", "connect_ex"):
            return "path"
        return 'b"hello", path' if self._is_unix(name) and method == "sendto" else example

    # what the buttons ask for

    def _call_clicked(self):
        self.call(self._on.value, self._method.value, self._args.text.value)

    def call(self, name, method, typed) -> Call | None:
        """Enqueue sockets[name].method(typed); None where the arguments are wrong, as then stands under the field."""
        sock, typed = self.sockets.get(name), typed.strip()
        if sock is None:
            return self.say("Everything is closed. Start again makes new sockets.")
        if len(self._running) >= MAX_CALLS:
            return self.say(f"{MAX_CALLS} calls wait already. Cancel one first.")
        try:
            read = self._read(typed)
            arguments.check(sock, method, read.args, read.keywords, self._path())
        except ValueError as error:
            self._args.error = str(error)
            return self.say(f"{name}.{method} was not called: see beside the arguments.")
        self._args.error = ""
        call = Call(name, sock, method, read, typed, self._last, self._bench)
        with self._lock:
            self._last = call
            self._running.append(call)
        self.do(self._make, call)
        return call

    def _cancel_clicked(self):
        call = self._waiting(self._on.value)
        self.say(f"{call.shown} is being cancelled." if call else "No call waits.")
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
            if call.bench is not self._bench:           # which is closed by now
                self._finish(call)
                return
            call.before = facts(call.sock)
            call.started = True
            if call.method in WAITS:                    # lives as long as the call, and reaches it after a close() too
                call.handle = _second_descriptor(call.sock)
        try:
            result, error = getattr(call.sock, call.method)(*call.args, **call.keywords), None
        except Exception as failed:                     # whatever comes, it is the learner's to see
            result, error = None, failed
        with self._lock:
            call.after = facts(call.sock)
            call.failed = error is not None
            call.result = _words(error) if call.failed else self._keep(call, result)
            self._finish(call)
        if call.bench is self._bench and not self._closed:
            self._tell(call)

    def _finish(self, call):
        if call.handle is not None:
            call.handle.close()
        if call in self._running:
            self._running.remove(call)
        call.args = ()                                  # perhaps some megabytes
        call.done.set()

    def _tell(self, call):
        result = tag("span", f"✗ {call.result}", style="color:var(--nl-error)") if call.failed else f"→ {call.result}"
        self._log.append(line(call.shown, result))
        told = f"{call.shown} {'raised' if call.failed else 'returned'} {call.result}."
        if call.cancelled:
            told = (f"{call.shown} was cancelled: shutdown(SHUT_RDWR), from another thread, ends a wait. "
                    "Start again makes new sockets.")
        elif call.method == "listen" and not call.failed and open_to_all(call.sock):
            host, port = PLAIN.getsockname(call.sock)
            told += (f" It listens on {'all interfaces' if host == '0.0.0.0' else host}, port {port}: other machines can connect."
                     " After a bind to 127.0.0.1 only this one could.")
        self.say(told)
        self.typed(f"# {call.code} raised {call.result}" if call.failed else call.code)

    def _keep(self, call, result):
        """The result in words; what has to be closed some day is kept until then."""
        made = result[0] if call.method == "accept" else result
        if call.method in MAKES and call.bench is not self._bench:      # too late to be kept
            _close(made)
            return "closed"
        if call.method == "accept":
            name = self._add("connection", "TCP", made)
            call.code = f"{name}, address = {call.code}"
            return f"({name}, {parts.address_of(result[1])})"
        if call.method == "dup":
            name = self._add(f"{call.name}_copy", "by dup", made)
            call.code = f"{name} = {call.code}"
            return name
        if call.method == "makefile":
            self._kept.append(made)
            call.code = f"file_{len(self._kept)} = {call.code}"
            return "a file; close() waits until the panel closes it at Start again"
        if call.method == "detach" and made >= 0:
            self._kept.append(made)
            return f"{made}, a descriptor that is now yours; the panel closes it at Start again"
        if call.method == "recv_into" and call.args:
            return f"{result} · the buffer is now {_short(bytes(call.args[0]))}"
        if call.method == "connect_ex" and result:
            return f"{result}, {code_of(result)}"
        return _short(result)

    def _add(self, kind, words, sock):
        """Put a socket that a call made among the others, if there is room; its name."""
        if len(self.sockets) >= MAX_SOCKETS:
            sock.close()
            self.say(f"{MAX_SOCKETS} sockets are as many as this panel keeps; the new one was closed at once.")
            return "closed"
        self._made += 1
        name = f"{kind}_{self._made + 1}"
        self._labels[name] = f"{name}: {words}"
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
                    _visit(call)
            call.done.wait(0.05)

    def release(self):
        with self._lock:
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
            for each in self._kept:
                _close(each)
            self._kept = []
        for sock in sockets.values():
            with suppress(OSError):
                PLAIN.settimeout(sock, None)
                PLAIN.setsockopt(sock, socket.SOL_SOCKET, socket.SO_LINGER, bytes(8))
            PLAIN.close(sock)
        if bench is not None:
            self.say("Everything is closed. Start again makes new sockets.")
        if folder is not None:
            folder.cleanup()

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
                self.sockets = {name: found[name] for name in NAMES if found.get(name) is not None}
                self._labels, self.timeline, self._seen = dict(NAMES), timeline, -1
                self._log.clear()
                self._code.clear()
                self.say("New sockets are on the workbench.")
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
        names = {f"{word}.address": parts.if_possible(PLAIN.getsockname, here[name]) or ("127.0.0.1", 0)
                 for word, name in words.items() if name in here}
        code = {f"{word}.address": f"{name}.getsockname()" for word, name in words.items()}
        return arguments.read(typed, {**names, **({"path": path} if path else {})}, code)


# --- sockets and results of calls -----------------------------------------------------------------------------------

def _close(made):
    with suppress(OSError, ValueError):
        socket.close(made) if isinstance(made, int) else made.close()


def _second_descriptor(sock):
    """Another descriptor for the same kernel socket, to end a waiting call by; None for a closed socket."""
    if (number := PLAIN.fileno(sock)) < 0:
        return None
    try:
        handle = PLAIN(sock.family, sock.type, sock.proto, fileno=socket.dup(number))
        handle.settimeout(sock.gettimeout())            # the flag is shared: leave it as it is
    except OSError:
        return None
    if PLAIN.fileno(sock) == number:
        return handle
    handle.close()                                      # closed meanwhile: the number may be somebody else's by now


def _visit(call):
    """Where shutdown does not wake a wait (accept on macOS and Windows, UDP): come as the client it waits for."""
    with suppress(OSError):
        own = call.handle.getsockname()
        with PLAIN(call.handle.family, call.handle.type) as visitor:
            visitor.settimeout(0.2)
            visitor.connect(own)
            if visitor.type == socket.SOCK_DGRAM:
                visitor.send(b"")


def _short(value, limit=60):
    if isinstance(value, (bytes, bytearray, str)) and len(value) > limit:
        return f"{value[:limit // 2]!r}… ({len(value):,} in all)"
    return shortened(repr(value), 2 * limit)


def _words(error):
    """Python's own words name the class that records, where a program has its socket."""
    return " ".join(error_text(error).replace(": RecordingSocket.", ": ").splitlines())
