"""What the kernels hold while a story is told: the bytes between sockets, the clients in queues, the states of TCP.

`Kernels` plays the rows of a `Story` one by one, with the kernels' own packets taken as arrived at once, as on loopback:
a FIN is acknowledged, a SYN answered before the next call begins, and no byte waits at its sender (as it may: RFC 896, Nagle).
The states are those of RFC 9293, 3.3.2, by the names of `netlab.kernel.STATES`. What happens is what Linux does: bytes that
came before a reset can still be received, and a close() with bytes unread resets (RFC 2525, 2.17).
"""
import errno
import struct
from bisect import insort
from collections import defaultdict
from dataclasses import replace

from netlab.events import HELD, RECEIVES, SENDS, STOPPED, Row, Story
from netlab.replay.ends import End, News
from netlab.replay.values import Piece
from netlab.words import port_of

KEPT = 64                                                               # bytes of a piece that a step holds; all are counted
OPEN = ("ESTABLISHED", "FIN_WAIT_2", "CLOSE_WAIT")                      # a packet that comes now finds a connection
AFTER_FIN = {"ESTABLISHED": "FIN_WAIT_2", "CLOSE_WAIT": "CLOSED"}       # LAST_ACK is over when the ACK comes, at once
AFTER_PEERS_FIN = {"ESTABLISHED": "CLOSE_WAIT", "FIN_WAIT_2": "TIME_WAIT"}
UNDER_WAY = (errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EAGAIN)
NOTHING_CAME = ("BlockingIOError", "TimeoutError")
ANY = ("", "0.0.0.0", "::")


