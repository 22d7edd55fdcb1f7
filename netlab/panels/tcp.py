"""TcpPanel: both ends of a TCP conversation by hand, and what lies in the kernels between them."""
import functools
import ipaddress
import socket
import threading
from collections import deque, namedtuple
from dataclasses import replace

from netlab import Timeline, echo, kernel, serve, upper
from netlab.events import RECEIVES, SENDS
from netlab.panels import parts
from netlab.panels.base import Panel
from netlab.panels.client import Client
from netlab.panels.parts import RUN_ME, button, chip, goals, line, row, soft, tag
from netlab.panels.stage import End, taken_together
from netlab.sockets import PLAIN
from netlab.words import as_text, bytes_of, number_of

MAX_CLIENTS, MAX_RECV, LINES = 8, 65536, 4
Link = namedtuple("Link", "conn peer")          # an accepted connection of the panel's server


def quiet(conn, address):
    """A TCP handler that receives and answers nothing."""
    while conn.recv(65536):
        pass


def idle(conn, address):
    """A TCP handler that reads nothing: what arrives stays in the kernel's queue until the client ends."""
    kernel.wait_until(lambda: kernel.state(conn) != "ESTABLISHED", float("inf"))


HANDLERS = {upper: "upper: answers in capitals", echo: "echo: sends back what it receives",
            quiet: "quiet: receives, answers nothing", idle: "idle: reads nothing"}
GOALS = {
    "rest": ("Send hello, then recv at most 3 bytes. Where are the other two?",
             "In the client's kernel, in their order. recv takes what is there, at most as much as it asks for; a later recv "
             "takes the rest."),
    "stick": ("With nothing left, send three messages, then recv once. How many come?",
              "All that was there, as one. TCP keeps the bytes and their order, and no border between one sendall and the next."),
    "wait": ("Press recv where nothing has come. Can another client still send?",
             "It can. recv sleeps until bytes come, and only the thread that called it sleeps: everyone else goes on."),
    "end": ("shutdown(WR), then recv until the end. Who closed what?",
            'The client ended its sending: the server\'s recv gave b"", it had heard all, and closed. So yours gives b"" too: '
            "no message, but the end. CLOSED is the kernel's word where both have ended: what came before can still be read."),
}


