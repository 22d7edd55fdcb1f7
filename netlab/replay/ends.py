"""The ends of a replayed conversation, as their kernels know them: what has come, who waits, what was said of them."""
from dataclasses import dataclass, field
from typing import NamedTuple

from netlab.events import RECEIVES, Endpoint, Event, Row
from netlab.replay.values import Piece


class News(NamedTuple):
    """What a row changed, beside states, at which end, and how many bytes or datagrams are meant.

    What is sent now "lies" there, was "lost" there, "unseen" or "unsure"; a datagram may be one that "travels" or is "missing",
    or its receiver "deaf" to it; "took" and "gone" are of what lay; "queued" and "accepted" of a client, "reset" of a connection.
    Of the end of a stream: "fin", it goes out; "again", it went before; "over", there is no connection any more. A "call" that
    waited can return now.
    """
    what: str
    end: "End"
    count: int = 0
    call: str = ""


@dataclass(eq=False, slots=True)
class End:
    """A socket as the kernel knows it; of a client that nobody accepted, also the server's end, which no program has."""
    endpoint: Endpoint | None
    name: str
    side: str
    kind: str                                   # "stream", "datagram", or another type's name
    tcp: bool = False
    there: bool = False                         # a row has told of it
    state: str = ""                             # TCP's; of other streams what is like it
    peer: "End | None" = None
    listener: "End | None" = None               # which accepts it
    accepted: bool = True
    calls: dict[int, Row] = field(default_factory=dict)         # not returned yet: an event's index -> its start
    able: set[int] = field(default_factory=set)                 # of these, those that could return
    queue: "dict[End, None]" = field(default_factory=dict)      # of a listener: connected, not accepted
    room: int = 128                             # how many more than one may be in the queue
    pieces: list[Piece] = field(default_factory=list)           # of a stream: what has come and was not received
    known: dict[int, tuple] = field(default_factory=dict)       # of these, by manyth send: where it starts, what is kept of it
    waiting: "dict[End, dict[int, Piece]]" = field(default_factory=dict)    # datagrams: by whom, by the index of the send
    size: int = 0                               # how many bytes of a stream lie here, or how many datagrams
    coming: int = 0                             # of these datagrams, how many may not have come yet
    address: object = None                      # its own, once it has one
    target: object = None                       # what a datagram socket is connected to
    sends: int = 0
    closed: bool = False
    shut_read: bool = False
    shut_write: bool = False
    abrupt: bool = False                        # SO_LINGER of zero seconds: close() resets
    met: bool = False                           # it talks to one of whom the recording does not tell

    def lies(self, sender: "End") -> tuple[Piece, ...]:
        """What has come here from `sender` and was not received."""
        if self.kind != "datagram":
            return tuple(self.pieces) if sender is self.peer else ()
        return tuple(self.waiting.get(sender, {}).values())

    def hears(self, sender: "End") -> bool:
        """Whether something from `sender` could lie here by now."""
        return self.there and sender.there and (self.kind == "datagram" or self.peer is sender)

    def waits_in(self) -> str:
        """The call that waits, the last of several; "" where there is none, or what it waits for is there."""
        return next((row.call for index, row in reversed(self.calls.items()) if index not in self.able), "")

    def served(self) -> list[Row]:
        """Those of the calls for which there is something by now."""
        accepts = [row for row in self.calls.values() if row.event.method == "accept"]
        receives = [row for row in self.calls.values() if row.event.method in RECEIVES]
        if self.kind == "datagram":
            return receives[:self.size - self.coming]
        over = self.shut_read or (self.peer is not None and (self.peer.shut_write or self.peer.closed or self.state == "CLOSED"))
        return accepts[:len(self.queue)] + [row for row in receives if over or self.size >= wanted(row.event)]


def wanted(e: Event) -> int:
    """How many bytes a call that receives waits for."""
    whole = any("MSG_WAITALL" in str(arg) for arg in e.args[1:])
    return e.args[0] if whole and isinstance(e.args[0], int) else 1
