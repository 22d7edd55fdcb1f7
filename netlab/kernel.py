"""What the kernel knows about a socket: its queues, its state, its counters.

Every view returns None where this system, or this socket, cannot answer; `why(view, sock)` gives the reason:

    kernel.tcp_info(sock)               # None
    kernel.why(kernel.tcp_info, sock)   # "TCP_INFO is read on Linux only; this is Windows."

Reading changes nothing, and calls no method that a recording socket would record.
"""
import _thread
import contextlib
import functools
import platform
import socket
import struct
import sys
import time
from dataclasses import dataclass

try:
    import fcntl
    import termios
except ImportError:                     # Windows
    fcntl = termios = None

LINUX, MAC, WINDOWS = sys.platform == "linux", sys.platform == "darwin", sys.platform == "win32"
SYSTEM = {"Darwin": "macOS"}.get(platform.system(), platform.system())
_PLAIN = socket.socket                  # the class itself, whatever `watch` puts in its place

# The states of RFC 9293, 3.3.2, in the order of Linux's include/net/tcp_states.h, which counts from 1.
STATES = ("ESTABLISHED", "SYN_SENT", "SYN_RECEIVED", "FIN_WAIT_1", "FIN_WAIT_2", "TIME_WAIT", "CLOSED", "CLOSE_WAIT", "LAST_ACK",
          "LISTEN", "CLOSING", "SYN_RECEIVED")
_PSUTIL = {"SYN_RECV": "SYN_RECEIVED", "FIN_WAIT1": "FIN_WAIT_1", "FIN_WAIT2": "FIN_WAIT_2", "CLOSE": "CLOSED", "NONE": "CLOSED"}
_SO_NWRITE = 0x1024                     # macOS, sys/socket.h: bytes in the send buffer
_SO_MEMINFO = 55                        # asm-generic/socket.h
_FIONREAD_WINDOWS = 0x4004667F          # winsock2.h


class Unavailable(Exception):
    """Inside this module: the view cannot be had, and why."""


def _view(function):
    @functools.wraps(function)
    def view(*args):
        try:
            return function(*args)
        except Unavailable:
            return None
    return view


def why(view, *args) -> str:
    """Why `view(*args)` is None (or, for queues, holds a None), in one sentence; "" where it answers."""
    if view is queues:
        return why(receive_queue, *args) or why(send_queue, *args)
    try:
        view.__wrapped__(*args)
    except Unavailable as reason:
        return str(reason)
    return ""


def _descriptor(sock) -> int:
    number = _PLAIN.fileno(sock)
    if number < 0:
        raise Unavailable("The socket is closed: the kernel keeps no queue for it.")
    return number


def _is_tcp(sock) -> bool:
    return sock.family in (socket.AF_INET, socket.AF_INET6) and sock.type == socket.SOCK_STREAM


def _ioctl(sock, request: int) -> int:
    try:
        return struct.unpack("i", fcntl.ioctl(_descriptor(sock), request, b"\0" * 4))[0]
    except OSError as error:
        if _is_tcp(sock) and state(sock) == "LISTEN":
            raise Unavailable("A listening socket holds connections, not bytes: see backlog().") from None
        raise Unavailable(f"The kernel did not answer: {error.strerror}.") from None


@_view
def receive_queue(sock) -> int | None:
    """Bytes that have arrived and that no recv() has taken yet.

    For UDP on Linux it is the size of the next datagram, not of all of them. tcp(7) and udp(7): SIOCINQ, that is FIONREAD.
    """
    if WINDOWS:
        import ctypes
        count = ctypes.c_ulong()
        if ctypes.windll.ws2_32.ioctlsocket(_descriptor(sock), _FIONREAD_WINDOWS, ctypes.byref(count)):
            raise Unavailable("Windows did not answer FIONREAD for this socket.")
        return count.value
    return _ioctl(sock, termios.FIONREAD)


@_view
def send_queue(sock) -> int | None:
    """Bytes of a TCP socket that send() took and that the peer's kernel has not acknowledged yet.

    tcp(7): SIOCOUTQ (a FIN on its way counts as one); macOS: SO_NWRITE.
    """
    number = _descriptor(sock)
    if not _is_tcp(sock):
        raise Unavailable("Only TCP counts unacknowledged bytes; other sockets hand theirs on at once.")
    if LINUX:
        return _ioctl(sock, termios.TIOCOUTQ)           # the same number as SIOCOUTQ
    if MAC:
        try:
            return _PLAIN.getsockopt(sock, socket.SOL_SOCKET, _SO_NWRITE)
        except OSError as error:
            raise Unavailable(f"The kernel did not answer for descriptor {number}: {error.strerror}.") from None
    raise Unavailable(f"{SYSTEM} does not tell how much waits to be sent.")


@_view
def dropped(sock) -> int | None:
    """Datagrams that the kernel threw away so far because this socket's receive buffer had no room for them.

    Linux: SO_MEMINFO, the SK_MEMINFO_DROPS of linux/sock_diag.h. udp(7), SO_RCVBUF in socket(7).
    """
    _descriptor(sock)
    if not LINUX:
        raise Unavailable(f"{SYSTEM} does not tell how many datagrams it threw away.")
    return struct.unpack_from("=I", _PLAIN.getsockopt(sock, socket.SOL_SOCKET, _SO_MEMINFO, 36), 32)[0]


def queues(sock) -> tuple[int | None, int | None]:
    """(receive, send): the bytes that wait in the kernel on this socket's two sides; None where unknown."""
    return receive_queue(sock), send_queue(sock)


