"""Predict in the picture: the blank tells nothing, the guess is written into it, and what came stands beside the guess."""
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html import unescape
from urllib.parse import unquote

import pytest
from hands import Hand
from recordings import choices, handshake, refused, talk

from netlab import Timeline
from netlab.panels.quiz import CHECK, KEEP, ask
from netlab.style import picture, text_at
from netlab.teach import blanks
from netlab.teach.boxes import LONGEST, room_for
from netlab.teach.pictured import Blank, pictured
from netlab.teach.pictures import address_picture
from netlab.teach.questions import multiple, number, order

STRIP = [b"3", b"12", b"250"], [b"31", b"22", b"50"]
ADDRESS = Blank(lambda made, words: address_picture(*made), lambda made: 2 ** (32 - made[1]),
                lambda made, words: address_picture(made[0]), unit="address", label="addresses in the network:", takes=(tuple,))


# name: (question, a wrong reply, the words of both in the picture, what the question's picture may not tell)
KINDS = {
    "result": (pictured(choices('`b"teari"`', '`b"tea"`'), talk, blanks.result_of("recv")), '`b"tea"`', 'b"tea"', "teari"),
    "second": (pictured(choices('`b"ce"`', "waits"), talk, blanks.result_of("recv", 2, "server")), "waits", "waits", 'b"ce"'),
    "refused": (pictured(choices("`ConnectionRefusedError`", "returns"), refused, blanks.result_of("connect")), "returns",
                "returns", "ConnectionRefused"),
    "size": (pictured(number("How many?", 5, "five", {3: "no"}), talk, blanks.size_of("recv")), "3", "3", "5 bytes"),
    "argument": (pictured(choices('`b"rice"`', '`b"ice"`'), talk, blanks.argument_of("sendall", 2)), '`b"ice"`',
                 'b"ice"', "rice"),
    "several": (pictured(choices('`b"teari"` · `b"ce"`', "waits · waits"), talk, blanks.results_of(("recv", 1), ("recv", 2))),
                "waits · waits", "waits", "teari"),
    "taker": (pictured(choices("recv 1", "recv 2", "none of them"), talk, blanks.taker_of("sendall")), "recv 2",
              "recv 2", "teari"),
    "two takers": (pictured(choices("recv 1 and recv 2", "recv 1"), talk, blanks.taker_of("sendall", 2)), "recv 1",
                   "recv 1", "teari"),
    "whose": (pictured(choices("server", "none of them"), talk, blanks.taker_of("sendall", by_name=True)), "none of them",
              "none of them", "teari"),
    "taken": (pictured(number("How many?", 2, "two", {3: "no"}), lambda: STRIP, blanks.taken_by(2)), "3", "3", "2 bytes\n"),
    "taken, recorded": (pictured(number("How many?", 5, "five", {3: "no"}), talk, blanks.taken_by(1)), "3", "3", "5 bytes"),
    "brings": (pictured(choices('`b"22"`', '`b"12"`'), lambda: STRIP, blanks.brings(2)), '`b"12"`', 'b"12"', 'b"22"'),
    "left": (pictured(number("How many?", 2, "two", {3: "no"}), lambda: STRIP, blanks.left_after(2)), "3", "3",
             "2 bytes not yet"),
    "cuts": (pictured(choices("2, 2, 2", "1, 2, 3"), lambda: STRIP, blanks.sizes_of_recvs()), "1, 2, 3", "1, 2, 3", "2, 2, 2"),
    "packet": (pictured(choices("`SYN ACK`", "`ACK`"), handshake, blanks.packet(2)), "`ACK`", "ACK", "SYN ACK"),
    "address": (pictured(number("How many?", 1024, "2**10", {256: "no"}), lambda: ("10.1.4.0", 22), ADDRESS), "256",
                "256", "1024"),
}
each_kind = pytest.mark.parametrize("question, wrong, words, told", KINDS.values(), ids=KINDS)


@pytest.fixture(autouse=True)
def no_guesses(no_leaks):
    for question, *_ in KINDS.values():
        question.guess.clear()


def boxes(drawn):
    """[(kind, words)] of the boxes of a drawing, from first to last."""
    return re.findall(r'<g data-box="(\w+)"[^>]*>.*?<text[^>]*>([^<]*)</text>', str(drawn))


