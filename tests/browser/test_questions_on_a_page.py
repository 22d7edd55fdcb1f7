"""Questions on a page without Python: question.js judges as Python does; a kept guess stands beside what came."""
import importlib
import json
import re

import pytest
from conftest import ROOT
from recordings import talk
from replies import replies

from browser.test_axe_in_browser import AXE
from browser.test_pictures_in_browser import LOOK
from browser.test_quiz_in_browser import CELL
from netlab.teach import blanks
from netlab.teach.pictured import Pictured, pictured
from netlab.teach.questions import Question, number, script, single

kinds = {}
exec(CELL.rpartition("for question")[0].replace("from netlab.panels import ask\n", ""), kinds)
KINDS = [kinds[name] for name in ("one", "some", "count", "steps")]
HARD = single("<b>Which</b> `</script>`?", {"`<img src=x onerror=fail()>`": "</script><script>fail()</script>",
                                            "b": "& `&lt;` ]]>"}, "b")
BIG = number("How many?", 3232235521, "as `192.168.0.1`", {10**40: "too many", 0: "none"})
CHAPTERS = [importlib.import_module(f"netlab.chapters.{path.parent.name}.predict")
            for path in sorted((ROOT / "netlab" / "chapters").glob("*/predict.py"))]
ALL = [*KINDS, HARD, BIG, *(each for module in CHAPTERS for each in vars(module).values() if isinstance(each, Question))]
STAYS = pictured(number("How many bytes stay after the first recv?", 2, "7 - 5 are left.",
                        {5: "So many are taken.", 0: "Not all."}), talk, blanks.left_after(1))
ARROW = pictured(single("Where do the bytes of the first `sendall` go?",
                        {"recv 1": "It takes five.", "recv 2": "Nothing of them is left.", "none of them": "They are read."},
                        "recv 1"), talk, blanks.taker_of("sendall"))
PAGE = """<!doctype html><html lang=en><meta charset=utf-8><title>Questions</title>
<style>:root {{ color-scheme: light dark }}
body {{ margin: 8px; font: 15px system-ui; background: light-dark(#fff, #111418) }}</style>
<main><h1>Questions</h1>{}</main><script>function fail() {{ document.title = "failed" }}</script><script>{}</script>"""


@pytest.fixture
def show(lab):
    """show(html, …) gives a page that holds it, with question.js; nothing is asked of anybody and no script fails."""
    contexts, errors = [], []

    def shown(*html, width=1000, dark=False):
        contexts.append(lab._browser.new_context(viewport={"width": width, "height": 800}, offline=True,
                                                 color_scheme="dark" if dark else "light"))
        page = contexts[-1].new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: request.url.startswith("data:") or errors.append(request.url))
        page.set_content(PAGE.format("".join(html), script()))
        return page

    yield shown
    for context in contexts:
        context.close()
    assert errors == []


def test_both_judges_say_the_same_of_each_reply_to_each_question(show):
    page, asked = show(*(question._repr_html_() for question in ALL)), []
    assert len(ALL) > 80 and page.locator("netlab-question form").count() == len(ALL) and page.title() == "Questions"
    for n, question in enumerate(ALL):
        asked += [(n, given, question.judge(reply)) for reply, given in replies(question)]
    assert len(asked) > 2000
    said = page.evaluate("""asked => {
        const all = [...document.querySelectorAll('netlab-question')], {judge} = customElements.get('netlab-question');
        return asked.map(([n, reply]) => { const {right, why} = judge(all[n].data, reply); return [right, why] });
    }""", [[n, given] for n, given, _ in asked])
    wrong = [(ALL[n].ask, given, tuple(js), verdict) for (n, given, verdict), js in zip(asked, said)
             if js != [verdict.right, list(verdict.why)]]
    assert wrong == []
    assert {verdict.right for *_, verdict in asked} == {True, False}


def alert(page, n):
    return page.locator("netlab-question").nth(n).get_by_role("alert")


