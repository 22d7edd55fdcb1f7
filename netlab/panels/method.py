"""MethodPanel: any socket method by hand, on a live socket, with what the kernel says before and after."""
import os
import socket
import tempfile
import time
from contextlib import suppress

from netlab import Timeline, kernel
from netlab.events import SENDS
from netlab.panels import arguments, parts
from netlab.panels.arguments import METHODS
from netlab.panels.base import Panel
from netlab.panels.call import Call, close, second_descriptor, short, visit, words
from netlab.panels.parts import RUN_ME, button, facts, goals, open_to_all, row, soft, tag
from netlab.panels.stage import End, Way, between, datagrams, end_html, way_html
from netlab.sockets import PLAIN
from netlab.teach.workbench import Workbench
from netlab.words import code_of

NAMES = "listener", "client", "connection", "fresh", "udp", "unix", "unix_peer"
WAITS = set("accept connect connect_ex recv recv_into recvfrom recvmsg send sendall sendmsg sendto".split())
MAKES = {"accept", "dup", "makefile", "detach"}       # what somebody has to close
PAIRS, RIGHT = (("client", "connection"), ("unix", "unix_peer")), {"connection", "unix_peer", "listener", "udp"}    # as drawn
MAX_CALLS, MAX_SOCKETS, CHOICES = 8, 12, tuple((each, each) for each in METHODS)
GOALS = {
    "queue": ("Let fresh connect to server.address. Who has accepted it?",
              "Nobody yet. The kernel did the handshake, so connect returned; the client stands in the listener's queue."),
    "full": ('sendall b"x" * 5000000 on the client. Who has to do what, so that it returns?',
             "connection has to recv. sendall waits while the two kernels have no room, and each recv makes some."),
    "close": ("recv on unix, then close on it. Does the wait end?",
              "No. close gave the descriptor back and wakes nobody; Cancel ends the wait with shutdown."),
    "file": ("makefile on connection, then close. What does fileno say?",
             "Still a number: close only noted the wish, and the peer hears of no end until the file is closed too."),
}
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


