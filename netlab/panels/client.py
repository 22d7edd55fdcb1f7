"""One client of TcpPanel: a socket, its fields and its log."""
import socket
import threading
from collections import deque
from contextlib import suppress

from netlab import kernel
from netlab.panels import parts
from netlab.panels.parts import box, html, log, name_of_end, queues
from netlab.words import bytes_of

LINES, MAX_RECV = 6, 65536


class Client:
    """One client of the panel: a socket, its fields, its log. While one thread is blocked in recv, another can send."""

    def __init__(self, panel, number):
        self.panel, self.name, self.variable = panel, f"Client {number}", f"client_{number}"
        self.sock, self.known, self.log = None, set(), deque(maxlen=LINES)
        self.doing = {}                         # kind of job -> the call that has not returned
        self.woken, self.stuck = "", False      # the calls whose wait was ended by close; a look-up, which nothing ends
        self.box, self.fields, self.removed = None, [], False
        self._goes_to = self._followed = ("127.0.0.1", "")      # where the server is, and which of it the fields have

    @property
    def open(self):
        return self.sock is not None and self.sock.fileno() >= 0

    # the view

    def build(self):
        panel = self.panel
        self._head, self._facts = html(), html()
        self._host = panel.field("Host", "127.0.0.1", enter=self._connect_clicked)
        self._port = panel.field("Port", "", "nl-short", enter=self._connect_clicked)
        self._message = panel.field("Message", "hello", enter=self._send_clicked)
        self._kind = panel.choice("As", [("text", False), ("hex", True)], "nl-short")
        self._count = panel.field("Receive at most", "1024", "nl-short", enter=self._recv_clicked)
        self._recv = panel.button("recv", self._recv_clicked)
        shut = panel.button("shutdown(WR)", lambda: self._do("shut", self._shut))
        self._close = panel.button("close", self._close_clicked)
        self.fields = [self._host, self._port, self._message, self._count]
        connect, send = panel.button("connect", self._connect_clicked), panel.button("sendall", self._send_clicked, "nl-main")
        self.box = box([self._head, box([self._host.text, self._port.text, connect], "nl-row"),
                        self._host.note, self._port.note, box([self._message.text, self._kind, send], "nl-row"),
                        self._message.note, box([self._count.text, self._recv, shut, self._close], "nl-row"),
                        self._count.note, self._facts], "nl-part")
        return self.box

    def render(self):
        goes_to = self._goes_to
        if goes_to is not self._followed:
            self._host.error = self._port.error = ""
            if self._follows():
                self.panel.write(self._host.text, value=goes_to[0])
                self.panel.write(self._port.text, value=str(goes_to[1]))
            self._followed = goes_to
        state = "no socket yet" if self.sock is None else kernel.state(self.sock) or ""
        waits = f"waits in {' + '.join(self.doing.copy().values())}" if self.doing else ""
        self.panel.write(self._head, value=name_of_end(self.name, "client", *filter(None, [state]), waits=waits))
        bars = queues(self.sock, "client", "server") if self.open and state != "CLOSED" else ""
        self.panel.write(self._facts, value=bars + log("Sent → and received ←", self.log))
        self.panel.write(self._recv, disabled="recv" in self.doing)
        self.panel.write(self._close, description="remove" if self._removable() else "close")

    def follow(self, address):
        """Let connect go to the server's new address."""
        self._goes_to = address[:2]

    def _follows(self):
        """Whether the fields go where the server goes, or still have to: the learner's own choice stays."""
        return self._port.text.value in ("", str(self._followed[1]))

    # what the buttons ask for

    def _connect_clicked(self):
        behind = self._goes_to is not self._followed and self._follows()        # a click was faster than the fields
        host, port = self._goes_to if behind else (self._host.read(parts.read_host), self._port.read(parts.read_port))
        if host is not None and port is not None:
            self._do("connect" if parts.is_address(host) else "look up", self._connect, host, port)

    def _send_clicked(self):
        if (data := self._message.read(parts.read_bytes, self._kind.value)) is not None:
            self._do("send", self._send, data)

    def _recv_clicked(self):
        count = self._count.read(parts.read_number, 1, MAX_RECV, "how many bytes")
        if count is not None and "recv" in self.panel.pending(self):
            self.panel.say(f"{self.name} already waits in recv.")
        elif count is not None:
            self._do("recv", self._receive, count)

    def _close_clicked(self):
        if self._removable():
            self.removed = True
        else:
            self._wake()
            self._do("end", self.end)

    def _removable(self):
        return self.sock is not None and not self.open and len(self.panel.clients) > 1

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
            self._host.error = self._port.error = ""
            self.known.add(self.sock.getsockname())
            self.panel.say(f"{self.name} is connected to {host}, port {port}.")
        if self.panel._closed:
            self.end()

    def _send(self, data):
        note = f"   # the first 40 of {len(data):,} bytes" if len(data) > 80 else ""
        call = f"sendall({(data[:40] if note else data)!r})"
        if self._call("send", call, lambda: self._any().sendall(data), note=note):
            self.panel.say(f"{self.name} sent {bytes_of(len(data))}.")

    def _receive(self, count):
        got = []
        if self._call("recv", f"recv({count})", lambda: got.append(self._any().recv(count))):
            what = f"{bytes_of(len(got[0]))}." if got[0] else 'b"": the peer has ended its sending.'
            self.panel.say(f"{self.name} received {what}")

    def _shut(self):
        if self._call("shut", "shutdown(socket.SHUT_WR)", lambda: self._any().shutdown(socket.SHUT_WR)):
            self.panel.say(f"{self.name} ended its sending; it can still receive.")

    def _any(self):
        """The socket, made if there was none: then the call fails as it does for anyone who forgot connect."""
        if self.sock is None:
            self._make_socket()
        return self.sock

    def _make_socket(self, version_6=False):
        name, family = self.name.lower(), socket.AF_INET6 if version_6 else socket.AF_INET
        self.sock, self.woken, self.stuck = self.panel.timeline.socket(family, name=name), "", False
        self.panel.typed(f'{self.variable} = timeline.socket({"socket.AF_INET6, " * version_6}name="{name}")')

    def _call(self, kind, call, action, address=None, note=""):
        """Make one call; type it into the code; tell in words how it failed. True when it did not."""
        self.doing[kind] = call
        try:
            action()
        except (OSError, ValueError, TypeError) as error:
            self.panel.typed(f"# {self.variable}.{call} raised {type(error).__name__}{note}")
            if self.woken:
                return False
            words = f"{self.name}: {call.partition('(')[0]} raised {type(error).__name__}: {parts.reason(error)}."
            if address and isinstance(error, (socket.gaierror, ConnectionRefusedError, ValueError, TypeError)):
                field, words = parts.why_not(error, *address)
                (self._port if field == "port" else self._host).error = words
            self.panel.say(words)
            return False
        else:
            typed = f"{self.variable}.{call}"
            self.panel.typed(f"# {typed} waited until close" if self.woken else f"{typed}{note}")
            return not self.woken
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

    def end(self):
        """Close the socket, after the calls that still wait have been woken; a look-up of a name goes on without it."""
        if not self.open:
            return
        self._wake()
        with suppress(TimeoutError):
            kernel.wait_until(lambda: self.stuck or not self.panel.pending(self, but=threading.current_thread()), 1)
        self.sock.close()
        self.panel.typed(f"{self.variable}.close()")
        self.panel.say(f"{self.name} " + (
            "is closed. The look-up of its host goes on: nothing can end it." if self.stuck else
            f"was waiting in {self.woken}; close ended the wait." if self.woken else "is closed."))
