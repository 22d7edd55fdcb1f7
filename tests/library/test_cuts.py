"""netlab.teach.cuts: every byte once and in its send's colour, brackets where the calls cut, and the same in words."""
import itertools
import re
import time
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings, strategies as st

from netlab import Timeline
from netlab.kernel import receive_queue, wait_until
from netlab.style import MESSAGES
from netlab.teach.cuts import HIGH, ROWS, cuts, cuts_of, cuts_svg
from netlab.teach.strip import CELL

SVG = "{http://www.w3.org/2000/svg}"
SENDS = [b"hello,", b"world,", b"how,", b"are you?"]
RECVS = [b"hello,w", b"orld,ho", b"w,are y", b"ou?"]


def boxes(svg):
    """[(x, y, colour, character)], one for each byte that is shown, in the order of the stream."""
    found = []
    for row in ET.fromstring(svg).iter(f"{SVG}g"):
        if "transform" not in row.attrib or row.get("text-anchor") != "middle":
            continue
        left, top = map(float, re.findall(r"[\d.]+", row.get("transform")))
        for group in row.iter(f"{SVG}g"):
            if "data-key" not in group.attrib:
                continue
            shape, letters, digits = group if group.find(f"{SVG}path") is not None else (None, None, None)
            if shape is not None:
                at = float(re.search(r"translate\(([\d.]+)", group.get("transform"))[1])
                data, places = bytes.fromhex(digits.text), map(float, letters.get("x").split())
                assert len(data) == len(letters.text) == shape.get("d").count("M")
                found += [(left + at + x, top, shape.get("stroke"), value) for x, value in zip(places, data)]
    return found


def brackets(svg, stroke=None):
    """[(x1, y, x2)] of the brackets, below where no colour is named, in rows."""
    paths = [(node.get("d"), node.get("stroke")) for node in ET.fromstring(svg).iter(f"{SVG}path")
             if node.get("stroke-width") == "2"]
    found = [re.match(r"M([\d.]+) ([\d.]+)(?:v-?6)?H([\d.]+)", d) for d, colour in paths
             if (colour == "#1f2328") == (stroke is None)]
    return [tuple(map(float, each.groups())) for each in found]


def words(svg):
    return [node.text for node in ET.fromstring(svg).iter(f"{SVG}text")]


def test_each_byte_stands_in_the_colour_of_its_send_and_each_call_has_its_bracket():
    picture = cuts(SENDS, RECVS)
    for svg in (picture.svg, picture.narrow):
        shown = boxes(svg)
        assert bytes(value for *_, value in shown) == b"".join(SENDS)
        assert [colour for _, _, colour, _ in shown] == [MESSAGES[n] for n, data in enumerate(SENDS) for _ in data]
    said = words(picture.svg)
    assert [word for word in said if re.match(r"(send|recv) \d", word)] == [
        *(f"send {n}" for n in range(1, 5)), *(f"recv {n}" for n in range(1, 5))]
    below = brackets(picture.svg)
    assert [round((right - left) / CELL) for left, _, right in below] == list(map(len, RECVS))
    assert [round((right - left) / CELL) for left, _, right in brackets(picture.svg, "sends")] == list(map(len, SENDS))
    assert "" not in said and "not yet received" not in picture.text


def test_in_words():
    text = cuts(SENDS, RECVS[:2], names=("customer", "till"), note="Two are missing.").text
    assert text.splitlines() == [
        "Bytes of one stream. customer: 4 sends, 24 bytes. till: 2 recvs, 14 bytes; 10 bytes not yet received.",
        'send 1: b"hello,"', 'send 2: b"world,"', 'send 3: b"how,"', 'send 4: b"are you?"',
        'recv 1: b"hello,w": all of send 1 and the first byte of send 2',
        'recv 2: b"orld,ho": the last 5 bytes of send 2 and the first 2 bytes of send 3',
        'not yet received: b"w,are you?": the last 2 bytes of send 3 and all of send 4', "Two are missing."]
    assert "recv 1: b\"312250\": all of sends 1 to 3" in cuts([b"3", b"12", b"250"], [b"312250"]).text
    assert "recv 2: b\"b\": byte 2 of send 1" in cuts([b"abc"], [b"a", b"b"]).text


def test_what_is_not_received_has_no_bracket_and_the_word():
    for recvs, count in (([], 6), ([b"3"], 5), ([b"312", b"25"], 1)):
        picture = cuts([b"3", b"12", b"250"], recvs)
        for svg in (picture.svg, picture.narrow):
            assert len(brackets(svg)) == len(recvs)
            assert any(f"{count} byte{'s' * (count > 1)} not yet received" in word for word in words(svg))
    assert "not yet received" in words(cuts([b"3", b"12", b"250"], []).svg)


