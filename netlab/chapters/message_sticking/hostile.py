"""How the two servers of chapter 6 are judged: by clients whose bytes come in any pieces, and by five clients at once.

All but the last trial are played in one thread (netlab.teach.played), so the same pieces come in each run. `Server` says what a
right server answers, `Talk` what one client sends.
"""
import contextlib
import random
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from netlab.chapters.message_sticking.feeding import random_cut, single, smallest
from netlab.servers import serve
from netlab.teach import check
from netlab.teach.check import Miss, Outcome, common_mistake, show
from netlab.teach.peers import PLAIN
from netlab.teach.played import Played, every_cut, play

WIDE = 90               # bytes of a piece that are shown
TOLD = 4                # pieces that are all written out
SENDALL = "send may take fewer bytes than it is given, and returns how many: sendall goes on until all are taken"
WAITS = ("the client has sent a whole request and waits: answer before you ask recv for more, and let no file keep the answer "
         "in its buffer")
MORE = "the client is still there and has more to say: only b\"\" from recv is its end"
SHARED = "this client's bytes met another client's: each call of your handler needs a buffer of its own"
HANG_UP = "the end is due, and the handler waits for more: to hang up, return (break leaves one loop only)"
BY_RETURN = "to hang up, return: what a handler raises is its server's failure, and the client never reads it"
WAITED = "it works for one client, and not for several at once: which call waits for another client?"
RETURNS = "a handler gives nothing back: what the client is to get goes through conn"
CLOSED = "b\"\" from recv is the client's end, at each further call again: it ends your loop"


@dataclass(frozen=True)
class Talk:
    """What one client sends, in one stream, and the answers that are due. `ends`: after them the server hangs up.

    `hint` is for a server that answers this one wrongly.
    """
    title: str
    requests: tuple[bytes, ...]
    due: tuple
    hint: str
    ends: bool = False
    slow: str = ""          # a hint for a server that does not come back

    @property
    def wire(self) -> bytes:
        return b"".join(self.requests)


@dataclass(frozen=True)
class Read:
    """What a client made of the bytes that it read: in `words`, what it `expected`, and the `fault` in them, or ""."""
    words: str
    fault: str = ""
    expected: str = ""


