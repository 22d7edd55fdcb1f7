"""The conversations that the predictions of chapter 05 are drawn from: those of the cells that follow them."""
import socket

from netlab import Link, Timeline
from netlab.teach.workbench import attempt

PRICES = {b"tea": b"3", b"salt": b"1", b"rice": b"2"}


def too_small() -> Timeline:
    """Part 2: a recv with too little room for the first of two datagrams."""
    timeline = Timeline()
    with timeline.socket(type=socket.SOCK_DGRAM, name="server") as server, \
         timeline.socket(type=socket.SOCK_DGRAM, name="client") as client:
        server.bind(("127.0.0.1", 0))
        client.sendto(b"tea, please", server.getsockname())
        client.sendto(b"salt", server.getsockname())
        attempt(server.recv, 3)         # raises on Windows
        server.recv(1024)
    return timeline


def overtaken() -> Timeline:
    """Part 6: over a link that loses tea, doubles rice and lets it overtake salt."""
    timeline = Timeline()
    with timeline.socket(type=socket.SOCK_DGRAM, name="server") as server, \
         timeline.socket(type=socket.SOCK_DGRAM, name="client") as client:
        server.bind(("127.0.0.1", 0))
        with Link(server.getsockname(), loss=0.3, duplicate=0.3, reorder=0.3, seed=6, timeline=timeline) as link:
            for name in PRICES:
                client.sendto(name, link.address)
            for _ in range(3):
                server.recv(1024)
    return timeline


def asked_twice() -> Timeline:
    """Part 7: a client that asks again while the shop is only slow."""
    timeline = Timeline()
    with timeline.socket(type=socket.SOCK_DGRAM, name="shop") as shop, \
         timeline.socket(type=socket.SOCK_DGRAM, name="client") as client:
        shop.bind(("127.0.0.1", 0))
        client.connect(shop.getsockname())
        for questions in (b"tea", b"tea"), (b"salt",):
            for question in questions:
                client.send(question)
            for _ in questions:
                question, address = shop.recvfrom(1024)
                shop.sendto(PRICES[question], address)
            client.recv(1024)
    return timeline
