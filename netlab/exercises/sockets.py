"""Exercises of chapter 3: clients and servers, each tried against a hostile peer.

In a notebook: `from netlab.exercises import sockets as check`, then `check.recv_exactly(recv_exactly)`.
The reader's function runs in a thread of its own, the peer in this one. What does not end in time is stopped:
its sockets are shut down, so that no call can wait any longer, and TooLong is raised in its thread.
"""
import contextlib
import ctypes
import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from netlab.check import FAILED, NOT_ATTEMPTED, PASSED, Raises, Result, TooLong, is_stub, show
from netlab.kernel import receive_queue

LIMIT = 3.0             # seconds that one case may take
HOST = "127.0.0.1"
PLAIN = socket.socket


@dataclass(frozen=True)
class Miss(Exception):
    """A case went wrong: what was expected, what came, and a hint."""
    expected: str
    came: str
    hint: str


class Work:
    """One case at work: the reader's function in a thread, the peer here. `with` ends both."""

    def __init__(self, function: Callable):
        self.function, self.came = function, None
        self.made, self.given, self.done = [], [], threading.Event()
        self.peers = contextlib.ExitStack()
        self.deadline = time.monotonic() + LIMIT
        self.call = ""

    def start(self, *args, shown: str):
        """Call the reader's function; `shown` is the call as the reader would type it."""
        self.call = f"{getattr(self.function, '__name__', 'function')}({shown})"
        self.given = [arg for arg in args if isinstance(arg, PLAIN)]
        self.thread = threading.Thread(target=self._run, args=args, name="exercise", daemon=True)
        self.thread.start()

    def _run(self, *args):
        with contextlib.suppress(TooLong):      # a second one may come while the first is dealt with
            try:
                self.came = self.function(*args)
            except BaseException as error:
                self.came = error
            self.done.set()
        self.done.set()

    def keep(self, sock):
        """Close this socket when the case ends."""
        sock.settimeout(LIMIT)
        return self.peers.enter_context(contextlib.closing(sock))

    def until(self, condition) -> bool:
        """Wait for the condition; False when the function ended before, or time is up."""
        while not condition():
            if self.done.wait(0.0005) or time.monotonic() > self.deadline:
                return bool(condition())
        return True

    def result(self):
        """What the function returned or raised; TooLong when it did not end."""
        if not self.done.wait(max(0.0, self.deadline - time.monotonic())):
            return TooLong(f"no end after {LIMIT:g} seconds")
        return self.came

    def expect(self, expected, hint, explain=lambda came: None):
        """The function must come to its end with this; Miss if not."""
        came = self.result()
        if isinstance(expected, Raises) and isinstance(came, expected.kind):
            return
        if not isinstance(expected, Raises) and type(came) is type(expected) and came == expected:
            return
        raise Miss(show(expected), show(came, self.function), explain(came) or common(expected, came) or hint)

    def left_open(self) -> int:
        """How many sockets the function made and did not close."""
        return sum(sock.fileno() != -1 for sock in self.made)

    def __enter__(self):
        work = self

        class Kept(PLAIN):              # the reader's own sockets, so that they can be closed for them
            def __init__(self, *args, **kwargs):
                super().__init__(*args, **kwargs)
                if threading.current_thread() is getattr(work, "thread", None):
                    work.made.append(self)

        Kept.__name__, self.before = "socket", socket.socket
        socket.socket = Kept
        return self

    def __exit__(self, *_):
        socket.socket = self.before
        end = time.monotonic() + LIMIT
        while hasattr(self, "thread") and self.thread.is_alive() and time.monotonic() < end:
            for sock in [*self.made, *self.given]:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)         # close() alone does not wake a call that waits
            self.thread.join(0.05)
            if not self.done.is_set():
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.thread.ident), ctypes.py_object(TooLong))
        for sock in [*self.made, *self.given]:
            sock.close()
        self.peers.close()


