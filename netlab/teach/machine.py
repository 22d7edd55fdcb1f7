"""What this machine can do, found out by trying it."""
import socket
import tempfile
from typing import NamedTuple

from netlab.kernel import Unavailable, tcp_info, why
from netlab.network import Network


class Ability(NamedTuple):
    """One thing this machine can do or not: what it is, whether it worked, what was tried."""
    name: str
    works: bool
    tried: str


def abilities() -> list[Ability]:
    """What this machine can do, found out by trying it; takes well under a second."""
    return [_tried(name, trial) for name, trial in _TRIALS.items()]


def _tried(name, trial) -> Ability:
    try:
        trial()
    except (OSError, Unavailable) as error:
        return Ability(name, False, f"{trial.__doc__}: {getattr(error, 'strerror', None) or error}")
    return Ability(name, True, trial.__doc__)


def _try_ipv6():
    """bind to ("::1", 0)"""
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as sock:      # socket.has_ipv6 does not tell
        sock.bind(("::1", 0))


def _try_unix():
    """an AF_UNIX socket bound to a path in a temporary folder"""
    if not hasattr(socket, "AF_UNIX"):
        raise Unavailable("this Python has no socket.AF_UNIX")
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as sock:
        sock.bind(f"{folder}/s")


def _try_tcp_info():
    """getsockopt(IPPROTO_TCP, TCP_INFO)"""
    with socket.socket() as sock:
        if reason := why(tcp_info, sock):
            raise Unavailable(reason)


def _try_loopback():
    """bind to ("127.0.0.2", 0)"""
    with socket.socket() as sock:
        sock.bind(("127.0.0.2", 0))


def _try_network():
    """a host, a router and a cable"""
    if reason := Network.why():
        raise Unavailable(reason)


_TRIALS = {"IPv6": _try_ipv6, "AF_UNIX": _try_unix, "TCP_INFO": _try_tcp_info,
           "a network of your own": _try_network, "several loopback addresses": _try_loopback}
