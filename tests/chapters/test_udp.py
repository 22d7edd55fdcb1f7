"""Chapter 05: its questions are asked, and what its prose says of a kernel, and no cell shows, is so."""
import re
import select
import socket
import time
from pathlib import Path

import nbformat
import pytest

from netlab import kernel, serve_udp
from netlab.chapters.udp.tools import bound_socket, nobody

CHAPTER = Path(__file__).parents[2] / "notebooks" / "05_udp.ipynb"
CODE = {cell.id: cell.source for cell in nbformat.read(CHAPTER, as_version=4).cells if cell.cell_type == "code"}
UDP = socket.SOCK_DGRAM
on_linux = pytest.mark.skipif(not kernel.LINUX, reason="the answers of Linux")


# What the text says of Linux, and no cell shows

@on_linux
@pytest.mark.parametrize("call", [lambda sock: sock.send(b"salt"), lambda sock: sock.recv(1024)])
def test_the_next_call_is_told_that_nobody_is_there_whichever_it_is_and_once(call):
    with bound_socket() as client:
        client.connect(nobody())
        client.send(b"tea")
        assert select.select([client], [], [], 5)[0]        # the news is there
        with pytest.raises(ConnectionRefusedError):
            call(client)
        assert client.send(b"rice") == 4


@on_linux
def test_who_has_not_connected_is_told_nothing():
    address = nobody()
    with bound_socket(0.05) as client:
        for _ in range(3):
            assert client.sendto(b"tea", address) == 3
            with pytest.raises(TimeoutError):
                client.recv(1024)


@on_linux
def test_connect_keeps_out_strangers_but_not_what_they_sent_before():
    with bound_socket() as server, bound_socket() as stranger, bound_socket(0.05) as client:
        stranger.sendto(b"before", client.getsockname())
        client.connect(server.getsockname())
        stranger.sendto(b"after", client.getsockname())
        assert client.recv(1024) == b"before"
        with pytest.raises(TimeoutError):
            client.recv(1024)


@on_linux
def test_another_connect_gives_another_peer():
    with bound_socket() as one, bound_socket() as two, bound_socket() as client:
        for server in one, two:
            client.connect(server.getsockname())
            client.send(b"tea")
            assert server.recv(1024) == b"tea" and client.getpeername() == server.getsockname()


@on_linux
def test_the_usual_buffer_holds_a_few_hundred_short_datagrams():
    with bound_socket() as server, bound_socket() as client:
        if server.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) != 212_992:
            pytest.skip("this machine has another buffer")
        for _ in range(2000):
            client.sendto(b"tea", server.getsockname())
        assert 200 < 2000 - kernel.dropped(server) < 999


# The functions that the chapter builds

@pytest.fixture
def built():
    """What its cells define, and no conversation."""
    names = {"time": time, "price_of": lambda data, address: b"3", "stock": {b"salt": 10}}
    for cell in "lookup", "sold", "cure":
        exec(re.split(r"^(?=with |stock = )", CODE[cell], flags=re.MULTILINE)[0], names)
    return names


def test_answers_to_throw_away_do_not_begin_the_waiting_anew(built):
    def chatter(data, address):
        server.socket.sendto(b"0 99", address)
        server.later(0.02, chatter, data, address)

    with serve_udp(chatter) as server, bound_socket() as client:
        client.connect(server.address)
        start = time.monotonic()
        with pytest.raises(TimeoutError, match="was sent 2 times"):
            built["lookup"](client, b"tea", 7, seconds=0.05, tries=2)
        assert time.monotonic() - start < 2, "0.15 s, and not for ever"


def test_the_same_number_of_another_client_is_another_order(built):
    sell, ann, ben = built["sell_once"], ("127.0.0.1", 1), ("127.0.0.1", 2)
    for address in ann, ann, ben:
        assert sell(b"1 sell salt", address) == b"1 sold"
    assert sell(b"2 sell salt", ann) == b"2 sold"
    assert built["stock"] == {b"salt": 7}
