"""TcpPanel: both ends of a TCP conversation by hand, and the kernel's queues between them."""
from __future__ import annotations

import errno
import functools
import ipaddress
import socket
import threading
from collections import deque
from contextlib import suppress
from html import escape
from typing import NamedTuple

from netlab import Timeline, echo, kernel, serve, upper
from netlab.events import RECEIVES, SENDS
from netlab.panels.base import (Panel, box, gauge, html, name_of_end, read_bytes, read_number, transfer)
from netlab.words import bytes_of, quoted


class Words:
    """All words of this file, in one place for a translator."""
    title = "A TCP conversation"
    plain = "TcpPanel: a TCP server and its clients, by hand. Run this cell to use the panel."
    sketch = (("Clients", "connect, sendall, recv at most n bytes", "shutdown(SHUT_WR), close",
               "send queue and receive queue in the kernel"),
              ("Server", "start and stop, with a handler of your choice", "who is connected, what has arrived",
               "and below: the picture of your own conversation"))
    handlers = {"echo": "echo: sends back what it receives", "upper": "upper: answers in capitals",
                "quiet": "quiet: receives, answers nothing", "idle": "idle: reads nothing, the bytes stay in the queue"}
    own_handler = "{}: yours"
    server, does, host, port, start, stop = "Server", "Does", "Host", "Port", "Start", "Stop"
    client, add_client, message, kind, receive = "Client {}", "Add a client", "Message", "As", "Receive at most"
    text, hex = "text", "hex"
    connect, send, recv, shut, close, remove = "connect", "sendall", "recv", "shutdown(WR)", "close", "remove"
    send_queue, receive_queue = "send queue", "receive queue"
    log_client, log_server = "Sent → and received ←", "Received ← and answered →"
    nothing = "nothing yet"
    stopped, no_socket = "stopped", "no socket yet"
    clients = ("no clients", "1 client", "{} clients")
    backlog = "backlog {}/{}"
    waits = "waits in {}"
    a_port, a_count = "a port", "how many bytes"
    port_zero = "{} 0 lets the kernel choose a free one."
    no_host = "Give a host, such as 127.0.0.1."
    host_unknown = "{} is no name or address that this machine can find."
    host_not_ours = "{} is not an address of this machine."
    port_used = "Port {} is in use by another socket. Give another, or 0 for a free one."
    port_reserved = "Port {} is reserved: it needs a privilege here. Give one from 1024 to 65535."
    nobody = "Nobody listens on {} port {}."
    only_here = "{} only"
    reach_all, reach_some = "reachable from other machines", "reachable on {}"
    says_all = "The server listens on {}, port {}: whoever can reach this machine over a network can connect."
    says_here = "The server listens on {}, port {}: only programs on this machine can connect."
    server_stopped = "The server is stopped; its connections are closed."
    connected = "{} is connected to {}, port {}."
    sent = "{} sent {}."
    received = "{} received {}."
    received_end = '{} received b"": the peer has ended its sending.'
    shut_down = "{} ended its sending; it can still receive."
    closed = "{} is closed."
    cancelled = "{} was waiting in {}; close ended the wait."
    all_closed = "Everything is closed."
    already = "{} already waits in recv."
    enough = "{} clients are as many as this panel shows. For more, write a loop in a cell."
    raised = "{} raised {}: {}."
    handler_raised = "The handler raised {}: {}. Its connection is closed."
    vanished, peer_ended = "vanished: {}", "ended its sending"
    waiting_bytes = "{} wait in {}'s receive queue."
    somebody = "port {}"
    many_more = "… and {:,} transfers more"


MAX_CLIENTS, LINES, MAX_RECV = 8, 6, 65536
ADVICE = {errno.EISCONN: "this socket is connected already; close it first",
          errno.EBADF: "this socket is closed; connect makes a new one",
          errno.EPIPE: "there is no connection to send into (any more)",
          errno.ENOTCONN: "this socket is not connected",
          errno.ECONNRESET: "the peer ended the connection with bytes unread"}


def quiet(conn, address):
    """A TCP handler that receives and answers nothing."""
    while conn.recv(65536):
        pass


def idle(conn, address):
    """A TCP handler that reads nothing: what arrives stays in the kernel's queue until the client ends."""
    kernel.wait_until(lambda: kernel.state(conn) != "ESTABLISHED", float("inf"))


OURS = (upper, echo, quiet, idle)


class Link(NamedTuple):
    """An accepted connection of the panel's server."""
    conn: socket.socket
    peer: tuple