class MethodPanel(Panel):
    """Any method on a listener, a client, an accepted connection, a fresh socket, a UDP socket, a pair of AF_UNIX.

    Calls run in threads of the panel's own, so one that waits blocks nobody and can be cancelled. The module's
    setdefaulttimeout is left out: it would change every socket of the notebook. Sockets and threads end with
    "Close all", with `close()`, or when the cell is run again. Chapter 04.
    """
    title = "Every socket method, by hand"
    plain = f"MethodPanel: call any method on a live socket. {RUN_ME}"
    sockets, _bench = {}, None              # of a panel that is closed

    def __init__(self):
        super().__init__()
        self.timeline = self._recorder()
        self._bench = self._folder = self._last = self._filled = None
        self._made, self._running, self._kept = 0, [], []
        self._chosen, self.fields["method"], self._reached = "client", "recv", set()
        self._fill()

    def begin(self):
        self.on_again("")

    def _recorder(self):
        timeline = Timeline(limit=60, one_hand=True)
        timeline.on_change = self.changed
        return timeline

    # what is shown

    def chips(self):
        return ["reachable from other machines"] if any(map(open_to_all, list(self.sockets.values()))) else []

    def aside(self):
        return " ".join(f"{call.shown} waits." for call in self._running[:2] if call.started)

    def controls(self):
        name = self._chosen
        signature, about, _ = METHODS[self.fields["method"]]
        first = self._waiting(name)
        cancel = button(f"Cancel {first.name}.{first.method}" if first else "Cancel", "cancel", off=first is None)
        whom = tag("b", f"{name}.", class_=f"nl-{'server' if name in RIGHT else 'client'} nl-whom")
        chosen = row(whom, self.choice("method", "Method", CHOICES, data_change="look"),
                     self.field("args", "Arguments", "", "nl-wide", data_enter="call"), button("Call", "call", main=True))
        about = tag("div", tag("code", f"{name}.{signature}"), soft(f"  {about}"), class_="nl-about")
        return [chosen, row(about, cancel, button("Start again", "again"))]

    def scene(self):
        """The stage as rows: (End or None, [Way, …], End or None)."""
        events, here, rows = self.events(), dict(self.sockets), []
        waiting = [call for call in self._running if call.started and not call.done.is_set()]

        def end(name):
            calls = [call.shown.partition(".")[2] for call in waiting if call.name == name]
            return (name in here and End(name, "server" if name in RIGHT else "client", parts.state_of(here[name]),
                                        waits=" + ".join(calls))) or None

        for left, right in PAIRS:
            if left in here and right in here:
                rows.append((end(left), [Way(arrow, f"to {b}", tuple(between(events, here[a], here[b], self._sends(a))))
                                         for arrow, a, b in (("→", left, right), ("←", right, left))], end(right)))
        if "listener" in here:
            names = tuple(self._not_accepted(here))
            rows.append((end("fresh"), [Way("→", "to the queue", names)], end("listener")))
        if "udp" in here:
            own = parts.if_possible(PLAIN.getsockname, here["udp"])
            pieces = datagrams(events, own, here["udp"].number, kernel.receive_queue(here["udp"]))
            rows.append((None, [Way("→", "to udp", tuple(pieces), True)], end("udp")))
        drawn = {each.name for left, _, right in rows for each in (left, right) if each}
        return rows + [(end(name), [], None) for name in here if name not in drawn]

    def stage(self):
        def box(end):
            if end is None:
                return tag("span")
            return end_html(end, do="choose", about=end.name, chosen=end.name == self._chosen)

        scene = self.scene()
        rows = [tag("div", box(left), tag("div", *map(way_html, ways), class_="nl-between"), box(right), class_="nl-pair",
                    data_key=right.name) for left, ways, right in scene if ways]
        return [*rows, row(*(box(left) for left, ways, _ in scene if not ways)), *self._last_call()]

    def _sends(self, name):
        """Whether a call that sends waits on this socket."""
        return any(call.name == name and call.method in SENDS for call in self._running)

    def _not_accepted(self, here):
        """The clients that wait in the listener's queue, by name where they are ours."""
        listener, waiting = parts.if_possible(PLAIN.getsockname, here["listener"]), kernel.backlog(here["listener"])
        if not waiting:
            return []
        accepted = {parts.if_possible(PLAIN.getpeername, sock) for sock in here.values()}
        ours = [name for name, sock in here.items() if parts.if_possible(PLAIN.getpeername, sock) == listener
                and parts.if_possible(PLAIN.getsockname, sock) not in accepted]
        return [*ours, *["a client"] * waiting[0]][:waiting[0]]

    def _last_call(self):
        last = self._last
        if last is None:
            return []
        facts = []                                      # what it changed
        for key, label in parts.FACTS.items():
            was, now = last.before.get(key, ""), last.after.get(key, "")
            if last.after and last.before and now != was:
                facts.append(tag("span", soft(f"{label} "), was or "–", " → ", tag("b", now or "–"), class_="nl-changed"))
        outcome = f" {'✗' if last.failed else '→'} {last.result}" if last.result else " waits" if last in self._running else ""
        outcome = tag("code", outcome, class_="nl-bad" if last.failed else None)
        return [tag("div", tag("code", last.shown), outcome), tag("div", *facts, class_="nl-facts-line")]

    def more(self):
        return [goals(GOALS, self._reached)]

    def pace(self):
        return 0.25 if self.sockets else None

    def code(self):
        return "\n".join([START, *self._code])

    def _is_unix(self, name):
        sock = self.sockets.get(name)
        return getattr(sock, "family", None) == getattr(socket, "AF_UNIX", -1)

    def _example(self, name, method):
        """Arguments to begin with."""
        of_unix = {"bind": "path", "connect": "path", "connect_ex": "path", "sendto": 'b"hello", path'}
        return of_unix.get(method, METHODS[method][2]) if self._is_unix(name) else METHODS[method][2]

    def _fill(self):
        """Put an example of arguments into the field, where it is another than before."""
        example = self._example(self._chosen, self.fields["method"])
        if self._filled != example:
            self._filled = example
            self.put("args", example)

    # what the controls ask for

    def on_look(self, _):
        """Another method was chosen."""
        self.errors.pop("args", None)
        self._fill()

    def on_choose(self, name):
        if name in self.sockets:
            self._chosen = name
            self.on_look("")

    def on_call(self, _):
        self.call(self._chosen, self.fields.get("method"), self.fields.get("args", ""))

    def call(self, name, method, typed) -> Call | None:
        """Enqueue sockets[name].method(typed); None where the arguments are wrong, as then stands under the field."""
        sock, typed = self.sockets.get(name), typed.strip()
        if sock is None:
            return self.say("Everything is closed. Start again makes new sockets.")
        if method not in METHODS:
            return None
        if len(self._running) >= MAX_CALLS:
            return self.say(f"{MAX_CALLS} calls wait already. Cancel one first.")
        try:
            read = self._read(parts.whole(typed))
            arguments.check(sock, method, read.args, read.keywords, self._path())
        except ValueError as error:
            self.errors["args"] = str(error)
            return self.say(f"{name}.{method} was not called: see beside the arguments.")
        self.errors.pop("args", None)
        call = Call(name, sock, method, read, typed, self._last, self._bench)
        with self._lock:
            self._last = call
            self._running.append(call)
        self.do(self._make, call)
        return call

    def on_cancel(self, _):
        call = self._waiting(self._chosen)
        self.say(f"{call.shown} is being cancelled." if call else "No call waits.")
        if call is not None:
            self.do(self.cancel, call)

    def on_again(self, _):
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
                call.done.set()
                return
            call.before = facts(call.sock)
            call.started = True
            if call.method in WAITS:                    # lives as long as the call, and reaches it after a close() too
                call.handle = second_descriptor(call.sock)
        try:
            result, error = getattr(call.sock, call.method)(*call.args, **call.keywords), None
        except Exception as failed:                     # whatever comes, it is the learner's to see
            result, error = None, failed
        with self._lock:
            call.after = facts(call.sock)
            call.failed = error is not None
            call.result = words(error) if call.failed else self._keep(call, result)
            self._finish(call)
        try:
            if call.bench is self._bench and not self._closed:
                self._tell(call)
        finally:
            call.done.set()                             # what is clicked next is told after it

    def _finish(self, call):
        if call.handle is not None:
            call.handle.close()
        if call in self._running:
            self._running.remove(call)
        call.args = ()                                  # perhaps some megabytes

    def _tell(self, call):
        self._look_for_goals(call)
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

    def _look_for_goals(self, call):
        here = self.sockets
        done = {"queue": call.method in ("connect", "connect_ex") and "listener" in here and bool(self._not_accepted(here)),
                "full": call.method == "sendall" and not call.failed and time.monotonic() - call.began > 2 * GATE,
                "close": call.method == "close" and any(each.name == call.name for each in self._running),
                "file": call.method == "close" and PLAIN.fileno(call.sock) >= 0}
        self._reached |= {goal for goal, reached in done.items() if reached}

    def _keep(self, call, result):
        """The result in words; what has to be closed some day is kept until then."""
        made = result[0] if call.method == "accept" else result
        if call.method in MAKES and call.bench is not self._bench:      # too late to be kept
            close(made)
            return "closed"
        if call.method == "accept":
            name = self._add("connection", made)
            call.code = f"{name}, address = {call.code}"
            return f"({name}, {parts.address_of(result[1])})"
        if call.method == "dup":
            name = self._add(f"{call.name}_copy", made)
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
            return f"{result} · the buffer is now {short(bytes(call.args[0]))}"
        if call.method == "connect_ex" and result:
            return f"{result}, {code_of(result)}"
        return short(result)

    def _add(self, kind, sock):
        """Put a socket that a call made among the others, if there is room; its name."""
        if len(self.sockets) >= MAX_SOCKETS:
            sock.close()
            self.say(f"{MAX_SOCKETS} sockets are as many as this panel keeps; the new one was closed at once.")
            return "closed"
        self._made += 1
        name = f"{kind}_{self._made + 1}"
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
                    visit(call)
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
                close(each)
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
                self._chosen, self.timeline = self._chosen if self._chosen in self.sockets else "client", timeline
                self._fill()
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
                 for word, name in words.items() if name in here and word in typed}
        code = {f"{word}.address": f"{name}.getsockname()" for word, name in words.items()}
        return arguments.read(typed, {**names, **({"path": path} if path else {})}, code)
