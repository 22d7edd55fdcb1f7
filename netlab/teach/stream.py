"""A stream of bytes as values and in words: which send put each byte there, which recv took it, what a decoder made of them."""
import copy
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import accumulate, islice, pairwise

from netlab.framing import Delimiter, FixedLength, FramingError, LengthPrefix
from netlab.replay.values import Piece, size_of
from netlab.words import bytes_of, listed, number_of, show_bytes

DECODERS = Delimiter, FixedLength, LengthPrefix
LISTED = 12                             # sends, and recvs, that the words tell one by one


@dataclass(frozen=True)
class Fed:
    """A decoder when a recv's bytes had been fed to it."""
    messages: tuple[bytes, ...] = ()    # all that it has given so far
    kept: int = 0                       # bytes at the end of what has come that it has made no message of
    fault: str = ""                     # why it has given the stream up


@dataclass(frozen=True)
class Stream:
    """The bytes of one direction: the sends that put them there, the recvs that took them. Both cover it from its beginning.

    With `fed` it is what a decoder was fed with: its frames stand in the place of the sends, the feeds in that of the recvs.
    """
    sends: tuple[Piece, ...]
    recvs: tuple[Piece, ...]
    ends: int = 0                       # recvs that found the end, b"", after the others
    framing: frozenset[int] = frozenset()       # places of the bytes that are no message's
    apart: bool = False                 # each send went through a connection of its own
    order: tuple[tuple[str, int], ...] = ()     # ("send", 0), ("recv", 0) …: as they happened; (): all sends first
    asked: tuple[int | None, ...] = ()  # how many bytes each recv asked for, where it is known
    edges: tuple[int, ...] = ()         # where each piece ends in which the stream came to the receiver, where that is known
    sides: tuple[str, str] = ("client", "server")       # of the sender and the receiver: their colours
    decoder: tuple[Fed, ...] = ()       # after each recv
    fed: bool = False
    open_end: bool = False              # of what was fed: the last frame is not whole

    @property
    def taken(self) -> int:
        """Where what no recv has taken begins."""
        return stop(self.recvs[-1]) if self.recvs else self.sends[0].start if self.sends else 0

    @property
    def waiting(self) -> list[Piece]:
        """What no recv has taken, of each send."""
        return self.between(self.taken, stop(self.sends[-1])) if self.sends else []

    @property
    def words(self) -> tuple[str, str]:
        """What the calls above and below are called."""
        return ("frame", "feed") if self.fed else ("send", "recv")

    def come(self, n: int) -> int:
        """What of the stream had come when recv `n` took its bytes: a piece comes when all before it was taken."""
        at = bisect_left(self.edges, stop(self.recvs[n]))
        return self.edges[at] if at < len(self.edges) else stop(self.sends[-1])

    def between(self, begin: int, end: int) -> list[Piece]:
        """What stands there, of each send."""
        first = max(0, bisect_right(self.sends, begin, key=lambda send: send.start) - 1)
        last = bisect_left(self.sends, end, key=lambda send: send.start)
        return [send if begin <= send.start and stop(send) <= end else part(send, begin, end)
                for send in islice(self.sends, first, last) if send.size and stop(send) > begin]


def stop(piece):
    """Where in the stream it ends."""
    return piece.start + piece.size


def part(piece, start, end):
    """What of a piece stands from `start` to `end` in the stream."""
    start, end = max(start, piece.start), min(end, stop(piece))
    return Piece(piece.data[start - piece.start:end - piece.start], end - start, piece.send, start)


# --- from lists of bytes ------------------------------------------------------------------------------------------
def stream_of(sends, recvs, framing=(), apart: bool = False) -> Stream:
    """The Stream of lists of bytes; `framing` are places, or a decoder of netlab.framing.

    TypeError for what is not bytes, ValueError where the recvs hold other bytes than the sends.
    """
    sends, recvs = ([_bytes(data) for data in calls] for calls in (sends, recvs))
    sent, received, took = b"".join(sends), b"".join(recvs), [data for data in recvs if data]
    if not sent.startswith(received):
        raise ValueError(f"what was sent, {show_bytes(sent)}, does not begin with what was received, {show_bytes(received)}")
    _check_end(recvs, took)
    decoded = ()
    if isinstance(framing, DECODERS):
        decoded, framing = _fed(framing, took), _frames(framing, sent)[1]
    marked = frozenset(place for place in framing if 0 <= place < len(sent))
    return Stream(_pieces(sends), _pieces(took), len(recvs) - len(took), marked, apart, decoder=decoded)


