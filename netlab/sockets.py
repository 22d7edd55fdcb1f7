"""A socket that is a true `socket.socket` and also tells a recorder about each call.

Nothing that a program can see changes: CPython's own tests of `socket` pass with `RecordingSocket` in the place
of `socket.socket`. The recorder is given from above, so nothing here knows who listens:

    recorder.opened(sock) -> number         a socket was made
    recorder.socket(family, type, proto, fileno) -> sock    make one for accept
    recorder.adopted(number, parent)        accept made it
    recorder.note(record)                   a call returned or raised; `event_of(record)` makes the `Event` of it
    recorder.count, recorder.here.thread    an iterator of indexes, and who is calling

A note must cost little, so it is one tuple of what is at hand, nearly in the order of the fields of `netlab.events.Event`:

    (index, end, thread, where, method, args, data, size, offset[, peek, address, made, result, error])
"""
import abc
import contextlib
import enum
import functools
import socket
import sys
import threading
from typing import NamedTuple

from netlab.events import ADDRESS, DATA, HELD, STOPPED, Event, Symbol
from netlab.words import error_name, show_value

PLAIN = socket.socket   # the class itself, whatever `watch` puts in its place
KEEP = 1024             # bytes of each transfer that a recording keeps; all of them are counted


class Moved(NamedTuple):
    """What one call did, as in `netlab.events.Event`."""
    data: bytes = b""
    size: int = 0
    offset: int = 0
    peek: bool = False
    address: object = None
    made: int | None = None


NOTHING = Moved()


def event_of(record) -> Event:
    """The `Event` that a note stands for."""
    index, (number, local), thread, where, method, args, *rest = record
    return Event(index, number, thread, method, args if type(args) is tuple else (args,), *rest, local=local, where=where)


def where_called():
    """As `Event.where`: the innermost line of a cell or a script that led to the call. No frame is kept: it holds variables."""
    try:
        frame = _frame(2)
    except ValueError:                  # a thread's first call is the socket's: _thread.start_new_thread(sock.close, ())
        return None
    for _ in _DEEP:
        if frame is None or (names := frame.f_globals) is _THREADING:        # where a thread begins
            return None
        if names.get("__name__") == "__main__" and names.get("__spec__") is None:       # not that of `python -m`
            return frame.f_code, frame.f_lasti
        frame = frame.f_back


class StandIn(abc.ABCMeta):        # not `type`: a program may have a class X(socket.socket, abc.ABC)
    """Makes a Timeline's class of sockets equal to `socket.socket`, in whose place `watch` puts it: an older socket is an
    instance of it, and a table that has `socket.socket` as a key finds it (multiprocessing pickles by such a table).
    A subclass that a program makes is a class like any other.
    """

    def meant(cls):
        return PLAIN if "recorder" in vars(cls) else cls

    def __instancecheck__(cls, instance):
        return isinstance(instance, PLAIN) if cls.meant() is PLAIN else type.__instancecheck__(cls, instance)

    def __subclasscheck__(cls, subclass):
        return issubclass(subclass, PLAIN) if cls.meant() is PLAIN else type.__subclasscheck__(cls, subclass)

    def __eq__(cls, other):
        return cls.meant() is (other.meant() if isinstance(other, StandIn) else other)

    def __hash__(cls):
        return type.__hash__(cls.meant())


