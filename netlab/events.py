"""The values that a recording is made of.

An `Event` is one finished call on one socket; an `Endpoint` is a socket that took part. `netlab.story` makes of
many events a `Story`: its `Row`s, in an order of cause. Nothing here does anything but hold and show.
"""
from dataclasses import dataclass, field

SENDS = frozenset({"send", "sendall", "sendto", "sendmsg", "sendfile"})
RECEIVES = frozenset({"recv", "recv_into", "recvfrom", "recvfrom_into", "recvmsg", "recvmsg_into"})
SETUP = frozenset({"bind", "listen", "connect", "connect_ex", "accept"})
ENDINGS = frozenset({"close", "shutdown"})
WAKE, JOIN = "wake", "join"      # no calls on a socket: a thread told a group of threads to end; it has seen them ended
MARKS = frozenset({WAKE, JOIN})
DATA, ADDRESS = object(), object()      # stand in `Event.args` for the bytes and for the address


class Symbol(str):
    """A name of the socket module, such as SHUT_WR: shown without quotes."""


HELD = Symbol("a file still holds it open")         # what came of close(): nothing yet, makefile() has the socket too
STOPPED = Symbol("the server stopped")              # why a call ended: its own server's stop(), not the peer


@dataclass(frozen=True, slots=True)
class Event:
    """One finished call on a recorded socket, or one of the MARKS between threads."""
    index: int                      # order in which it was noted down
    socket: int                     # which socket: a key of the endpoints
    thread: object                  # who called; compared by identity
    method: str
    args: tuple = ()                # as given, with DATA and ADDRESS in their places
    data: bytes = b""               # the first bytes that moved
    size: int = 0                   # how many bytes moved
    offset: int = 0                 # where they begin in the socket's own stream
    peek: bool = False              # MSG_PEEK: looked at, not taken
    address: object = None          # the other end, where the call names one
    made: int | None = None         # the socket that accept returned
    result: object = None           # what came back, when it is neither bytes nor a socket
    error: str = ""                 # the exception's name, "" when the call succeeded
    local: object = None            # this end's own address, once it has one
    where: tuple | None = field(default=None, compare=False, repr=False)    # the learner's line: (code object, offset in it)


@dataclass(slots=True)
class Endpoint:
    """A socket that took part: what it is, and where it came from."""
    id: int
    kind: str                       # "stream", "datagram" or another type's name
    name: str = ""                  # given by the reader, else chosen by role
    parent: int | None = None       # the listener whose accept made it
    twin: int | None = None         # the other half of a socketpair
    side: str = ""                  # "client" or "server": chosen by `netlab.story`


@dataclass(slots=True)
class Row:
    """One line of the story: a call, the start of one that waits, or its finish."""
    event: Event
    endpoint: Endpoint
    phase: str                      # "call", "start" or "finish"
    call: str                       # "recv(1024)"
    result: str = ""                # 'b"hello"', "connection", an exception's name
    note: str = ""                  # what matters about it, in a few words
    causes: list[int] = field(default_factory=list)     # rows that this one needed
    started: int | None = None      # for a finish: the row of its start
    failed: bool = False
    lost: bool = False              # a datagram that nobody took

    @property
    def who(self) -> str:
        return self.endpoint.name


@dataclass(slots=True)
class Story:
    """Rows in order of cause, and the endpoints that they speak of."""
    rows: list[Row]
    endpoints: list[Endpoint]
    caption: str
    dropped: int = 0
