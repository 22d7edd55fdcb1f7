"""Exercises of chapter 3: clients and servers, each tried against a hostile peer.

In a notebook: `from netlab.chapters.server_and_client import check`, then `check.recv_exactly(recv_exactly)`.
"""
import contextlib
import os
import socket
import time

from netlab.kernel import receive_queue
from netlab.teach.check import Raises, TooLong, show
from netlab.teach.peers import (HOST, LIMIT, PLAIN, Exercise, Miss, accepted, common, heard, listening, pair, silent_address,
                                trickle, unused_address, vanish)

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