def test_the_end_and_empty_sends():
    picture = cuts([b"3", b"", b"12"], [b"312", b"", b""])
    assert "end" in words(picture.svg) and "recvs 2 to 3" in words(picture.svg)
    assert 'recvs 2 to 3 got b"": the end' in picture.text and "send 2 of no bytes left nothing in the stream." in picture.text
    assert "2 bytes never received" in cuts([b"312"], [b"3", b""]).text
    assert cuts([], []).text == "Bytes of one stream. sent: 0 sends, 0 bytes. received: 0 recvs, 0 bytes."
    assert "end" in words(cuts([], [b""]).narrow)


def test_framing_is_underlined_and_said():
    picture = cuts([b"tea\n", b"milk\n"], [b"tea\nmil"], framing={3, 8})
    ruled = [node.get("d") for node in ET.fromstring(picture.svg).iter(f"{SVG}path") if node.get("stroke-width") == "2.5"]
    assert [d.count("M") for d in ruled] == [1, 1] and "Underlined: framing, 2 bytes." in picture.text
    assert cuts([b"tea\n"], [], framing=range(3, 9)).text.endswith("Underlined: framing, 1 byte."), "what is beyond is not there"


def test_for_a_panel():
    svg = cuts_svg(SENDS, RECVS[:1], 850, emptied=True)
    assert 'width="850"' in svg and "prefers-color-scheme" not in svg
    filled = [node.get("fill") != "none" for node in ET.fromstring(svg).iter(f"{SVG}path") if node.get("fill-opacity")]
    assert filled == [False, False, True, True, True] and "data-step" not in svg and "data-until" not in svg
    for rows, width in ((1, 340), (2, 340), (2, 850)):
        svg = cuts_svg([b"tea\n"] * 50, [b"tea\n" * 50, b""], width, rows=rows)
        assert len({y for _, y, *_ in boxes(svg)}) <= rows and any(re.match(r"of \d+ sends", word) for word in words(svg))


def test_for_a_panel_an_end_alone_takes_no_row():
    svg = cuts_svg([b"tea 3, milk, 1"], [b"tea 3, milk, 1", b""], 340, emptied=True)
    assert "recv 2" not in words(svg) and 'recv 2 got b"": the end' in " ".join(words(svg))
    assert "recv 2" in words(cuts_svg([b"tea"], [b"tea", b""], 340, emptied=True))


@pytest.mark.parametrize("sends", [[b"3"], [b"3", b"12", b"250"], [b"a", b"", b"b"], [b"tea\n"] * 40, [b"m" * 100] * 5])
@pytest.mark.parametrize("width", [850, 560, 340])
def test_connections_of_one_send_each_stand_apart(sends, width):
    svg = cuts_svg(sends, [b"".join(sends)[:1]], width, rows=2, apart=True)
    broken = [d for node in ET.fromstring(svg).iter(f"{SVG}path") if (d := node.get("d")).endswith("v80")]
    places = {(x, y) for x, y, *_ in boxes(svg)}
    hidden = sum(int(found[1].replace(",", "")) for word in words(svg) if (found := re.match(r"\+([\d,]+)", word)))
    assert len(places) == len(boxes(svg)) and len(places) + hidden == sum(map(len, sends))
    assert bool(broken) == (len(sends) > 1) == any("a connection ends" in word for word in words(svg))
    if len(sends) < 4:
        assert len(broken) == len(sends) - 1


@settings(deadline=None)
@given(st.lists(st.integers(0, 60), max_size=12), st.lists(st.integers(1, 200), max_size=12), st.booleans())
def test_nothing_is_lost_and_nothing_leaves_the_frame(sizes, reads, more):
    sends = [bytes(97 + (n + at) % 26 for at in range(size)) for n, size in enumerate(sizes)] + [b"z" * 5000] * more
    stream, recvs = b"".join(sends), []
    for n in reads:
        recvs += [stream[:n]] if stream else []
        stream = stream[n:]
    picture = cuts(sends, recvs)
    for svg, width, most in ((picture.svg, 760, ROWS), (picture.narrow, 360, 2 * ROWS)):
        said, shown = words(svg), boxes(svg)
        hidden = sum(int(found[1].replace(",", "")) for word in said if (found := re.match(r"\+([\d,]+)", word)))
        assert len(shown) + hidden == sum(map(len, sends))
        assert len({y for _, y, *_ in shown}) <= most and shown == sorted(shown, key=lambda each: each[1])
        height = float(ET.fromstring(svg).get("viewBox").split()[3])
        assert all(10 < x < width - 10 and y + HIGH - 40 < height for x, y, *_ in shown)
        assert all(0 < left < right < width and y < height for left, y, right in brackets(svg) + brackets(svg, "sends"))