@dataclass(frozen=True)
class Server:
    """`read(talk, received, cut)` judges the answers; `cut`: the requests came in pieces. `explain(talk, outcome)` may name
    the mistake behind an error.
    """
    name: str
    read: Callable[[Talk, bytes, bool], Read]
    explain: Callable[[Talk, Outcome], str | None]
    words: Callable[[bytes], str] | None = None         # for requests that are no text
    silent: str = ""        # a hint for one that hangs up on a talk that came whole, and has answered nothing

    def look(self, handler, talk: Talk, pieces, **how) -> Miss | None:
        """Play the handler with these pieces; a Miss where it is wrong."""
        played = play(handler, pieces, end="open" if talk.ends else "close", **how)
        miss = self.judged(talk, played, how)
        if miss:
            miss.last = True        # what comes after it takes longer, and is not what the learner looks for now
            sends = self.told(pieces if isinstance(pieces, list) else played.pieces)
            miss.call = f"(conn, address): {talk.title}: the client sends {sends}"
        return miss

    def told(self, pieces) -> str:
        """The pieces, and for requests that are no text the whole in words."""
        pieces = [piece for piece in pieces if isinstance(piece, bytes)]
        if not self.words:
            return told(pieces)
        words = self.words(b"".join(pieces))
        return f"{words} in one piece" if len(pieces) == 1 else f"{words} as {told(pieces)}"

    def judged(self, talk: Talk, played: Played, how) -> Miss | None:
        read, outcome = self.read(talk, played.received, len(played.pieces) > 1), played.outcome
        expected = read.expected + (", then the end" if talk.ends else "")
        if (outcome.raised and not outcome.late) or isinstance(outcome.value, BaseException) or outcome.value is ...:
            hint = (RETURNS if isinstance(outcome.value, BaseException) else BY_RETURN if talk.ends and outcome.by_raise else
                    self.explain(talk, outcome) or common_mistake(None, outcome))
            return Miss(expected, str(outcome), hint or talk.hint)
        if outcome.late and (not read.fault or "recv for bytes" not in played.why):
            hint = (CLOSED if "b\"\"" in played.why else HANG_UP if "recv for bytes" in played.why else
                    talk.slow or common_mistake(None, outcome))
            return Miss(expected, f"{read.words}, and then: {played.why}", hint)
        if read.fault:
            came = read.words + (f", and then: {played.why}" if outcome.late else "")
            whole = len(played.pieces) == 1 and talk.due and not talk.ends
            if self.silent and whole and not played.received and played.hung_up is not None:
                return Miss(expected, f"{came}, and the server hung up", self.silent)
            return Miss(expected, came, SENDALL if how.get("most") else read.fault)
        if outcome.value is not None:
            return Miss("nothing to be given back", show(outcome.value), RETURNS)
        if played.hung_up is not None and not talk.ends:
            return Miss(f"{expected}, until the client ends", f"{read.words}, and the server hung up", MORE)
        return None

    # --- trials: each is a function of the learner's handler ---
    def whole(self, talk: Talk):
        """All of it in one piece."""
        return lambda handler: self.look(handler, talk, [talk.wire])

    def cut(self, *talks: Talk, pieces: int = 2):
        """Each talk in so many pieces, cut everywhere; the shortest talk first."""
        def trial(handler):
            for talk in sorted(talks, key=lambda talk: len(talk.wire)):
                for each in every_cut(talk.wire, pieces):
                    if miss := self.look(handler, talk, each):
                        return miss
            return None
        return trial

    def in_pieces(self, talk: Talk, size: int):
        """In pieces of so many bytes."""
        pieces = [talk.wire[place:place + size] for place in range(0, len(talk.wire), size)]
        return lambda handler: self.look(handler, talk, pieces)

    def byte_by_byte(self, *talks: Talk):
        def trial(handler):
            for talk in talks:
                if miss := self._smaller(handler, talk, single(talk.wire)):
                    return miss
            return None
        return trial

    def at_random(self, talk: Talk, seeds: int = 8):
        """A long talk in random pieces."""
        def trial(handler):
            for seed in range(seeds):
                pieces = [piece for piece in random_cut(talk.wire, random.Random(seed)) if piece]
                if miss := self._smaller(handler, talk, pieces):
                    return miss
            return None
        return trial

    def _smaller(self, handler, talk, pieces):
        miss = self.look(handler, talk, pieces)
        if not miss or "seconds" in miss.came:
            return miss
        return smallest(pieces, lambda fewer: self.look(handler, talk, fewer)) or miss

    def short_sends(self, talk: Talk, most: int):
        """Each send takes only a few bytes, as send(2) may."""
        def trial(handler):
            miss = self.look(handler, talk, [talk.wire], most=most)
            if miss:
                miss.call += f", and each send takes {most} bytes"
            return miss
        return trial

    def one_by_one(self, talk: Talk):
        """The client reads each answer before it sends the next request."""
        def trial(handler):
            heard = []

            def script():
                for request in talk.requests:
                    yield request
                    yield heard.append

            miss = self.look(handler, talk, script())
            first = Talk(talk.title, talk.requests[:1], talk.due[:1], talk.hint)
            if not miss and heard and (read := self.read(first, heard[0], False)).fault:
                miss = Miss(read.expected, read.words, WAITS, last=True)
            if miss:
                sends = self.told(talk.requests[:1])
                miss.call = f"(conn, address): a client that waits for its answer: it sends {sends}, and reads"
            return miss
        return trial

    def two_clients(self, talk: Talk, other: Talk, place: int):
        """When the first `place` bytes of a talk have come, another client comes, talks and goes."""
        def trial(handler):
            misses = []
            begin, rest = talk.wire[:place], talk.wire[place:]
            if self.look(handler, talk, [begin, rest]):
                return None         # what it does alone is for the other trials to say

            def meanwhile(received):
                misses.append(self.look(handler, other, [other.wire]))

            miss = self.look(handler, talk, [begin, meanwhile, rest])
            found = next(filter(None, misses), None) or miss
            if found:
                who = "client 2" if found is not miss else "client 1"
                found.hint = WAITED if "and then: no end" in found.came else SHARED     # alone, client 1 was served
                found.call = (f"(conn, address), twice at once: client 1 sends {self.told([begin])}, "
                              f"then client 2 {self.told([other.wire])}, then client 1 {brief(rest)}")
                found.expected, found.came = f"{who} reads {found.expected}", f"{who}: {found.came}"
            return found
        return trial

    def crowd(self, talks: list[Talk], place: int):
        """All at once, at netlab.serve. Each sends `place` bytes; then each sends the rest and reads, the last one first."""
        title = f"(conn, address): {len(talks)} clients at once at netlab.serve"

        def trial(handler):
            began, miss = time.monotonic(), None
            try:
                with serve(handler) as running, contextlib.ExitStack() as kept:
                    socks = [kept.enter_context(PLAIN()) for _ in talks]
                    for sock, talk in zip(socks, talks):
                        sock.settimeout(check.LIMIT)
                        sock.connect(running.address)
                        _say(sock, talk.wire[:place])
                    for number, (sock, talk) in reversed(list(enumerate(zip(socks, talks), 1))):
                        _say(sock, talk.wire[place:], end=not talk.ends)
                        received, ended = _all_of(sock, began + check.LIMIT)
                        read = self.read(talk, received, True)
                        if read.fault or not ended:
                            miss = miss or Miss(f"client {number} reads {read.expected}, then the end",
                                        read.words + ("" if ended else ", and no end"), talk.hint if ended else
                                        WAITED,
                                        f"{title}: client {number} sends {self.told([talk.wire])}")
            except Exception as error:
                outcome = Outcome(handler, raised=error)
                return Miss("each client gets its answers", str(outcome), common_mistake(None, outcome), title)
            return miss
        return trial


def told(pieces) -> str:
    """The pieces as a learner would type them; of many the first two."""
    if len(pieces) > TOLD and all(len(piece) == 1 for piece in pieces):
        return f"{brief(b''.join(pieces))} byte by byte"
    words = [brief(piece) for piece in pieces]
    if len(words) > TOLD:
        words[2:] = [f"{len(words) - 2} more pieces, {sum(map(len, pieces[2:])):,} bytes"]
    return ", then ".join(words) or "nothing"


def brief(data: bytes) -> str:
    return repr(data) if len(data) <= WIDE else f"{data[:24]!r} … {data[-12:]!r} ({len(data):,} bytes)"


def _say(sock, data, end=False):
    with contextlib.suppress(OSError):      # the server has ended it: then what it raised, or what it answered, tells why
        sock.sendall(data)
        if end:
            sock.shutdown(socket.SHUT_WR)


def _all_of(sock, deadline) -> tuple[bytes, bool]:
    """(what came, whether the stream came to its end)."""
    received = b""
    with contextlib.suppress(TimeoutError):
        while True:
            sock.settimeout(max(0.05, deadline - time.monotonic()))
            try:
                data = sock.recv(65536)
            except ConnectionError:         # a server that closes with bytes unread resets the connection (RFC 2525, 2.17)
                data = b""
            if not data:
                return received, True
            received += data
    return received, False