@each_kind
def test_the_picture_asks_and_does_not_tell(question, wrong, words, told):
    shown = question.picture()
    for svg in (shown.svg, shown.narrow):
        found = boxes(svg)
        assert found == [("guess", "?")] * question.blank.parts
        seen = re.sub(r'<g data-choice="[^>]*display="none".*?</g>', "", svg, flags=re.DOTALL)
        assert told not in unescape(seen) and "not received yet" not in seen and not re.search("[\ue000-\ue1ff]", svg)
    assert "?" in shown.text and told not in shown.text and shown.text in repr(question)


@each_kind
def test_a_guess_is_written_into_it(question, wrong, words, told):
    for svg in (question.picture(wrong).svg, question.picture(wrong).narrow):
        assert [text.replace("&quot;", '"').replace("&#34;", '"') for _, text in boxes(svg)] == [words] * question.blank.parts
    assert unescape(str(question.image(wrong))).count(f"Your guess: {' · '.join([words] * question.blank.parts)}") == 1


@each_kind
def test_what_came_stands_beside_the_guess(question, wrong, words, told):
    recorded = question.run()
    without = question.beside(recorded)
    assert without.as_asked and question.judge(without.came).right and without.said()[0].endswith("no guess was made")
    assert [kind for kind, _ in boxes(without.picture.svg)] == ["came", "guess"] * question.blank.parts
    assert "(no guess)" in repr(without) and question.because.partition("\n")[0] in repr(without)
    question.keep(wrong)
    mistaken = question.beside(recorded)
    assert not mistaken.right and f"you: {question.parts_of(wrong)[0]} ✗" in mistaken.picture.text
    assert question.judge(wrong).why[0] in mistaken.said() and "came: " in mistaken.said()[0]
    question.keep(question.answer if question.kind == "single" else str(question.answer))
    right = question.beside(recorded)
    assert question.because in right.said()
    assert right.right and not re.search("you: [^)]*✗", repr(right)) and "✓" in right.picture.text


@each_kind
def test_it_is_the_same_each_time_and_well_formed(question, wrong, words, told):
    pages = [each for _ in range(2) for again in [pictured(question, question.run, question.blank)]
             for each in (again._repr_html_(), again.beside(again.run())._repr_html_())]
    assert pages[:2] == pages[2:] and 'data-question="' + question.name in pages[1] and 'data-name="' + question.name in pages[0]
    for page in pages[:2]:
        ET.fromstring(page.replace("<br>", "<br/>"))
        for drawn in re.findall(r'src(?:set)?="data:image/svg.xml,([^"]*)"', page):
            svg = ET.fromstring(unquote(drawn.replace("&#39;", "'")))
            width, height = map(float, svg.get("viewBox").split()[2:])
            for group in svg.iter("{http://www.w3.org/2000/svg}g"):
                if group.get("data-box"):
                    x, y, wide, high = (float(group[0].get(name)) for name in ("x", "y", "width", "height"))
                    assert x >= 1 and x + wide <= width - 1 and y > 0 and y + high < height, (x, wide, y, high)


def test_a_run_that_gave_something_else_is_told():
    question = KINDS["size"][0]
    other = question.beside(talk(b"tea", recvs=(5,)))
    assert not other.as_asked and other.came == 3
    assert other.said() == ["came: 3 bytes · no guess was made", other.otherwise]
    assert other.otherwise.startswith("This run gave 3 bytes. The question was asked of one that gives 5 bytes")
    question.keep("3")
    assert question.beside(talk(b"tea", recvs=(5,))).said()[1:] == ["Your guess is what came.", other.otherwise]
    assert question.beside(talk(b"tea", recvs=(5,))).right and not question.beside(talk(b"teapot", recvs=(6,))).right
    question.keep("5")
    assert question.beside(talk(b"tea", recvs=(5,))).said() == ["you: 5 bytes · came: 3 bytes", other.otherwise]
    assert question.beside(talk()).said() == ["you: 5 bytes · came: 5 bytes", "five"]


