"""One call of MethodPanel: what it is, how its wait is ended, how its result is said."""
import socket
import threading
import time
from contextlib import suppress

from netlab.sockets import PLAIN
from netlab.words import error_text, shortened


class Call:
    """One call: made by a click, then running in a thread of the panel's, then done."""

    def __init__(self, name, sock, method, read, typed, before, bench):
        self.name, self.sock, self.method = name, sock, method
        self.args, self.keywords, code = read
        self.code, self.shown = f"{name}.{method}({code})", f"{name}.{method}({shortened(typed, 40)})"
        self.earlier, self.bench = before, bench        # the call clicked before; the workbench that it belongs to
        self.before, self.after, self.result, self.handle, self.done = {}, {}, "", None, threading.Event()
        self.failed = self.cancelled = self.started = False
        self.began = time.monotonic()


def close(made):
    """Close what a call made: a socket, a file, a descriptor."""
    with suppress(OSError, ValueError):
        socket.close(made) if isinstance(made, int) else made.close()


def second_descriptor(sock):
    """Another descriptor for the same kernel socket, to end a waiting call by; None for a closed socket."""
    if (number := PLAIN.fileno(sock)) < 0:
        return None
    try:
        handle = PLAIN(sock.family, sock.type, sock.proto, fileno=socket.dup(number))
        handle.settimeout(sock.gettimeout())            # the flag is shared: leave it as it is
    except OSError:
        return None
    if PLAIN.fileno(sock) == number:
        return handle
    handle.close()                                      # closed meanwhile: the number may be somebody else's by now


def visit(call):
    """Where shutdown does not wake a wait (accept on macOS and Windows, UDP): come as the client it waits for."""
    with suppress(OSError):
        own = call.handle.getsockname()
        with PLAIN(call.handle.family, call.handle.type) as visitor:
            visitor.settimeout(0.2)
            visitor.connect(own)
            if visitor.type == socket.SOCK_DGRAM:
                visitor.send(b"")


def short(value, limit=60):
    if isinstance(value, (bytes, bytearray, str)) and len(value) > limit:
        return f"{value[:limit // 2]!r}… ({len(value):,} in all)"
    return shortened(repr(value), 2 * limit)


def words(error):
    """Python's own words name the class that records, where a program has its socket."""
    return " ".join(error_text(error).replace(": RecordingSocket.", ": ").splitlines())
