"""The picture: well-formed for any bytes and names, inside its width, with a complete text form."""

from __future__ import annotations

import re
import socket
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

import netlab
from netlab import diagram, style
from netlab.kernel import wait_until

NAMES = ["client", "<script>alert(1)</script>", 'a"b\'c&d', "\x00\x1b]0;x\x07", "ü" * 80]
DATA = [b"<b>not markup</b>", b"\x00\x01\xff\n\r\t", b"]]>&amp;", "héllo 世界".encode(), b"x" * 1_000_000]
SVG = "{http://www.w3.org/2000/svg}"


def story_of(rounds, name=None, data=b"ping", clients=1):
    timeline = netlab.Timeline(100_000)
    with netlab.serve(netlab.echo, timeline=timeline) as server:
        ends = [timeline.socket(name=name) for _ in range(clients)]
        for end in ends:
            end.connect(server.address)
        for _ in range(rounds):
            for end in ends:
                end.sendall(data)
                end.recv(len(data), socket.MSG_WAITALL)
        for end in ends:
            end.close()
    return timeline.story()


def check(story):
    root = ET.fromstring(diagram.svg(story))
    assert root.find(f"{SVG}desc").text == re.sub(r"[\x00-\x08\x0b-\x1f]", "\ufffd", diagram.text(story))
    for picture, width in ((root, diagram.WIDTH), (ET.fromstring(diagram.svg(story, width=style.NARROW)), style.NARROW)):
        assert int(picture.get("width")) == width and not list(picture.iter(f"{SVG}script"))
        mono = {diagram.WIDTH: 7.55, style.NARROW: 6.85}[width]
        for element in picture.iter(f"{SVG}text"):
            words = "".join(element.itertext())
            parts = [part for part in element.iter() if part.text]
            each = (5.8 if part.get("font-size") == "11.5" else 7 if part.get("font-weight") else mono for part in parts)
            wide = sum(len(part.text) * one for part, one in zip(parts, each))
            x, anchor = float(element.get("x")), element.get("text-anchor")
            left = {"start": x, "middle": x - wide / 2, "end": x - wide, None: x}[anchor]
            assert left > -2 and left + wide < width + 2, (width, words)
    return root


def words_of(story, **more):
    return ["".join(element.itertext()) for element in ET.fromstring(diagram.svg(story, **more)).iter(f"{SVG}text")]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("data", DATA, ids=range(len(DATA)))
@pytest.mark.usefixtures("no_leaks")
def test_hostile_names_and_bytes_are_words(name, data):
    timeline = netlab.Timeline()
    a, b = timeline.socketpair()
    timeline.name(a, name)
    with a, b:
        a.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
        a.setblocking(False)
        a.send(data)
        b.recv(100)
    check(timeline.story())


@pytest.mark.parametrize("rounds, clients", [(1, 1), (125, 1), (20, 7), (2500, 1), (3, 60)])
def test_any_length_fits_and_the_folding_says_how_often(rounds, clients):
    story = story_of(rounds, clients=clients)
    root = check(story)
    words = words_of(story)
    assert len(words) < 350 and float(root.get("viewBox").split()[3]) < 6000
    if rounds > 4 or clients > 4:
        assert any(re.search(r"the same [\d,]+ times more|rows are left out here", w) for w in words)
    shown = diagram.fold(story.rows)
    flat = [row for item in shown for row in (item.rows if isinstance(item, diagram.Fold) else [item])]
    assert flat == story.rows                   # nothing is lost, and nothing told twice


def test_the_same_story_gives_the_same_picture_and_a_panel_brings_its_own_colours():
    story = story_of(2)
    assert diagram.svg(story) == diagram.svg(story)
    alone, inside = diagram.svg(story), diagram.svg(story, standalone=False)
    assert "--nl-" not in alone and "prefers-color-scheme:dark" in alone
    assert "var(--nl-client,#0072b2)" in inside and not re.search(r"--nl-\w+:|prefers", inside)
    ET.fromstring(inside)


def test_nothing_recorded_is_an_empty_picture():
    story = netlab.Timeline().story()
    check(story)
    assert diagram.text(story) == "No bytes moved."


def x_of(root, *texts):
    """Where the names in the head stand."""
    found = {"".join(e.itertext()): float(e.get("x")) for e in root.iter(f"{SVG}text") if e.get("font-weight") == "600"}
    return [found[text] for text in texts]