def fed_with(decoder, pieces) -> Stream:
    """The Stream of what a decoder of netlab.framing is fed with. TypeError, ValueError as `stream_of`."""
    pieces = [_bytes(data) for data in pieces]
    took = [data for data in pieces if data]
    _check_end(pieces, took)
    wire = b"".join(took)
    edges, marked = _frames(decoder, wire)
    tail = [wire[edges[-1]:]] * (edges[-1] < len(wire))
    frames = [wire[begin:end] for begin, end in pairwise(edges)]
    return Stream(_pieces(frames + tail), _pieces(took), len(pieces) - len(took), marked, decoder=_fed(decoder, took), fed=True,
                  open_end=bool(tail))


def _bytes(data):
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(f"sends and recvs are lists of bytes, and one of them holds {data!r}")
    return bytes(data)


def _check_end(calls, took):
    if took != calls[:len(took)]:
        raise ValueError("after an empty recv, which is the end of the stream, no bytes can come; what recv(0) gives, leave out")


def _pieces(calls):
    starts = accumulate(map(len, calls), initial=0)
    return tuple(Piece(data, len(data), n, start) for n, (data, start) in enumerate(zip(calls, starts)))


def _decoder(decoder):
    """One like it, to be fed: what the caller has stays as it is."""
    if not isinstance(decoder, DECODERS):
        raise TypeError(f"a decoder is a Delimiter, a LengthPrefix or a FixedLength of netlab.framing, not {decoder!r}")
    if decoder.pending:
        raise ValueError(f"this decoder has been fed already, and {show_bytes(decoder.pending)} is pending: give a new one")
    return copy.deepcopy(decoder)


def _fed(decoder, pieces):
    """What the decoder has given and kept after each piece."""
    feed, around, found = _decoder(decoder).feed, _around(decoder), []
    messages, size, used, fault = (), 0, 0, ""
    for piece in pieces:
        new, size = (), size + len(piece)
        try:
            new = feed(piece)
        except FramingError as error:       # after a fault it raises at each feed
            new, fault = error.messages, fault or str(error)
        messages += tuple(new)
        used += sum(around + len(message) for message in new)
        found.append(Fed(messages, size - used, fault))
    return tuple(found)


def _around(decoder):
    """Bytes that a frame has beside its message."""
    return len(decoder.mark) if isinstance(decoder, Delimiter) else decoder.size if isinstance(decoder, LengthPrefix) else 0


def _frames(decoder, wire):
    """(where each whole frame begins and the last one ends; the places of the bytes that are no message's)."""
    around, edges, marked = _around(decoder), [0], set()
    for message in _fed(decoder, [wire])[0].messages:
        edges.append(edges[-1] + around + len(message))
        marked.update(range(edges[-1] - around, edges[-1]) if isinstance(decoder, Delimiter) else
                      range(edges[-2], edges[-2] + around))
    if isinstance(decoder, LengthPrefix):
        marked.update(range(edges[-1], min(edges[-1] + around, len(wire))))
    return edges, marked


# --- in words -----------------------------------------------------------------------------------------------------
def not_received(stream: Stream) -> str:
    """What is said of bytes that no recv has taken."""
    return "never received" if stream.ends else "not yet received"


def said_of_sends(stream: Stream) -> str:
    """How many there are: "2 sends, 3 bytes"."""
    count = len(stream.sends) - stream.open_end
    more = " and the beginning of one" * stream.open_end
    return f"{number_of(count, stream.words[0])}{more}, {bytes_of(size_of(stream.sends))}"