def test_the_last_call_is_that_of_the_cell_that_was_run_again():
    timeline = Timeline()

    def ran(*sizes):
        a, b = timeline.socketpair()
        with a, b:
            a.sendall(b"tea and rice")
            for size in sizes:
                b.recv(size)
        return timeline

    last = pictured(choices('`b"te"`', '`b"tea"`'), lambda: talk(recvs=(2,)), blanks.result_of("recv", -1))
    both = pictured(choices('`b"te"` · `b"a"`', '`b"tea"` · `b"r"`'), lambda: talk(recvs=(2, 1)),
                    blanks.results_of(("recv", -2), ("recv", -1)))
    assert last.beside(timeline).said() == ["No recv has ended in this run."] == both.beside(timeline).said()
    assert last.beside(ran(1, 2)).came == 'b"ea"' and both.beside(timeline).came == 'b"t" · b"ea"'
    assert last.beside(ran(1, 3)).came == 'b"ea "' and both.beside(timeline).came == 'b"t" · b"ea "'
    assert last.picture().text.count("?") == 1 and both.picture().text.count("?") == 2


def test_what_did_not_happen_is_told():
    assert repr(KINDS["second"][0].beside(talk(recvs=(5,)))) == "No recv number 2 of server has ended in this run."
    for name in ("result", "size", "several", "taken, recorded", "left", "cuts"):
        nothing = KINDS[name][0].beside(talk(b"tea", recvs=()))
        assert nothing.picture is None and "in this run" in nothing._repr_html_() and "<img" not in nothing._repr_html_()
    short = handshake()
    short.rows = short.rows[:3]
    assert "no packet 2" in repr(KINDS["packet"][0].beside(short))


@pytest.mark.parametrize("name", KINDS)
def test_what_is_no_recording_of_the_run_is_told(name):
    for wrong in (None, "a timeline", 2 ** 40, -1, (), (1, 2, 3), ([1], [2]), [b"tea"], Timeline):
        if name == "address" and isinstance(wrong, tuple):
            continue                    # what its functions here take
        told = KINDS[name][0].beside(wrong)
        assert told.picture is None and told.came is None and len(told.said()) == 1
        assert re.match("`beside` takes what the run has recorded: |There is no such picture of this run: ", told.said()[0])
        assert "<img" not in told._repr_html_()


def test_a_run_whose_stream_cannot_be_drawn_is_told():
    timeline = Timeline()
    for _ in range(2):
        with timeline.socket(name="listener") as listener, timeline.socket(name="client") as client:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            client.connect(listener.getsockname())
            connection, _address = listener.accept()
            with connection:
                client.sendall(b"tea")
                connection.recv(5)
    assert "2 ends of TCP connections are named client" in repr(KINDS["taken, recorded"][0].beside(timeline))
    assert "does not begin with what was received" in repr(KINDS["taken"][0].beside(([b"tea"], [b"t", b"ea", b"x"])))


def test_whether_a_call_waits_can_be_asked():
    def served():
        timeline = Timeline()
        with timeline.socket(name="listener") as listener, timeline.socket(name="client") as client:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            client.connect(listener.getsockname())
            client.settimeout(.01)
            with pytest.raises(TimeoutError):
                client.recv(1024)
        return timeline

    def waited(row):
        return "waits" if row.event.error == "TimeoutError" else row.result

    question = pictured(choices("waits", '`b""`'), served, blanks.result_of("recv", read=waited, at_start=True))
    assert "wait" not in question.picture().text and "Timeout" not in question.picture().text
    assert question.beside(served()).as_asked


def test_a_call_that_waited_is_asked_where_it_begins():
    def one_hand_after_the_other():
        timeline = Timeline()
        a, b = timeline.socketpair()
        import threading
        thread = threading.Thread(target=a.recv, args=(5,), name="reader")
        thread.start()
        b.sendall(b"hello")
        thread.join()
        a.close()
        b.close()
        return timeline

    lines = one_hand_after_the_other().text().splitlines()
    assert any("recv(5)" in line for line in lines)
    question = pictured(choices('`b"hello"`', "nothing"), one_hand_after_the_other, blanks.result_of("recv", at_start=True))
    assert "waits" not in question.picture().text and question.picture().text.splitlines()[-2].endswith("recv(5) → ?")
    assert question.beside(one_hand_after_the_other()).as_asked


def test_bytes_and_words_are_escaped():
    question = pictured(choices('`b"</script>"`', "`<b>&`"), lambda: talk(b"</script><img src=x>", recvs=(9,)),
                        blanks.result_of("recv"))
    question.keep("`<b>&`")
    pages = [question._repr_html_(), question.beside(question.run())._repr_html_()]
    for page in pages:
        assert page.count("</script>") == 1 and "<b>&" not in page and "<img src=x" not in unquote(page)
        ET.fromstring(page.replace("<br>", "<br/>"))


