"""The replay of a stream: at each step sent = received + what lies between, and both drawings have shapes for it."""
import json
import re
import threading
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings, strategies as st

from netlab import Timeline
from netlab.framing import Delimiter, FixedLength, FramingError, LengthPrefix
from netlab.kernel import receive_queue, wait_until
from netlab.replay.player import Replay
from netlab.replay.values import Piece, size_of
from netlab.teach import diagnose
from netlab.teach.cuts import cuts, cuts_fed, cuts_of
from netlab.teach.stream import stop

SVG = "{http://www.w3.org/2000/svg}"
ONE = Piece(b"x", 1, 0)
PRICES = [b"3", b"12", b"250"]
DECODERS = st.sampled_from([lambda: Delimiter(), lambda: Delimiter(b"\r\n"), lambda: LengthPrefix(1), lambda: LengthPrefix(4),
                            lambda: FixedLength(3)])
SIZES = st.lists(st.integers(0, 70), max_size=14)


def said(picture):
    return [step.says for step in picture.steps]


def shapes(svg):
    """{step: the shapes that belong to it}, [(step of the group, step that takes it away)]."""
    found, gone = {}, []
    for node in ET.fromstring(svg).iter():
        if "data-step" in node.attrib:
            step = int(node.get("data-step"))
            found.setdefault(step, []).append(node)
            gone += [(step, int(each.get("data-until"))) for each in node.iter() if "data-until" in each.attrib]
    return found, gone


def check_drawings(picture):
    count = len(picture.steps)
    for svg in (picture.svg, picture.narrow):
        found, gone = shapes(svg)
        assert sorted(found) == list(range(1, count + 1))
        for step, nodes in found.items():
            marks = [node for node in nodes if node.get("data-mark")]
            assert marks and all(node.get("fill") == "none" and float(node.get("data-at")) > 0 for node in marks), step
            many = re.search(r">of [\d,]+ (send|frame)", svg)         # there may be a box for calls without room
            assert any(not node.get("data-mark") for node in nodes) or many
        assert all(step + (not picture.stream.fed) <= until <= count for step, until in gone)
    assert len(ET.fromstring(picture.svg).findall(f".//{SVG}*[@data-step]//*[@data-step]")) == 0, "none within another"


def check_bytes(picture):
    """What lies between, step by step, told by the calls of the plan alone."""
    stream, sent, taken = picture.stream, 0, 0
    wire = b"".join(send.data for send in stream.sends)
    owner = [send.send for send in stream.sends for _ in range(send.size)]
    for calls, step in zip(picture.plan.steps, picture.steps, strict=True):
        for word, n in calls:
            sent = max(sent, stop(stream.sends[n])) if word == "send" else sent
            taken = stop(stream.recvs[n]) if word == "recv" else taken
        [scene] = step.scenes
        lie = scene.ways[0].pieces
        assert sent == taken + size_of(lie) and b"".join(piece.data for piece in lie) == wire[taken:sent]
        assert [piece.send for piece in lie for _ in range(piece.size)] == owner[taken:sent]
        assert scene.left.state.startswith(f"sent {sent:,} byte" if sent else "sent nothing")
        assert scene.right.state.startswith(f"received {taken:,} byte" if taken else "received nothing")
    assert sent == len(wire) and taken == stream.taken


def cut(wire, sizes):
    pieces = []
    for size in sizes:
        pieces += [wire[:size]] * bool(wire[:size])
        wire = wire[size:]
    return pieces


def test_two_bytes_at_a_time():
    assert said(cuts(PRICES, [b"31", b"22", b"50", b""], asked=[2, 2, 2])) == [
        'Send 1 puts 1 byte in: b"3". Now 1 byte lies in the kernels.',
        'Send 2 puts 2 bytes in: b"12". Now 3 bytes lie in the kernels.',
        'Send 3 puts 3 bytes in: b"250". Now 6 bytes lie in the kernels.',
        'Recv 1 asks for at most 2 bytes and takes 2 of the 6 bytes: b"31", all of send 1 and the first byte of send 2. '
        '4 bytes stay.',
        'Recv 2 asks for at most 2 bytes and takes 2 of the 4 bytes: b"22", the last byte of send 2 and the first byte of '
        'send 3. 2 bytes stay.',
        'Recv 3 asks for at most 2 bytes and takes all there is, 2 bytes: b"50", the last 2 bytes of send 3. Nothing stays.',
        'Recv 4 gets b"": the sender has ended the stream.']