class TcpPanel(Panel):
    """A TCP server and its clients by hand; `handler(conn, address)`, if given, is one more thing the server can do.

    Everything it does is real: `serve`, `Timeline.socket` and the socket's own methods. Sockets and threads end with
    "Close all", with `close()`, or when the cell is run again. Chapter 00.
    """
    title, look = "A TCP conversation", "nl-tcp"
    plain = f"TcpPanel: a TCP server and its clients, by hand. {RUN_ME}"
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
        self._choices = tuple((function.__name__, words) for function, words in HANDLERS.items())
        if handler is not None:
            name = getattr(handler, "__name__", type(handler).__name__)
            name = name if name.isidentifier() else "handler"       # a lambda
            self._handlers[name] = handler
            self._choices = (name, f"{name}: yours"), *self._choices
        self._seen, self._log, self._imports = -1, deque(maxlen=LINES), {"Timeline"}
        self._serving = None                    # the group of the server's threads
        self._failure = ""                      # how a handler failed since the last click
        self.reached, self._asked = set(), "0"      # the goals; the port that was asked for
        self.on_add("")

    def do(self, job, *args, **options):
        """As `Panel.do`; in the picture a click comes after all that had returned before it, whichever hand did it."""
        self._failure = ""
        super().do(self._after_earlier_clicks, job, *args, **options)

    def _after_earlier_clicks(self, job, *args):
        self.timeline.joined(id(self))
        if self._serving is not None:           # what the server had done could be seen before the click
            self.timeline.joined(self._serving)
        job(*args)

    # what is shown

    def chips(self):
        return [] if self.server is None else [self._reach]

    def aside(self):
        found = [(client.name, kernel.receive_queue(client.sock)) for client in self.clients if client.open]
        (name, size), *more = [(name, size) for name, size in found if size] or [("", 0)]
        said = [self._failure if self._sentence else "Start the server, then connect a client to it."]
        said += [f"{c.name.capitalize()} waits in {call}." for c in self.clients for call in c.doing.copy().values()]
        if size:
            waits = f"{bytes_of(size)} from the server wait{'s' * (size == 1)} in the kernel of {name}"
            said.append(", ".join([waits, *(f"{n:,} of {name}" for name, n in more)]) + ".")
        return " ".join(said)

    def controls(self):
        runs, client, following = self.server is not None, self.client, self._next()
        here = dict(readonly="") if runs else dict(data_enter="start")

        def press(label, do=None, **more):
            return button(label, do or label, main=following == (do or label), **more)

        server = row(
            self.choice("does", "Server does", self._choices, "nl-wide", disabled="" if runs else None),
            self.field("host", "Host", "127.0.0.1", **here), self.field("port", "Port", "0", "nl-short", **here),
            button("Stop" if runs else "Start", "stop" if runs else "start", main=following == "start", key="server"),
            kind="nl-of-server")
        whom = row(
            tag("b", client.name, class_="nl-client nl-whom"),
            self.field("to_host", "Connect to", "127.0.0.1", data_enter="connect"),
            self.field("to_port", "Port", "", "nl-short", data_enter="connect", aria_label="Connect to port"),
            press("connect"), press("Add a client", "add"),
            *([button("remove", "remove")] if not client.open and len(self.clients) > 1 else []))
        calls = row(
            self.field("message", "Message", "hello", "nl-wide", data_enter="sendall"),
            self.choice("as", "As", (("text", "text"), ("hex", "hex")), "nl-short"), press("sendall"),
            self.field("count", "At most", "1024", "nl-short", data_enter="recv"),
            press("recv", off="recv" in client.doing), press("shutdown(WR)", "shutdown"), press("close"))
        return [server, whom, calls]

    def stage(self):
        events = self.events()
        self._follow(events)
        clients, chosen = list(self.clients), self.client
        return [*(each.draw(events, self._link(each), each is chosen) for each in clients), self._draw_server()]

    def _server_end(self):
        server, links = self.server, [link for link in self._links.copy() if link.conn.fileno() >= 0]
        if server is None:
            return End("server", "server", "stopped")
        facts = [f"port {server.port}", number_of(len(links), "client")]
        if waiting := kernel.backlog(server.socket):
            facts.append("backlog\u00a0{}/{}".format(*waiting))
        return End("server", "server", kernel.state(server.socket) or "LISTEN", tuple(facts))

    def _draw_server(self):
        end = self._server_end()
        head = tag("b", end.name, class_="nl-server") + " " + chip(end.state) + tag("div", soft(" · ".join(end.facts)))
        return tag("div", head, *self._log, class_="nl-end nl-of-server", role="log", aria_label="received and answered")

    def scene(self):
        """The stage as rows for `stage_picture`."""
        events, server = self.events(), self._server_end()
        server = replace(server, facts=server.facts[1:])            # not the port, which is another each time
        return [(client.end(), client.ways(events, self._link(client)) or [], server) for client in self.clients]

    def more(self):
        return [goals(GOALS, self.reached)]

    def pace(self):
        return 0.25 if self.server is not None or any(c.open for c in self.clients) else None

    def code(self):
        own = sorted(self._imports & {"idle", "quiet"})
        imports = ["import socket", f"from netlab import {', '.join(sorted(self._imports.difference(own)))}",
                   *([f"from netlab.panels.tcp import {', '.join(own)}"] if own else [])]
        return "\n".join([*imports, "", "timeline = Timeline()", *self._code])

    @property
    def client(self):
        """The client that the buttons act for: the one whose box was pressed, or the newest."""
        return self._chosen if self._chosen in self.clients else self.clients[0]

    def _next(self):
        """The sensible next step, whose button is the main one."""
        client = self.client
        if not client.open:
            return "start" if self.server is None else "connect"
        if "recv" in client.doing:
            return "add" if len(self.clients) == 1 else ""
        if not client.connected:
            return "connect"
        ends = client.state() in ("CLOSE_WAIT", "CLOSED")
        return "recv" if kernel.receive_queue(client.sock) or (ends and not client.ended) else "close" if ends else "sendall"

    def _link(self, client):
        """The server's end of a client's connection."""
        return next((link for link in self._links.copy() if link.peer in client.known and client.open
                     and link.peer == parts.if_possible(PLAIN.getsockname, client.sock)), None)

    def _who(self, link):
        """Which client is at the other end of an accepted connection."""
        return next((client.name for client in self.clients if link.peer in client.known), f"port {link.peer[1]}")

    def _follow(self, events):
        """Put what the recording says since the last time into the server's log, and see which goals are reached."""
        if not (new := [event for event in events if event.index > self._seen]):
            return
        missed = new[0].index - self._seen - 1
        if missed and len(new) == len(events) and self._seen >= 0:  # else nothing was dropped: a number without an event
            self._log.append(line("", soft(f"… and {missed:,} transfers more")))
        self._seen = new[-1].index
        links = {link.conn.number: link for link in self._links.copy()}
        for event in new:
            if event.socket not in links or event.method not in SENDS | RECEIVES:
                continue
            who = self._who(links[event.socket])
            if event.error:
                self._log.append(line(who, soft(f"{event.method} raised {event.error}")))
            elif event.size:
                way = f"{'to' if event.method in SENDS else 'from'} {who}"
                self._log.append(line(way, as_text(event.data, event.size, 40), soft(f" {bytes_of(event.size)}")))
            elif event.method in RECEIVES and self.server is not None:     # else stop() ended it
                self._log.append(line(who, soft("ended its sending")))
        for client in list(self.clients):
            took = [e for e in new if client.open and e.socket == client.sock.number and e.method in RECEIVES and not e.error]
            if not took or client.woken or (link := self._link(client)) is None:
                continue
            if kernel.receive_queue(client.sock) == 2:
                self.reached.add("rest")
            if taken_together(events, client.sock, link.conn) >= 3:
                self.reached.add("stick")
            if not took[-1].size:
                self.reached.add("end")

    # what the controls ask for

    def on_start(self, _):
        if self.server is not None:
            return
        host, port = self.read("host", parts.read_host), self.read("port", parts.read_port, True)
        if host is not None and port is not None:
            kind = "work" if parts.is_address(host) else "look up"
            self.do(self._serve, self.fields["does"], host, port, who=self, kind=kind)

    def on_stop(self, _):
        self.do(self._stop_server, who=self)

    def on_choose(self, key):
        self._chosen = next((client for client in self.clients if client.key == key), self._chosen)

    def on_add(self, _):
        if len(self.clients) >= MAX_CLIENTS:
            self.say(f"{MAX_CLIENTS} clients are as many as this panel shows. For more, write a loop in a cell.")
            return
        self._number += 1
        self._chosen = Client(self, self._number)
        self.clients.append(self._chosen)

    def on_remove(self, _):
        client = self.client
        if not client.open and len(self.clients) > 1:
            self.clients.remove(client)

    def on_connect(self, _):
        if self.server is None and not self.fields.get("to_port"):
            self.errors["to_port"] = "Nobody listens yet. Start the server, or give the port of another one."
            return self.say("Nothing was done: see beside the field.")
        host, port = self.read("to_host", parts.read_host), self.read("to_port", parts.read_port)
        if host is not None and port is not None:
            self.client.connect(host, port)

    def on_sendall(self, _):
        if (data := self.read("message", parts.read_bytes, self.fields.get("as") == "hex")) is not None:
            self.client.send(data)

    def on_recv(self, _):
        if (count := self.read("count", parts.read_number, 1, MAX_RECV, "how many bytes")) is not None:
            self.client.receive(count)

    def on_shutdown(self, _):
        self.client.shut()

    def on_close(self, _):
        self.client.close()

    # the server

    def _serve(self, name, host, port):
        if self.server is not None:
            return
        handler, family = self._watched(self._handlers[name]), socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            server = serve(handler, host=host, port=port, family=family, timeline=self.timeline)
        except (OSError, ValueError, TypeError) as error:
            if not self._closed:
                field, words = parts.why_not(error, host, port)
                self.errors[field] = words
                self.say(words)
            return
        address = ipaddress.ip_address(server.host)
        self._reach = (f"{server.host} only" if address.is_loopback else
                       "reachable from other machines" if address.is_unspecified else f"reachable on {server.host}")
        with self._lock:
            self.server = None if self._closed else server
        if self._closed:
            server.stop()
            return
        self._log.clear()                       # of the one before
        self._imports |= {"serve"} | ({name} if self._handlers[name] in HANDLERS else set())
        extra = "".join(f", {key}={value!r}" for key, value, usual in
                        (("host", host, "127.0.0.1"), ("port", port, 0)) if value != usual)
        extra += ", family=socket.AF_INET6" * (":" in host)
        self.typed(f"server = serve({name}{extra}, timeline=timeline)")
        self._asked = str(port)
        self.put("port", str(server.port))
        self.put("to_host", server.address[0])
        self.put("to_port", str(server.port))
        self.say(f"The server listens on {server.host}, port {server.port}: " + (
            "only programs on this machine can connect." if address.is_loopback
            else "whoever can reach this machine over a network can connect."))

    def _stop_server(self):
        with self._lock:
            server, self.server = self.server, None
        if server is None:
            return
        self.put("port", self._asked)
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
            self._serving = threading.current_thread().group
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

    def release(self):
        for client in list(self.clients):
            client.finish()
        self._stop_server()
        self.say("Everything is closed.")
