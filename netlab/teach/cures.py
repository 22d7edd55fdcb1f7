"""Six ways to send messages over TCP so that they can be told apart, over plain sockets, and what each costs.

A cure is three things: what it makes of a message (`frame`), how the customer sends (`send`), how the till finds the
messages again (`take`). `measure` runs one over loopback, a Link or a cable of a Network.
"""
import contextlib
import queue
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from netlab import Link
from netlab.teach.networks import two_hosts

SIZE = 16               # bytes of each message, where the length is fixed
REPLY = b"ok"           # of the till, where the customer waits for one
LIMIT = 10              # seconds that one call may wait
AHEAD = 100             # connections that the customer may be ahead of the till: fewer than listen() has room for


# --- what stands on the wire for one message ---
def as_it_is(message: bytes) -> bytes:
    return message


def padded(message: bytes) -> bytes:
    return message.ljust(SIZE)


def with_mark(message: bytes) -> bytes:
    return message + b"\n"


def with_length(message: bytes) -> bytes:
    return struct.pack("!I", len(message)) + message


# --- the customer ---
def send_each(sock, frames):
    for frame in frames:
        sock.sendall(frame)


def send_and_wait(sock, frames):
    for frame in frames:
        sock.sendall(frame)
        exactly(sock, len(REPLY))


def write_to_file(sock, frames):
    with sock.makefile("wb") as file:
        for frame in frames:
            file.write(frame)


# --- the till: the messages that it finds, until the stream ends ---
def take_and_reply(conn):
    while message := conn.recv(1024):
        yield message
        conn.sendall(REPLY)


def take_fixed(conn):
    while frame := exactly(conn, SIZE):
        yield frame.rstrip()


def take_marked(conn):
    buffer = b""
    while data := conn.recv(65536):
        *messages, buffer = (buffer + data).split(b"\n")
        yield from messages


def take_lengths(conn):
    while head := exactly(conn, 4):
        yield exactly(conn, *struct.unpack("!I", head))


def take_lines(conn):
    with conn.makefile("rb") as file:
        for line in file:
            yield line.removesuffix(b"\n")


def take_whole(conn):
    yield b"".join(iter(lambda: conn.recv(65536), b""))


def exactly(conn, size: int) -> bytes:
    """The next `size` bytes; fewer where the stream ends before."""
    data = b""
    while len(data) < size and (piece := conn.recv(size - len(data))):
        data += piece
    return data


@dataclass(frozen=True)
class Cure:
    """A way to keep messages apart."""
    frame: Callable[[bytes], bytes]
    send: Callable[[socket.socket, Iterable[bytes]], None]
    take: Callable[[socket.socket], Iterator[bytes]]
    reply: bytes = b""
    waits: int = 0                  # round trips that pass before the next message may go
    connections: bool = False       # one for each message


CURES = {
    "wait for a reply": Cure(as_it_is, send_and_wait, take_and_reply, reply=REPLY, waits=1),
    "fixed length": Cure(padded, send_each, take_fixed),
    "delimiter": Cure(with_mark, send_each, take_marked),
    "length prefix": Cure(with_length, send_each, take_lengths),
    "makefile": Cure(with_mark, write_to_file, take_lines),
    "a connection per message": Cure(as_it_is, send_each, take_whole, waits=1, connections=True),
}


@dataclass(frozen=True)
class Price:
    """What one cure cost for so many messages."""
    cure: str
    messages: int
    seconds: float          # from the first message until the till has the last, and the end
    overhead: int           # bytes beside those of the messages, both ways, without the headers of TCP and IP
    round_trips: int        # that pass before the next message may go
    right: bool             # the till found just these messages, in order

    @property
    def messages_per_second(self) -> float:
        return self.messages / self.seconds


def overhead(cure: str, message: bytes) -> int:
    """The bytes that one of CURES adds to this message, both ways. Raises KeyError."""
    return len(CURES[cure].frame(message)) - len(message) + len(CURES[cure].reply)


def rounded(rate: float | None) -> str:
    """Messages per second in two digits, "280,000": more is of the moment. A dash where none was measured."""
    return "–" if rate is None else f"{float(f'{rate:.2g}'):,.0f}" if rate >= 1 else "less than 1"


def for_a_while(message: bytes, seconds: float, stop: threading.Event | None = None) -> Iterator[bytes]:
    """The same message again and again, until so many seconds are over or `stop` is set: messages for `measure`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not (stop and stop.is_set()):
        yield message


def measure(cure: str, messages: Iterable[bytes], *, till: socket.socket, connect: Callable[[], socket.socket]) -> Price:
    """Send `messages` by one of CURES, once, and say what that cost.

    `till`: a bound TCP socket; it listens from now on, and stays open: you close it. `connect`: a function that makes a
    new connection to it, over what is to be measured; `measure` closes it. `right` is False where a cure does not suit
    the messages, or a reply or a whole connection stands for a message and something on the way cuts or overtakes.
    Raises KeyError for no cure, and what the sockets raise: TimeoutError when one call waits for LIMIT seconds.
    """
    way, began, sent, found, failed = CURES[cure], [], [], [], []
    under_way = queue.Queue(AHEAD)

    def framed():
        began.append(time.perf_counter())
        for message in messages:
            sent.append(message)
            yield way.frame(message)

    def receive():
        for _ in iter(under_way.get, None):
            try:
                conn, _ = till.accept()
                with conn, contextlib.suppress(ConnectionError):        # of a customer who went before the last reply
                    conn.settimeout(LIMIT)
                    found.extend(way.take(conn))
            except Exception as error:
                failed.append(error)

    till.settimeout(LIMIT)
    till.listen()
    thread = threading.Thread(target=receive, name="till", daemon=True)
    try:
        thread.start()
        for frames in ([frame] for frame in framed()) if way.connections else [framed()]:
            with connect() as sock:
                under_way.put(sock)
                sock.settimeout(LIMIT)
                way.send(sock, frames)
                sock.shutdown(socket.SHUT_WR)
    finally:
        under_way.put(None)
        if thread.is_alive():           # it is not where start() was interrupted
            thread.join()
    if failed:
        raise failed[0]
    seconds = time.perf_counter() - began[0]
    return Price(cure, len(sent), seconds, sum(overhead(cure, message) for message in sent), way.waits, found == sent)


# --- ways to the till: each gives its socket and the function that connects to it ---
@contextlib.contextmanager
def loopback():
    """The till on this machine, straight."""
    with socket.socket() as till:
        till.bind(("127.0.0.1", 0))
        yield till, lambda: socket.create_connection(till.getsockname())


@contextlib.contextmanager
def by_link(**how):
    """By a Link with these arguments. It answers a connect itself, at once, and moves each connection for itself: so a
    connection per message waits for nothing there, and one can overtake another."""
    with loopback() as (till, _), Link(till.getsockname(), type=socket.SOCK_STREAM, **how) as link:
        yield till, lambda: socket.create_connection(link.address)


@contextlib.contextmanager
def by_cable(**how):
    """By a cable of a Network, with these arguments, between two hosts. Raises as Network does, where none is to be had."""
    net, alice, bob, _ = two_hosts(**how)

    def connect():
        sock = alice.socket()
        sock.connect(till.getsockname())
        return sock

    with net, bob.socket() as till:
        till.bind((bob.address, 0))
        yield till, connect
