"""FramingPanel as a learner meets it: in a real JupyterLab in a real chromium."""

from keys import Keys
from lab import FITS, SCROLLS

CELL = "from netlab.panels import FramingPanel\npanel = FramingPanel()\npanel"
MESSAGES = "Messages, | between"
OVERLAPS = """() => {
    const words = [...document.querySelectorAll('.nl-controls .nl-field label > span')].map(span => {
        const range = document.createRange();
        range.selectNodeContents(span);
        return [span.textContent, range.getBoundingClientRect()] });
    const meet = (a, b) => a !== b && a.left <= b.left && b.left < a.right + 3 && a.top < b.bottom && b.top < a.bottom;
    return words.flatMap(([one, a]) => words.filter(([_, b]) => meet(a, b)).map(([other]) => one + ' / ' + other)) }"""


def begin(notebook):
    notebook.run_all(1)
    notebook.until(".nl-said", "Press sendall")
    return notebook.page


def press(notebook, name, selector, pattern):
    """Press a button; recv as a reader does, who sees on the stage that what was sent has arrived."""
    if name == "recv":
        notebook.until(".nl-stage", r"^(?![\s\S]* on the way)")
    notebook.page.get_by_role("button", name=name, exact=True).click()
    notebook.until(selector, pattern)


def shown(page):
    """The strips that can be seen."""
    return [each for each in page.locator(".nl-bytes svg").all() if each.is_visible()]


def test_messages_typed_sent_and_taken(opened):
    notebook = opened([CELL])
    page = begin(notebook)
    assert notebook.contrast_under_the_pointer(".nl-main") > 300        # it can be read there too
    for n in (1, 2):
        press(notebook, "sendall", ".nl-said", f"message {n} of 3")
    press(notebook, "recv", ".nl-said", 'brought b"312": bytes of two sends')
    press(notebook, "sendall", ".nl-said", "It was the last")
    page.get_by_label("At most").fill("2")
    press(notebook, "recv", ".nl-said", "a part of send 3")
    press(notebook, "recv", ".nl-said", "The till is wrong: 337, not 265, and no error")
    notebook.until(".nl-cures [data-key=none]", r'"312" "25" "0"\s*✗ wrong: 337, not 265')
    page.get_by_label("Framing").select_option("delimiter")
    notebook.until(".nl-said", "Each message ends with a mark")
    page.get_by_label("Mark").fill(";")
    page.get_by_label(MESSAGES).fill("tea 3 | café; 12")
    press(notebook, "Run", ".nl-error", "Message 2, .* the message would end there")
    page.get_by_label("Framing").select_option("prefix")
    notebook.until(".nl-said", "Before each message stands its length")
    press(notebook, "Run", ".nl-said", "The till is right. Measured: [0-9,]+ messages a second")
    assert [text for text in shown(page)[0].locator("text").all_text_contents() if text.startswith("Underlined")]
    page.get_by_label("At most").fill("abc")
    page.keyboard.press("Enter")
    notebook.until(".nl-error", '"abc" is not a number. Give how many bytes, 1 to 65536.')
    press(notebook, "Show the code", ".nl-code", r"framing = LengthPrefix\(4\)")
    press(notebook, "Close all", ".nl-said", "Everything is closed")
    assert page.locator(".nl-panel").count() == 1


def test_hostile_messages_do_nothing_in_the_page(opened):
    notebook = opened([CELL])
    page = begin(notebook)
    page.get_by_label(MESSAGES).fill("<script>window.owned = 1</script> | <img src=http://192.0.2.1/x onerror=owned=1>")
    press(notebook, "Run each", ".nl-said", "right with 5 of 6")
    press(notebook, "Show the code", ".nl-code", "<script>window.owned")
    assert page.evaluate("window.owned") is None
    assert page.locator(".nl-panel img, .nl-panel script").count() == 0