def _read_tcp_info(sock) -> bytes:
    _descriptor(sock)
    if not _is_tcp(sock):
        raise Unavailable("Only a TCP socket has this.")
    if not LINUX:
        raise Unavailable(f"TCP_INFO is read on Linux only; this is {SYSTEM}.")
    try:
        return _PLAIN.getsockopt(sock, socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    except OSError as error:
        raise Unavailable(f"The kernel did not answer TCP_INFO: {error.strerror}.") from None


@_view
def state(sock) -> str | None:
    """The TCP state by its name in RFC 9293, with _ for -: "LISTEN", "ESTABLISHED", "CLOSE_WAIT", …

    A socket that is closed or not connected yet is "CLOSED". Linux: TCP_INFO. Elsewhere: psutil.
    """
    if _PLAIN.fileno(sock) < 0:
        return "CLOSED"
    if not _is_tcp(sock):
        raise Unavailable("Only TCP has connection states.")
    if LINUX:
        return STATES[_read_tcp_info(sock)[0] - 1]
    remote = ()
    with contextlib.suppress(OSError):
        remote = _PLAIN.getpeername(sock)
    return _psutil_state(_PLAIN.getsockname(sock), remote, everyone=False)


@_view
def connection_state(local, remote) -> str | None:
    """The state of the TCP connection between two (host, port) addresses, also after its socket was closed.

    This is where TIME_WAIT shows. "CLOSED" where the kernel has no such connection (any more).
    Linux: /proc/net/tcp and tcp6, proc(5). Elsewhere: psutil, which on macOS needs root for this.
    """
    if LINUX:
        wanted = [_proc_address(address) for address in (local, remote)]
        try:
            with open("/proc/net/tcp6" if ":" in local[0] else "/proc/net/tcp") as table:
                for words in map(str.split, table):
                    if words[1:3] == wanted:
                        return STATES[int(words[3], 16) - 1]
        except OSError as error:
            raise Unavailable(f"{error.filename} cannot be read here: {error.strerror}.") from None
        return "CLOSED"
    return _psutil_state(local, remote, everyone=True)


def _proc_address(address) -> str:
    """("127.0.0.1", 80) -> "0100007F:0050": words of 32 bits in the byte order of this machine."""
    host, port = address[:2]
    packed = socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)
    return "".join(f"{word:08X}" for word, in struct.iter_unpack("=I", packed)) + f":{port:04X}"


def _psutil_state(local, remote, everyone: bool) -> str:
    try:
        import psutil  # slow to import, and only some systems need it
    except ImportError:
        raise Unavailable("This view needs psutil here, which is not installed.") from None
    try:
        table = (psutil if everyone else psutil.Process()).net_connections(kind="tcp")
    except psutil.AccessDenied:
        raise Unavailable(f"{SYSTEM} shows the table of connections to root only.") from None
    for row in table:
        if tuple(row.laddr) == tuple(local[:2]) and tuple(row.raddr) == tuple(remote[:2]):
            return _PSUTIL.get(row.status, row.status)
    return "CLOSED"


@dataclass(frozen=True)
class TcpInfo:
    """Counters of one TCP socket, the unit in each name (a segment is what TCP hands to IP, RFC 9293).

    The counts are the same in each run of the same conversation on loopback; rtt and cwnd are not.
    """
    state: str
    mss_bytes: int                      # the most data this end puts into one segment
    rtt_us: int                         # round trip, smoothed, microseconds
    rtt_variation_us: int
    cwnd_segments: int                  # congestion window: how many may be under way
    unacked_segments: int               # sent, not acknowledged yet
    retransmitted_segments: int         # since the start of the connection
    acked_bytes: int                    # the peer's kernel has them; the SYN counts as one
    received_bytes: int
    sent_segments: int
    received_segments: int


@_view
def tcp_info(sock) -> TcpInfo | None:
    """What Linux counts for this TCP socket: tcp(7), TCP_INFO; struct tcp_info in linux/tcp.h."""
    raw = _read_tcp_info(sock)
    if len(raw) < 144:
        raise Unavailable("This kernel is too old: its TCP_INFO has no byte counters.")
    mss, unacked, rtt, variation, cwnd, *counts = struct.unpack_from("=16x I 4x I 40x 2I 4x I 16x I 16x 2Q 2I", raw)
    return TcpInfo(STATES[raw[0] - 1], mss, rtt, variation, cwnd, unacked, *counts)


@_view
def backlog(listener) -> tuple[int, int] | None:
    """(waiting, limit) of a listening socket: connections that nobody has accepted yet, and listen(limit).

    listen(2); Linux tells it in TCP_INFO. Linux lets one more than the limit wait.
    """
    raw = _read_tcp_info(listener)
    if STATES[raw[0] - 1] != "LISTEN":
        raise Unavailable("Only a listening socket has a backlog.")
    return struct.unpack_from("=2I", raw, 24)


def wait_until(condition, timeout: float = 5.0, what: str = "the condition"):
    """Call condition() until it is true and return what it gave; TimeoutError after `timeout` seconds."""
    deadline, pause = time.monotonic() + timeout, 0.0002
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come true within {timeout:g} seconds")
        time.sleep(pause)
        pause = min(pause * 2, 0.01)
    return answer


def undisturbed(function):
    """What function() gives or raises, called in a thread of its own, where no signal interrupts it.

    What is between two steps of the system's own, such as a fork and the note of its number, is not lost then. An interrupt
    of the caller leaves function() to come to its end.
    """
    done, came = _thread.allocate_lock(), []
    done.acquire()

    def work():
        try:
            came.append((function(), None))
        except BaseException as error:
            came.append((None, error))
        finally:
            done.release()

    _thread.start_new_thread(work, ())
    done.acquire()
    value, error = came.pop()
    try:
        if error is not None:
            raise error
        return value
    finally:
        del error