def test_words_without_a_place_stand_at_the_foot_and_others_where_they_are_put():
    def draw(value, words):
        return picture(60, [text_at(15, 30, f"the first {words} bits", None)], f"Bits\nthe first {words} bits", (60, [
            text_at(180, 30, f"{words} bits", "m", "middle")]))

    question = pictured(number("How many bits?", 22, "as the mask says", {}), lambda: 22, Blank(draw, lambda value: value))
    for drawn in (question.picture("7").svg, question.picture("7").narrow):
        assert boxes(drawn) == [("guess", "7")] and 'height="59"' in drawn
    assert question.picture().text == "Bits\nthe first ? bits"
    assert repr(question.beside(22)).splitlines()[1] == "the first 22 (no guess) bits"
    footed = KINDS["address"][0].picture("7")
    assert footed.text.endswith("addresses in the network: 7")
    plain, taller = (re.search(r'viewBox="0 0 760 (\d+)"', svg)[1] for svg in (address_picture("10.1.4.0").svg, footed.svg))
    assert int(taller) > int(plain) and f'height="{int(taller) - 1}"' in footed.svg


def test_the_guess_is_once_in_the_words_for_a_picture():
    question = pictured(choices("bob", "eve"), lambda: "bob", Blank(
        lambda value, words: picture(60, [text_at(15, 30, f"asks {words}", None)], f"alice asks {words}\nof two", (60, [])),
        lambda value: value))
    assert 'alt="alice asks bob Came: bob. No guess."' in question.beside("bob")._repr_html_()
    question.keep("eve")
    assert 'alt="alice asks bob Came: bob. You: eve."' in question.beside("bob")._repr_html_()
    assert "alice asks bob (you: eve ✗)" in repr(question.beside("bob"))


@pytest.mark.parametrize("name", ["taker", "two takers", "whose", "cuts"])
def test_a_choice_draws_what_its_own_picture_has_where_that_has_it(name):
    """The shapes that are seen, each with all that the groups around it say, but for what stands in boxes and is broken."""
    def seen(element, around=()):
        if element.get("display") == "none" or element.get("data-box"):
            return []
        tag = element.tag.partition("}")[2]
        own = {key: value for key, value in element.items() if not key.startswith("data-") and key not in (
            "class", "stroke-dasharray", "display")}
        if tag in ("path", "rect", "circle", "text"):
            return [(tag, *sorted(own.items()), around, "".join(element.itertext()))]
        inner = (*around, *sorted(own.items())) if tag == "g" else around
        return [shape for child in element for shape in seen(child, inner)]

    question = KINDS[name][0]
    for choice in question.choices:
        alone = pictured(question, question.run, replace(question.blank, chosen=None, asked=lambda recorded, words: (
            question.blank.chosen(recorded, words, choice))))
        for ours, its in ((question.picture(choice).svg, alone.picture(choice).svg), (question.picture(choice).narrow,
                                                                                  alone.picture(choice).narrow)):
            assert sorted(map(str, seen(ET.fromstring(ours)))) == sorted(map(str, seen(ET.fromstring(its))))


def test_the_shapes_of_a_choice_are_seen_when_it_is_chosen():
    def seen(svg):
        return [n for n, rest in re.findall(r'<g data-choice="(\d)"([^>]*)>', svg) if "none" not in rest]

    arrow, cuts = KINDS["taker"][0], KINDS["cuts"][0]
    assert [seen(arrow.picture(reply).svg) for reply in (None, "recv 2", "none of them", "recv 1")] == [[], ["0"], ["1"], ["2"]]
    groups = re.findall(r'<g data-choice="\d"[^>]*>(.*?)</g>', arrow.picture().svg, re.DOTALL)
    assert [("3 bytes" in group) for group in groups] == [True, False, True]
    hidden = re.findall(r'data-without="0 1" display="none"', cuts.picture("1, 2, 3").svg)
    assert hidden and not re.findall(r'data-without="[01 ]*" display', cuts.picture().svg)