class TcpPanel(Panel):
    """A TCP server and its clients by hand; `handler(conn, address)`, if given, is one more thing the server can do.

    Everything it does is real: `serve`, `Timeline.socket` and the socket's own methods. Sockets and threads end with
    "Close all", with `close()`, or when the cell is run again. Chapter 00.
    """
    title, plain, sketch = Words.title, Words.plain, Words.sketch

    def __init__(self, handler=None):
        if handler is not None and not callable(handler):
            raise TypeError(f"handler must be a function of (conn, address), not {handler!r}")
        super().__init__()
        self.timeline = Timeline(limit=300)
        self.timeline.on_change = self.changed
        self.server, self.clients, self._number = None, [], 0
        self._links = deque(maxlen=64)                  # accepted connections, those that have ended too
        self._handlers = {function.__name__: function for function in OURS}
        self._choices = [(Words.handlers[name], name) for name in self._handlers]
        if handler is not None:
            name = getattr(handler, "__name__", type(handler).__name__)
            self._handlers[name] = handler
            self._choices.insert(0, (Words.own_handler.format(name), name))
        self._seen = self._drawn = -1            # the last event in the logs, and in the picture
        self._log, self._imports = deque(maxlen=LINES), {"Timeline"}

    def do(self, job, *args, **options):
        """As `Panel.do`; in the picture a click comes after all that had returned before it, whichever hand did it."""
        super().do(self._in_order, job, *args, **options)

    def _in_order(self, job, *args):
        self.timeline.joined(id(self))
        job(*args)

    # the view

    def build(self):
        self._head, self._facts, self._picture = html(), html(), html()
        self._does = self.choice(Words.does, self._choices)
        self._host = self.field(Words.host, "127.0.0.1", enter=self._start_or_stop_clicked)
        self._port = self.field(Words.port, "0", "nl-short", enter=self._start_or_stop_clicked)
        self._start = self.button(Words.start, self._start_or_stop_clicked)
        self._add = self.button(Words.add_client, self._add_clicked)
        self._add_clicked()
        self._column = box([self.clients[0].build(), self._add_row()], "nl-side")
        server = box([self._head, box([self._does], "nl-row"),
                      box([self._host.text, self._port.text, self._start], "nl-row"),
                      self._host.note, self._port.note, self._facts], "nl-side")
        return [box([self._column, server], "nl-sides"), self._picture]

    def _add_row(self):
        return box([self._add], "nl-row", "nl-part")

    def render(self):
        self._follow()
        server = self.server
        running = server is not None
        self.put(self._start, description=Words.stop if running else Words.start,
                 _dom_classes=("nl-button",) if running else ("nl-button", "nl-main", "nl-of-server"))
        for widget in (self._does, self._host.text, self._port.text):
            self.put(widget, disabled=running)
        clients = list(self.clients)            # a click may add one meanwhile: it is for the next round
        for client in [c for c in clients if c.removed]:
            clients.remove(client)
            self.clients.remove(client)
            self.put(self._column, children=[c for c in self._column.children if c is not client.box])
            self.drop(client.box, client.fields)
        fresh = [client.build() for client in clients if client.box is None]
        if fresh:
            self.put(self._column, children=[*self._column.children[:-1], *fresh, self._column.children[-1]])
        for client in clients:
            client.render()
        links = [link for link in self._links.copy() if link.conn.fileno() >= 0]
        chips = [Words.stopped]
        if running:
            listener = server.socket
            chips = [kernel.state(listener) or "LISTEN", Words.clients[min(len(links), 2)].format(len(links))]
            if (waiting := kernel.backlog(listener)) is not None:
                chips.append(Words.backlog.format(*waiting))
        self.put(self._head, value=name_of_end(Words.server, "server", *chips))
        facts = "".join(
            f'<div class="nl-caption"><b>{escape(self._who(link))}</b> {escape(kernel.state(link.conn) or "")}</div>'
            + _queues(link.conn, "server", "client") for link in links[:4])
        self.put(self._facts, value=facts + _log(Words.log_server, self._log))

    def render_large(self):
        if self._drawn != self._seen:
            self._drawn = self._seen
            self.put(self._picture, value=f'<div class="nl-picture">{self.timeline.svg(standalone=False)}</div>')

    def aside(self):
        waiting = [(c, kernel.receive_queue(c.sock)) for c in self.clients if c.sock is not None]
        return " ".join(Words.waiting_bytes.format(bytes_of(n), c.name) for c, n in waiting if n)

    def chips(self):
        if self.server is None:
            return []
        host = self.server.host
        address = ipaddress.ip_address(host)
        if address.is_loopback:
            return [Words.only_here.format(host)]
        return [Words.reach_all if address.is_unspecified else Words.reach_some.format(host)]

    def pace(self):
        return 0.25 if self.server is not None or any(c.sock is not None for c in self.clients) else None

    def code(self):
        own = [name for name in ("idle", "quiet") if name in self._imports]
        others = sorted(self._imports.difference(own))
        return "\n".join(["import socket", f"from netlab import {', '.join(others)}",
                          *([f"from netlab.panels.tcp import {', '.join(own)}"] if own else []),
                          "", "timeline = Timeline()", *self._code])

    def _follow(self):
        """Put what the recording says since the last time into the logs."""
        events = self.timeline.events
        new = [event for event in events if event.index > self._seen]
        if not new:
            return
        all_new = len(new) == len(events)       # else nothing was dropped: a gap is a number without an event
        missed = new[0].index - self._seen - 1 if all_new and self._seen >= 0 else 0
        self._seen = new[-1].index
        owner = {client.sock.number: client for client in self.clients if client.sock is not None}
        links = {link.conn.number: link for link in self._links.copy()}
        if missed:
            self._log.append(f'<div class="nl-line nl-soft">{Words.many_more.format(missed)}</div>')
        for event in new:
            arrow = "→" if event.method in SENDS else "←"
            if event.method not in SENDS | RECEIVES:
                continue
            if event.socket in owner:
                if event.size:
                    owner[event.socket].log.append(transfer(arrow, event.data, event.size))
            elif event.socket in links:
                who = self._who(links[event.socket])
                if event.size:
                    self._log.append(transfer(f"{who} {arrow}", event.data, event.size))
                elif event.error:
                    self._log.append(_line(who, Words.vanished.format(event.error)))
                elif event.method in RECEIVES:
                    self._log.append(_line(who, Words.peer_ended))

    def _who(self, link):
        """Which client is at the other end of an accepted connection."""
        for client in self.clients:
            if link.peer in client.known:
                return client.name
        return Words.somebody.format(link.peer[1])

    # the server

    def _start_or_stop_clicked(self):
        if self.server is not None:
            self.do(self._stop_server, who=self)
            return
        host, port = self._host.read(_read_host), self._port.read(_read_port, True)
        if host is not None and port is not None:
            self.do(self._serve, self._does.value, host, port, who=self)

    def _serve(self, name, host, port):
        if self.server is not None:
            return
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            server = serve(self._watched(self._handlers[name]), host=host, port=port, family=family,
                           timeline=self.timeline)
        except (OSError, ValueError, TypeError) as error:
            field, words = _why_not(error, host, port)
            setattr(self._port if field == "port" else self._host, "error", words)
            self.say(words)
            return
        with self._lock:
            self.server = None if self._closed else server
        if self._closed:
            server.stop()
            return
        self._host.error = self._port.error = ""
        self._imports |= {"serve"} | ({name} if self._handlers[name] in OURS else set())
        extra = "".join(f", {key}={value!r}" for key, value, usual in
                        (("host", host, "127.0.0.1"), ("port", port, 0)) if value != usual)
        extra += ", family=socket.AF_INET6" * (":" in host)
        self.typed(f"server = serve({name}{extra}, timeline=timeline)")
        loopback = ipaddress.ip_address(server.host).is_loopback
        self.say((Words.says_here if loopback else Words.says_all).format(server.host, server.port))
        for client in self.clients:
            client.follow(server.address)

    def _stop_server(self):
        with self._lock:
            server, self.server = self.server, None
        if server is None:
            return
        try:
            server.stop()
            self.say(Words.server_stopped)
        except RuntimeError as error:               # a handler of the learner's own that does not end
            self.say(f"{error}")
        self.typed("server.stop()")

    def _watched(self, handler):
        """`handler`, with its connections noted and its errors told in words."""
        @functools.wraps(handler)
        def watched(conn, address):
            self._links.append(Link(conn, address))
            try:
                handler(conn, address)
            except Exception as error:
                if self.server is not None:
                    self.say(Words.handler_raised.format(type(error).__name__, _reason(error)))
            finally:
                self.changed()
        return watched

    # the clients

    def _add_clicked(self):
        if len(self.clients) >= MAX_CLIENTS:
            self.say(Words.enough.format(MAX_CLIENTS))
            return
        self._number += 1
        self.clients.append(Client(self, self._number))
        if self.server is not None:
            self.clients[-1].follow(self.server.address)

    def release(self):
        for client in list(self.clients):
            client.end()
        self._stop_server()
        self.say(Words.all_closed)