class RecordingSocket(PLAIN, metaclass=StandIn):
    """A `socket.socket` that tells its recorder about its calls; `recording_class` makes the subclass with the recorder."""

    __slots__ = ("number", "end", "reading", "writing", "sent", "received", "stopped")

    def __init__(self, *args, **kwargs):
        self.reading = self.writing = None      # the method's name while a call has not returned: one thread may read
        self.sent = self.received = 0   # bytes so far: where the next transfer begins in the stream
        self.stopped = False            # a server that stops has woken the threads that wait here
        super().__init__(*args, **kwargs)
        self.number = self.recorder.opened(self)
        self.end = self.number, None    # and this end's address, once a call has fixed it

    def close(self):
        """As `socket.close`; noted once, since `with` and a second close() do nothing more."""
        if self.fileno() == -1:
            return PLAIN.close(self)
        PLAIN.close(self)               # never blocks and never raises but for a lost connection, which is closed as well
        _note(self, "close", (), NOTHING, None, HELD if self.fileno() != -1 else None)

    def sendfile(self, file, offset=0, count=None):
        """As `socket.sendfile`; where the system copies the file by itself, its bytes are counted and not seen."""
        given = (offset, count) if count is not None else (offset,) if offset else ()
        shown, before = _safe((Symbol("file"), *given)), self.sent
        self.writing = "sendfile"
        try:
            size = PLAIN.sendfile(self, file, offset, count)
        except BaseException as error:
            _note(self, "sendfile", shown, NOTHING, error)
            raise
        by_system = self.sent == before         # otherwise send() was called, and noted
        self.sent += size * by_system
        _note(self, "sendfile", shown, Moved(size=size, offset=before) if by_system else NOTHING, None, size)
        return size


def recording_class(recorder):
    """The class of sockets that tell `recorder`, to stand in the place of `socket.socket`."""
    # recv and sendall are what a program calls most, so they are written out, with what they need at hand
    here, count, only_data = recorder.here, recorder.count, (DATA,)

    def recv(self, bufsize, flags=0, /):
        self.reading = "recv"
        try:
            data = _plain_recv(self, bufsize, flags)
        except BaseException as error:
            _note(self, "recv", _size_and_flags((bufsize, flags)), NOTHING, error)
            raise
        if flags or not data or type(bufsize) is not int:
            _note(self, "recv", *_recvfrom(self, (bufsize, flags), (data, None)))
            return data
        self.reading = None
        size, offset, note = len(data), self.received, recorder.note
        self.received = offset + size
        note((next(count), self.end, here.thread, where_called(), "recv", bufsize,
              data if size <= KEEP else data[:KEEP], size, offset))
        return data

    def sendall(self, data, flags=0, /):
        self.writing = "sendall"
        try:
            _plain_sendall(self, data, flags)
        except BaseException as error:
            shown, moved = _sendall(self, (data, flags) if flags else (data,), None)
            if self.end[1] is None and self.family != _UNIX:        # it never had an address: nothing can have gone out
                self.sent, shown, moved = moved.offset, _size_and_flags((data, flags)), NOTHING
            _note(self, "sendall", shown, moved, error)
            raise
        if flags or type(data) is not bytes:
            return _note(self, "sendall", *_sendall(self, (data, flags) if flags else (data,), None))
        self.writing = None
        size, offset, note = len(data), self.sent, recorder.note
        self.sent = offset + size
        note((next(count), self.end, here.thread, where_called(), "sendall", only_data,
              data if size <= KEEP else data[:KEEP], size, offset))

    for method in (recv, sendall):
        method.__qualname__ = f"RecordingSocket.{method.__name__}"          # as Python's own words for a wrong call name it
    return StandIn("socket", (RecordingSocket,), {
        "__slots__": (), "__module__": "socket", "recorder": recorder, "recv": recv, "sendall": sendall})


_frame, _THREADING, _DEEP = sys._getframe, vars(threading), range(20)       # _DEEP: how far up the learner's code is looked for
_plain_recv, _plain_sendall = PLAIN.recv, PLAIN.sendall
_UNIX = getattr(socket, "AF_UNIX", -1)
_READS = frozenset({"accept", "recv", "recvfrom", "recv_into", "recvfrom_into", "recvmsg"})


def _note(sock, method, args, moved, error=None, result=None):
    if method in _READS:
        sock.reading = None
    else:
        sock.writing = None
    if sock.stopped and (error or (method in _READS and not moved.size)):
        result = STOPPED
    recorder = sock.recorder
    recorder.note((next(recorder.count), sock.end, recorder.here.thread, where_called(), method, args, *moved, result,
                   error_name(error) if error else ""))