def test_names_and_where_the_bytes_are():
    [scene] = cuts(PRICES, [b"312"], names=("customer", "till")).steps[3].scenes
    assert (scene.left.name, scene.left.side, scene.left.state) == ("customer", "client", "sent 6 bytes in 3 sends")
    assert (scene.right.name, scene.right.side, scene.right.state) == ("till", "server", "received 3 bytes in 1 recv")
    assert [(way.label, [(piece.data, piece.send) for piece in way.pieces]) for way in scene.ways] == [
        ("in the kernels", [(b"250", 2)])]
    [scene] = cuts([b"a"], []).steps[0].scenes
    assert (scene.left.name, scene.right.name, scene.right.state) == ("sender", "receiver", "received nothing")


def test_empty_sends_are_told_and_have_no_step_of_their_own():
    picture = cuts([b"", b"3", b"", b"12", b"", b""], [b"312"])
    assert said(picture)[:2] == [
        'Send 2 puts 1 byte in: b"3". Now 1 byte lies in the kernels. (Send 1, of no bytes, left nothing in the stream.)',
        'Send 4 puts 2 bytes in: b"12". Now 3 bytes lie in the kernels. (Send 3, send 5 and send 6, of no bytes, left nothing '
        'in the stream.)']
    check_drawings(picture)
    assert picture.steps[1].scenes[0].left.state == "sent 3 bytes in 6 sends"


@settings(deadline=None)
@given(SIZES, SIZES, st.integers(0, 2), st.booleans())
def test_at_each_step_sent_is_received_and_what_lies_between(sizes, reads, ends, long):
    sends = [bytes(97 + (n + at) % 26 for at in range(size)) for n, size in enumerate(sizes)] + [b"z" * 3000] * long
    picture = cuts(sends, cut(b"".join(sends), reads) + [b""] * ends)
    check_bytes(picture)
    check_drawings(picture)


@settings(deadline=None, max_examples=15)
@given(st.integers(30, 200), st.integers(1, 6), st.integers(0, 200))
def test_calls_that_have_no_room_are_one_step(count, size, reads):
    sends = [b"tea 3 "[:size] for _ in range(count)]
    picture = cuts(sends, cut(b"".join(sends), [5] * reads))
    check_bytes(picture)
    check_drawings(picture)
    calls = [call for calls in picture.plan.steps for call in calls]
    assert calls == [("send", n) for n in range(count)] + [("recv", n) for n in range(len(picture.stream.recvs))]


def test_a_thousand_sends_are_few_steps():
    picture = cuts([b"tea\n"] * 1000, [b"tea\n" * 5] * 150)
    assert len(picture.steps) < 60
    assert re.fullmatch(r"Sends 3\d to 1,000 put 3,8\d\d bytes in; the picture has no room for them one by one. "
                        r"Now 4,000 bytes lie in the kernels.", said(picture)[len(picture.steps) - 9])
    assert re.fullmatch(r"Recvs \d to 150 take 2,8\d\d bytes out; the .* Now 1,000 bytes lie in the kernels.", said(picture)[-1])
    assert said(cuts([b"tea\n"] * 1000, [b"tea\n" * 5] * 200))[-1].endswith("no room for them one by one. Nothing stays.")


