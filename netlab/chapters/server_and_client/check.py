"""Exercises of chapter 3: clients and servers, each tried against a hostile peer.

In a notebook: `from netlab.chapters.server_and_client import check`, then `check.recv_exactly(recv_exactly)`.
"""
import contextlib
import errno
import os
import socket

from netlab.kernel import receive_queue, send_queue, wait_until
from netlab.teach.check import Exercise, Miss, Raises, show
from netlab.teach.peers import PLAIN, Peer, Work, listening, pair, silent_address, trickle, unused_address, vanish

MORE = 100      # bytes beyond the expected ones that a peer listens for
NAMES = {"o": "open", "c": "closed", "s": "silent"}     # what a port is
SENDALL = "send may take fewer bytes than it is given, and returns how many: sendall goes on until all are taken"
IN_PIECES = "the answer came in pieces, and one recv takes what is there: by what do you know that it is all?"
TOO_MUCH = "too much was taken: ask recv for what is missing, never for more"
ONE_EACH = "Each port needs a new socket: one that was connected cannot connect again"
CAPITALS = "the same bytes in capitals, and nothing else"
AGAIN = "the same bytes again and again: does each round of the loop call recv, and see b\"\" when that comes (part 6)?"
MORE_TO_SAY = ("the client had more to say: one recv is not the end of it, and send may take fewer bytes than it is given, "
               "where sendall takes all")
TIME_IS_UP = "time is up: to the caller of your function that is None, not an error"
LISTENS = "talk through the socket that accept returned: a listening socket carries no data"
PAIR = "accept gives back two things, in a tuple: the connection, and the address of its client"
HALF = "a character was cut in two between two recv: bytes have upper() as well, with nothing to decode"
CLOSED = "the socket is closed at that line: close() ends both directions; which call ends only your sending?"


# --- 1 shout ---------------------------------------------------------------------------------------------------
def shouting(text, answer):
    """The server hears all, then calls answer(work, conn, bytes in capitals)."""
    def script(work):
        sent, wanted = text.encode(), text.upper() if answer is not hang_up else ""

        def explain(outcome):
            came, error = outcome.value, outcome.raised
            if isinstance(error, UnicodeDecodeError) or (isinstance(came, str) and "\ufffd" in came):
                return "a character was cut in two between two recv: collect the bytes, decode once at the end"
            if isinstance(error, OSError) and error.errno == errno.EBADF:
                return CLOSED
            if work.shut == socket.SHUT_RDWR and (isinstance(error, OSError) or isinstance(came, str)):
                return "SHUT_RDWR ends your receiving as well: SHUT_WR ends only your sending"
            if isinstance(came, bytes):
                return "bytes came: .decode() makes text of them"
            if not isinstance(came, str):
                return None
            if came.startswith(("b'", 'b"')):
                return "str() shows how bytes are typed: .decode() makes text of them"
            return IN_PIECES if came != wanted and wanted.startswith(came) else None

        listener = listening(work)
        work.start(listener.getsockname(), text, shown=f"address, {show(text)}", explain=explain)
        conn = work.accept(listener)
        data, end = work.hear(conn, len(sent) + MORE)
        if end:
            answer(work, conn, text.upper().encode())
            conn.close()
        hears = f"the server hears {show(sent)}"
        if not end:
            raise work.miss(f"{hears} and then the end",
                            f"{show(data)}, and no end" + (": both sides wait" if not work.done.is_set() else ""),
                            "the server waits for more: how does it learn that this was all? (part 6, half of an end)")
        if data != sent:
            raise work.miss(hears, f"it heard {part_of(data, sent)}", sent_wrongly(data, sent))
        work.expect(wanted, "the answer is what the server sent, from its first byte to its end")
    return script


def part_of(data, whole):
    """What was heard, told by its length where only its end is missing."""
    cut = len(data) > MORE and whole.startswith(data)
    return f"the first {len(data):,} of {len(whole):,} bytes" if cut else show(data)


def sent_wrongly(data, whole):
    if data and whole.startswith(data):
        return SENDALL
    if whole and data.startswith(whole):
        return f"{show(data[len(whole):])} is too much: send the text alone, without a line end or a length"
    return "send the whole text, once, as UTF-8, and nothing else"


at_once = Work.give     # a play is a function(work, conn, data)