def test_a_box_is_one_also_where_lines_are_too_short_for_it():
    def draw(value, words):
        lines = [text_at(15, 30 + 20 * n, words[n:n + 5], "m") for n in range(0, len(words), 5)]
        return picture(60, lines, f"Bits\n{words}", (60, lines))

    question = pictured(choices("a word of many letters", "b"), lambda: "b", Blank(draw, lambda value: value))
    assert boxes(question.picture("b").svg) == [("guess", "b")] and question.picture().text == "Bits\n?"
    assert boxes(question.beside("b").picture.narrow) == [("came", "b"), ("guess", "no guess")]
    lanes = pictured(choices('`b"of eighteen letters"`', '`b"tea"`'), talk, blanks.result_of("recv"))
    assert boxes(lanes.picture().narrow) == [("guess", "?")] and len(boxes(lanes.beside(talk()).picture.narrow)) == 2


@pytest.mark.parametrize("size, room", [(0, 3), (5, 5), (16, 16), (300, 16)])
def test_a_box_has_room_for_some_characters(size, room):
    assert len(room_for(size)) == room


def test_long_words_are_squeezed_and_cut():
    question = KINDS["size"][0]
    svg = question.picture("9" * 60).svg
    assert boxes(svg) == [("guess", "9" * LONGEST + "…")]
    assert "textLength" in svg and "textLength" not in question.picture("9").svg


def test_a_kept_guess_must_be_an_answer():
    for name, reply, words in (("size", "x", "not a whole number"), ("size", "", "Type a number"), ("taker", None, "Choose one")):
        with pytest.raises(ValueError, match=words):
            KINDS[name][0].keep(reply)
        assert KINDS[name][0].guess == []


@pytest.mark.parametrize("question, reply, words", [
    (multiple("Which?", {"a": "yes", "b": "no"}, {"a"}), {"a", "b"}, "a; b"),
    (order("Order?", ["b", "a"], "so", {}), ["b", "a"], "b, a")])
def test_other_kinds_have_their_words_in_the_box(question, reply, words):
    made = pictured(question, talk, blanks.result_of("recv", read=lambda row: list(question.answer)))
    made.keep(reply)
    assert boxes(made.picture(reply).svg) == [("guess", words)]
    assert f"you: {words}" in repr(made.beside(talk()))


# The panel

def test_the_panel_writes_the_guess_into_the_picture_and_keeps_it():
    question = KINDS["taker"][0]
    with ask(question) as quiz:
        hand = Hand(quiz)
        assert CHECK not in hand.buttons() and "Your guess: ?" in hand.page().find("img")["alt"]
        hand.click(KEEP)
        hand.until("Choose one of the answers first", "more")
        hand.tick("recv 2")
        hand.wait_for(lambda: hand.page().find("img")["alt"].endswith("Your guess: recv 2") and not hand.text("more"))
        assert question.guess == []
        hand.click(KEEP)
        hand.until("Kept: recv 2. Run the next cell.", "more")
        assert hand.page("more").find(role="alert") and question.guess == ["recv 2"]
        hand.tick("recv 1")
        hand.until("^Still kept: recv 2.$", "more")         # the picture has the new one, the run will have this
        assert hand.page("more").find(role="status") and not hand.page("more").find(role="alert")
        assert "Not yet" not in hand.text() and "✗" not in hand.text()
    assert "you: recv 2 ✗" in repr(question.beside(talk()))
    before = ask(question)
    question.keep("recv 2")
    with ask(question):                         # asked again: from the beginning, and by one panel
        assert question.guess == []
        with pytest.raises(RuntimeError, match="panel is closed"):
            before.wire.close()


def test_a_number_is_kept_with_what_it_counts():
    with ask(KINDS["left"][0]) as quiz:
        hand = Hand(quiz)
        hand.type("Your number", "1 0")
        hand.wait_for(lambda: hand.page().find("img")["alt"].endswith("Your guess: 10"))
        hand.enter("Your number")
        hand.until("Kept: 10 bytes. Run the next cell.", "more")
        hand.type("Your number", "1")
        hand.enter("Your number")
        hand.until(r"Kept: 1 byte\.", "more")
        hand.type("Your number", "one")
        hand.enter("Your number")
        hand.until(r'^"one" is not a whole number.* Still kept: 1 byte\.$', "more")
        assert KINDS["left"][0].guess == ["1"]
    assert KINDS["address"][0].counted("1024") == "1,024 addresses"


def test_a_stored_cell_has_the_picture_and_its_words():
    with ask(KINDS["result"][0]) as quiz:
        stored = quiz._repr_mimebundle_()
    assert "recv(5) → ?" in stored["text/plain"] and "<picture>" in stored["text/html"]
    assert stored["text/html"].startswith("<netlab-question")