def _recorded(method, moved):
    """`socket.socket`'s method, with a note after each call. `moved(sock, args, result)` says what it did."""
    plain, reads = getattr(PLAIN, method) if method != "accept" else _accept, method in _READS
    returns_number = method in ("send", "sendto", "sendmsg", "connect_ex")

    @functools.wraps(getattr(PLAIN, method))
    def call(self, *args, **kwargs):
        if reads:
            self.reading = method
        else:
            self.writing = method
        try:
            result = plain(self, *args, **kwargs)
        except BaseException as error:
            _note(self, method, *moved(self, _by_place(args, kwargs), None), error)
            raise
        _note(self, method, *moved(self, _by_place(args, kwargs), result), None, result if returns_number else None)
        return result

    return call


def _by_place(args, kwargs):
    """Only recv_into and recvfrom_into take names, and these three."""
    if not kwargs:
        return args
    given = [kwargs.get(name, default) for name, default in (("buffer", b""), ("nbytes", 0), ("flags", 0))]
    return (*args, *given[len(args):])


def _safe(value):
    """What a recording keeps of an argument: small, unchanging, and no object of the program's own."""
    if value is None or type(value) in (bool, int, float, Symbol):
        return value
    if isinstance(value, enum.Enum):
        return Symbol(value.name or value.value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str):
        return value[:KEEP]
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _preview(value)[0]
    if isinstance(value, tuple):
        return tuple(map(_safe, value[:16]))
    if isinstance(value, list):
        return Symbol(f"[{', '.join(show_value(_safe(v)) for v in value[:16])}]")
    return Symbol(type(value).__name__)


# --- what each method moved: (args as shown, Moved) ------------------------------------------------------------
def _preview(data):
    if type(data) is bytes:
        return data[:KEEP], len(data)
    try:
        view = memoryview(data)
        return bytes(view.cast("B")[:KEEP]) if view.c_contiguous and view.nbytes else view.tobytes()[:KEEP], view.nbytes
    except (TypeError, ValueError, BufferError):        # not bytes at all: the call has failed, and the recording goes on
        return b"", 0


def _sendall(sock, args, result):
    data, size = _preview(args[0])      # if it failed, nobody knows how much of it went out: all of it counts as begun
    sock.sent = (offset := sock.sent) + size
    return (DATA, *map(_flag, args[1:])) if size else _safe(args), Moved(data, size, offset)


def _send(sock, args, result):
    if result is None:                  # it failed: nothing went out
        return _size_and_flags(args), NOTHING
    data, size = _preview(args[0])
    sock.sent = (offset := sock.sent) + result
    shown = DATA if result == size else data    # send may take less than it is given: show what was given
    return (shown, *map(_flag, args[1:])), Moved(data[:result], result, offset)


def _sendto(sock, args, result):
    if result is None or len(args) < 2:
        return _safe(args), Moved(address=_safe(args[-1]) if args else None)
    sock.sent = (offset := sock.sent) + result
    _locate(sock, sock.end[1])
    return (DATA, *map(_flag, args[1:-1]), ADDRESS), Moved(_preview(args[0])[0], result, offset, address=_safe(args[-1]))


def _sendmsg(sock, args, result):
    if result is None:
        return _safe(args), NOTHING
    parts = [_preview(part)[0] for part in args[0]] if isinstance(args[0], (list, tuple)) else []
    sock.sent = (offset := sock.sent) + result
    address = _safe(args[3]) if len(args) > 3 else None
    if address is not None:
        _locate(sock, sock.end[1])
    shown = (_safe(parts), _safe(args[1]) if len(args) > 1 else None, *map(_flag, args[2:3]), *[ADDRESS] * (len(args) > 3))
    return shown[:len(args)], Moved(b"".join(parts)[:min(result, KEEP)], result, offset, address=address)


def _size_and_flags(args):
    return (*map(_safe, args[:1]), *(_flag(a) for a in args[1:] if a))


def _received(sock, data, size, flags, address):
    if data is None:
        return NOTHING
    offset, peek = sock.received, bool(sum(flags) & (socket.MSG_PEEK | socket.MSG_OOB))
    sock.received += 0 if peek else size
    return Moved(data[:min(size, KEEP)], size, offset, peek, address)


