"""UdpPanel as a learner meets it: in a real JupyterLab in a real chromium."""

from keys import Keys
from lab import FITS, SCROLLS

CELL = "from netlab.panels import UdpPanel\npanel = UdpPanel()\npanel"


def begin(notebook):
    notebook.run_all(1)
    notebook.until(".nl-said", "Receiver 1 is bound to its port")
    return notebook.page


def press(notebook, name, selector, pattern):
    notebook.page.get_by_role("button", name=name, exact=True).click()
    notebook.until(selector, pattern)


def slide(page, **values):
    """Move sliders as a pointer does."""
    for name, value in values.items():
        page.get_by_label(name, exact=True).fill(str(value))


def test_datagrams_typed_and_clicked(opened):
    notebook = opened([CELL])
    page = begin(notebook)
    assert notebook.contrast_under_the_pointer(".nl-main") > 300        # it can be read there too
    page.get_by_label("Message").fill("hello, 世界")
    press(notebook, "sendto", ".nl-said", r"Sender 1 sent 1 datagram to receiver 1\.")
    press(notebook, "recvfrom", ".nl-said", "Receiver 1 received 13 bytes from sender 1: one datagram, whole")
    slide(page, Loss=30, Duplicate=30, Reorder=30)
    notebook.until(".nl-said", "The link: loss 30 %, duplicate 30 %, reorder 30 %, seed 1")
    assert page.locator(".nl-slider span").first.inner_text() == "Loss 30 %"
    page.get_by_label("How many").fill("10")
    press(notebook, "sendto", ".nl-said", "3 were lost, 1 came twice, 2 were overtaken")
    notebook.until(".nl-picture:not(.nl-narrow) svg text", "^receiver$")
    notebook.until(".nl-lies", "8 datagrams, not received yet")
    press(notebook, "Replay", ".nl-said", "seed 1 from its beginning: the same fates")
    press(notebook, "The same over TCP", ".nl-said", "Over TCP all came, once and in order")
    assert page.locator(".nl-race :is(th, td)").count() == 12
    press(notebook, "close", ".nl-said", "Receiver 1 is closed, and 16 datagrams in its kernel are gone")
    press(notebook, "sendto", ".nl-said", "Nobody has bound that port now")
    page.get_by_label("At most").fill("abc")
    page.keyboard.press("Enter")
    notebook.until(".nl-error", '"abc" is not a number. Give how many bytes, 1 to 65535.')
    press(notebook, "The whole story", ".nl-more .nl-picture svg", "recvfrom")
    press(notebook, "Show the code", ".nl-code", r"link_1\.rewind\(\)")
    press(notebook, "Close all", ".nl-said", "Everything is closed")
    assert page.locator(".nl-panel").count() == 1


def test_hostile_and_large_datagrams_do_nothing_in_the_page(opened):
    notebook = opened([CELL])
    page = begin(notebook)
    page.get_by_label("At most").fill("65535")
    for message in ("<script>window.owned = 1</script><img src=http://192.0.2.1/x onerror='window.owned = 1'>", "m" * 65_507, ""):
        page.get_by_label("Message").fill(message)
        press(notebook, "sendto", ".nl-lies", "1 datagram, not received yet")
        press(notebook, "recvfrom", ".nl-said", f"received {len(message):,} bytes" if message else "received an empty datagram")
    page.get_by_label("Message").fill("m" * 65_508)
    press(notebook, "sendto", ".nl-error", "That is 65,508 bytes. A datagram over IPv4 carries 65,507 at most.")
    press(notebook, "Show the code", ".nl-code", "<script>window.owned")
    press(notebook, "The whole story", ".nl-more .nl-picture svg", "<script>window.owned")
    assert page.evaluate("window.owned") is None
    assert page.locator(".nl-panel img, .nl-panel script").count() == 0