class Kernels:
    """Plays a story: `tell(row)` for each of its rows in turn. `lossy` says that a datagram which nobody received may have
    been lost on its way; else it lies where it was sent, as long as a socket is there."""

    def __init__(self, story: Story, lossy: bool = False):
        self.story, self.lossy = story, lossy
        paths = {row.endpoint.id for row in story.rows for each in (row.event.local, row.event.address)
                 if isinstance(each, (str, bytes)) and row.event.error != "TypeError"}
        self.ends = {end.id: End(end, end.name, end.side, end.kind) for end in story.endpoints}
        self.at: dict[tuple, End] = {}                  # (kind, port) -> who has it, or had it last
        self.pairs: dict[tuple[End, End], None] = {}    # who talks to whom, and
        self.carried: set[tuple[End, End]] = set()      # from whom to whom bytes went
        self.news: list[News] = []
        self.touched: dict[End, None] = {}              # by the last row
        for end in self.ends.values():
            parent = self.ends.get(end.endpoint.parent)
            end.listener, end.accepted = parent, end.endpoint.parent is None
            end.tcp = end.kind == "stream" and end.endpoint.twin is None and not {end.endpoint.id, end.endpoint.parent} & paths
        self._join_halves()
        self._look_ahead()

    def _join_halves(self):
        """Those of socketpair() are connected from the start, also where one of them never did anything."""
        self.silent = []
        for end in list(self.ends.values()):
            if end.endpoint.twin is None or end.peer is not None:
                continue
            if (twin := self.ends.get(end.endpoint.twin)) is None:
                twin = End(None, "other half", "server" if end.side == "client" else "client", end.kind)
                self.silent.append(twin)
            end.peer, twin.peer, end.there, twin.there = twin, end, True, True
            if end.kind == "stream":
                end.state = twin.state = "ESTABLISHED"
            self.pairs[end, twin] = None

    def _look_ahead(self):
        """What only later rows tell: who accepts whom, which datagrams are received and where, how far a stream was read."""
        self.taker, self.last_taken, self.last_empty = {}, {}, {}
        self.read = defaultdict(int)
        self.serves = {}                                # a connect's index -> the end that will be there for it
        for row in self.story.rows:
            e, end, causes = row.event, self.ends[row.endpoint.id], [self.story.rows[c] for c in row.causes]
            if row.phase == "start":
                continue
            if e.made in self.ends and causes:
                self.serves[causes[0].event.index] = self.ends[e.made]
            elif e.method in RECEIVES and end.kind == "datagram" and row.failed and e.error in NOTHING_CAME:
                self.last_empty[end] = e.index
            elif e.method in RECEIVES and end.kind == "datagram" and not row.failed and causes:
                sent = causes[0].event.index
                self.taker.setdefault(sent, end)
                way = self.ends[causes[0].endpoint.id], end
                if not e.peek:
                    self.last_taken[way] = max(sent, self.last_taken.get(way, -1))
            elif e.method in RECEIVES and not e.peek:
                self.read[end] = max(self.read[end], e.offset + e.size)
        self._find_unaccepted()

    def _find_unaccepted(self):
        """The server's ends that are there by connect() alone: nobody ever accepts them."""
        rows = self.story.rows
        listeners = {port_of(row.event.local): self.ends[row.endpoint.id] for row in rows
                     if row.event.method == "listen" and not row.failed}
        self.unaccepted, begun = [], set()              # of a socket that connects more than once in vain, the first counts
        for row in rows:
            e, end = row.event, self.ends[row.endpoint.id]
            if row.phase == "start" or e.method not in ("connect", "connect_ex") or end.kind == "datagram" or not _begun(e):
                continue
            listener = next((self.ends[rows[c].endpoint.id] for c in row.causes), None) or listeners.get(port_of(e.address))
            if e.index not in self.serves and listener is not None and end not in begun:
                other = End(None, "connection", "server", "stream", listener.tcp, listener=listener, accepted=False)
                self.unaccepted.append(other)
                self.serves[e.index] = other
            if e.index in self.serves:
                begun.add(end)
                self.pairs[end, self.serves[e.index]] = None
        known = sum(end.endpoint.parent is not None for end in self.ends.values())
        if known + len(self.unaccepted) > 1:
            for n, end in enumerate(self.unaccepted, known + 1):
                end.name = f"connection {n}"

    def everyone(self) -> list[End]:
        """All ends, in an order that the story alone decides."""
        return [*self.ends.values(), *self.unaccepted, *self.silent]

    # --- one row ------------------------------------------------------------------------------------------------
    def tell(self, row: Row):
        """Let the row happen; `news` and `touched` say what it changed."""
        self.news, self.touched = [], {}
        e, end = row.event, self.ends[row.endpoint.id]
        self._touch(end)
        self._happen(row, e, end)
        over = any(news.what == "reset" for news in self.news)
        for each in self.touched:
            relayed = self.lossy and each.kind == "stream"          # what a relay has is not there yet
            served = {} if relayed else {call.event.index: call for call in each.served()}
            self.news += [News("call", each, call=call.call) for index, call in served.items()
                          if index not in each.able and call is not row and not over]
            each.able = set(served)

    def _happen(self, row, e, end):
        if not end.there:
            end.there, end.state = True, end.state or ("ESTABLISHED" if end.endpoint.parent is not None else "CLOSED")
        end.accepted = True
        if row.phase == "start":
            end.calls[e.index] = row
            if e.method == "connect" and end.kind == "stream":
                end.state = "SYN_SENT"
            return
        end.calls.pop(e.index, None)
        if e.local and e.method != "close":
            self._settle(end, e.local)
        if end.kind == "datagram":
            self._datagram(row, e, end)
        elif end.kind == "stream":
            self._stream(row, e, end)
        if e.method == "close" and e.result != HELD and not row.failed:
            end.closed = True

    def _touch(self, end):
        self.touched[end] = None

    def _move(self, end, state):
        self._touch(end)
        end.state = state

    def _tell(self, what, end, count=0):
        self.news.append(News(what, end, count))

    def _settle(self, end, address):
        if end.address != address:
            end.address = address
            if end.accepted and end.endpoint.parent is None and port_of(address):
                self.at[end.kind, port_of(address)] = end

    # --- streams ------------------------------------------------------------------------------------------------
    def _stream(self, row, e, end):
        if e.method in ("connect", "connect_ex"):
            self._connect(e, end)
        elif e.method == "setsockopt" and not row.failed:
            end.abrupt = _is_abrupt(e.args, end.abrupt)
        elif e.method in SENDS:
            self._send(row, e, end)
        elif e.method in RECEIVES:
            self._receive(row, e, end)
        elif row.failed:
            return
        elif e.method == "listen":
            end.room = max(0, e.args[0]) if e.args and isinstance(e.args[0], int) else 128
            self._move(end, "LISTEN")
        elif e.method == "accept":
            self._accept(e, end)
        elif e.method == "shutdown":
            self._shutdown(end, str(e.args[0]) if e.args else "")
        elif e.method == "close" and e.result != HELD:
            self._close(end)

    def _connect(self, e, end):
        if e.error == "TimeoutError":
            self._move(end, "SYN_SENT")
        if not _begun(e) or end.peer is not None:
            return
        other = self.serves.get(e.index)
        listener = other.listener if other is not None else None
        if other is None or (other.endpoint is None and listener.state != "LISTEN"):
            end.met = end.met or other is None
            self._move(end, "ESTABLISHED" if e.result in (None, 0) and not e.error else "SYN_SENT" if other is None else "CLOSED")
        elif len(listener.queue) > listener.room and other.endpoint is None and (e.error or e.result):
            self._move(end, "SYN_SENT")
        else:
            end.peer, other.peer, other.there, other.accepted = other, end, True, False
            for each in (end, other):
                self._move(each, "ESTABLISHED")
            listener.queue[end] = None
            self._touch(listener)
            self._tell("queued", end, len(listener.queue))

    def _accept(self, e, listener):
        if (made := self.ends.get(e.made)) is None:
            return
        self._touch(made)
        made.accepted, made.there = True, True
        if made.peer is None:
            made.state, made.met = "ESTABLISHED", True
        else:
            listener.queue.pop(made.peer, None)
            self._tell("accepted", made, made.size)

    def _end_of_sending(self, end):
        """A FIN goes out, comes, and is acknowledged."""
        if end.state in ("ESTABLISHED", "CLOSE_WAIT"):
            self._tell("fin", end)
        elif end.state != "LISTEN" and end.shut_write:
            self._tell("again", end)
        end.shut_write = True
        self._move(end, AFTER_FIN.get(end.state, end.state))
        if end.peer is not None:
            self._move(end.peer, AFTER_PEERS_FIN.get(end.peer.state, end.peer.state))

    def _reset(self, end):
        """The connection is no more, for both ends."""
        self._tell("reset", end)
        for each in (end, end.peer):
            if each is not None and each.state in (*OPEN, "TIME_WAIT"):
                self._move(each, "CLOSED")

    def _shutdown(self, end, how):
        if end.state == "LISTEN" and how != "SHUT_WR":
            return self._stop_listening(end)
        if end.state == "SYN_SENT":
            return self._move(end, "CLOSED")
        end.shut_read = end.shut_read or how in ("SHUT_RD", "SHUT_RDWR")
        if how in ("SHUT_WR", "SHUT_RDWR"):
            self._end_of_sending(end)

    def _stop_listening(self, end):
        """Who was connected and not accepted is reset."""
        for client in end.queue:
            self._forget(client.peer)
            self._reset(client.peer)
            client.peer.closed = True
        end.queue = {}
        self._move(end, "CLOSED")

    def _forget(self, end):
        """What lies at an end that is no more is never received."""
        if end.size:
            self._tell("gone", end, end.size)
        for other in (end, end.peer, *end.waiting):
            if other is not None:
                self._touch(other)
        end.pieces, end.known, end.waiting, end.size, end.coming = [], {}, {}, 0, 0

    def _close(self, end):
        if end.state == "LISTEN":
            return self._stop_listening(end)
        unread = end.size
        self._forget(end)
        if end.state == "SYN_SENT":
            self._move(end, "CLOSED")
        elif end.state in OPEN and (unread or end.abrupt):
            self._reset(end)
        elif end.state == "CLOSED" and (end.peer is not None or end.met) and not end.shut_write:
            self._tell("over", end)
        else:
            self._end_of_sending(end)

    def _send(self, row, e, end):
        size = e.size
        if row.failed:
            self._fail(e, end)
            if size and e.error in NOTHING_CAME:
                self._tell("unsure", end, size)
            size = min(size, max(0, self.read[end.peer] - e.offset)) if end.peer is not None else 0
        if not size:
            return
        self._revive(end)
        piece = Piece(e.data[:min(size, KEPT)], size, end.sends, e.offset)
        end.sends += 1
        peer = end.peer
        if peer is None:
            end.met = True
            return self._tell("unseen", end, size)
        self.carried.add((end, peer))
        self._touch(peer)
        if peer.closed or (peer.shut_read and peer.shut_write) or end.state in ("CLOSED", "TIME_WAIT"):
            self._tell("lost", peer, size)
            if end.state in OPEN:
                self._reset(end)
            return
        peer.known[piece.send] = e.offset, e.data[:size]
        insort(peer.pieces, piece, key=lambda piece: piece.start)
        peer.size += size
        self._tell("lies", peer, peer.size)

    def _receive(self, row, e, end):
        if row.failed:
            return self._fail(e, end)
        if e.size:
            self._revive(end)
        if e.peek:
            return
        if end.peer is not None:
            self._touch(end.peer)
        if e.size:
            lay, taken = end.size, e.offset + e.size
            while end.pieces and end.pieces[0].start + end.pieces[0].size <= taken:
                piece = end.pieces.pop(0)
                end.size -= piece.size
                del end.known[piece.send]
            if end.pieces and end.pieces[0].start < taken:
                end.size -= taken - end.pieces[0].start
                end.pieces[0] = _rest(end.pieces[0], taken, *end.known[end.pieces[0].send])
            if lay:
                self._tell("took", end, end.size)
        elif e.args[:1] != (0,) and end.peer is None and not end.shut_read and e.result != STOPPED:
            self._move(end, AFTER_PEERS_FIN.get(end.state, end.state))

    def _revive(self, end):
        """Bytes move: so it is connected, whatever was recorded of that."""
        if end.state in ("", "CLOSED", "SYN_SENT") and end.peer is None and not end.closed:
            self._move(end, "ESTABLISHED")
            end.met = True

    def _fail(self, e, end):
        if e.error.startswith("ConnectionReset") or (e.error == "BrokenPipeError" and not end.shut_write):
            if e.method in RECEIVES and end.pieces:
                self._forget(end)
            if end.state in (*OPEN, "TIME_WAIT"):
                self._move(end, "CLOSED")

    # --- datagrams ----------------------------------------------------------------------------------------------
    def _datagram(self, row, e, end):
        if e.method in ("connect", "connect_ex") and _begun(e) and not e.error:
            end.target = e.address
        elif e.method in SENDS and not row.failed:
            self._send_datagram(e, end)
        elif e.method in RECEIVES and not row.failed and not e.peek:
            self._receive_datagram(row, e, end)
        elif e.method == "close" and e.result != HELD:
            self._forget(end)

    def _send_datagram(self, e, end):
        piece = Piece(e.data[:KEPT], e.size, end.sends)
        end.sends += 1
        address = end.target if e.address is None else e.address
        receiver = self.taker.get(e.index) or end.peer or self.at.get(("datagram", port_of(address)))
        if receiver is None:
            end.met = True
            return self._tell("unseen", end, e.size)
        if (receiver, end) not in self.pairs:
            self.pairs[end, receiver] = None
        self.carried.add((end, receiver))
        self._touch(receiver)
        why = "" if e.index in self.taker else self._why_not(e, end, receiver, address)
        if not why:
            receiver.waiting.setdefault(end, {})[e.index] = piece
            receiver.size += 1
            receiver.coming += self._is_far(address)
        self._tell(why or ("travels" if self._is_far(address) else "lies"), receiver, receiver.size)

    def _why_not(self, e, end, receiver, address):
        """Why a datagram that nobody receives does not even lie there, as far as the recording tells; "" where it does."""
        if receiver.closed:
            return "lost"
        if receiver.target is not None and not _same(receiver.target, end.address):
            return "deaf"
        later = self.last_taken.get((end, receiver), -1), self.last_empty.get(receiver, -1)     # came, or found nothing
        return "missing" if self._is_far(address) or max(later) > e.index else ""

    def _is_far(self, address):
        """Whether a datagram for this address is on its way for a while, and may be overtaken or lost."""
        return self.lossy or not _is_here(address)

    def _receive_datagram(self, row, e, end):
        if not row.causes:
            if e.size or e.address is not None:
                end.met = True
            return
        cause = self.story.rows[row.causes[0]]
        source = self.ends[cause.endpoint.id]
        self._touch(source)
        if end.waiting.get(source, {}).pop(cause.event.index, None) is not None:
            end.size -= 1
            if self._is_far(source.target if cause.event.address is None else cause.event.address):
                end.coming -= 1
            else:
                self._tell("took", end, end.size)


