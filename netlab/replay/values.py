"""What a replay is made of: steps, and at each step who is there, in which state, and what bytes lie between them."""
from dataclasses import dataclass
from itertools import islice

from netlab.words import as_text, bytes_of, number_of


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of one send that nobody has received yet; `data` may be only their beginning."""
    data: bytes
    size: int
    send: int | None            # how manyth send of its socket, from 0, for its colour; None: not in the recording (yet)
    start: int = 0              # where its first byte stands in the stream


def size_of(pieces: list[Piece]) -> int:
    """All their bytes."""
    return sum(piece.size for piece in pieces)


def words_of(pieces: list[Piece], borders: bool = False, note: str = ", not received yet") -> str:
    """The same in words, for a reader who does not see the strip; `note` says what holds for all of them."""
    if not pieces:
        return "nothing lies here"
    shown = " ".join(f'"{as_text(piece.data, piece.size, 12)}"' for piece in islice((p for p in pieces if p.data), 4))
    what = number_of(len(pieces), "datagram") if borders else bytes_of(size_of(pieces))
    return f"{what}{note}{f': {shown}' if shown else ''}" + (" …" if len(pieces) > 4 else "")


@dataclass(frozen=True, slots=True)
class Way:
    """What lies between two ends in one direction: bytes of a stream, or with `borders` datagrams."""
    label: str                  # "on the way to the server"
    pieces: tuple[Piece, ...] = ()
    borders: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """A socket, or another thing that has a state, as it is at one step."""
    name: str
    side: str = ""              # "client", "server", or "" for what is neither: its colour
    state: str = ""             # "ESTABLISHED", or words
    doing: str = ""             # the call that it waits in: "recv(1024)"
    queue: tuple[str, ...] | None = None        # of a listener: the names of those that are connected and not accepted


@dataclass(frozen=True, slots=True)
class Scene:
    """One conversation at one step: an end, what lies between, the other end. A listener stands alone at the right."""
    left: Place | None
    ways: tuple[Way, ...] = ()
    right: Place | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what happened in it, and how things are after it."""
    says: str                   # a sentence or two, read out: who did what, what came of it, what lies where now
    scenes: tuple[Scene, ...] = ()
    line: tuple[int, int] | None = None         # the line of code that did it: (number of its Block from 0, line from 1)
    lines: tuple[tuple[int, int], ...] = ()     # where the other threads stand, the one that moved last at the end


@dataclass(frozen=True, slots=True)
class Block:
    """Code that made the calls, as the reader wrote it: a cell."""
    title: str
    lines: tuple[str, ...]
