"""What several parts of this chapter begin with."""
import contextlib
import socket

from netlab import kernel, serve_udp
from netlab.kernel import wait_until
from netlab.sockets import PLAIN
from netlab.teach.networks import two_hosts


@contextlib.contextmanager
def connected(alice, bob, timeline=None):
    """A TCP connection from alice to port 80 of bob: (alice's end, bob's end). Leaving closes both, hers first."""
    with bob.socket(timeline=timeline) as listener, alice.socket(timeline=timeline) as client:
        PLAIN.setsockopt(listener, socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)       # not a call to record
        listener.bind((bob.address, 80))
        listener.listen()
        client.connect((bob.address, 80))
        conn, _ = listener.accept()
        with conn:
            yield client, conn
            if client.fileno() >= 0:
                client.close()
                wait_until(lambda: kernel.state(conn) != "ESTABLISHED")     # else bob may be the first, and his port is in use


@contextlib.contextmanager
def bad_cable(handler, **how):
    """bob answers each datagram with `handler`, alice has a socket to him; the cable gets `how` once both know each other."""
    _, alice, bob, cable = two_hosts()
    with bob:
        server = serve_udp(lambda data, address: handler(data) if data else b"", host=bob.address, port=5000)
    with server, alice.socket(type=socket.SOCK_DGRAM) as sock:
        sock.settimeout(5)
        sock.connect(server.address)
        sock.send(b"")
        sock.recv(1)
        sock.settimeout(0.2)
        for name, value in how.items():
            setattr(cable, name, value)
        yield sock
