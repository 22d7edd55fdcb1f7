"""The tools of chapter 05, which opens them with inspect.getsource: every part of it can use them after a restart."""
import socket


def bound_socket(seconds=2):
    """A UDP socket at a free port of loopback, whose calls wait so long at most. You close it."""
    sock = socket.socket(type=socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    sock.settimeout(seconds)
    return sock


def nobody():
    """An address of loopback where no UDP socket is (any more)."""
    with bound_socket() as gone:
        return gone.getsockname()