def test_a_thousand_calls_end_in_one_box_with_their_number():
    picture = cuts([b"tea\n"] * 1000, [b"tea\n" * 5] * 200 + [b""])
    assert any(re.fullmatch(r"of 9\d\d sends, 19?\d+ recvs", word) for word in words(picture.svg))
    assert "end" in words(picture.svg) and len(picture.svg) < 40_000 and len(picture.text.splitlines()) < 30


def test_many_sends_take_no_more_than_their_time():
    def seconds(count):
        began = time.process_time()
        cuts([b"a"] * count, [b"a" * count])
        return time.process_time() - began
    assert min(seconds(20_000) for _ in range(2)) < 20 * min(seconds(2000) for _ in range(3))    # 10; if each looked at all, 40


def test_numbers_of_many_digits_do_not_touch():
    texts = ET.fromstring(cuts([b"a"] * 150 + [b""] * 1000 + [b"z"], [b"a"] * 120).svg).iter(f"{SVG}text")
    numbers = [(float(node.get("y")), float(node.get("x")), .65 * float(node.get("font-size")) * len(node.text) / 2)
               for node in texts if re.fullmatch(r"[\d,]+", node.text) and " " not in node.get("x")]
    assert len(numbers) > 250
    for (y, x, half), (other, beside, next_half) in itertools.pairwise(sorted(numbers)):
        assert y != other or x + half < beside - next_half


def test_what_is_no_stream_is_refused():
    with pytest.raises(ValueError, match='what was sent, b"abc", does not begin with what was received, b"abd"'):
        cuts([b"abc"], [b"ab", b"d"])
    with pytest.raises(ValueError, match="after an empty recv"):
        cuts([b"abc"], [b"ab", b"", b"c"])
    for sends in (["3"], b"312"):
        with pytest.raises(TypeError, match="lists of bytes"):
            cuts(sends, [])


def test_from_a_recording():
    timeline = Timeline()
    customer, till = timeline.socketpair()
    timeline.name(customer, "customer")
    timeline.name(till, "till")
    with customer, till:
        for price in (b"3", b"12", b"250"):
            customer.sendall(price)
        wait_until(lambda: receive_queue(till) == 6)
        assert cuts_of(timeline, "customer").text.startswith(
            "Bytes of one stream. customer: 3 sends, 6 bytes. received: 6 bytes not yet received.")
        till.recv(4, 2)         # MSG_PEEK takes nothing
        till.recv(2)
        till.sendall(b"ok")
        customer.recv(9)
        picture = cuts_of(timeline, "customer", note="So far.")
        drawn = cuts([b"3", b"12", b"250"], [b"31"], names=("customer", "till"), note="So far.")
        assert picture.text == drawn.text and (picture.svg, picture.narrow) == (drawn.svg, drawn.narrow)
        till.recv(9)
        customer.close()
        till.recv(9)
    assert cuts_of(timeline, "customer").text == cuts(
        [b"3", b"12", b"250"], [b"31", b"2250", b""], names=("customer", "till")).text
    assert cuts_of(timeline, "till").text == cuts([b"ok"], [b"ok"], names=("till", "customer")).text
    with pytest.raises(ValueError, match="named 'bob' here; there are: customer, till"):
        cuts_of(timeline, "bob")


def test_a_recording_of_two_connections_of_one_name_is_not_drawn_as_one_stream():
    timeline = Timeline()
    for data in b"aaa", b"bb":
        customer, till = timeline.socketpair()
        timeline.name(customer, "customer")
        with customer, till:
            customer.sendall(data)
            till.recv(9)
    with pytest.raises(ValueError, match="2 ends of TCP connections are named 'customer'"):
        cuts_of(timeline, "customer")


def test_a_call_that_failed_is_no_send_and_what_waits_is_told():
    timeline = Timeline()
    a, b = timeline.socketpair()
    with a, b:
        a.setblocking(False)
        size = a.send(bytes(10**8))
        with pytest.raises(BlockingIOError):
            a.send(b"x")
        b.recv(5)
    text = cuts_of(timeline).text
    assert "1 send," in text and f"the last {size - 5:,} bytes of send 1" in text


def test_a_recording_keeps_only_the_beginning_of_a_long_send():
    timeline = Timeline()
    a, b = timeline.socketpair()
    with a, b:
        a.sendall(b"x" * 5000)
        b.recv(3000)
    picture = cuts_of(timeline)
    assert sum(int(word[1:].replace(",", "")) for word in words(picture.svg) if word.startswith("+")) + len(
        boxes(picture.svg)) == 5000
    assert "recv 1: b\"" in picture.text and "the first 3,000 bytes of send 1" in picture.text