def _recvfrom(sock, args, result):
    data, address = result or (None, None)
    return _size_and_flags(args), _received(sock, data, len(data or b""), args[1:], address)


def _recvmsg(sock, args, result):
    data, *_, address = result or (None, None)
    return (*map(_safe, args[:2]), *map(_flag, args[2:])), _received(sock, data, len(data or b""), args[2:], address)


def _received_into(sock, args, result):
    size, address = result if isinstance(result, tuple) else (result, None)
    shown = (Symbol("buffer"), *map(_safe, args[1:2]), *map(_flag, args[2:])) if args else ()
    return shown, _received(sock, None if size is None else _preview(args[0])[0], size, args[2:], address)


def _accepted(sock, args, result):
    if result is None:
        return _safe(args), NOTHING
    sock.recorder.adopted(result[0].number, sock.number)
    return args, Moved(address=result[1], made=result[0].number)


def _locate(sock, known=None):
    """Note this end's own address, once it has one."""
    if not known:
        with contextlib.suppress(OSError):
            sock.end = sock.number, PLAIN.getsockname(sock)


def _listen(sock, args, result):
    _locate(sock)
    return _safe(args), NOTHING


def _names_address(sock, args, result):
    _locate(sock)
    return (ADDRESS, *_safe(args[1:])) if args else (), Moved(address=_safe(args[0]) if args else None)


def _only_args(sock, args, result):
    return _safe(args), NOTHING


def _names(prefix):
    return {value: name for name, value in sorted(vars(socket).items())
            if name.startswith(prefix) and isinstance(value, int) and "_VM_" not in name}   # SO_VM_… are another family's


_HOW, _LEVELS = _names("SHUT_"), _names("SOL_")
_LEVELS |= {socket.IPPROTO_TCP: "IPPROTO_TCP", socket.IPPROTO_IPV6: "IPPROTO_IPV6"}
_OPTIONS = {socket.SOL_SOCKET: _names("SO_"), socket.IPPROTO_TCP: _names("TCP_"), socket.IPPROTO_IPV6: _names("IPV6_")}


def _flag(value):
    """MSG_PEEK rather than 2."""
    return Symbol(socket.MsgFlag(value).name or value) if type(value) in (int, socket.MsgFlag) and value > 0 else _safe(value)


def _shutdown(sock, args, result):
    return tuple(Symbol(_HOW.get(a, a)) if isinstance(a, int) else _safe(a) for a in args), NOTHING


def _setsockopt(sock, args, result):
    if len(args) < 3 or not all(isinstance(a, int) for a in args[:2]):
        return _safe(args), NOTHING
    option = _OPTIONS.get(args[0], {}).get(args[1], int(args[1]))
    return (Symbol(_LEVELS.get(args[0], int(args[0]))), Symbol(option), *_safe(args[2:])), NOTHING


def _accept(self):
    """As `socket.accept`, which makes a `socket.socket` for a subclass too: the connection records where the listener does."""
    number, address = self._accept()
    conn = self.recorder.socket(self.family, self.type, self.proto, number)
    if socket.getdefaulttimeout() is None and self.gettimeout():
        PLAIN.setblocking(conn, True)
    return conn, address


for _method, _moved in {
        "bind": _names_address, "listen": _listen, "connect": _names_address, "connect_ex": _names_address, "accept": _accepted,
        "send": _send, "sendto": _sendto, "sendmsg": _sendmsg, "shutdown": _shutdown, "setsockopt": _setsockopt,
        "recvfrom": _recvfrom, "recv_into": _received_into, "recvfrom_into": _received_into, "recvmsg": _recvmsg,
        "settimeout": _only_args, "setblocking": _only_args, "detach": _only_args}.items():
    if hasattr(PLAIN, _method):         # sendmsg and recvmsg are not on every system
        setattr(RecordingSocket, _method, _recorded(_method, _moved))