def _begun(e) -> bool:
    """Whether a connect() was not refused: it is done, or goes on by itself."""
    return e.error == "BlockingIOError" or (not e.error and e.result in (None, 0, *UNDER_WAY))


def _is_abrupt(args, before) -> bool:
    """What setsockopt(SOL_SOCKET, SO_LINGER, struct linger) says of close(): socket(7)."""
    if len(args) < 3 or args[1] != "SO_LINGER" or not isinstance(args[2], bytes) or len(args[2]) < 4:
        return before
    on, seconds = struct.unpack("ii", args[2][:8]) if len(args[2]) >= 8 else struct.unpack("hh", args[2][:4])   # Windows: short
    return bool(on) and not seconds


def _rest(piece, taken, offset, known) -> Piece:
    """The piece behind the first `taken` bytes of its stream."""
    return replace(piece, data=known[taken - offset:][:KEPT], size=piece.start + piece.size - taken, start=taken)


def _is_here(address) -> bool:
    """Whether what is sent there stays on this machine, and so arrives."""
    if not isinstance(address, tuple) or not address or not isinstance(address[0], str):
        return True                                     # a path, or the other half of a pair
    return address[0] in (*ANY, "localhost", "::1") or address[0].startswith("127.")


def _same(target, address) -> bool:
    return address is not None and port_of(target) == port_of(address)
