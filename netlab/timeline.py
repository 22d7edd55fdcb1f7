"""Timeline: records what sockets do, and shows it as data, as text and as a picture."""
import contextlib
import itertools
import socket
import threading
import weakref
from collections import deque
from dataclasses import replace
from types import SimpleNamespace

from netlab import diagram
from netlab.events import JOIN, MARKS, WAKE, Endpoint, Event, Row, Story
from netlab.replay.moments import steps_of
from netlab.replay.player import MOST, Replay, replay_or_picture
from netlab.replay.source import blocks_of
from netlab.sockets import event_of, recording_class
from netlab.story import tell
from netlab.style import NARROW, Picture


class _Here(threading.local):
    """Who is calling: its Thread. Unlike thread numbers, a Thread is never used again for another."""

    def __init__(self):
        self.thread = threading.current_thread()


class Timeline:
    """A recorder of socket calls, safe to use from many threads (chapter 00); in a cell it shows itself as a sequence diagram.

    `limit` is how many calls it keeps; older ones are forgotten, and the picture says how many. With `one_hand` all
    calls are told as those of one thread, in the order in which they returned.
    """

    def __init__(self, limit: int = 10_000, *, one_hand: bool = False):
        if not isinstance(limit, int) or limit < 1:
            raise ValueError(f"limit is how many calls to keep, 1 or more, not {limit!r}")
        self.log, self.count, self._number = deque(maxlen=limit), itertools.count(), itertools.count()
        self.here = SimpleNamespace(thread=threading.main_thread()) if one_hand else _Here()
        self.on_change = None
        self._class = recording_class(self)
        self._ends: dict[int, Endpoint] = {}
        self._live, self._relays = weakref.WeakValueDictionary(), {}

    def socket(self, family=-1, type=-1, proto=-1, fileno=None, *, name=None):
        """A `socket.socket` that records here. `name` stands in the picture; without it, the role does.

        The same arguments and errors as `socket.socket`; you close it. socket(2), chapter 03.
        """
        sock = self._class(family, type, proto, fileno)
        if name is not None:
            self.name(sock, name)
        return sock

    def socketpair(self):
        """Two connected sockets that record here, as from `socket.socketpair()`; you close both."""
        a, b = (self._class(s.family, s.type, s.proto, s.detach()) for s in socket.socketpair())
        self._ends[a.number].twin, self._ends[b.number].twin = b.number, a.number
        return a, b

    def name(self, sock, name):
        """Let `name` stand for `sock` in the picture: for sockets from accept() and socketpair(), which came without one."""
        self._ends[sock.number].name = str(name).encode(errors="replace").decode()      # half an emoji cannot be shown

    @property
    def on_change(self):
        """None, or a function without arguments that is called after each call, from any thread: set a flag, no more."""
        return self._on_change

    @on_change.setter
    def on_change(self, function):
        def note_and_tell(record):
            self.log.append(record)
            function()

        self._on_change = function
        self.note = self.log.append if function is None else note_and_tell

    def relayed(self, address, other):
        """Take `address` for `other` in the picture: it is a relay's, which passes on what comes there (netlab.Link)."""
        self._relays[address] = self._relays.get(other, other)

    # what a RecordingSocket tells its recorder
    def opened(self, sock) -> int:
        number = next(self._number)
        kind = {socket.SOCK_STREAM: "stream", socket.SOCK_DGRAM: "datagram"}.get(sock.type, str(sock.type))
        self._live[number], self._ends[number] = sock, Endpoint(number, kind)
        if number % 4096 == 4095:       # forget the sockets that are gone and of which no call is kept
            kept = {end[0] for _, end, *_ in self.log.copy()} | set(self._live.data)
            for old in set(self._ends) - kept:
                self._ends.pop(old, None)
        return number

    def adopted(self, number, parent):
        self._ends[number].parent = parent

    def woke(self, group):
        """Note that the calling thread tells the threads whose `.group` is `group` to end."""
        self._mark(WAKE, group)

    def joined(self, group):
        """Note that the calling thread has seen all threads end whose `.group` is `group`: what they did came before."""
        self._mark(JOIN, group)

    def _mark(self, kind, group):
        self.log.append((next(self.count), (-1, None), self.here.thread, None, kind, (group,)))

    # what a reader asks
    @property
    def events(self) -> list[Event]:
        """The finished calls, in the order noted down."""
        return [event for event in self._noted() if event.method not in MARKS]

    def _noted(self):
        return list(map(event_of, self.log.copy()))

    def story(self) -> Story:
        """Rows in order of cause, the endpoints with their roles, and a caption."""
        events = self._noted()
        if self._relays:
            events = [replace(e, address=self._relays.get(e.address, e.address)) for e in events]
        return tell(events, dict(self._ends), min((e.index for e in events), default=0))     # threads note theirs out of turn

    def rows(self) -> list[Row]:
        """The lines of the picture as data, in order of cause."""
        return self.story().rows

    def text(self) -> str:
        """The picture as a table in plain text, for reading aloud, for a terminal, for a test."""
        return diagram.text(self.story())

    def svg(self, standalone: bool = True, waiting: bool = False) -> str:
        """The picture as SVG. `standalone=False` is for a page that has the colours and a frame; with `waiting` it has the
        calls that have not returned yet, as open boxes."""
        return diagram.svg(self.story(), standalone, self.pending() if waiting else ())

    def caption(self) -> str:
        """What matters, in a sentence or two."""
        return self.story().caption

    def pending(self) -> list[tuple[str, str]]:
        """The calls that have not returned yet: [(name of the socket, "recv(…)")]. What they were given is noted at their end."""
        names = {end.id: end.name for end in self.story().endpoints}
        live = filter(None, (ref() for ref in self._live.valuerefs()))
        return [(names.get(sock.number) or self._ends[sock.number].name or "socket", f"{call}({'…' * (call != 'accept')})")
                for sock in live if getattr(sock, "number", None) in self._ends for call in (sock.reading, sock.writing) if call]

    def clear(self):
        """Forget all calls so far. Sockets that are still open go on recording."""
        self.log.clear()

    def replay(self, opened: bool = True) -> Replay:
        """The picture, to be stepped through, forward and back: at each row what lies where, and in which state each socket is.

        It needs no kernel once it is shown. A cell that ends with a Timeline shows the same, not `opened` yet. Without rows,
        and of more than MOST, it is the picture alone.
        """
        return self._replay(self.story(), opened)

    def _replay(self, story, opened):
        words = f"Sequence diagram. {story.caption}\n{diagram.text(story)}"
        picture = Picture(diagram.svg(story), words, diagram.svg(story, width=NARROW))

        def made():
            code, where = blocks_of([row.event for row in story.rows])
            film = diagram.svg(story, width=NARROW, folded=False) if len(diagram.fold(story.rows)) < len(story.rows) else ""
            return Replay(picture, steps_of(story, where, lossy=bool(self._relays)), code, film, opened)

        return replay_or_picture(picture, made) if len(story.rows) <= MOST else Replay(picture, [])

    def _repr_mimebundle_(self, include=None, exclude=None):
        story = self.story()
        return self._replay(story, opened=False)._repr_mimebundle_() | {"text/plain": diagram.text(story)}


_lock, _replaced = threading.Lock(), {}         # of each watch: what it found in the place of socket.socket


@contextlib.contextmanager
def watch(limit: int = 10_000):
    """`with watch() as timeline:` records each socket made inside, also by code that you did not write.

    It works for code that says `socket.socket` or calls a function of the module `socket`; a name fetched before
    (`from socket import socket`) and C extensions go past it. All threads are included. Of several watches the latest
    records, until it is left; a connection from accept() records where its listener does. Inside, older sockets are
    instances of `socket.socket` too; only `type(sock) is socket.socket` says no.
    """
    timeline = Timeline(limit)
    mine = timeline._class
    with _lock:
        _replaced[id(mine)], socket.socket = socket.socket, mine
    try:
        yield timeline
    finally:
        with _lock:
            before = _replaced.pop(id(mine))
            later = next((other for other, found in _replaced.items() if found is mine), None)
            if later:                   # entered after us and not left yet: it will put back what we found
                _replaced[later] = before
            else:
                socket.socket = before