def test_all_of_it_by_keyboard_alone(opened):
    notebook = opened([CELL], height=1300)
    page, until = notebook.page, notebook.until
    begin(notebook)
    keys = Keys(notebook)
    assert len(keys.tour()) == 25

    keys.go("Message")
    keys.type("typed")
    keys.does("How many", "Enter", ".nl-said", "Sender 1 sent 1 datagram")
    keys.go("At most")
    keys.type("3")
    keys.does("At most", "Enter", ".nl-said", "Receiver 1 received 3 bytes of a datagram of 5 bytes")
    keys.does("✓ Send tea", "Enter", ".nl-goals p", "Gone. recvfrom takes the whole datagram")
    keys.go("Answer")
    keys.type("back")
    keys.does("Answer", "Enter", ".nl-said", "Receiver 1 answered sender 1")
    keys.does("recvfrom, sender 1", "Space", ".nl-said", "Sender 1 received 4 bytes from receiver 1")
    assert page.get_by_text("Gone. recvfrom takes").is_visible()    # what was unfolded stays so

    keys.does("Loss", "ArrowRight", ".nl-said", "The link: loss 5 %")
    keys.press(*["ArrowRight"] * 7)
    until(".nl-said", "The link: loss 40 %")
    keys.does("Delay", "ArrowRight", ".nl-said", "loss 40 %, delay 10 ms")
    keys.go("How many")
    keys.type("10")
    keys.does("sendto", "Enter", ".nl-said", "Sender 1 sent 10 datagrams to receiver 1: . were lost")
    keys.does("Replay", "Space", ".nl-said", "the same fates")
    keys.go("Seed")
    keys.type("7")
    keys.does("Seed", "Enter", ".nl-said", "seed 7")
    keys.does("Replay", "Enter", ".nl-said", "The same 10 messages, seed 7: other fates")
    keys.does("The same over TCP", "Enter", ".nl-said", "Over TCP all came")
    keys.go("Buffer")
    keys.press(*"s", "Escape", *"mddx")                             # "small"; on the notebook they would edit cells
    until(".nl-said", "The receive buffer of receiver 1 now holds")

    keys.does("Add a sender", "Enter", ".nl-end", "sender 2")
    keys.does("Add a receiver", "Space", ".nl-said", "Receiver 2 is bound to its port")
    keys.does("receiver 1", "Space", ".nl-end.nl-of-server[aria-pressed=true]", "receiver 1")
    keys.does("sender 1", "Enter", ".nl-end.nl-of-client[aria-pressed=true]", "sender 1")
    keys.does("close", "Space", ".nl-said", "Receiver 1 is closed")
    assert keys.here() == "bind"
    keys.does("bind", "Enter", ".nl-said", "Receiver 1 is bound to its port again")
    keys.does("Show the code", "Enter", ".nl-code", r"link_1\.seed = 7")
    keys.does("The whole story", "Space", ".nl-more .nl-picture svg", "recvfrom")
    keys.does("Close all", "Enter", ".nl-said", "Everything is closed")
    assert page.locator(".nl-said [role=status]").count() == 1


def test_a_slider_under_a_pointer_keeps_its_place_while_the_panel_goes_on(opened):
    notebook = opened([CELL])
    page = begin(notebook)
    box = page.get_by_label("Loss", exact=True).bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 8, y)
    page.mouse.down()
    for n in range(20):
        page.mouse.move(box["x"] + 8 + n * (box["width"] - 16) / 38, y)
    notebook.until(".nl-said", "The link: loss (45|50|55) %")
    value = page.get_by_label("Loss", exact=True).input_value()
    page.mouse.up()
    assert value in ("45", "50", "55") and page.get_by_label("Loss", exact=True).input_value() == value
    page.get_by_label("Message").fill("half a sen")
    page.evaluate("[...document.querySelectorAll('.nl-panel button')].find(b => b.textContent == 'Add a sender').click()")
    notebook.until(".nl-end", "sender 2")
    assert page.get_by_label("Message").input_value() == "half a sen"