def hang_up(work, conn, data):
    pass


def failing(kind, *given, act=None):
    """Nobody listens; or act(conn) when five bytes were heard. The function must let this error out."""
    def script(work):
        hint = f"let {kind.__name__} out, the caller wants to know: the function cannot mend it"
        listener = listening(work)
        work.start(listener.getsockname() if act else unused_address(work), *given,
                   shown=", ".join(["address", *map(show, given)]),
                   explain=lambda outcome: None if outcome.raised else hint)
        if act:
            conn = work.accept(listener)
            work.hear(conn, 5)
            act(conn)
        work.expect(Raises(kind), hint)
    return script


shout = Exercise("shout", (
    Peer("a server that answers at once", shouting("hello", at_once)),
    Peer("a server that answers byte by byte", shouting("hello, network", trickle)),
    Peer("a server that answers byte by byte", shouting("naïve, 世界", trickle)),
    Peer("a long text", shouting("a long story. " * 20_000, at_once)),
    Peer("nothing to say", shouting("", at_once)),
    Peer("a server that hangs up without an answer", shouting("hello", hang_up)),
    Peer("nobody listens there", failing(ConnectionRefusedError, "hello"))))


# --- 2 recv_exactly --------------------------------------------------------------------------------------------
def sending(n, data, feed=at_once, ends=False):
    """The peer sends `data`; the function wants n of its bytes."""
    def script(work):
        peer, sock = pair(work)

        def explain(outcome):
            came, error = outcome.value, outcome.raised
            if ends and outcome.late:
                return "recv gives b\"\" at once, again and again: that is the peer's end, and your loop's"
            if ends and type(came) is bytes:
                return f"{len(came)} bytes are not {n}: recv gave b\"\", so no more will come; raise ConnectionError"
            if outcome.late and n == 0:
                return "nothing is missing, so nothing may be waited for"
            if outcome.late and receive_queue(sock):
                return "bytes are there, and the function does not take them: which loop has no end?"
            if outcome.late:
                return f"all {n} bytes were taken, and the function still waits: count down what is missing"
            if type(came) is bytes and len(came) < n:
                return f"recv(n) may give fewer: {len(came)} of {n} bytes came, so ask again for the missing ones"
            if type(came) is bytes and len(came) > n:
                return TOO_MUCH
            if outcome.by_raise and isinstance(error, ConnectionError):
                return "the peer is still there: only recv giving b\"\" is an end, and n = 0 needs no recv at all"
            return None

        work.start(sock, n, shown=f"sock, {n}", explain=explain)
        feed(work, peer, data)
        if ends:
            peer.close()
            return work.expect(Raises(ConnectionError), "raise ConnectionError: the rest will never come")
        work.expect(data[:n], "exactly n bytes, in the order in which they came")
        if sock.fileno() == -1:
            return None     # tidy() tells it
        sock.setblocking(False)
        left = b""
        with contextlib.suppress(BlockingIOError):
            left = sock.recv(65536)
        if left != data[n:]:
            raise Miss(f"{show(data[n:])} still in the kernel", show(left) if left else "nothing is there", TOO_MUCH)
    return script


def in_two(work, peer, data):
    peer.sendall(data[:3])
    work.until(work.all_taken)
    work.give(peer, data[3:])


recv_exactly = Exercise("recv_exactly", (
    Peer("a peer that sends 5 bytes at once", sending(5, b"hello")),
    Peer("a peer that sends 3 bytes, then 8", sending(11, b"hello world", in_two)),
    Peer("a peer that sends 3 bytes, then 8", sending(5, b"hello world", in_two)),
    Peer("a peer that sends byte by byte", sending(11, b"hello world", trickle)),
    Peer("a peer that sends 11 bytes at once", sending(5, b"hello world")),
    Peer("a peer that sends 50,000 bytes", sending(50_000, bytes(range(250)) * 200)),
    Peer("a peer that says nothing", sending(0, b"")),
    Peer("a peer that sends 3 bytes and ends", sending(5, b"hel", ends=True)),
    Peer("a peer that ends without a byte", sending(5, b"", ends=True))))