def test_what_a_recv_takes_is_empty_from_its_step_on():
    for svg in (cuts(PRICES, [b"31", b"2250"]).svg, cuts(PRICES, [b"31", b"2250"]).narrow):
        assert shapes(svg)[1] == [(1, 4), (2, 4), (2, 5), (3, 5)]       # 3 | 1 2 | 250: steps 1 to 3 bring, 4 and 5 take
        assert "data-until" not in cuts(PRICES, []).svg
        rects = [node for node in ET.fromstring(svg).iter(f"{SVG}rect") if "data-until" in node.attrib]
        assert all(node.get("fill-opacity") == ".18" and node.get("fill") != "none" for node in rects), "full, standing still"


def test_the_words_of_the_picture_come_when_they_are_true():
    steps = {node.text: step for step, nodes in shapes(cuts(PRICES, [b"312"], note="A note.").svg)[0].items()
             for group in nodes for node in group.iter(f"{SVG}text") if " " not in (node.get("x") or "")}
    assert steps["sent: 3 sends, 6 bytes"] == 3 and steps["send 2"] == 2
    assert steps["recv 1"] == steps["A note."] == steps["received: 1 recv, 3 bytes; 3 bytes not yet received"] == 4


# --- with a decoder ---------------------------------------------------------------------------------------------------
@settings(deadline=None)
@given(DECODERS, st.lists(st.binary(max_size=12), max_size=6), SIZES, st.binary(max_size=3))
def test_a_decoder_is_fed_with_what_the_recvs_took(make, messages, reads, rest):
    sends = []
    for message in messages:
        try:
            sends.append(make().encode(message))
        except FramingError:
            pass
    sends += [rest] * bool(rest)
    decoder = make()
    recvs = cut(b"".join(sends), [size // 5 for size in reads])
    picture, real, given, place = cuts(sends, recvs, framing=decoder), make(), [], 0
    check_drawings(picture)
    check_bytes(picture)
    assert decoder.pending == b""
    for (calls, step) in zip(picture.plan.steps, picture.steps, strict=True):
        for word, n in calls:
            if word == "recv":
                given += real.feed(recvs[n])
                place += len(recvs[n])
        if recvs:
            _, pending = step.scenes[0].ways
            assert b"".join(piece.data for piece in pending.pieces) == real.pending and pending.label == "pending in the decoder"
            state = step.scenes[0].right.state
            assert f"; {len(given)} message{'s' * (len(given) != 1)}" in state if given else "no message yet" in state


@pytest.mark.parametrize("decoder, sends, places", [
    (Delimiter(), [b"tea\n", b"\n", b"salt"], {3, 4}), (Delimiter(b"\r\n"), [b"a\r\n\r"], {1, 2}),
    (LengthPrefix(2), [b"\0\3tea", b"\0\0", b"\0\4sa"], {0, 1, 5, 6, 7, 8}), (LengthPrefix(1), [b"\1\1"], {0}),
    (LengthPrefix(4), [b"\0\0"], {0, 1}), (FixedLength(3), [b"teasal"], set())])
def test_the_framing_of_a_decoder_is_underlined(decoder, sends, places):
    assert cuts(sends, [], framing=decoder).stream.framing == places


def test_feed_by_feed():
    picture = cuts_fed(LengthPrefix(4), [b"\0\0\0\5te", b"a 3\0\0", b"\0\4wi", b""])
    assert said(picture) == [
        r'Feed 1 brings 6 bytes: b"\x00\x00\x00\x05te". The decoder gives nothing yet and keeps 6 bytes.',
        r'Feed 2 brings 5 bytes: b"a 3\x00\x00". The decoder gives b"tea 3" and keeps 2 bytes.',
        r'Feed 3 brings 4 bytes: b"\x00\x04wi". The decoder gives nothing yet and keeps 6 bytes.',
        'The stream ends. 6 bytes pending: the last message is not whole.']
    [scene] = picture.steps[1].scenes
    assert (scene.left.state, scene.right.state) == ("2 pieces, 11 bytes", '1 message: b"tea 3"')
    assert [piece.data for piece in scene.ways[0].pieces] == [b"\0\0"]
    assert picture.text.splitlines()[0] == ("Bytes of one stream. stream: 1 frame and the beginning of one, 15 bytes. "
                                            "LengthPrefix: 3 feeds, 15 bytes; then the stream ended.")
    check_drawings(picture)
    [many] = said(cuts_fed(Delimiter(b","), [b"a,b,c,d,e,"]))
    assert many.endswith('The decoder gives b"a", b"b", b"c" and 2 more and keeps nothing.')
    assert said(cuts_fed(Delimiter(), [b"a\n", b""]))[-1] == "The stream ends."


@settings(deadline=None)
@given(DECODERS, st.lists(st.binary(max_size=40), max_size=9))
def test_any_pieces_are_fed(make, pieces):
    pieces, real, given, fed, fault = [piece for piece in pieces if piece], make(), [], 0, False
    picture = cuts_fed(make(), pieces)
    check_drawings(picture)
    assert b"".join(frame.data for frame in picture.stream.sends) == b"".join(pieces)
    steps = iter(zip(picture.plan.steps, picture.steps, strict=True))
    for calls, step in steps:
        for _, n in calls:
            fed += len(pieces[n])
            try:
                given += real.feed(pieces[n])
            except FramingError as error:
                given += error.messages * (not fault)
                fault = True
        [scene] = step.scenes
        [pending] = scene.ways
        if not fault:
            assert b"".join(piece.data for piece in pending.pieces) == real.pending
        else:
            assert pending.label == "given up" and "the stream up" in step.says
        assert scene.right.state.startswith(f"{len(given)} message" if given else "no message yet")
        assert f"{fed:,} byte" in scene.left.state


def test_a_frame_has_its_colour_and_is_empty_when_it_is_given():
    picture = cuts_fed(Delimiter(), [b"te", b"a\nmi", b"lk\nsa"])
    assert shapes(picture.svg)[1] == [(1, 2), (2, 2), (2, 3), (3, 3)]       # tea\n | milk\n | sa stays
    above = {node.text: step for step, nodes in shapes(picture.svg)[0].items() for group in nodes
             for node in group.iter(f"{SVG}text") if (node.text or "").startswith("frame")}
    assert above == {"frame 1": 2, "frame 2": 3}        # "3" alone has room above the last


def test_a_stream_that_is_given_up():
    picture = cuts_fed(LengthPrefix(4, max_size=100), [b"\0\0\0\5tea 3\xff\xff", b"\xff\xffxy", b"more"])
    assert said(picture)[1:] == [
        r'Feed 2 brings 4 bytes: b"\xff\xffxy". The decoder gives the stream up: the next message says that it has 4294967295 '
        'bytes, and at most 100 are allowed.', 'Feed 3 brings 4 bytes: b"more". The decoder has given the stream up.']
    assert picture.steps[2].scenes[0].ways[0].label == "given up" and "The decoder gave the stream up" in picture.text


def test_what_is_no_decoder_is_refused():
    used = LengthPrefix(2)
    used.feed(b"\0")
    with pytest.raises(ValueError, match="has been fed already"):
        cuts_fed(used, [b"a"])
    with pytest.raises(ValueError, match="has been fed already"):
        cuts([b"a"], [b"a"], framing=used)
    with pytest.raises(TypeError, match="a decoder is a Delimiter, a LengthPrefix or a FixedLength"):
        cuts_fed(print, [b"a"])
    with pytest.raises(TypeError, match="lists of bytes"):
        cuts_fed(Delimiter(), ["a"])
    with pytest.raises(ValueError, match="after an empty recv"):
        cuts_fed(Delimiter(), [b"a", b"", b"b"])


# --- of a recording ---------------------------------------------------------------------------------------------------
def test_a_recording_is_told_in_its_order_with_what_was_asked_for():
    timeline = Timeline()
    customer, till = timeline.socketpair()
    timeline.name(customer, "customer")
    timeline.name(till, "till")
    with customer, till:
        customer.sendall(b"3")
        till.recv(1024)
        customer.sendall(b"12")
        customer.sendall(b"250")
        wait_until(lambda: receive_queue(till) == 5)
        till.recv(3)
        till.sendall(b"ok")
        customer.recv(2)
        customer.close()
        till.recv(8)
        till.recv(8)
    picture = cuts_of(timeline, "customer")
    assert [re.match(r"\w+ \d", words)[0] for words in said(picture)] == [
        "Send 1", "Recv 1", "Send 2", "Send 3", "Recv 2", "Recv 3", "Recv 4"]
    assert said(picture)[1] == ('Recv 1 asks for at most 1,024 bytes and takes all there is, 1 byte: b"3", all of send 1. '
                                'Nothing stays.')
    check_bytes(picture)
    check_drawings(picture)
    [scene] = cuts_of(timeline, "till").steps[0].scenes
    assert {scene.left.side, scene.right.side} == {"client", "server"} and scene.left.name == "till"
    assert scene.left.side != picture.steps[0].scenes[0].left.side, "each keeps its colour"


def test_the_line_of_each_call_is_lit(tmp_path):
    text = """a, b = timeline.socketpair()
with a, b:
    a.sendall(b"3")
    a.sendall(b"12")
    print(b.recv(2))
    b.sendall(b"ok")
    a.recv(2)
"""
    path = tmp_path / "talk.py"
    path.write_text(text)
    names = {"__name__": "__main__", "timeline": Timeline(), "print": bytes}
    exec(compile(text, str(path), "exec"), names)
    shown = cuts_of(names["timeline"], "client").replay()
    assert [shown.code[step.line[0]].lines[step.line[1] - 1].strip() for step in shown.steps] == [
        'a.sendall(b"3")', 'a.sendall(b"12")', "print(b.recv(2))"]
    assert [step.line for step in cuts(PRICES, []).steps] == [None] * 3


def check_sums(picture):
    """Sent is received and what lies between, by the numbers alone: a recording keeps only the beginning of long calls."""
    for step in picture.steps:
        [scene] = step.scenes
        sent, took = (int(re.search(r" ([\d,]+) byte", place.state)[1].replace(",", "")) if " byte" in place.state else 0
                      for place in (scene.left, scene.right))
        assert sent == took + size_of(scene.ways[0].pieces) and min(piece.size for piece in (*scene.ways[0].pieces, ONE)) > 0


def test_a_send_that_waits_is_told_before_the_recvs_that_let_it_go():
    timeline = Timeline()
    a, b = timeline.socketpair()
    with a, b:
        a.sendall(b"first")
        b.recv(2)
        sender = threading.Thread(target=a.sendall, args=(bytes(9_000_000),), name="sender", daemon=True)
        sender.start()
        wait_until(timeline.pending)
        came = len(b.recv(3))
        while came < 9_000_000:
            came += len(b.recv(1_000_000))
        sender.join()
    picture = cuts_of(timeline)
    assert [re.match(r"\w+ \d", words)[0] for words in said(picture)][:5] == ["Send 1", "Recv 1", "Recv 2", "Send 2", "Recv 3"]
    assert said(picture)[3].endswith("Now 9,000,000 bytes are not received yet."), "some are in the program still"
    assert picture.steps[3].scenes[0].ways[0].label == "not received yet"
    check_sums(picture)
    check_drawings(picture)


@settings(deadline=None, max_examples=12)
@given(st.lists(st.sampled_from([1, 3, 40, 5000, 3_000_000]), min_size=1, max_size=6),
       st.lists(st.sampled_from([1, 2, 7, 4096, 2_000_000]), min_size=1, max_size=9))
def test_conversations_of_chance(sizes, reads):
    timeline = Timeline()
    a, b = timeline.socketpair()
    with a, b:
        def send():
            for size in sizes:
                a.sendall(bytes(size))
            a.close()

        sender = threading.Thread(target=send, name="sender", daemon=True)
        sender.start()
        for size in reads:
            if not b.recv(size):
                break
        while b.recv(10_000_000):
            pass
        sender.join()
    picture = cuts_of(timeline)
    check_sums(picture)
    check_drawings(picture)
    assert picture.steps[-1].scenes[0].right.state.startswith(f"received {sum(sizes):,} byte")


# --- as it is shown ---------------------------------------------------------------------------------------------------
def test_it_shows_itself_closed_and_opens():
    picture = cuts(PRICES, [b"31"])
    bundle, opened = picture._repr_mimebundle_(), picture.replay()
    assert bundle["text/html"].startswith("<netlab-replay><picture>") and bundle["text/plain"] == picture.text
    assert bundle == cuts(PRICES, [b"31"])._repr_mimebundle_(), "the same each time"
    assert isinstance(opened, Replay) and "<netlab-replay opened" in opened.html()
    assert repr(opened).splitlines()[0] == '  1  Send 1 puts 1 byte in: b"3". Now 1 byte lies in the kernels.'
    data = json.loads(re.search(r'<script type="application/json">(.*?)</script>', bundle["text/html"])[1])
    assert [step[0] for step in data["steps"]] == said(picture)


def test_without_bytes_there_is_nothing_to_step_through():
    for picture in (cuts([], []), cuts([b""], [])):
        assert picture._repr_mimebundle_()["text/html"].startswith("<picture>")
        with pytest.raises(ValueError, match="no byte was moved here"):
            picture.replay()
    assert said(cuts([], [b""])) == ['Recv 1 gets b"": the sender has ended the stream.']
    check_drawings(cuts([], [b""]))


def test_received_bytes_are_data():
    evil = b"</script><img src=x onerror=alert(1)>"
    html = cuts([evil], [evil]).replay().html()
    assert html.count("</script>") == 2 and "<img src=x" not in html


def test_a_hundred_calls_are_small():
    sends = [b"message %02d" % n for n in range(50)]
    picture = cuts(sends, sends)
    assert len(picture._repr_mimebundle_()["text/html"]) < 300_000


def test_a_diagnosis_can_be_stepped_through():
    def one_recv(conn, address):
        while data := conn.recv(1024):
            conn.sendall(data.rstrip().upper() + b"\n")

    found = diagnose(one_recv)
    assert found.kind and found._repr_html_().count("<netlab-replay><picture>") == 1
    assert said(found.picture) == [
        'Send 1 puts 4 bytes in: b"tea\\n". Now 4 bytes are on the way.',
        'Recv 1 asks for at most 1,024 bytes and takes all that has come, 1 byte: b"t", the first byte of send 1. '
        '3 bytes are on the way.',
        'Recv 2 asks for at most 1,024 bytes and takes all that has come, 3 bytes: b"ea\\n", the last 3 bytes of send 1. '
        'Nothing stays.',
        'Recv 3 gets b"": the sender has ended the stream.']


@settings(deadline=None)
@given(SIZES, SIZES, SIZES)
def test_a_stream_that_comes_in_pieces(sizes, parts, reads):
    """What has come is never less than what was taken, and a recv takes of one piece."""
    sends = [bytes(97 + n % 26 for _ in range(size)) for n, size in enumerate(sizes)]
    wire = b"".join(sends)
    pieces = cut(wire, [*parts, len(wire)])
    recvs = [part for piece in pieces for part in cut(piece, [*reads, len(piece)])]
    picture = cuts(sends, recvs, pieces=pieces)
    check_drawings(picture)
    ends = {sum(map(len, pieces[:n])) for n in range(len(pieces) + 1)}
    for calls, step in zip(picture.plan.steps, picture.steps, strict=True):
        way, kernel = step.scenes[0].ways
        come = len(wire) - size_of(way.pieces)
        taken = come - size_of(kernel.pieces)
        if calls[-1][0] == "recv":
            assert come in ends and taken == stop(picture.stream.recvs[calls[-1][1]])
            assert b"".join(piece.data for piece in (*kernel.pieces, *way.pieces)) == wire[taken:]
        else:
            assert kernel.pieces == ()