def test_each_kind_is_answered_by_keyboard_alone(show):
    page = show(*(question._repr_html_() for question in KINDS))
    press, here = page.keyboard.press, lambda: page.evaluate("""() => {
        let e = document.activeElement;
        while (e.shadowRoot?.activeElement) e = e.shadowRoot.activeElement;
        const {outlineStyle, outlineWidth} = getComputedStyle(e);
        return [(e.labels?.[0] ?? e).textContent, outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2];
    }""")
    press("Tab")
    assert here() == ["client", True]
    press("ArrowDown")
    assert here() == ["server", True]
    press("Enter")
    assert alert(page, 0).inner_text() == "Not yet.\nIt waits." and here() == ["✗ server", True]
    press("ArrowUp")
    assert alert(page, 0).count() == 0 and here()[0] == "client" and page.get_by_text("✗").count() == 0
    press("Tab")
    press("Space")
    assert alert(page, 0).inner_text() == "Right.\nIt connects." and here() == ["Check my prediction", True]

    for key in ("Tab", "Space", "Tab", "Space", "Enter"):
        press(key)
    assert alert(page, 1).inner_text() == "Not yet.\nb? No. no, b\n1 more holds." and here() == ["✗ b", True]
    for key in ("Space", "Tab", "Space", "Enter"):
        press(key)
    assert alert(page, 1).inner_text() == "Right.\na: yes, a\nb? No. no, b\nc: yes, c" and here() == ["✓ c", True]

    press("Tab")
    press("Tab")
    page.keyboard.type("1000")
    press("Enter")
    assert alert(page, 2).inner_text() == "Not yet.\nthat is decimal"
    press("Backspace")
    assert alert(page, 2).count() == 0
    page.keyboard.type("x")
    press("Enter")
    assert alert(page, 2).inner_text() == 'Not yet.\n"100x" is not a whole number. Give one in decimal, or in hex after 0x.'

    press("Tab")
    press("Tab")
    for key, words in (("Tab", "bind"), ("Enter", "bind"), ("Tab", "accept"), ("Tab", "listen"), ("Space", "listen")):
        press(key)
        assert here() == [words, True]          # where it stands now: the focus goes with it
    press("Tab")
    press("Enter")
    press("Tab")
    press("Enter")
    assert alert(page, 3).inner_text() == "Right.\na place, a queue, a client"
    page.locator("netlab-question").nth(3).get_by_role("button", name="bind").click()
    assert page.locator("netlab-question").nth(3).locator("form li").all_inner_texts() == ["listen", "accept", "…"]


def test_what_is_no_answer_is_told(show):
    page = show(*(question._repr_html_() for question in KINDS))
    said = "Choose one of the answers first.", "2 more hold.", "Type a number first.", "Use each step once."
    for n, words in enumerate(said):
        page.get_by_role("button", name="Check my prediction").nth(n).click()
        assert alert(page, n).inner_text() == f"Not yet.\n{words}"


def drawn(page, selector):
    """(the words in the boxes, the numbers of the choices whose shapes are seen) of both forms of a picture."""
    return page.locator(selector).evaluate("""picture => [['img', 'src'], ['source', 'srcset']].map(([name, at]) => {
        const source = decodeURIComponent(picture.querySelector(name).getAttribute(at).replace(/^[^,]*,/, ''));
        const svg = new DOMParser().parseFromString(source, 'text/xml');
        const seen = e => !e.closest('[display="none"]');
        return [[...svg.querySelectorAll('[data-box] text')].map(e => e.textContent),
                [...svg.querySelectorAll('[data-choice]')].filter(seen).map(e => e.dataset.choice)];
    })""")


def test_a_guess_is_written_into_the_picture_kept_and_put_beside_what_came(show):
    STAYS.guess.clear(), ARROW.guess.clear()
    page = show(*(each._repr_html_() + each.beside(each.run())._repr_html_() for each in (STAYS, ARROW)))
    asks, besides = page.locator("netlab-question"), page.locator("netlab-beside")
    assert drawn(page, "netlab-question >> nth=0 >> form picture") == [[["?"], []]] * 2
    assert [besides.nth(n).locator("picture").is_visible() for n in (0, 1)] == [False, False]
    asks.nth(0).get_by_label("Your number").fill("1 0")
    assert drawn(page, "netlab-question >> nth=0 >> form picture") == [[["10"], []]] * 2
    asks.nth(0).get_by_label("Your number").fill("x")
    assert drawn(page, "netlab-question >> nth=0 >> form picture") == [[["?"], []]] * 2
    asks.nth(0).get_by_role("button", name="Keep my guess").click()
    assert alert(page, 0).inner_text().startswith('"x" is not a whole number')
    assert not besides.nth(0).locator("picture").is_visible()
    asks.nth(0).get_by_label("Your number").fill("5")
    asks.nth(0).get_by_role("button", name="Keep my guess").click()
    assert alert(page, 0).inner_text() == "Kept: 5 bytes. What came stands below."
    assert besides.nth(0).locator("picture").is_visible() and not besides.nth(1).locator("picture").is_visible()
    assert besides.nth(0).get_by_role("status").first.inner_text() == "you: 5 bytes · came: 2 bytes\nSo many are taken."
    assert not besides.nth(0).get_by_text("no guess was made").is_visible()
    assert drawn(page, "netlab-beside >> nth=0 >> picture") == [[["2", "you: 5 ✗"], []]] * 2
    assert besides.nth(0).get_by_role("img").get_attribute("alt").endswith("Came: 2. You: 5.")
    asks.nth(0).get_by_label("Your number").fill("")
    assert asks.nth(0).get_by_role("status").inner_text() == "Still kept: 5 bytes." and alert(page, 0).count() == 0
    asks.nth(0).get_by_role("button", name="Keep my guess").click()
    assert alert(page, 0).inner_text() == "Type a number first. Still kept: 5 bytes."
    asks.nth(0).get_by_label("Your number").fill("2")                      # another guess, and it is the right one
    asks.nth(0).get_by_role("button", name="Keep my guess").click()
    assert drawn(page, "netlab-beside >> nth=0 >> picture") == [[["2", "you: 2 ✓"], []]] * 2
    assert besides.nth(0).get_by_role("status").first.inner_text() == "you: 2 bytes · came: 2 bytes\n7 - 5 are left."

    asks.nth(1).get_by_label("recv 2").check()
    assert drawn(page, "netlab-question >> nth=1 >> form picture") == [[["recv 2"], ["1"]]] * 2
    asks.nth(1).get_by_label("recv 1").check()
    assert drawn(page, "netlab-question >> nth=1 >> form picture") == [[["recv 1"], ["0"]]] * 2
    besides.nth(1).get_by_role("button", name="Show without a guess").press("Enter")
    assert besides.nth(1).locator("picture").is_visible() and besides.nth(1).get_by_text("no guess was made").is_visible()
    assert drawn(page, "netlab-beside >> nth=1 >> picture") == [[["recv 1", "no guess"], []]] * 2