def test_a_socket_keeps_its_place_and_side_while_the_story_grows():
    timeline = netlab.Timeline()
    seen = {}

    def look(*names):
        root = ET.fromstring(timeline.svg())
        lanes = {path.get("d").split()[0] for path in root.iter(f"{SVG}path") if path.get("stroke-width") == "2"}
        for name in names:
            (x,) = x_of(root, name)
            assert seen.setdefault(name, x < diagram.WIDTH / 2) == (x < diagram.WIDTH / 2), name
        return lanes

    with timeline.socket() as listener, timeline.socket(type=socket.SOCK_DGRAM, name="udp") as udp:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        udp.bind(("127.0.0.1", 0))
        look("server", "udp")
        udp.sendto(b"to nobody", ("127.0.0.1", 9))
        look("server", "udp")
        udp.sendto(b"to itself", udp.getsockname())
        udp.recvfrom(9)
        look("server", "udp")
        with timeline.socket() as client:
            client.connect(listener.getsockname())
            before = look("server", "udp", "client")
            connection, _ = listener.accept()
            with connection:
                after = look("server", "udp", "client", "connection")
                assert before <= after


def test_each_socket_has_a_lane_with_its_name_and_a_listener_looks_otherwise_than_its_connection():
    story = story_of(1, clients=3)
    root = check(story)
    names = ["server", "connection 1", "connection 2", "connection 3", "client 1", "client 2", "client 3"]
    assert len(set(x_of(root, *names))) == 7
    hollow = [path for path in root.iter(f"{SVG}path") if path.get("stroke-width") == "1.2"]
    assert len(hollow) == 1 and {end.name for end in story.endpoints} == set(names)
    assert words_of(story_of(1, clients=9))[-30:] and "5 more" in words_of(story_of(1, clients=9))


def lifelines(svg):
    """Where each ends, by its place from left to right, and the height of the drawing."""
    found = re.findall(r'd="M([\d.]+) [\d.]+V([\d.]+)["m]', svg)
    return [float(end) for _, end in sorted(found, key=lambda one: float(one[0]))]


def test_a_lifeline_ends_where_its_socket_is_closed():
    timeline = netlab.Timeline()
    with timeline.socket(name="open") as still, timeline.socket(name="closed") as sock:
        sock.close()
        still.bind(("127.0.0.1", 0))
        closed, still_open = sorted(lifelines(timeline.svg()))
        assert closed < still_open - 10
        with pytest.raises(OSError, match="Bad file|closed|socket"):
            sock.listen()               # its row stands below, and so its line goes on to it
        assert sorted(lifelines(timeline.svg()))[0] > closed
        assert len(set(lifelines(diagram.svg(timeline.story(), waiting=[("closed", "recv(…)")])))) == 1


def test_a_file_that_holds_a_closed_socket_holds_its_lifeline():
    timeline = netlab.Timeline()
    a, b = timeline.socketpair()
    with a, b, a.makefile("rb"):
        a.close()
        b.setblocking(False)
        assert len(set(lifelines(timeline.svg()))) == 1


@pytest.mark.parametrize("stop, waits", [(0.01, True), (0, False)])
def test_a_call_that_waited_in_vain_has_a_box(stop, waits):
    timeline = netlab.Timeline()
    a, b = timeline.socketpair()
    with a, b:
        a.settimeout(stop)
        with pytest.raises(OSError, match="timed out|unavailable|non-blocking"):
            a.recv(1)
    story = timeline.story()
    row = next(row for row in story.rows if row.failed)
    for error in (row.event.error, "WaitedTooLong" if waits else "OSError EBADF"):
        row.event = replace(row.event, error=error)
        boxes = len(re.findall('<rect [^>]*height="14"', diagram.svg(story)))
        assert boxes == waits == ("waited" in "".join(words_of(story)))


def test_nothing_is_cut_where_it_can_go_on_in_a_new_line():
    timeline = netlab.Timeline()
    with timeline.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for width in (diagram.WIDTH, style.NARROW):
        said = " ".join(words_of(timeline.story(), width=width))
        assert "SO_REUSEADDR" in said and "…" not in said