# --- 3 daytime -------------------------------------------------------------------------------------------------
def telling(text, early=True, second=False):
    def script(work):
        listener = listening(work)
        client, other = work.keep(PLAIN()), work.keep(PLAIN())
        if early:
            client.connect(listener.getsockname())
        if second:
            other.connect(listener.getsockname())
        work.start(listener, text, shown=f"listener, {show(text)}", explain=daytime_mistake)
        if not early:
            client.connect(listener.getsockname())
        wanted = text.encode() + b"\r\n"
        data, end = work.hear(client, len(wanted) + MORE)
        reads = f"the client reads {show(wanted)}"
        if not end:
            hint = ("the client waits for the end: close the connection when the text is sent" if data else
                    "the function returned before a client was served: accept one, send, close" if work.done.is_set() else
                    "the client says nothing: do not wait for it, speak first")
            raise work.miss(f"{reads} to the end", f"{show(data) if data else 'nothing'}, and no end", hint)
        if data != wanted:
            raise work.miss(reads, part_of(data, wanted), line_mistake(data, wanted))
        work.expect(None, "the client gets the text; the caller of this function gets nothing")
        if second:
            other.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                raise Miss("the second client still waits", f"it was given {show(other.recv(1024))}",
                           "one-shot: serve one client and return")
    return script


def daytime_mistake(outcome):
    if outcome.late:
        return "one client was served, and the function goes on: one-shot means that it returns now"
    return server_mistake(outcome.raised)


def server_mistake(error):
    """What any server can do with the two sockets and the address that it has."""
    if isinstance(error, (AttributeError, TypeError)) and "'tuple' object" in str(error):
        return PAIR
    return LISTENS if isinstance(error, OSError) and error.errno in (errno.EPIPE, errno.ENOTCONN) else None


def line_mistake(data, wanted):
    if data + b"\r\n" == wanted:
        return "a line ends with \\r\\n here (RFC 867)"
    if data == wanted[:-2] + b"\n":
        return "both characters: \\r\\n, not \\n alone"
    if len(data) >= 100 and wanted.startswith(data):
        return SENDALL
    return "the text as UTF-8, then \\r\\n, and nothing else"


daytime = Exercise("daytime", (
    Peer("a client that is waiting", telling("Monday, 09:00")),
    Peer("a client that comes later", telling("Monday, 09:00", early=False)),
    Peer("two clients are waiting", telling("noon", second=True)),
    Peer("text that is not ASCII", telling("正午 — Mittag")),
    Peer("a long text", telling("tick, tock, " * 20_000))))


# --- 4 open_ports ----------------------------------------------------------------------------------------------
def scanning(kinds):
    """A port for each letter: o(pen), c(losed), s(ilent); the open ones fall, so that sorting is seen."""
    def script(work):
        make = {"o": lambda work: listening(work).getsockname(), "c": unused_address, "s": silent_address}
        rising = {kind: sorted(make[kind](work)[1] for _ in range(kinds.count(kind))) for kind in NAMES}
        ports = [rising[kind].pop() for kind in kinds]
        wanted = [port for kind, port in zip(kinds, ports) if kind == "o"]

        def explain(outcome):
            came, error = outcome.value, outcome.raised
            if outcome.late and "s" in kinds:
                return "a port does not answer at all: what limits how long connect waits, and where must it stand?"
            if isinstance(error, TimeoutError):
                return "a port that does not answer is not open: no reason to stop"
            if isinstance(error, ConnectionRefusedError):
                return "a closed port is an answer, not an accident: go on with the next one"
            if isinstance(error, OSError) and error.errno == errno.EISCONN:
                return ONE_EACH
            if not isinstance(came, list):
                return None
            if came == [port for port in ports if port not in wanted]:
                return "the other way round: these are the ports that refuse. What does connect do at the others?"
            if set(came) < set(wanted):
                return f"an open port is missing: go on to the last one. {ONE_EACH}"
            if sorted(came) == sorted(wanted):
                return "the open ports are right, their order is not: give them in the order of `ports`"
            if not set(came) <= set(ports):
                return "give back numbers out of `ports`"
            if 0 < len(work.made) < len(ports):
                return f"a port that is not open is in the list. {ONE_EACH}"
            what = {kind for port, kind in zip(ports, kinds) if port in came}
            return f"a port that {'does not answer' if 'c' not in what else 'refuses'} is in the list: what did connect do there?"

        work.start(list(ports), shown=f"[{', '.join(NAMES[kind] for kind in kinds)}]", explain=explain)
        work.expect(wanted, "the open ports, in the order given")
    return script