@pytest.mark.parametrize("question, given", [(STAYS, reply) for reply in ("2", "5", "1,0", "0x2", "9" * 60)] + [
    (ARROW, 0), (ARROW, 1), (ARROW, 2)])
def test_the_page_says_of_a_guess_what_python_says(show, question, given):
    question.guess.clear()
    page = show(question._repr_html_() + question.beside(question.run())._repr_html_())
    reply = given if question is STAYS else question.choices[given]
    question.keep(reply)
    python = question.beside(question.run())
    page.evaluate("""given => {
        const question = document.querySelector('netlab-question');
        question.reply = () => given;
        question.keep();
    }""", given)
    assert page.locator("netlab-beside").get_by_role("status").first.inner_text() == "\n".join(python.said()).replace("`", "")
    assert alert(page, 0).inner_text().startswith(f"Kept: {question.counted(reply)}.")
    boxes = re.findall(r"<g data-box[^>]*>.*?<text[^>]*>([^<]*)<", python.picture.svg)
    assert len(boxes) == 2 and drawn(page, "netlab-beside >> picture") == [[boxes, []]] * 2


@pytest.mark.parametrize("module", CHAPTERS, ids=lambda module: module.__name__.split(".")[2])
def test_each_word_can_be_read_whatever_the_guess(show, module):
    page, wrong = show("<div></div>"), {}
    for name, question in vars(module).items():
        if not isinstance(question, Pictured):
            continue
        recorded, guesses = question.run(), question.choices or [str(question.answer), "12345"]
        for guess in (None, *(guesses if question.kind in ("single", "number") else ())):
            question.guess[:] = [] if guess is None else [guess]
            for shown in (question.picture(guess), question.beside(recorded).picture):
                for svg in (shown.svg, shown.narrow):
                    page.evaluate("svg => document.querySelector('main div').innerHTML = svg", svg)
                    if found := page.locator("svg").evaluate(LOOK):
                        wrong.setdefault(name, []).append([guess, *found])
        question.guess.clear()
    assert wrong == {}


def test_without_its_question_a_picture_is_not_covered_and_without_scripts_all_is_there(show, lab):
    STAYS.guess.clear()
    html = STAYS._repr_html_() + STAYS.beside(STAYS.run())._repr_html_()
    assert show(STAYS.beside(STAYS.run())._repr_html_()).locator("netlab-beside picture").is_visible()
    context = lab._browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.set_content(PAGE.format(html, script()))
    assert page.get_by_text("How many bytes stay").is_visible() and page.get_by_text("Answer", exact=True).is_visible()
    assert page.locator("picture").count() == 2 and all(each.is_visible() for each in page.locator("picture").all())
    assert page.locator("details").count() == 1 and page.locator("details[open]").count() == 0
    assert page.get_by_text("no guess was made").is_visible()
    context.close()


def test_printed_it_asks_and_shows_what_came(show):
    page = show(STAYS._repr_html_(), STAYS.beside(STAYS.run())._repr_html_())
    page.emulate_media(media="print")
    assert page.locator("legend").is_visible() and page.locator("netlab-beside picture").is_visible()
    assert page.get_by_role("button").count() == 0


@pytest.mark.parametrize("width, dark", [(1000, False), (1000, True), (360, True)])
def test_axe_finds_nothing_and_nothing_is_cut_off(show, width, dark):
    STAYS.guess.clear(), ARROW.guess.clear()
    page = show(*(question._repr_html_() for question in [*KINDS, HARD, BIG]),
                *(each._repr_html_() + each.beside(each.run())._repr_html_() for each in (STAYS, ARROW)), width=width, dark=dark)
    for button in page.get_by_role("button", name="Check my prediction").all():
        button.click()
    page.get_by_label("server").check()
    page.get_by_role("button", name="Check my prediction").first.click()
    page.get_by_label("recv 2").check()
    page.get_by_role("button", name="Keep my guess").last.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate(AXE)
    found = page.evaluate("async () => (await axe.run()).violations.map(({id, impact, nodes}) => [id, impact, nodes[0].html])")
    assert found == [], json.dumps(found)
