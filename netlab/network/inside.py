"""`with host:` — sockets that other people's code makes inside are that host's."""
import os
import socket
import threading
from contextvars import ContextVar

from netlab.sockets import PLAIN

_plain_init, _plain_getaddrinfo = PLAIN.__init__, socket.getaddrinfo
_INTERNET = {socket.AF_INET, socket.AF_INET6, getattr(socket, "AF_PACKET", -1)}
_lock, _entered, _no_proxy = threading.Lock(), 0, None


_here = ContextVar("_here", default=())         # the hosts that this thread or task is in, the innermost last


def current():
    """The host whose `with` this thread or task is in, the innermost; None outside of all."""
    return next(reversed(_here.get()), None)


class Inside:
    """Something that has `open(family, type, proto)`, which gives the descriptor of a new socket, and `resolve(name)`.

    While a thread is in its `with`, every `socket.socket` that this thread makes is made so, of whatever subclass and by
    whatever code; names are looked up among the hosts alone, and no proxy is used. Sockets of before stay what they are.
    """

    def __enter__(self):
        global _entered, _no_proxy
        with _lock:
            if not _entered:
                PLAIN.__init__, socket.getaddrinfo = _init, _getaddrinfo
                _no_proxy, os.environ["no_proxy"] = os.environ.get("no_proxy"), "*"
            _entered += 1
        _here.set((*_here.get(), self))
        return self

    def __exit__(self, *about):
        global _entered
        hosts = _here.get()
        at = len(hosts) - 1 - hosts[::-1].index(self) if self in hosts else len(hosts)
        _here.set(hosts[:at] + hosts[at + 1:])
        with _lock:
            _entered -= 1
            if not _entered:
                PLAIN.__init__, socket.getaddrinfo = _plain_init, _plain_getaddrinfo
                os.environ.pop("no_proxy", None)
                if _no_proxy is not None:
                    os.environ["no_proxy"] = _no_proxy


def _init(self, family=-1, type=-1, proto=-1, fileno=None):
    if fileno is None and (here := current()):
        family = socket.AF_INET if family == -1 else family
        type = socket.SOCK_STREAM if type == -1 else type
        proto = 0 if proto == -1 else proto
        if family in _INTERNET:
            fileno = here.open(family, type, proto)
    _plain_init(self, family, type, proto, fileno)


def _getaddrinfo(host, port, family=0, type=0, proto=0, flags=0):
    if (here := current()) and isinstance(host, str):
        host = here.resolve(host) or host
        if host != "localhost":
            flags |= socket.AI_NUMERICHOST          # no name server is in this network
    return _plain_getaddrinfo(host, port, family, type, proto, flags)