open_ports = Exercise("open_ports", (
    Peer("one of each", scanning("oc")),
    Peer("every port is closed", scanning("ccc")),
    Peer("every port is open", scanning("ooo")),
    Peer("open ones behind closed ones", scanning("ccocoo")),
    Peer("no ports at all", scanning("")),
    Peer("a port that does not answer", scanning("oso"))))


# --- 5 answer_within -------------------------------------------------------------------------------------------
def answering(question, answer, play, seconds=60.0):
    """The server hears the question, then calls play(work, conn, answer); what takes too long is None."""
    def script(work):
        def explain(outcome):
            came, error = outcome.value, outcome.raised
            if isinstance(error, OSError) and error.errno == errno.EBADF:
                return CLOSED
            if answer is None and outcome.late:
                return ("each byte in time, and no end: settimeout limits one call, a deadline limits all of them"
                        if play is drip else "the server says nothing: what limits how long recv waits?")
            if answer is None and isinstance(error, TimeoutError):
                return TIME_IS_UP
            if answer is None and isinstance(error, (ValueError, BlockingIOError)):
                return "the time was used up before that call: settimeout needs more than 0; nothing left means None"
            if answer is None and isinstance(came, bytes):
                return "part of an answer is no answer: when time is up, None"
            return IN_PIECES if type(came) is bytes and answer and answer.startswith(came) else None

        listener = listening(work)
        work.pause = seconds if play is hold_up else 0.0
        work.start(listener.getsockname(), question, seconds, shown=f"address, {show(question)}, {seconds:g}", explain=explain)
        conn = work.accept(listener)
        data, _ = work.hear(conn, len(question))
        if data == question:
            play(work, conn, answer)
        conn.close()
        if data != question:
            raise work.miss(f"the server hears {show(question)}", f"it heard {show(data)}",
                            "send the question as it is, and before you wait for the answer")
        work.expect(answer, "all that the server sent, until its end")
    return script


def drip(work, conn, data):
    """A byte now and then, for ever."""
    with contextlib.suppress(ConnectionError, TimeoutError):
        while not work.done.wait(0.05) and not work.late():
            conn.sendall(b".")
    work.result()


def hold_up(work, conn, data):
    """A byte in time; work.pause sees to it that recv returns when time is up."""
    work.give(conn, b".")
    work.result()


def within_full(work):
    hint = "connect counts as well: the time limit must be set before it"
    work.start(silent_address(work), b"time?", 0.2, shown='address, b"time?", 0.2',
               explain=lambda outcome: hint if outcome.late else TIME_IS_UP
               if isinstance(outcome.raised, TimeoutError) else None)
    work.expect(None if os.name != "nt" else Raises(ConnectionRefusedError), hint)      # there a full queue refuses


answer_within = Exercise("answer_within", (
    Peer("a server that answers at once", answering(b"time?", b"noon", at_once)),
    Peer("a server that answers byte by byte", answering(b"time?", b"twelve o'clock", trickle)),
    Peer("a server that ends without an answer", answering(b"time?", b"", hang_up)),
    Peer("a server that says nothing", answering(b"time?", None, lambda work, *_: work.result(), 0.2)),
    Peer("a server that sends a byte now and then, for ever", answering(b"time?", None, drip, 0.3)),
    Peer("a busy machine: when recv returns, the time is up", answering(b"time?", None, hold_up, 0.2)),
    Peer("a server that does not even accept", within_full),
    Peer("nobody listens there", failing(ConnectionRefusedError, b"time?", 60.0)),
    Peer("a server that vanishes", failing(ConnectionResetError, b"time?", 60.0, act=vanish))))


