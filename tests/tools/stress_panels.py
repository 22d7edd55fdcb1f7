"""Random actions of a hostile reader on TcpPanel and NetworkPanel; what they say is compared with what the kernels have.

    PYTHONPATH=tests:tests/tools python tests/tools/stress_panels.py [actions]     part of `make stress`
"""
import random
import re
import socket
import sys
import threading
from contextlib import suppress

from hands import Hand

from netlab import kernel
from netlab.network import Network
from netlab.network.map import impairment
from netlab.panels import NetworkPanel, TcpPanel, exchange
from netlab.sockets import PLAIN

TEXTS = ["", "0", "7", "1024", "70000", "abc", "127.0.0.1", "::1", "00 ff", "\ud83d", "<b>", "hello", "x" * 70_000]


def act(hand, chance):
    """One thing that a reader can do: a text, a choice, a button, a message that no page sends."""
    dice, page = chance.random(), hand.page()
    if dice < 0.15:
        hand.type(chance.choice([each["aria-label"] for each in page.find_all("input")]), chance.choice(TEXTS))
    elif dice < 0.25:
        select = chance.choice(page.find_all("select"))
        with suppress(AssertionError):      # the list has changed meanwhile
            hand.choose(select["aria-label"], chance.choice(select.find_all("option"))["value"])
    elif dice < 0.28:
        hand.send(chance.choice([None, {}, {"do": "recv", "fields": 7}, {"do": "choose", "about": "99"}, {"do": "serve"}]))
    else:
        hand.press(chance.choice(page.find_all("button")))


def peek(sock):
    """The bytes that lie in a socket's receive queue."""
    with suppress(OSError):
        return PLAIN.recv(sock, 1 << 22, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    return b""


def truth(panel):
    """Of each client what the kernel has: its state, the bytes on the way to the server and to it."""
    found = {}
    for client in list(panel.clients):
        state = "no socket yet" if client.sock is None else "closed" if client.sock.fileno() < 0 else kernel.state(client.sock)
        ways = None
        if client.sock is not None and client.connected and state != "closed":
            own = PLAIN.getsockname(client.sock)
            ends = [link.conn for link in list(panel._links) if link.peer == own]
            up = b"".join(map(peek, ends)) if ends else b"?" * (kernel.send_queue(client.sock) or 0)
            ways = len(up), len(peek(client.sock)), up[:1] if ends else b"", peek(client.sock)[:1] if ends else b""
        found[client.key] = state, ways
    return found


def shown(hand):
    """The same as the panel says it."""
    found = {}
    for row in hand.page("stage").find_all("div", class_="nl-conversation"):
        sizes, first = [0, 0], [b"", b""]
        for way in row.find_all("div", class_="nl-way"):
            words = way.get_text(" ")
            if number := re.search(r"([\d,]+) bytes?, not received yet", words):
                n = "to the client" in words
                sizes[n] = int(number[1].replace(",", ""))
                code = re.search(r"^([0-9a-f]{2})(?:..)*$", way.find_all("text")[1].get_text()) if way.find("svg") else None
                first[n] = bytes.fromhex(code[1]) if code else b""
        known = "no connection" not in row.get_text()
        found[row["data-key"]] = row.find("span", class_="nl-chip").get_text(), (*sizes, *first) if known else None
    return found


def agree(hand):
    """Wait until what the panel shows is what the kernel has; AssertionError where it never is."""
    panel = hand.panel

    def same():
        doing = [kind for each in list(panel.clients) for kind in panel.pending(each)]
        if panel.pending(panel) or set(doing) - {"recv", "send"}:
            return False
        server, words = panel.server, hand.text("stage")
        if (f"port {server.port}" if server else "server stopped") not in words:
            return False
        if any("send" in client.doing for client in list(panel.clients)):
            return True                     # bytes move: nothing is fixed
        true, said = truth(panel), shown(hand)
        if true.keys() != said.keys():
            return False
        for key, (state, ways) in true.items():
            words, drawn = said[key]
            if state != words or (ways is None) != (drawn is None):
                return False
            if ways and (ways[:2] != drawn[:2] or any(b and a != b for a, b in zip(ways[2:], drawn[2:]))):
                return False
        return True
    try:
        kernel.wait_until(same, 5)
    except TimeoutError:
        raise AssertionError(f"the kernel has {truth(panel)}, the panel says {shown(hand)}") from None
    for client in list(panel.clients):      # what was listed as sent has left, and what was received had been sent
        link = panel._link(client)
        if link is not None and client.open and "send" not in client.doing and link.conn.fileno() >= 0:
            assert client.sock.sent >= link.conn.received and link.conn.sent >= client.sock.received


def agree_on_the_network(hand):
    """Wait until the map shows the cables as they are, and no exchange runs; AssertionError where it never is so."""
    panel = hand.panel

    def same():
        if panel.pending("exchange") or panel.pending("cables") or panel.pending(panel):
            return False
        if panel.network is None:
            return True
        shown = hand.page("stage").find("desc").get_text().splitlines()
        return all(f"{cable.name}: {', '.join(filter(None, ['cut' * cable.is_cut, impairment(cable)])) or 'whole'}" in
                   [line.partition("; ")[0] for line in shown] for cable in panel.network.cables)
    try:
        kernel.wait_until(same, 20)
    except TimeoutError:
        raise AssertionError(f"the panel shows {hand.text('stage')}") from None


def hostile(hand, chance, actions, agree=agree):
    """So many actions; now and then everything comes to rest, and must be true."""
    for _ in range(actions):
        act(hand, chance)
        if chance.random() < 0.3:
            agree(hand)
    agree(hand)
    assert "an error of its own" not in hand.text(), hand.text("said")


def main(actions=3000):
    from conftest import left_behind, open_files
    unseen = []
    threading.excepthook = lambda what: unseen.append(what.exc_value)
    exchange.LIMIT = 0.2
    panels = [(TcpPanel, agree)] + [(NetworkPanel, agree_on_the_network)] * (not Network.why())
    for seed in range(actions // 30):
        make, judge = panels[seed % len(panels)]
        before = set(threading.enumerate()), open_files()
        with make() as panel:
            hostile(Hand(panel), random.Random(seed), 30, judge)
        assert not (left := left_behind(*before)), left
    assert not unseen, unseen
    print(f"{actions:,} hostile actions: 0 tracebacks, 0 left behind, all that was said was true")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