def test_a_call_that_waits_is_an_open_box_when_asked_for():
    timeline = netlab.Timeline()
    a, b = timeline.socketpair()
    with a, b:
        b.sendall(b"x")
        a.recv(1)
        plain = diagram.svg(timeline.story())
        waiting = diagram.svg(timeline.story(), waiting=[("client", "recv()")])
        assert "recv()waits" in "".join(words_of(timeline.story(), waiting=[("client", "recv()")]))
        open_box = re.compile(r'<path [^>]*d="M[\d.]+ [\d.]+V[\d.]+h10V[\d.]+"')
        assert open_box.search(waiting) and not open_box.search(plain) and timeline.svg(waiting=True) == plain


def test_without_its_sheet_a_drawing_has_all_its_light_colours():
    bare = re.sub(r"<style>.*?</style>| class=\"[^\"]*\"| style=\"[^\"]*\"", "", diagram.svg(story_of(1)))
    for element in ET.fromstring(bare).iter():
        name = element.tag.removeprefix(SVG)
        if name in ("path", "rect", "circle"):
            assert element.get("fill") or element.get("stroke"), ET.tostring(element)
            assert element.get("fill") != "#1f2328" and (name != "path" or element.get("fill")), ET.tostring(element)


CAPTIONS = [
    (1, 1, 'The client sent 4 bytes, the server answered with 4 bytes. The client had closed: recv() gave the connection b"".'),
    (1, 2, "Two clients sent 8 bytes, the server answered with 8 bytes. The server held two connections at the same time."),
]


def test_a_server_with_one_client_after_the_other():
    timeline = netlab.Timeline()
    with netlab.serve(netlab.echo, timeline=timeline) as server:
        for _ in range(2):
            with timeline.socket() as client:
                client.connect(server.address)
                client.sendall(b"x")
                client.recv(1)
    assert ' The server had one client after the other. Two clients had closed: recv() gave each peer b"". ' in timeline.caption()


def test_a_caption_names_the_one_client_of_several_that_spoke_or_ended():
    timeline = netlab.Timeline()
    with netlab.serve(netlab.echo, timeline=timeline) as server, timeline.socket() as first, timeline.socket() as second:
        for sock in (first, second):
            sock.connect(server.address)
        second.sendall(b"x")
        second.recv(1)
        second.close()
        wait_until(lambda: 'gave connection 2 b""' in timeline.caption())
        assert timeline.caption().startswith("Client 2 sent 1 byte, the server answered with 1 byte. ")
        assert " Client 2 had closed: recv() gave connection 2" in timeline.caption()


@pytest.mark.parametrize("rounds, clients, caption", CAPTIONS)
def test_captions_say_what_matters(rounds, clients, caption):
    assert story_of(rounds, clients=clients).caption.startswith(caption)


def test_a_caption_of_cut_bytes_of_lost_datagrams_and_of_errors():
    timeline = netlab.Timeline()
    a, b = timeline.socketpair()
    with a, b:
        a.sendall(b"one")
        a.sendall(b"two")
        b.recv(2)
        assert timeline.caption().endswith(" 4 bytes from the client are not received yet: the kernels keep them.")
        b.recv(4)
        assert timeline.caption() == "The client sent 6 bytes. Two sends, two recvs: TCP keeps no borders between sends."
    lossy = netlab.Timeline()
    with lossy.socket(type=socket.SOCK_DGRAM) as server, lossy.socket(type=socket.SOCK_DGRAM) as client:
        server.bind(("127.0.0.1", 0))
        client.sendto(b"first", server.getsockname())
        server.recvfrom(9)
        client.sendto(b"second", server.getsockname())
        with pytest.raises(OSError):
            server.listen()
    assert "One datagram was sent and never received. listen() raised OSError" in lossy.caption()


def test_colours_hold_on_their_surface():
    def light(colour):
        parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
        r, g, b = (c / 12.92 if c <= .04045 else ((c + .055) / 1.055) ** 2.4 for c in parts)
        return .2126 * r + .7152 * g + .0722 * b

    for mode in (0, 1):
        ground = light(style.COLOURS["surface"][mode])
        for name in ("ink", "soft", "client", "server", "good", "error"):
            a, b = sorted((ground, light(style.COLOURS[name][mode])))
            assert (b + .05) / (a + .05) >= 4.5, (name, mode)