def test_run_again_the_cell_replaces_its_panel(opened):
    notebook = opened([CELL])
    page = begin(notebook)
    press(notebook, "sendto", ".nl-said", "Sender 1 sent")
    page.locator(".jp-CodeCell .cm-content").first.click()
    page.keyboard.press("Control+Enter")
    notebook.until(".nl-said", "Receiver 1 is bound to its port")
    assert page.locator(".nl-panel").count() == 1


def test_what_stands_below_does_not_move_and_it_stays_below_720(opened):
    notebook = opened([CELL], width=1400, height=1200)
    page = begin(notebook)
    page.keyboard.press("Control+b")                                # close the file browser
    page.evaluate("document.querySelector('.nl-panel').style.width = '900px'")
    places = """() => { const y = e => e.getBoundingClientRect().y, top = y(document.querySelector('.nl-panel'));
        return [...document.querySelectorAll('.nl-controls, .nl-stage, .nl-more')].map(e => y(e) - top) }"""
    before = page.evaluate(places)
    slide(page, Loss=30, Duplicate=30, Reorder=30, Delay=20)
    page.get_by_label("How many").fill("10")
    for act, said in (("sendto", "3 were lost"), ("recvfrom", "received 5 bytes"), ("sendto, back", "answered"),
                      ("Replay", "the same fates"), ("recvfrom", "received 5 bytes")):
        press(notebook, act, ".nl-said", said)
        assert page.evaluate(places) == before, act
    for width in (900, 600):
        page.evaluate("w => document.querySelector('.nl-panel').style.width = w + 'px'", width)
        assert page.locator(".nl-panel").bounding_box()["height"] < 720
    page.evaluate("document.querySelector('.nl-panel').style.width = '900px'")
    press(notebook, "The same over TCP", ".nl-said", "Over TCP all came")
    assert page.locator(".nl-panel").bounding_box()["height"] < 720
    for n in (2, 3, 4):
        press(notebook, "Add a sender", ".nl-end", f"sender {n}")
        page.get_by_label("How many").fill("2")
        press(notebook, "sendto", ".nl-said", f"Sender {n} sent 2")
        if n < 4:
            press(notebook, "Add a receiver", ".nl-said", f"Receiver {n} is bound")
    page.locator(".nl-race").wait_for(state="detached")
    assert page.locator(".nl-panel").bounding_box()["height"] < 720


def test_it_fits(opened):
    notebook = opened([CELL], width=1600, height=1400)
    page = begin(notebook)
    slide(page, Loss=30, Duplicate=30, Reorder=30)
    page.get_by_label("How many").fill("10")
    press(notebook, "sendto", ".nl-said", "3 were lost")
    press(notebook, "The same over TCP", ".nl-said", "Over TCP all came")
    press(notebook, "Add a sender", ".nl-end", "sender 2")
    for label in ("At most", "Seed", "How many"):
        page.get_by_label(label, exact=True).fill("abc")
    press(notebook, "sendto", ".nl-error", "is not a number")
    page.get_by_role("button", name="recvfrom", exact=True).click()
    press(notebook, "Show the code", ".nl-code", "Link")
    for width in (1600, 1200, 560):
        page.set_viewport_size({"width": width, "height": 1400})
        if width < 700:
            page.keyboard.press("Control+b")                        # close the file browser
        page.wait_for_function(FITS)
        assert page.evaluate(SCROLLS) == []
    for width in (900, 600, 480, 360):                              # one form of the picture, and all of it
        page.evaluate("w => document.querySelector('.nl-panel').style.width = w + 'px'", width)
        shown = [box for box in (each.bounding_box() for each in page.locator(".nl-link .nl-picture svg").all()) if box]
        assert len(shown) == 1 and shown[0]["width"] <= width and page.evaluate(SCROLLS) == []
