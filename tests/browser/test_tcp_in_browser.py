"""TcpPanel as a learner meets it: in a real JupyterLab in a real chromium."""
import re

import pytest
from lab import SCROLLS

CELL = "from netlab.panels import TcpPanel\npanel = TcpPanel()\npanel"

FITS = """() => { const panel = document.querySelector('.nl-panel').getBoundingClientRect(),
    room = document.querySelector('.jp-OutputArea-output:has(.nl-panel)').getBoundingClientRect();
    return panel.width <= 900 && panel.right <= room.right + 1 && panel.width > 300 }"""


def begin(notebook, does="upper"):
    """Run the cell, start the server, connect."""
    page = notebook.page
    notebook.run_all(1)
    page.get_by_label("Does").select_option(index=["upper", "echo", "quiet", "idle"].index(does))
    page.get_by_role("button", name="Start", exact=True).click()
    notebook.until(".nl-foot", "The server listens on 127.0.0.1")
    page.get_by_role("button", name="connect", exact=True).click()
    notebook.until(".nl-foot", "Client 1 is connected")
    return page


def test_a_conversation_typed_and_clicked(opened):
    notebook = opened([CELL])
    page = begin(notebook)
    page.get_by_label("Message").fill("hello, 世界")
    page.get_by_role("button", name="sendall").click()
    notebook.until(".nl-foot", "13 bytes wait in Client 1's receive queue")
    page.get_by_role("button", name="recv", exact=True).click()
    notebook.until(".nl-log", "HELLO, 世界 · 13 bytes · 48 45 4c 4c 4f")
    notebook.until(".nl-picture svg", "recv")
    page.get_by_label("Receive at most").fill("abc")
    page.get_by_role("button", name="recv", exact=True).click()
    notebook.until(".nl-error", '"abc" is not a number. Give how many bytes, 1 to 65536.')
    page.get_by_role("button", name="Show the code").click()
    notebook.until(".nl-code", r"client_1\.connect\(server\.address\)")
    page.get_by_role("button", name="Close all").click()
    notebook.until(".nl-foot", "Everything is closed")
    assert page.locator(".nl-panel").count() == 1


def test_hostile_bytes_do_nothing_in_the_page(opened):
    notebook = opened([CELL])
    page = begin(notebook, "echo")
    message = "<script>window.owned = 1</script><img src=http://192.0.2.1/x onerror='window.owned = 1'>"
    page.get_by_label("Message").fill(message)
    page.get_by_role("button", name="sendall").click()
    notebook.until(".nl-foot", "bytes wait in Client 1's receive queue")
    page.get_by_label("Receive at most").fill("65536")
    page.get_by_role("button", name="recv", exact=True).click()
    notebook.until(".nl-log", "<script>window.owned")
    page.get_by_role("button", name="Show the code").click()
    notebook.until(".nl-code", "<script>window.owned")
    page.get_by_label("As", exact=True).select_option(label="hex")
    page.get_by_label("Message").fill("00 ff fe c3 28 00")
    page.get_by_role("button", name="sendall").click()
    notebook.until(".nl-log", re.escape(r"\x00\xff\xfe\xc3(\x00"))
    assert page.evaluate("window.owned") is None
    assert page.locator(".nl-panel img, .nl-panel script").count() == 0


def test_a_megabyte_goes_through_the_page(opened):
    notebook = opened([CELL])
    page = begin(notebook, "quiet")
    page.get_by_label("Message").fill("m" * 1_000_000)
    page.get_by_role("button", name="sendall").click()
    notebook.until(".nl-foot", "Client 1 sent 1,000,000 bytes")
    page.get_by_role("button", name="Add a client").click()         # and the panel goes on
    notebook.until(".nl-name", "Client 2")
    page.get_by_role("button", name="connect", exact=True).last.click()
    notebook.until(".nl-foot", "Client 2 is connected")
    page.get_by_role("button", name="sendall").last.click()
    notebook.until(".nl-foot", "Client 2 sent 5 bytes")


def test_by_keyboard_alone(opened):
    notebook = opened([CELL])
    page = notebook.page
    notebook.run_all(1)
    page.get_by_label("Does").focus()
    for key in ("Tab", "Tab", "Tab", "Enter"):       # host, port, the button
        page.keyboard.press(key)
    notebook.until(".nl-foot", "The server listens")
    page.get_by_label("Port").first.focus()
    page.keyboard.press("Enter")                     # Enter in a field of the client connects
    notebook.until(".nl-foot", "Client 1 is connected")
    for count, message in ((5, "typed"), (20, "typed in one breath"[:15]), (21, "x")):
        page.get_by_label("Message").focus()
        page.keyboard.press("Control+a")
        page.keyboard.type(message)
        page.keyboard.press("Enter")                 # at once: nothing that was typed is left out
        notebook.until(".nl-foot", f"{count} bytes wait in Client 1's receive queue")
    page.get_by_label("Message").focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("and by the button")
    for key in ("Tab", "Tab", "Space"):
        page.keyboard.press(key)
    notebook.until(".nl-foot", "38 bytes wait in Client 1's receive queue")


def test_every_control_has_a_name(opened):
    notebook = opened([CELL])
    begin(notebook)
    nameless = notebook.page.evaluate(
        "() => [...document.querySelectorAll('.nl-panel input, .nl-panel select, .nl-panel button')]"
        ".filter(e => !(e.labels?.[0]?.textContent || e.textContent).trim()).length")
    assert nameless == 0
    assert notebook.page.locator(".nl-foot[role=status]").count() == 1


def test_running_again_replaces_the_panel(opened):
    notebook = opened([CELL])
    page = begin(notebook)
    page.locator(".jp-CodeCell .cm-content").first.click()
    page.keyboard.press("Control+Enter")
    notebook.until(".nl-name", "Server stopped".replace(" ", r"\s*"))
    assert page.locator(".nl-panel").count() == 1
    begin(notebook)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_fits_and_follows_the_theme(opened, dark):
    notebook = opened([CELL], dark=dark, width=1600, height=1400)
    page = begin(notebook)
    page.get_by_role("button", name="sendall").click()
    notebook.until(".nl-foot", "5 bytes wait")
    page.get_by_role("button", name="Add a client").click()
    notebook.until(".nl-name", "Client 2")
    page.get_by_label("Receive at most").first.fill("abc")
    page.get_by_role("button", name="recv", exact=True).first.click()
    notebook.until(".nl-error", "is not a number")
    page.get_by_role("button", name="Show the code").click()
    notebook.until(".nl-code", "serve")
    for width in (1600, 1200, 560):
        page.set_viewport_size({"width": width, "height": 1400})
        if width < 700:
            page.keyboard.press("Control+b")         # close the file browser
        page.wait_for_function(FITS)
        assert page.evaluate(SCROLLS) == []
    ink, paper = page.evaluate("""() => { const css = getComputedStyle(document.querySelector('.nl-panel'));
        return [css.color, css.backgroundColor] }""")
    light = [sum(map(float, re.findall(r"[\d.]+", colour)[:3])) for colour in (ink, paper)]
    assert (light[0] > light[1]) == dark and abs(light[0] - light[1]) > 350