def test_every_byte_stays_drawn_while_calls_cut_the_stream(opened):
    notebook = opened([CELL])
    page = begin(notebook)
    page.get_by_label(MESSAGES).fill("hello, | world, | how, | are you?")
    page.get_by_label("At most").fill("1")
    for n in range(4):
        press(notebook, "sendall", ".nl-said", f"message {n + 1} of 4")
    for n in range(24):
        press(notebook, "recv", ".nl-bytes", f"till: {n + 1} recvs?, {n + 1} byte")
    letters = "".join(text.text_content() for text in shown(page)[0].locator("g g text:first-of-type").all())
    assert letters == "hello,world,how,are␣you?"


def test_all_of_it_by_keyboard_alone(opened):
    notebook = opened([CELL], height=1300)
    page, until = notebook.page, notebook.until
    begin(notebook)
    keys = Keys(notebook)
    assert len(keys.tour()) == 13

    keys.go(MESSAGES)
    keys.type("3 | 12 | 250")
    keys.does(MESSAGES, "Enter", ".nl-said", "message 1 of 3")
    keys.does("sendall", "Space", ".nl-said", "message 2 of 3")
    until(".nl-stage", "now: 3 bytes in the till's kernel")
    keys.does("At most", "Enter", ".nl-said", "bytes of two sends")
    keys.does("✓ No framing: two", "Enter", ".nl-goals p", "each sendall adds bytes to one stream")
    keys.does("recv", "Enter", ".nl-said", r"The till waits in recv\(4096\)")
    keys.does("sendall", "Enter", ".nl-said", "The till is wrong: 562, not 265")
    assert page.get_by_text("each sendall adds bytes").is_visible()     # what was unfolded stays so
    keys.go("Framing")
    keys.press(*"de", "Escape", *"mddx")                                # "delimiter"; on the notebook they would edit cells
    until(".nl-said", "Each message ends with a mark")
    keys.go("Mark")
    keys.type("2")
    keys.does("Mark", "Enter", ".nl-error", "the message would end there")
    keys.type(";")
    keys.does("Run", "Enter", ".nl-said", r"The till is right: 265\. Measured")
    keys.does("Delay", "ArrowRight", ".nl-said", "The link: 5 ms each way")
    keys.does("Cuts", "ArrowRight", ".nl-said", "pieces of 1 to 1 byte, by the seed 1")
    keys.go("Seed")
    keys.type("7")
    keys.does("Seed", "Enter", ".nl-said", "by the seed 7")
    keys.go("At most")
    keys.type("1")
    keys.go("Spacing")
    keys.press(*"o")                                                    # "one by one"
    keys.does("Run each", "Space", ".nl-said", "right with 4 of 6")
    until(".nl-goals", r"✓ Run each, recv\(1\)")
    keys.does("Show the code", "Enter", ".nl-code", r"cures\.measure")
    keys.does("Close all", "Enter", ".nl-said", "Everything is closed")
    assert page.locator(".nl-said [role=status]").count() == 1


CUT = """() => [...document.querySelectorAll('.nl-panel select')].filter(shown => {
    const whole = document.createElement('select'), css = getComputedStyle(shown);
    whole.append(shown.selectedOptions[0].cloneNode(true));
    shown.parentNode.append(whole);
    Object.assign(whole.style, {width: 'auto', font: css.font, padding: css.padding, position: 'absolute'});
    const cut = whole.offsetWidth > shown.offsetWidth;
    whole.remove();
    return cut;
}).map(shown => shown.selectedOptions[0].text)"""


def test_what_the_goals_ask_for_can_be_seen_at_every_width(opened):
    notebook = opened([CELL], width=1400, height=1500)
    page = begin(notebook)
    page.get_by_label("At most").fill("1")
    page.get_by_label("Delay", exact=True).fill("10")
    press(notebook, "Run each", ".nl-said", "right with 4 of 6")
    notebook.until(".nl-goals", r"✓ Run each, recv\(1\)")
    for cure in ("connection", "delimiter"):
        page.get_by_label("Framing").select_option(cure)
        page.get_by_label("Spacing").select_option("slow")
        notebook.until(".nl-said", "mark" if cure == "delimiter" else "connects")
        for width in (900, 816, 700, 600, 500, 480, 360):
            page.evaluate("w => document.querySelector('.nl-panel').style.width = w + 'px'", width)
            assert page.evaluate(CUT) == [], width
            row = page.locator(".nl-cures [data-key=delimiter] td")
            shown = [each.inner_text() for each in row.all() if each.is_visible()]
            assert shown[2] == "3 bytes" and shown[-1].replace(",", "").isdigit(), (width, shown)
    page.get_by_label(MESSAGES).fill(r"tea\n3")
    press(notebook, "Run", ".nl-error", "would end there")
    notebook.until(".nl-named", "The run before, framing: none")
    assert page.locator(".nl-past .nl-bytes").first.evaluate("each => getComputedStyle(each).opacity") < "0.6"