@dataclass(frozen=True)
class Exercise:
    """Called with the reader's function: a Result. A case is (what the peer does, function(work))."""
    name: str
    cases: tuple[tuple[str, Callable], ...]

    def __call__(self, function: Callable) -> Result:
        total, passed, first = len(self.cases), 0, None
        if not callable(function):
            return Result(self.name, FAILED, 0, total, self.name, "a function", show(function),
                          f"give the function itself, without calling it: check.{self.name}({self.name})")
        if is_stub(function):
            return Result(self.name, NOT_ATTEMPTED, 0, total)
        for peer, case in self.cases:
            began = time.monotonic()
            miss, call = tried(function, case)
            if miss is None:
                passed += 1
            elif first is None:
                first = Result(self.name, FAILED, 0, total, f"{call}: {peer}", miss.expected, miss.came, miss.hint)
            if miss and time.monotonic() - began > LIMIT / 3:      # it waited in vain, and would again
                break
        if first is None:
            return Result(self.name, PASSED, passed, total)
        return Result(self.name, FAILED, passed, total, first.call, first.expected, first.came, first.hint)


def tried(function, case) -> tuple[Miss | None, str]:
    """(what went wrong or None, the call) of one case."""
    miss = None
    with Work(function) as work:
        try:
            case(work)
            if left := work.left_open():
                miss = Miss("each socket closed", f"{left} still open when the function returned",
                            "close what you open: `with socket.socket() as sock:` does it on every path")
        except Miss as found:
            miss = found
        except OSError as error:                # the peer's own call failed: the function did something unforeseen
            came = work.result()
            miss = Miss("a peer that is served", f"{show(came, function)}; the peer saw {type(error).__name__}",
                        common(None, came) or "the connection ended before the peer was done")
        except KeyboardInterrupt:
            miss = Miss("an end", "no end: you stopped it", STUCK)
        return miss, work.call


STUCK = "the function did not come back: which call waits, and for what?"


def common(expected, came) -> str | None:
    """The mistakes that any of these exercises can show."""
    if isinstance(came, TypeError) and "bytes-like" in str(came):
        return "sockets carry bytes: text.encode() before sending"
    if isinstance(came, (NameError, AttributeError, TypeError, ImportError, SystemExit)):
        return "this is about the code, not the network: read the error, then the line that it names"
    if isinstance(came, TooLong):
        return STUCK
    if came is None and expected is not None and not isinstance(expected, Raises):
        return "None came back: is a return missing on this path?"
    if isinstance(came, str) and isinstance(expected, bytes):
        return "text came: give back the bytes as they are"
    if isinstance(came, (bytes, bytearray)) and isinstance(expected, str):
        return "bytes came: .decode() makes text of them"
    return None


# --- peers -----------------------------------------------------------------------------------------------------

def listening(work, backlog=5):
    listener = work.keep(PLAIN())
    listener.bind((HOST, 0))
    listener.listen(backlog)
    return listener


def unused_address(work):
    """An address where nobody listens, held so that nobody can come."""
    holder = work.keep(PLAIN())
    holder.bind((HOST, 0))
    return holder.getsockname()


def silent_address(work):
    """An address that does not answer a connect: its queue is full (on Windows it refuses)."""
    listener = listening(work, 1)
    for _ in range(20):
        filler = work.keep(PLAIN())
        filler.settimeout(0.1)
        if filler.connect_ex(listener.getsockname()):
            break
    return listener.getsockname()


def pair(work):
    """(peer, sock): a TCP connection."""
    listener = listening(work)
    peer = work.keep(PLAIN())
    peer.connect(listener.getsockname())
    sock = work.keep(listener.accept()[0])
    sock.settimeout(None)
    return peer, sock