# --- 6 serve_upper ---------------------------------------------------------------------------------------------
def serving(*clients):
    """Each client is a function(work, sock) that talks and ends; they come one after the other."""
    def script(work):
        def explain(outcome):
            if isinstance(outcome.raised, (ConnectionResetError, BrokenPipeError)) and {crash, gone, deaf} & {*clients}:
                return "a client that vanished ended your server: it is that client's end only, and the loop over clients goes on"
            if isinstance(outcome.raised, UnicodeDecodeError):
                return HALF
            if outcome.late:
                return "all clients are served, and the function goes on: return after the last of them"
            return server_mistake(outcome.raised)

        listener = listening(work, len(clients) + 1)
        socks = [work.keep(PLAIN()) for _ in clients]
        for client, sock in zip(clients, socks):
            sock.connect(listener.getsockname())
            if client is gone:
                vanish(sock)
            if early := getattr(client, "early", b""):
                sock.sendall(early)
                with contextlib.suppress(TimeoutError):         # a system whose buffers are smaller
                    wait_until(lambda sock=sock: not send_queue(sock))
        work.start(listener, len(clients), shown=f"listener, {len(clients)}", explain=explain)
        for n, (client, sock) in enumerate(zip(clients, socks), 1):
            try:
                client(work, sock)
            except Miss as miss:
                for each in socks:          # the others say no more, so that the function may come to its end
                    with contextlib.suppress(OSError):
                        each.shutdown(socket.SHUT_WR)
                raise work.miss(f"client {n}: {miss.expected}", miss.came, miss.hint) from None
        work.expect(None, "nothing is to be returned: the clients get the answers")
    return script


def polite(text, early=False):
    """Sends, ends its sending, reads to the end. With `early` its text is there, whole, before it is accepted: else it depends on
    the machine how much of a long one the first recv brings."""
    def client(work, sock):
        work.give(sock, b"" if early else text)
        sock.shutdown(socket.SHUT_WR)
        wanted = text.upper()
        reads, data, end = reading(work, sock, wanted, MORE)
        if data != wanted:
            again = data.startswith(wanted * 2)
            raise Miss(reads, part_of(data, wanted), MORE_TO_SAY if wanted.startswith(data) else AGAIN if again else CAPITALS)
        if not end:
            raise Miss(f"{reads} and then the end", f"{show(data)}, and no end",
                       "the client waits for the end: close each connection when its client has ended" if work.done.is_set() else
                       "the client has ended, and waits for your end: does the loop see b\"\" (part 6), and what comes after it?")
    client.early = text if early else b""
    return client


def reading(work, sock, wanted, more=0):
    """(what the client does, what came, how it ended); Miss where nothing came and nothing ended."""
    reads = f"the client reads {show(wanted)}"
    data, end = work.hear(sock, len(wanted) + more)
    if data or end:
        return reads, data, end
    if work.done.is_set():
        raise Miss(reads, "the function returned", "it returned before all clients were served: each of them until it ends")
    raise Miss(reads, "it waited in vain", "each client until its end, its connection closed, then the next: which call waits?")


def talker(work, sock):
    """Waits for each answer before it sends the next word."""
    for word in b"one two three".split():
        work.give(sock, word)
        reads, data, _ = reading(work, sock, word.upper())
        if data != word.upper():
            raise Miss(reads, show(data) if data else "the end", CAPITALS if data else MORE_TO_SAY)
    sock.close()


def halved(work, sock):
    """Sends the rest of a character when the bytes before it have been answered."""
    text, wanted = "ten €".encode(), "TEN €".encode()
    work.give(sock, text[:-2])
    _, data, _ = reading(work, sock, wanted[:-3])
    work.give(sock, text[-2:])
    data += work.hear(sock, len(wanted) - len(data))[0]
    if data != wanted:
        raise Miss(f"the client reads {show(wanted)}", show(data), HALF)
    sock.close()


def crash(work, sock):
    work.give(sock, b"hel")
    work.hear(sock, 3)
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
    Peer("a client that sends once", serving(polite(b"hello"))),
    Peer("a client that waits for each answer", serving(talker)),
    Peer("three clients", serving(polite(b"one"), polite(b"two"), polite(b"three"))),
    Peer("a client that says nothing, then another", serving(lambda work, sock: sock.close(), polite(b"hello"))),
    Peer("a long text", serving(polite(b"so long " * 5000, early=True))),
    Peer("a client whose € comes in two pieces", serving(halved)),
    Peer("a client that vanishes in the middle, then another", serving(crash, polite(b"hello"))),
    Peer("a client that vanishes before it is accepted, then another", serving(gone, polite(b"hello"))),
    Peer("a client that never reads and vanishes, then another", serving(deaf, polite(b"hello")))))

EXERCISES = (shout, recv_exactly, daytime, open_ports, answer_within, serve_upper)