def said_of_recvs(stream: Stream) -> str:
    """How many there are, and what waits: "1 recv, 2 bytes; 1 byte not yet received"."""
    word, recvs, waits = stream.words[1], len(stream.recvs), size_of(stream.waiting)
    said = [f"{number_of(recvs, word)}, {bytes_of(size_of(stream.recvs))}"] if recvs or not waits else []
    said += [f"{bytes_of(waits)} {not_received(stream)}"] if waits else []
    ends = "then the stream ended" if stream.fed else f"{numbers('recv', recvs + 1, recvs + stream.ends)} got b\"\": the end"
    return "; ".join(said + [ends] * bool(stream.ends))


def numbers(word: str, first: int, last: int) -> str:
    """"send 1", "sends 1 to 3"."""
    return f"{word} {first:,}" if first == last else f"{word}s {first:,} to {last:,}"


def remarks(stream: Stream) -> str:
    """What cannot be seen in the boxes."""
    empty = _shortened([send for send in stream.sends if not send.size], lambda send: f"send {send.send + 1:,}")
    said = [f"{listed(empty)} of no bytes left nothing in the stream."] if empty else []
    said += ["At a broken line a connection ends."] * (stream.apart and len(stream.sends) > 1)
    said += [f"Underlined: framing, {bytes_of(len(stream.framing))}."] if stream.framing else []
    if stream.decoder:
        last = stream.decoder[-1]
        said += [f"The decoder gave the stream up: {last.fault}."] if last.fault else []
        said += [f"{bytes_of(last.kept)} pending in the decoder."] if last.kept and not last.fault else []
    return " ".join(said)


def text_of(stream: Stream, names: tuple[str, str], note: str) -> str:
    """The picture in words; the first line is its name."""
    above, below = stream.words
    sends = _shortened(stream.sends, lambda send: f"{above} {send.send + 1:,}: {show_bytes(send.data, send.size)}")
    recvs = _shortened(stream.recvs, lambda recv: f"{below} {recv.send + 1:,}: {show_bytes(recv.data, recv.size)}: "
                                                  f"{whose(stream, recv.start, stop(recv))}")
    of = "connections of one send each" if stream.apart else "one stream"
    lines = [f"Bytes of {of}. {names[0]}: {said_of_sends(stream)}. {names[1]}: {said_of_recvs(stream)}.",
             *sends, *recvs]
    if stream.waiting:
        data = b"".join(piece.data for piece in stream.waiting)
        lines.append(f"{not_received(stream)}: {show_bytes(data, size_of(stream.waiting))}: "
                     f"{whose(stream, stream.taken, stop(stream.sends[-1]))}")
    return "\n".join(filter(None, [*lines, remarks(stream), note]))


def _shortened(calls, said):
    """What is said of each call; of many, the first ones."""
    if len(calls) <= LISTED:
        return list(map(said, calls))
    return [*map(said, calls[:LISTED - 1]), f"… {len(calls) - LISTED + 1:,} more"]


def whose(stream: Stream, begin: int, end: int) -> str:
    """Which bytes of which sends stand there: "all of send 1 and the first 2 bytes of send 2"."""
    word, said, parts = stream.words[0], [], stream.between(begin, end)
    whole = [piece.send for piece in parts if piece.size == stream.sends[piece.send].size]
    for piece in parts:
        send = stream.sends[piece.send]
        if len(whole) > 2 and whole[0] <= send.send < whole[-1]:
            continue
        number = f"{word} {send.send + 1:,}"
        count = f"{'' if piece.size == 1 else f'{piece.size:,} '}byte{'s' * (piece.size > 1)}"
        if piece.size == send.size:
            said.append(f"all of {number}" if len(whole) < 3 else f"all of {numbers(word, whole[0] + 1, whole[-1] + 1)}")
        elif piece.start == send.start:
            said.append(f"the first {count} of {number}")
        elif stop(piece) == stop(send):
            said.append(f"the last {count} of {number}")
        else:
            said.append(f"{numbers('byte', piece.start - send.start + 1, stop(piece) - send.start)} of {number}")
    return listed(said)
