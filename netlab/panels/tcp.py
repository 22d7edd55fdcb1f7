"""TcpPanel: both ends of a TCP conversation by hand, and the kernel's queues between them."""
import functools
import ipaddress
import socket
from collections import deque, namedtuple

from markupsafe import Markup

from netlab import Timeline, echo, kernel, serve, upper
from netlab.events import RECEIVES, SENDS
from netlab.panels import parts
from netlab.panels.base import Panel
from netlab.panels.client import LINES, Client
from netlab.panels.parts import RUN_ME, box, caption, html, line, log, name_of_end, picture_of, queues, soft, transfer
from netlab.style import tag
from netlab.words import bytes_of

MAX_CLIENTS = 8
Link = namedtuple("Link", "conn peer")          # an accepted connection of the panel's server


def quiet(conn, address):
    """A TCP handler that receives and answers nothing."""
    while conn.recv(65536):
        pass


def idle(conn, address):
    """A TCP handler that reads nothing: what arrives stays in the kernel's queue until the client ends."""
    kernel.wait_until(lambda: kernel.state(conn) != "ESTABLISHED", float("inf"))


HANDLERS = {upper: "upper: answers in capitals", echo: "echo: sends back what it receives",
            quiet: "quiet: receives, answers nothing", idle: "idle: reads nothing, the bytes stay in the queue"}