class Client:
    """One client of the panel: a socket, its fields, its log. While one thread is blocked in recv, another can send."""

    def __init__(self, panel, number):
        self.panel, self.name, self.variable = panel, Words.client.format(number), f"client_{number}"
        self.sock, self.known, self.log = None, set(), deque(maxlen=LINES)
        self.doing = {}                         # kind of job -> the call that has not returned
        self.woken = ""                         # the calls whose wait was ended by close
        self.box, self.fields, self.removed = None, [], False
        self._goes_to, self._followed = None, ""

    @property
    def open(self):
        return self.sock is not None and self.sock.fileno() >= 0

    # the view

    def build(self):
        panel = self.panel
        self._head, self._facts = html(), html()
        self._host = panel.field(Words.host, "127.0.0.1", enter=self._connect_clicked)
        self._port = panel.field(Words.port, "", "nl-short", enter=self._connect_clicked)
        self._message = panel.field(Words.message, "hello", enter=self._send_clicked)
        self._kind = panel.choice(Words.kind, [(Words.text, False), (Words.hex, True)])
        self._kind.add_class("nl-short")
        self._count = panel.field(Words.receive, "1024", "nl-short", enter=self._recv_clicked)
        self._recv = panel.button(Words.recv, self._recv_clicked)
        self._close = panel.button(Words.close, self._close_clicked)
        self.fields = [self._host, self._port, self._message, self._count]
        self.box = box([
            self._head,
            box([self._host.text, self._port.text, panel.button(Words.connect, self._connect_clicked)], "nl-row"),
            self._host.note, self._port.note,
            box([self._message.text, self._kind, panel.button(Words.send, self._send_clicked, "nl-main")], "nl-row"),
            self._message.note,
            box([self._count.text, self._recv, panel.button(Words.shut, self._shut_clicked), self._close], "nl-row"),
            self._count.note, self._facts], "nl-part")
        return self.box

    def render(self):
        if self._goes_to is not None:
            (host, port), self._goes_to = self._goes_to, None
            if self._port.text.value in ("", self._followed):       # the learner's own choice stays
                self._followed = str(port)
                self.panel.put(self._host.text, value=host)
                self.panel.put(self._port.text, value=self._followed)
        state = Words.no_socket if self.sock is None else kernel.state(self.sock) or ""
        waits = " + ".join(self.doing.copy().values())
        self.panel.put(self._head, value=name_of_end(self.name, "client", *([state] if state else []),
                                                     waits=Words.waits.format(waits) if waits else ""))
        self.panel.put(self._facts, value=(_queues(self.sock, "client", "server") if self.open else "")
                       + _log(Words.log_client, self.log))
        self.panel.put(self._recv, disabled="recv" in self.doing)
        self.panel.put(self._close, description=Words.remove if self._removable() else Words.close)

    def follow(self, address):
        """The server is at a new address: let connect go there."""
        self._goes_to = address[:2]

    # what the buttons ask for

    def _connect_clicked(self):
        host, port = self._host.read(_read_host), self._port.read(_read_port)
        if host is not None and port is not None:
            self._do("connect", self._connect, host, port)

    def _send_clicked(self):
        if (data := self._message.read(read_bytes, self._kind.value)) is not None:
            self._do("send", self._send, data)

    def _recv_clicked(self):
        if (count := self._count.read(read_number, 1, MAX_RECV, Words.a_count)) is None:
            return
        if "recv" in self.panel.pending(self):
            self.panel.say(Words.already.format(self.name))
        else:
            self._do("recv", self._receive, count)

    def _shut_clicked(self):
        self._do("shut", self._shut)

    def _close_clicked(self):
        if self._removable():
            self.removed = True
        else:
            self._wake()
            self._do("end", self.end)

    def _removable(self):
        return self.sock is not None and not self.open and len(self.panel.clients) > 1

    def _do(self, kind, job, *args):
        passes = {"recv": {"send"}, "end": set()}.get(kind, {"recv"})
        self.panel.do(job, *args, who=self, kind=kind, passes=passes)

    # the calls, in a thread of the panel's

    def _connect(self, host, port):
        if not self.open:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            self.woken = ""
            self.sock = self.panel.timeline.socket(family, name=self.name.lower())
            self.panel.typed(f'{self.variable} = timeline.socket({"socket.AF_INET6, " if ":" in host else ""}'
                             f'name="{self.name.lower()}")')
        server = self.panel.server
        ours = server is not None and (host, port) == server.address[:2]
        call = f"connect({'server.address' if ours else repr((host, port))})"
        if self._call("connect", call, lambda: self.sock.connect((host, port)), (host, port)):
            self._host.error = self._port.error = ""
            self.known.add(self.sock.getsockname())
            self.panel.say(Words.connected.format(self.name, host, port))
        if self.panel._closed:
            self.end()

    def _send(self, data):
        note = f"   # the first 40 of {len(data):,} bytes" if len(data) > 80 else ""
        call = f"sendall({(data[:40] if note else data)!r})"
        if self._call("send", call, lambda: self._any().sendall(data), note=note):
            self.panel.say(Words.sent.format(self.name, bytes_of(len(data))))

    def _receive(self, count):
        got = []
        if self._call("recv", f"recv({count})", lambda: got.append(self._any().recv(count))):
            self.panel.say(Words.received.format(self.name, bytes_of(len(got[0]))) if got[0]
                           else Words.received_end.format(self.name))

    def _shut(self):
        if self._call("shut", "shutdown(socket.SHUT_WR)", lambda: self._any().shutdown(socket.SHUT_WR)):
            self.panel.say(Words.shut_down.format(self.name))

    def _any(self):
        """The socket, made if there was none: then the call fails as it does for anyone who forgot connect."""
        if self.sock is None:
            self.sock = self.panel.timeline.socket(name=self.name.lower())
            self.panel.typed(f'{self.variable} = timeline.socket(name="{self.name.lower()}")')
        return self.sock

    def _call(self, kind, call, action, address=None, note=""):
        """Make one call; type it into the code; tell in words how it failed. True when it did not."""
        self.doing[kind] = call
        try:
            action()
        except (OSError, ValueError, TypeError) as error:
            self.panel.typed(f"# {self.variable}.{call} raised {type(error).__name__}{note}")
            if self.woken:
                return False
            words = Words.raised.format(self.name, type(error).__name__, _reason(error))
            if address is not None and not isinstance(error, OSError) or isinstance(error, REFUSALS):
                field, words = _why_not(error, *address)
                setattr(self._port if field == "port" else self._host, "error", words)
            self.panel.say(words)
            return False
        else:
            self.panel.typed(f"{self.variable}.{call}{note}" if not self.woken
                             else f"# {self.variable}.{call} waited until close")
            return not self.woken
        finally:
            self.doing.pop(kind, None)

    # the end

    def _wake(self):
        """End a call that waits: close() alone would leave its thread blocked."""
        if self.open and self.doing:
            self.woken = " + ".join(self.doing.copy().values())
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)

    def end(self):
        """Close the socket, after the calls that still wait have been woken."""
        if not self.open:
            return
        self._wake()
        with suppress(TimeoutError):
            kernel.wait_until(lambda: not self.panel.pending(self, but=threading.current_thread()), 1)
        self.sock.close()
        self.panel.typed(f"{self.variable}.close()")
        self.panel.say(Words.cancelled.format(self.name, self.woken) if self.woken else Words.closed.format(self.name))