def test_run_again_the_cell_replaces_its_panel(opened):
    notebook = opened([CELL])
    page = begin(notebook)
    press(notebook, "sendall", ".nl-said", "message 1 of 3")
    page.locator(".jp-CodeCell .cm-content").first.click()
    page.keyboard.press("Control+Enter")
    notebook.until(".nl-said", "Press sendall")
    assert page.locator(".nl-panel").count() == 1


def test_it_stays_below_720_and_what_stands_below_a_click_does_not_move(opened):
    notebook = opened([CELL], width=1400, height=1300)
    page = begin(notebook)
    page.keyboard.press("Control+b")                                # close the file browser
    page.evaluate("document.querySelector('.nl-panel').style.width = '900px'")
    places = """() => { const y = e => e.getBoundingClientRect().y, top = y(document.querySelector('.nl-panel'));
        return [...document.querySelectorAll('.nl-controls, .nl-stage, .nl-cures')].map(e => y(e) - top) }"""
    press(notebook, "sendall", ".nl-said", "message 1 of 3")
    before = page.evaluate(places)
    for act, said in (("sendall", "message 2"), ("recv", "two sends"), ("sendall", "message 3"), ("recv", "337|562"),
                      ("sendall", "message 1"), ("Run", "All has come")):
        press(notebook, act, ".nl-said", said)
        assert page.evaluate(places) == before, act
    press(notebook, "Run each", ".nl-said", "right with 5 of 6")
    for width in (900, 600):
        page.evaluate("w => document.querySelector('.nl-panel').style.width = w + 'px'", width)
        assert page.locator(".nl-panel").bounding_box()["height"] < 710


def test_it_fits(opened):
    notebook = opened([CELL], width=1600, height=1500)
    page = begin(notebook)
    page.get_by_label("Delay", exact=True).fill("5")
    page.get_by_label("At most").fill("2")
    page.get_by_label(MESSAGES).fill("hello, | world, | how, | are you? | and a longer one, the last of these")
    press(notebook, "Run each", ".nl-said", "right with 4 of 6")
    page.get_by_label("Framing").select_option("delimiter")
    notebook.until(".nl-said", "Each message ends with a mark")
    for label in ("At most", "Seed"):
        page.get_by_label(label, exact=True).fill("abc")
    page.get_by_label("Mark").fill(",")
    press(notebook, "Run", ".nl-error", "is not a number")
    page.get_by_label("At most").fill("2")
    press(notebook, "Run", ".nl-error", "would end there")
    press(notebook, "Show the code", ".nl-code", "Link")
    for width in (1600, 1200, 560):
        page.set_viewport_size({"width": width, "height": 1500})
        if width < 700:
            page.keyboard.press("Control+b")                        # close the file browser
        page.wait_for_function(FITS)
        assert page.evaluate(SCROLLS) == []
    for width in (900, 600, 480, 360):                              # one form of the strip, and all of it
        page.evaluate("w => document.querySelector('.nl-panel').style.width = w + 'px'", width)
        strips = shown(page)
        assert len(strips) == 1 and strips[0].bounding_box()["width"] <= width and page.evaluate(SCROLLS) == []
        for cure in ("none", "delimiter"):                          # with a mark there is one field more
            page.get_by_label("Framing").select_option(cure)
            page.wait_for_function("mark => !!document.querySelector('[name=mark]') === mark", arg=cure == "delimiter")
            assert page.evaluate(OVERLAPS) == [], (width, cure)