class TcpPanel(Panel):
    """A TCP server and its clients by hand; `handler(conn, address)`, if given, is one more thing the server can do.

    Everything it does is real: `serve`, `Timeline.socket` and the socket's own methods. Sockets and threads end with
    "Close all", with `close()`, or when the cell is run again. Chapter 00.
    """
    title = "A TCP conversation"
    plain = f"TcpPanel: a TCP server and its clients, by hand. {RUN_ME}"
    sketch = (("Clients", "connect, sendall, recv at most n bytes", "shutdown(SHUT_WR), close",
               "send queue and receive queue in the kernel"),
              ("Server", "start and stop, with a handler of your choice", "who is connected, what has arrived",
               "and below: the picture of your own conversation"))
    kept = Panel.kept | {"_imports"}
    server, clients = None, ()              # of a panel that is closed

    def __init__(self, handler=None):
        if handler is not None and not callable(handler):
            raise TypeError(f"handler must be a function of (conn, address), not {handler!r}")
        super().__init__()
        self.timeline = Timeline(limit=300)
        self.timeline.on_change = self.changed
        self.clients, self._number = [], 0
        self._links = deque(maxlen=64)          # those that have ended too
        self._handlers = {function.__name__: function for function in HANDLERS}
        self._choices = [(words, function.__name__) for function, words in HANDLERS.items()]
        if handler is not None:
            name = getattr(handler, "__name__", type(handler).__name__)
            name = name if name.isidentifier() else "handler"       # a lambda
            self._handlers[name] = handler
            self._choices.insert(0, (f"{name}: yours", name))
        self._seen = self._drawn = -1           # the last event in the logs, and in the picture
        self._log, self._imports = deque(maxlen=LINES), {"Timeline"}
        self._failure = ""                      # how a handler failed since the last click

    def do(self, job, *args, **options):
        """As `Panel.do`; in the picture a click comes after all that had returned before it, whichever hand did it."""
        self._failure = ""
        super().do(self._after_earlier_clicks, job, *args, **options)

    def _after_earlier_clicks(self, job, *args):
        self.timeline.joined(id(self))
        job(*args)

    # the view

    def build(self):
        self._head, self._facts, self._picture = html(), html(), html()
        self._does = self.choice("Does", self._choices)
        self._host = self.field("Host", "127.0.0.1", enter=self._start_or_stop_clicked)
        self._port = self.field("Port", "0", "nl-short", enter=self._start_or_stop_clicked)
        self._start = self.button("Start", self._start_or_stop_clicked)
        self._add_clicked()
        add = box([self.button("Add a client", self._add_clicked)], "nl-row", "nl-part")
        self._column = box([self.clients[0].build(), add], "nl-side")
        where = box([self._host.text, self._port.text, self._start], "nl-row")
        server = box([self._head, box([self._does], "nl-row"), where, self._host.note, self._port.note, self._facts], "nl-side")
        return [box([self._column, server], "nl-sides"), self._picture]

    def render(self):
        self._follow()
        server = self.server
        running = server is not None
        self.write(self._start, description="Stop" if running else "Start",
                   _dom_classes=("nl-button",) if running else ("nl-button", "nl-main", "nl-of-server"))
        for widget in (self._does, self._host.text, self._port.text):
            self.write(widget, disabled=running)
        for client in [c for c in self.clients if c.removed]:
            self.clients.remove(client)
            self.write(self._column, children=[c for c in self._column.children if c is not client.box])
            self.drop(client.box, client.fields)
        clients = list(self.clients)            # a click may add one meanwhile: it is for the next round
        if fresh := [client.build() for client in clients if client.box is None]:
            self.write(self._column, children=[*self._column.children[:-1], *fresh, self._column.children[-1]])
        for client in clients:
            client.render()
        links = [link for link in self._links.copy() if link.conn.fileno() >= 0]
        chips = ["stopped"]
        if running:
            chips = [kernel.state(server.socket) or "LISTEN", f"{len(links) or 'no'} client{'' if len(links) == 1 else 's'}"]
            if (waiting := kernel.backlog(server.socket)) is not None:
                chips.append("backlog {}/{}".format(*waiting))
        self.write(self._head, value=name_of_end("Server", "server", *chips))
        facts = [caption(tag("b", self._who(link)), " ", kernel.state(link.conn) or "")
                 + queues(link.conn, "server", "client") for link in links[:4]]
        self.write(self._facts, value=Markup("").join(facts) + log("Received ← and answered →", self._log))

    def render_large(self):
        if self._drawn != self._seen:
            self._drawn = self._seen
            self.write(self._picture, value=picture_of(self.timeline))

    def aside(self):
        waiting = [(c, kernel.receive_queue(c.sock)) for c in self.clients if c.sock is not None]
        return " ".join([self._failure, *(f"{bytes_of(n)} wait in {c.name}'s receive queue." for c, n in waiting if n)])

    def chips(self):
        if self.server is None:
            return []
        host, address = self.server.host, ipaddress.ip_address(self.server.host)
        return [f"{host} only" if address.is_loopback else
                "reachable from other machines" if address.is_unspecified else f"reachable on {host}"]

    def pace(self):
        return 0.25 if self.server is not None or any(c.sock is not None for c in self.clients) else None

    def code(self):
        own = sorted(self._imports & {"idle", "quiet"})
        imports = ["import socket", f"from netlab import {', '.join(sorted(self._imports.difference(own)))}",
                   *([f"from netlab.panels.tcp import {', '.join(own)}"] if own else [])]
        return "\n".join([*imports, "", "timeline = Timeline()", *self._code])

    def _follow(self):
        """Put what the recording says since the last time into the logs."""
        events = self.timeline.events
        if not (new := [event for event in events if event.index > self._seen]):
            return
        missed = new[0].index - self._seen - 1
        if missed and len(new) == len(events) and self._seen >= 0:  # else nothing was dropped: a number without an event
            self._log.append(line("", soft(f"… and {missed:,} transfers more")))
        self._seen = new[-1].index
        owner = {client.sock.number: client for client in self.clients if client.sock is not None}
        links = {link.conn.number: link for link in self._links.copy()}
        for event in new:
            arrow = "→" if event.method in SENDS else "←"
            if event.method not in SENDS | RECEIVES:
                continue
            if event.socket in owner:
                if event.size and not event.error:
                    owner[event.socket].log.append(transfer(arrow, event.data, event.size))
            elif event.socket in links:
                who = self._who(links[event.socket])
                if event.size:
                    self._log.append(transfer(f"{who} {arrow}", event.data, event.size))
                elif event.error:
                    self._log.append(line(who, soft(f"vanished: {event.error}")))
                elif event.method in RECEIVES:
                    self._log.append(line(who, soft("ended its sending")))

    def _who(self, link):
        """Which client is at the other end of an accepted connection."""
        return next((client.name for client in self.clients if link.peer in client.known), f"port {link.peer[1]}")

    # the server

    def _start_or_stop_clicked(self):
        if self.server is not None:
            self.do(self._stop_server, who=self)
            return
        host, port = self._host.read(parts.read_host), self._port.read(parts.read_port, True)
        if host is not None and port is not None:
            kind = "work" if parts.is_address(host) else "look up"
            self.do(self._serve, self._does.value, host, port, who=self, kind=kind)

    def _serve(self, name, host, port):
        if self.server is not None:
            return
        handler, family = self._watched(self._handlers[name]), socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            server = serve(handler, host=host, port=port, family=family, timeline=self.timeline)
        except (OSError, ValueError, TypeError) as error:
            if not self._closed:
                field, words = parts.why_not(error, host, port)
                (self._port if field == "port" else self._host).error = words
                self.say(words)
            return
        with self._lock:
            self.server = None if self._closed else server
        if self._closed:
            server.stop()
            return
        self._host.error = self._port.error = ""
        self._imports |= {"serve"} | ({name} if self._handlers[name] in HANDLERS else set())
        extra = "".join(f", {key}={value!r}" for key, value, usual in
                        (("host", host, "127.0.0.1"), ("port", port, 0)) if value != usual)
        extra += ", family=socket.AF_INET6" * (":" in host)
        self.typed(f"server = serve({name}{extra}, timeline=timeline)")
        for client in self.clients:
            client.follow(server.address)
        self.say(f"The server listens on {server.host}, port {server.port}: " + (
            "only programs on this machine can connect." if ipaddress.ip_address(server.host).is_loopback
            else "whoever can reach this machine over a network can connect."))

    def _stop_server(self):
        with self._lock:
            server, self.server = self.server, None
        if server is None:
            return
        try:
            server.stop()
            self.say("The server is stopped; its connections are closed.")
        except RuntimeError as error:           # a handler of the learner's own that does not end
            self.say(str(error))
        self.typed("server.stop()")

    def _watched(self, handler):
        """`handler`, with its connections noted and its errors told in words."""
        @functools.wraps(handler)
        def watched(conn, address):
            self._links.append(Link(conn, address))
            try:
                handler(conn, address)
            except Exception as error:
                if self.server is not None:     # said beside the call that caused it, whichever is told first
                    raised = f"{type(error).__name__}: {parts.reason(error)}"
                    self._failure = f"The handler raised {raised}. Its connection is closed."
            finally:
                self.changed()
        return watched

    # the clients

    def _add_clicked(self):
        if len(self.clients) >= MAX_CLIENTS:
            self.say(f"{MAX_CLIENTS} clients are as many as this panel shows. For more, write a loop in a cell.")
            return
        self._number += 1
        self.clients.append(Client(self, self._number))
        if self.server is not None:
            self.clients[-1].follow(self.server.address)

    def release(self):
        for client in list(self.clients):
            client.end()
        self._stop_server()
        self.say("Everything is closed.")
