"""One client of TcpPanel: a socket, and the calls made on it."""
import socket
import threading
from collections import deque
from contextlib import suppress

from markupsafe import Markup

from netlab import kernel
from netlab.panels import parts
from netlab.panels.parts import soft, tag
from netlab.panels.stage import End, Way, between, counted, end_html, taken_together, way_html
from netlab.words import bytes_of, count_of, show_bytes


class Client:
    """A client of the panel. While one thread is blocked in recv, another can send."""

    def __init__(self, panel, number):
        self.panel, self.key, self.name, self.variable = panel, str(number), f"client {number}", f"client_{number}"
        self.sock, self.known = None, set()
        self.connected = self.ended = False     # whether this socket ever was; whether a recv has given b""
        self.doing = {}                         # kind of job -> the call that has not returned
        self.last = deque(maxlen=2)             # the calls that returned last, and what came of them
        self.took = False                       # whether the last of them took bytes
        self.woken, self.stuck = "", False      # the calls whose wait was ended by close; a look-up, which nothing ends

    @property
    def open(self):
        return self.sock is not None and self.sock.fileno() >= 0

    # what is drawn

    def state(self):
        """Its TCP state, in a word."""
        return "no socket yet" if self.sock is None else "closed" if not self.open else kernel.state(self.sock) or "open"

    def end(self):
        return End(self.name, "client", self.state(), waits=" + ".join(self.doing.copy().values()))

    def ways(self, events, link):
        """What lies in the kernels on the way to the server and on the way here; None where there is no connection."""
        if not (self.open and self.connected):
            return None
        if link is None:                        # another program's server: only this end's kernel can be asked
            receive, send = kernel.queues(self.sock)
            up, down = counted([], send or 0), counted([], receive or 0)
        else:
            up = between(events, self.sock, link.conn, "send" in self.doing)
            down = between(events, link.conn, self.sock)
        return [Way("→", "to the server", tuple(up)), Way("←", "to the client", tuple(down))]

    def draw(self, events, link, chosen) -> Markup:
        """Its box, what lies between it and the server, and its last call."""
        ways = self.ways(events, link)
        lanes = [way_html(way) for way in ways or () if way.pieces or chosen]
        if not lanes:
            lanes = [tag("div", soft("no connection" if ways is None else "nothing lies between"), class_="nl-way")]
        sends = taken_together(events, self.sock, link.conn) if self.took and link is not None else 0
        note = [soft(f"bytes of {count_of(sends, 'send')}")] if sends > 1 else []
        last = tag("div", Markup(" · ").join([*self.last, *note]), class_="nl-last")
        box = end_html(self.end(), do="choose", about=self.key, chosen=chosen)
        return tag("div", box, tag("div", *lanes, last, class_="nl-between"), class_="nl-conversation", data_key=self.key)

    # what the buttons ask for

    def connect(self, host, port):
        self._do("connect" if parts.is_address(host) else "look up", self._connect, host, port)

    def send(self, data):
        self._do("send", self._send, data)

    def receive(self, count):
        if "recv" in self.panel.pending(self):
            self.panel.say(f"{self.name.capitalize()} already waits in recv.")
        else:
            self._do("recv", self._receive, count)

    def shut(self):
        self._do("shut", self._shut)

    def close(self):
        self._wake()
        self._do("end", self.finish)

    def _do(self, kind, job, *args):
        self.panel.do(job, *args, who=self, kind=kind, passes={"recv": {"send"}, "end": {"look up"}}.get(kind, {"recv"}))

    # the calls, in a thread of the panel's

    def _connect(self, host, port):
        if not self.open:
            self._make_socket(":" in host)
        server = self.panel.server
        ours = server is not None and (host, port) == server.address[:2]
        call = f"connect({'server.address' if ours else repr((host, port))})"
        if self._call("connect", call, lambda: self.sock.connect((host, port)), (host, port)):
            self.known.add(self.sock.getsockname())
            self.connected = True
            self.panel.say(f"{self.name.capitalize()} is connected to {host}, port {port}.")
        if self.panel._closed:
            self.finish()

    def _send(self, data):
        note = f"   # the first 40 of {len(data):,} bytes" if len(data) > 80 else ""
        call, shown = f"sendall({(data[:40] if note else data)!r})", f"sendall({show_bytes(data, limit=40)})"
        if self._call("send", call, lambda: self._any().sendall(data), note=note, shown=shown):
            self.panel.say(f"{self.name.capitalize()} sent {bytes_of(len(data))}.")
            if any("recv" in client.doing for client in self.panel.clients if client is not self):
                self.panel.reached.add("wait")

    def _receive(self, count):
        got = []
        if self._call("recv", f"recv({count})", lambda: got.append(self._any().recv(count)), got=got):
            self.ended = not got[0]
            what = f"{bytes_of(len(got[0]))}." if got[0] else 'b"": the peer has ended its sending.'
            self.panel.say(f"{self.name.capitalize()} received {what}")

    def _shut(self):
        if self._call("shut", "shutdown(socket.SHUT_WR)", lambda: self._any().shutdown(socket.SHUT_WR)):
            self.panel.say(f"{self.name.capitalize()} ended its sending; it can still receive.")

    def _any(self):
        """The socket, made if there was none: then the call fails as it does for anyone who forgot connect."""
        if self.sock is None:
            self._make_socket()
        return self.sock

    def _make_socket(self, version_6=False):
        family = socket.AF_INET6 if version_6 else socket.AF_INET
        self.sock, self.woken, self.stuck = self.panel.timeline.socket(family, name=self.name), "", False
        self.connected = self.ended = False
        self.panel.typed(f'{self.variable} = timeline.socket({"socket.AF_INET6, " * version_6}name="{self.name}")')

    def _call(self, kind, call, action, address=None, note="", got=(), shown=""):
        """Make one call; type it into the code; tell in words how it failed. True when it did not."""
        self.doing[kind], before, began = call, self.woken, self.panel.mark()
        try:
            action()
        except (OSError, ValueError, TypeError) as error:
            self.panel.typed(f"# {self.variable}.{call} raised {type(error).__name__}{note}")
            if self.woken and not before:       # close has told it
                return False
            self.last.append(tag("code", shown or call) + tag("code", f" ✗ {type(error).__name__}", class_="nl-bad"))
            words = f"{self.name.capitalize()}: {call.partition('(')[0]} raised {type(error).__name__}: {parts.reason(error)}."
            if address and isinstance(error, (socket.gaierror, ConnectionRefusedError, ValueError, TypeError)):
                field, words = parts.why_not(error, *address)
                self.panel.errors[f"to_{field}"] = words
            self.panel.say(words)
            return False
        else:
            typed = f"{self.variable}.{call}"
            woken = self.woken and not before
            beside = self.panel.went_on(began)      # in the code of one thread it would wait for ever
            self.panel.typed(f"# {typed} waited until close" if woken else
                             f"# {typed} waited while the rest went on: in a program, in a thread of its own" if beside else
                             f"{typed}{note}")
            if not woken:
                self.took = bool(got and got[0])
                self.last.append(tag("code", (shown or call) + (f" → {show_bytes(got[0])}" if got else "")))
            return not woken
        finally:
            self.doing.pop(kind, None)

    # the end

    def _wake(self):
        """End a call that waits: close() alone would leave its thread blocked."""
        if self.open and self.doing:
            if not self.woken:                          # a look-up comes before the first packet
                self.stuck = "look up" in self.panel.pending(self) and kernel.state(self.sock) in ("CLOSED", None)
            self.woken = " + ".join(self.doing.copy().values())
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)

    def finish(self):
        """Close the socket, after the calls that still wait have been woken; a look-up of a name goes on without it."""
        if not self.open:
            return
        self._wake()
        with suppress(TimeoutError):
            kernel.wait_until(lambda: self.stuck or not self.panel.pending(self, but=threading.current_thread()), 1)
        self.sock.close()
        self.last.append(tag("code", "close()"))
        self.panel.typed(f"{self.variable}.close()")
        self.panel.say(f"{self.name.capitalize()} " + (
            "is closed. The look-up of its host goes on: nothing can end it." if self.stuck else
            f"was waiting in {self.woken}; close ended the wait." if self.woken else "is closed."))