# --- words and pictures for what happened ------------------------------------------------------------------------

REFUSALS = (socket.gaierror, ConnectionRefusedError)


def _read_host(text):
    if not text.strip():
        raise ValueError(Words.no_host)
    return text.strip()


def _read_port(text, zero=False):
    try:
        return read_number(text, 0 if zero else 1, 65535, Words.a_port)
    except ValueError as error:
        raise ValueError(Words.port_zero.format(error) if zero else str(error)) from None


def _why_not(error, host, port):
    """Beside which field an error of bind or connect belongs, and its words."""
    number = getattr(error, "errno", None)
    if isinstance(error, (socket.gaierror, ValueError, TypeError)):
        return "host", Words.host_unknown.format(quoted(host))
    if isinstance(error, ConnectionRefusedError):
        return "port", Words.nobody.format(host, port)
    if number == errno.EADDRINUSE:
        return "port", Words.port_used.format(port)
    if number == errno.EADDRNOTAVAIL:
        return "host", Words.host_not_ours.format(host)
    if number in (errno.EACCES, errno.EPERM):
        return "port", Words.port_reserved.format(port)
    return "host", Words.raised.format("bind", type(error).__name__, _reason(error))


def _reason(error):
    text = getattr(error, "strerror", None) or str(error)
    return f"{text} ({ADVICE[error.errno]})" if getattr(error, "errno", None) in ADVICE else text


def _queues(sock, own, other):
    receive, send = kernel.queues(sock)
    return gauge(Words.send_queue, send, own) + gauge(Words.receive_queue, receive, other)


def _line(who, words):
    return f'<div class="nl-line"><b>{escape(who)}</b> <span class="nl-soft">{escape(words)}</span></div>'


def _log(head, lines):
    shown = "".join(list(lines)) or f'<span class="nl-soft">{escape(Words.nothing)}</span>'
    return f'<div class="nl-caption">{escape(head)}</div><div class="nl-log">{shown}</div>'