def accepted(work, listener):
    """The connection of the function's client; Miss when none comes."""
    listener.settimeout(0.01)
    found = []

    def come():
        with contextlib.suppress(TimeoutError):
            found.append(listener.accept()[0])
        return found

    if not work.until(come):
        came = work.result()
        raise Miss("a connection", show(came, work.function),
                   common(None, came) or "nobody connected: a client needs socket(), then connect(address)")
    return work.keep(found[0])


def trickle(work, peer, data, reader):
    """One byte at a time, the next when the former was taken from `reader()`, a socket."""
    for n in range(len(data)):
        peer.sendall(data[n:n + 1])
        if not work.until(lambda: reader() is None or receive_queue(reader()) in (0, None)):
            return


def vanish(sock):
    """Close with a reset: what a peer's crash or a lost machine looks like later."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("hh" if os.name == "nt" else "ii", 1, 0))
    sock.close()


def heard(sock) -> bytes:
    """All that comes until the end of the stream."""
    data = b""
    while piece := sock.recv(65536):
        data += piece
    return data


# --- 1 shout ---------------------------------------------------------------------------------------------------

def shouting(text, answer):
    """The server hears all, then calls answer(work, conn, bytes in capitals)."""
    def case(work):
        listener = listening(work)
        work.start(listener.getsockname(), text, shown=f"address, {show(text)}")
        conn = accepted(work, listener)
        conn.settimeout(LIMIT * 2 / 3)
        wanted = text.upper() if answer is not hang_up else ""
        try:
            data = heard(conn)
        except TimeoutError:
            raise Miss(show(wanted), "no end: both sides wait",
                       "the server waits for more: say that you have sent everything, shutdown(SHUT_WR)") from None
        if data != text.encode():
            raise Miss(f"the server hears {show(text.encode())}", f"it heard {show(data)}",
                       common(None, work.result()) or "send the whole text, once, as UTF-8, and nothing else")
        with contextlib.suppress(ConnectionError):
            answer(work, conn, text.upper().encode())
        conn.close()
        work.expect(wanted, "the answer is what the server sent, from its first byte to its end", shout_mistake(wanted))
    return case


def shout_mistake(wanted):
    def explain(came):
        if isinstance(came, UnicodeDecodeError):
            return "a character was cut in two between two recv: collect the bytes, decode once at the end"
        if isinstance(came, str) and came != wanted and wanted.startswith(came):
            return "the answer came in pieces: recv until it gives b\"\""
        if isinstance(came, OSError):
            return "shutdown(SHUT_WR) ends only your sending; after close() there is nothing to receive from"
        return None
    return explain


def at_once(work, conn, data):
    conn.sendall(data)


def by_bytes(work, conn, data):
    trickle(work, conn, data, lambda: work.made[0] if work.made else None)


def hang_up(work, conn, data):
    pass


def shout_refused(work):
    work.start(unused_address(work), "hello", shown='address, "hello"')
    work.expect(Raises(ConnectionRefusedError), "nobody is there: let the error out, the caller wants to know")


shout = Exercise("shout", (
    ("a server that answers at once", shouting("hello", at_once)),
    ("a server that answers byte by byte", shouting("hello, network", by_bytes)),
    ("a server that answers byte by byte", shouting("naïve, 世界", by_bytes)),
    ("a long text", shouting("a long story. " * 20_000, at_once)),
    ("nothing to say", shouting("", at_once)),
    ("a server that hangs up without an answer", shouting("hello", hang_up)),
    ("nobody listens there", shout_refused)))


# --- 2 recv_exactly --------------------------------------------------------------------------------------------

def receiving(n, data, feed, rest=b""):
    def case(work):
        peer, sock = pair(work)
        if feed is not by_bytes:
            feed(work, peer, data)
            if len(data) < 1000:
                work.until(lambda: receive_queue(sock) in (len(data), None))
        work.start(sock, n, shown=f"sock, {n}")
        if feed is by_bytes:
            trickle(work, peer, data, lambda: sock)
        wanted = data[:n]
        work.expect(wanted, "exactly n bytes, in the order in which they came", exact_mistake(n, wanted))
        if rest:
            sock.setblocking(False)
            try:
                left = sock.recv(65536)
            except BlockingIOError:
                left = b""
            if left != rest:
                raise Miss(f"{show(rest)} still in the kernel", show(left),
                           "too much was taken: ask recv for what is missing, never for more")
    return case


def exact_mistake(n, wanted):
    def explain(came):
        if isinstance(came, bytes) and len(came) < len(wanted):
            return f"recv(n) may give fewer: {len(came)} of {n} bytes came, so ask again for the missing ones"
        if isinstance(came, bytes) and len(came) > n:
            return "too much was taken: ask recv for what is missing, never for more"
        if isinstance(came, TooLong) and n == 0:
            return "nothing is missing, so nothing may be waited for"
        if isinstance(came, TooLong):
            return "all n bytes came, and the function still waits: count down what is missing"
        if isinstance(came, ConnectionError):
            return "the peer is still there: nothing but recv giving b\"\" is an end, and n = 0 needs no recv at all"
        return None
    return explain


def ending(data, n):
    def case(work):
        peer, sock = pair(work)
        peer.sendall(data)
        peer.close()
        work.start(sock, n, shown=f"sock, {n}")

        def explain(came):
            if isinstance(came, TooLong):
                return "recv gives b\"\" at once, again and again: that is the peer's end, and your loop's"
            if isinstance(came, bytes):
                return f"{len(came)} bytes are not {n}: recv gave b\"\", so no more will come; raise ConnectionError"
            return "raise ConnectionError when recv gives b\"\" too early" if isinstance(came, Exception) else None
        work.expect(Raises(ConnectionError), "raise ConnectionError: the rest will never come", explain)
    return case


def in_halves(n, data):
    def case(work):
        peer, sock = pair(work)
        peer.sendall(data[:3])
        work.start(sock, n, shown=f"sock, {n}")
        work.until(lambda: receive_queue(sock) in (0, None))
        peer.sendall(data[3:])
        work.expect(data[:n], "exactly n bytes, in the order in which they came", exact_mistake(n, data[:n]))
    return case


def large(work):
    peer, sock = pair(work)
    data = bytes(range(256)) * 4000
    work.start(sock, len(data), shown=f"sock, {len(data)}")
    with contextlib.suppress(TimeoutError, ConnectionError):
        peer.sendall(data)
    work.expect(data, "exactly n bytes, in the order in which they came", exact_mistake(len(data), data))


recv_exactly = Exercise("recv_exactly", (
    ("a peer that sends 5 bytes at once", receiving(5, b"hello", at_once)),
    ("a peer that sends 3 bytes, then 8", in_halves(11, b"hello world")),
    ("a peer that sends 3 bytes, then 8", in_halves(5, b"hello world")),
    ("a peer that sends byte by byte", receiving(11, b"hello world", by_bytes)),
    ("a peer that sends 11 bytes at once", receiving(5, b"hello world", at_once, rest=b" world")),
    ("a peer that sends a million bytes", large),
    ("a peer that says nothing", receiving(0, b"", at_once)),
    ("a peer that sends 3 bytes and ends", ending(b"hel", 5)),
    ("a peer that ends without a byte", ending(b"", 5))))


# --- 3 daytime -------------------------------------------------------------------------------------------------

def telling(text, early=True, second=False):
    def case(work):
        listener = PLAIN()
        listener.bind((HOST, 0))
        listener.listen(5)
        client, other = work.keep(PLAIN()), work.keep(PLAIN())
        if early:
            client.connect(listener.getsockname())
        if second:
            other.connect(listener.getsockname())
        work.start(listener, text, shown=f"listener, {show(text)}")
        if not early:
            client.connect(listener.getsockname())
        client.settimeout(LIMIT / 2)
        wanted, data = text.encode() + b"\r\n", b""
        try:
            while piece := client.recv(65536):
                data += piece
        except TimeoutError:
            raise Miss(f"the client reads {show(wanted)} to the end", f"{show(data)}, and no end",
                       "the client waits for the end: close the connection when the text is sent" if data else
                       "the client says nothing: do not wait for it, speak first") from None
        except ConnectionError as error:
            data = error
        came = work.result()
        if isinstance(came, BaseException) or data != wanted:
            raise Miss(f"the client reads {show(wanted)}", f"{show(data)}; the function {show(came, work.function)}",
                       daytime_mistake(came, data, wanted))
        if came is not None:
            raise Miss("None", show(came), "the client gets the text; the caller of this function gets nothing")
        if listener.fileno() == -1:
            raise Miss("a listener that still listens", "it is closed",
                       "close the connection that accept returned, not the listener: it belongs to the caller")
        if second:
            other.setblocking(False)
            try:
                given = other.recv(1024)
            except BlockingIOError:
                return
            raise Miss("the second client still waits", f"it was given {show(given)}",
                       "one-shot: serve one client and return")
    return case


def daytime_mistake(came, data, wanted):
    if isinstance(came, TooLong):
        return "one client was served, and the function goes on: one-shot means that it returns now"
    if isinstance(came, OSError):
        return "talk through the socket that accept returned: a listening socket carries no data"
    if isinstance(data, bytes) and data + b"\r\n" == wanted:
        return "a line ends with \\r\\n here (RFC 867)"
    if isinstance(data, bytes) and data == wanted[:-2] + b"\n":
        return "both characters: \\r\\n, not \\n alone"
    return common(None, came) or "the text as UTF-8, then \\r\\n, and nothing else"


daytime = Exercise("daytime", (
    ("a client that is waiting", telling("Monday, 09:00")),
    ("a client that comes later", telling("Monday, 09:00", early=False)),
    ("two clients are waiting", telling("noon", second=True)),
    ("text that is not ASCII", telling("正午 — Mittag")),
    ("a long text", telling("tick, tock, " * 20_000))))


# --- 4 open_ports ----------------------------------------------------------------------------------------------

def scanning(kinds):
    """A port for each letter: o(pen), c(losed), s(ilent)."""
    def case(work):
        make = {"o": lambda: listening(work).getsockname(), "c": lambda: unused_address(work),
                "s": lambda: silent_address(work)}
        made = [(kind, make[kind]()[1]) for kind in kinds]
        ports = [port for _, port in made]
        names = {port: {"o": "open", "c": "closed", "s": "silent"}[kind] for kind, port in made}
        wanted = [port for kind, port in made if kind == "o"]
        work.deadline = time.monotonic() + LIMIT
        work.start(list(ports), shown=f"[{', '.join(names.values())}]")

        def explain(came):
            if isinstance(came, TooLong):
                return "a port does not answer at all: settimeout(0.2) before connecting"
            if isinstance(came, TimeoutError):
                return "a port that does not answer is not open: no reason to stop"
            if isinstance(came, OSError):
                return "a closed port is an answer, not an accident: connect_ex, or connect inside try"
            if isinstance(came, (set, tuple)):
                return "give back a list, in the order of ports"
            if isinstance(came, list) and came == [port for port in ports if port not in wanted]:
                return "the other way round: connect_ex gives 0 for success"
            if isinstance(came, list) and set(came) < set(wanted):
                return "an open port is missing: each port needs a new socket, a used one cannot connect again"
            if isinstance(came, list) and sorted(came) == sorted(wanted):
                return "the order of ports, please"
            return ("a closed or silent port is in the answer: only 0 is success, and each port needs a socket of its own"
                    if isinstance(came, list) else None)
        work.expect(wanted, "the open ports, in the order given", explain)
    return case


open_ports = Exercise("open_ports", (
    ("one of each", scanning("oc")),
    ("every port is closed", scanning("ccc")),
    ("every port is open", scanning("ooo")),
    ("open ones behind closed ones", scanning("ccocoo")),
    ("no ports at all", scanning("")),
    ("a port that does not answer", scanning("oso"))))


# --- 5 answer_within -------------------------------------------------------------------------------------------

def answering(question, answer, script, seconds=60.0):
    def case(work):
        listener = listening(work)
        work.start(listener.getsockname(), question, seconds, shown=f"address, {show(question)}, {seconds:g}")
        conn = accepted(work, listener)
        data = b""
        while len(data) < len(question) and (piece := conn.recv(len(question) - len(data))):
            data += piece
        if data != question:
            raise Miss(f"the server hears {show(question)}", f"it heard {show(data)}",
                       common(None, work.result()) or "send the question first")
        with contextlib.suppress(ConnectionError, TimeoutError):
            script(work, conn, answer)
        if script not in (silence, drip):
            conn.close()

        def explain(came):
            if answer is None and isinstance(came, TooLong):
                return ("each byte in time, and no end: settimeout limits one call, a deadline limits all of them"
                        if script is drip else "the server says nothing: settimeout before recv")
            if answer is None and isinstance(came, TimeoutError):
                return "time is up: catch TimeoutError and return None"
            if answer is None and isinstance(came, bytes):
                return "part of an answer is no answer: when time is up, None"
            if isinstance(came, bytes) and came != answer and answer.startswith(came):
                return "the answer came in pieces: recv until it gives b\"\""
            return None
        work.expect(answer, "all that the server sent, until its end", explain)
    return case


def silence(work, conn, data):
    work.result()


def drip(work, conn, data):
    """A byte now and then, for ever."""
    while not work.done.wait(0.05) and time.monotonic() < work.deadline:
        conn.sendall(b".")


def within_error(kind, act):
    def case(work):
        listener = listening(work)
        address = listener.getsockname() if act else unused_address(work)
        work.start(address, b"time?", 60.0, shown='address, b"time?", 60')
        if act:
            conn = accepted(work, listener)
            conn.recv(5, socket.MSG_WAITALL)
            act(conn)
        work.expect(Raises(kind), f"this is not about time: let {kind.__name__} out, the caller wants to know")
    return case


def within_full(work):
    address = silent_address(work)
    work.deadline = time.monotonic() + LIMIT
    work.start(address, b"time?", 0.2, shown='address, b"time?", 0.2')
    if os.name == "nt":                  # there a full queue refuses
        return work.expect(Raises(ConnectionRefusedError), "let the error out")
    hint = "connect counts as well: the time limit must be set before it"
    work.expect(None, hint, lambda came: hint if isinstance(came, TooLong) else None)


answer_within = Exercise("answer_within", (
    ("a server that answers at once", answering(b"time?", b"noon", at_once)),
    ("a server that answers byte by byte", answering(b"time?", b"twelve o'clock", by_bytes)),
    ("a server that ends without an answer", answering(b"time?", b"", hang_up)),
    ("a server that says nothing", answering(b"time?", None, silence, 0.2)),
    ("a server that sends a byte now and then, for ever", answering(b"time?", None, drip, 0.3)),
    ("a server that does not even accept", within_full),
    ("nobody listens there", within_error(ConnectionRefusedError, None)),
    ("a server that vanishes", within_error(ConnectionResetError, vanish))))


# --- 6 serve_upper ---------------------------------------------------------------------------------------------

def serving(*clients):
    """Each client is a function(work, sock) that talks and ends; they come one after the other."""
    def case(work):
        listener = PLAIN()
        listener.bind((HOST, 0))
        listener.listen(len(clients) + 1)
        socks = [work.keep(PLAIN()) for _ in clients]
        for sock in socks:
            sock.settimeout(LIMIT / 2)
            sock.connect(listener.getsockname())
        for client, sock in zip(clients, socks):
            if client is gone:
                vanish(sock)
        work.start(listener, len(clients), shown=f"listener, {len(clients)}")
        for n, (client, sock) in enumerate(zip(clients, socks), 1):
            try:
                client(work, sock)
            except (OSError, Miss) as error:
                raise served_badly(work, n, error) from None
        came = work.result()
        if came is not None:
            raise Miss("None, when all clients have been served", show(came, work.function), upper_mistake(came))
        if listener.fileno() == -1:
            raise Miss("a listener that still listens", "it is closed",
                       "close the connection that accept returned, not the listener: it belongs to the caller")
    return case


def served_badly(work, n, error):
    """A client was not served: what the function raised says most, then what the client missed."""
    ended = work.done.wait(0.05)
    if ended and work.came is not None:
        return Miss(f"client {n} is served", show(work.came, work.function), upper_mistake(work.came))
    if isinstance(error, Miss):
        return error
    if ended:
        return Miss(f"client {n} is served", "the function returned",
                    "the function returned before all clients were served: each of them until it ends")
    return Miss(f"client {n} is served", f"client {n} waited in vain",
                "each client until it ends, its connection closed, then the next: which call still waits?")


def upper_mistake(came):
    if isinstance(came, ConnectionError):
        return "a client that vanished ended your server: catch ConnectionError inside the loop over clients"
    if isinstance(came, TooLong):
        return "all clients are served, and the function goes on: return after the last of them"
    return common(None, came) or "nothing is to be returned: the clients get the answers"


def polite(text, feed=at_once):
    """Sends, ends its sending, reads to the end."""
    def client(work, sock):
        feed(work, sock, text)
        sock.shutdown(socket.SHUT_WR)
        data = b""
        try:
            while piece := sock.recv(65536):
                data += piece
        except TimeoutError:
            if not data:
                raise
            raise Miss(f"the client reads {show(text.upper())} and then the end", f"{show(data)}, and no end",
                       "the client waits for the end: close each connection when its client has ended") from None
        if data != text.upper():
            raise Miss(f"the client reads {show(text.upper())}", show(data),
                       "the client had more to say: recv until it gives b\"\", and answer all of it"
                       if text.upper().startswith(data) else "the same bytes in capitals, and nothing else")
    return client


def in_words(work, sock, data):
    """Waits for each answer before it sends the next word."""
    for word in data.split():
        try:
            sock.sendall(word)
            came = sock.recv(len(word), socket.MSG_WAITALL)
        except ConnectionError:
            came = b""
        if came != word.upper():
            raise Miss(f"the client reads {show(word.upper())}", show(came) if came else "the end",
                       "the client had more to say: recv until it gives b\"\", and answer all of it")


def talker(work, sock):
    in_words(work, sock, b"one two three")
    sock.close()


def quiet(work, sock):
    sock.close()


def crash(work, sock):
    sock.sendall(b"hel")
    sock.recv(3, socket.MSG_WAITALL)
    vanish(sock)


def deaf(work, sock):
    """Sends much, reads nothing, vanishes: the server's send fails."""
    sock.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        for _ in range(100):
            sock.send(b"x" * 65536)
    vanish(sock)


def gone(work, sock):
    """Vanished while it waited to be accepted."""


serve_upper = Exercise("serve_upper", (
    ("a client that sends once", serving(polite(b"hello"))),
    ("a client that waits for each answer", serving(talker)),
    ("three clients", serving(polite(b"one"), polite(b"two"), polite(b"three"))),
    ("a client that says nothing, then another", serving(quiet, polite(b"hello"))),
    ("a long text", serving(polite(b"so long " * 5000))),
    ("a client that vanishes in the middle, then another", serving(crash, polite(b"hello"))),
    ("a client that vanishes before it is accepted, then another", serving(gone, polite(b"hello"))),
    ("a client that never reads and vanishes, then another", serving(deaf, polite(b"hello")))))

EXERCISES = (shout, recv_exactly, daytime, open_ports, answer_within, serve_upper)
