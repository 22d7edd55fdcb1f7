"""NetworkPanel as a learner meets it: in a real JupyterLab in a real chromium."""
import pytest
from conftest import need
from keys import Keys
from lab import FITS, SCROLLS

from netlab.network import Network

CELL = "from netlab.panels import NetworkPanel\npanel = NetworkPanel()\npanel"


@pytest.fixture(autouse=True)
def network():
    need(not Network.why(), Network.why())


def begin(notebook):
    """Run the cell, and send once."""
    notebook.run_all(1)
    notebook.page.get_by_role("button", name="Send", exact=True).click()
    notebook.until(".nl-said", "bob answered. The data went by south")
    return notebook.page


def test_sent_cut_and_sent_again(opened):
    notebook = opened([CELL])
    page, until = begin(notebook), notebook.until

    def press(name):
        page.get_by_role("button", name=name, exact=True).click()

    press("south-bob")
    until(".nl-cable", "south-bob")
    press("Cut")
    until(".nl-said", "south-bob is cut: packets go by north and east")
    until(".nl-picture:not(.nl-narrow) svg text", "^cut$")
    press("Send")
    until(".nl-said", "bob answered. The data went by north and east")
    until(".nl-goals", "✓ Send by the short way")
    press("First")
    until(".nl-steps-of [aria-current=step]", "^1")
    press("The ladder")
    page.locator(".nl-more img").wait_for()
    press("north-east")
    until(".nl-cable", "north-east")
    page.get_by_label("Loss %").fill("much")
    page.get_by_label("Times").click()                              # leaves the field
    until(".nl-error", '"much" is not allowed. Give a share, 0 to 100.')
    page.get_by_label("From", exact=True).select_option("bob")
    page.wait_for_function("document.querySelector('[name=to]').value === 'alice'")
    assert page.locator("[name=to] option").all_inner_texts() == ["alice", "north", "east", "south"]
    press("Show the code")
    until(".nl-code", r"net\.cables\[4\]\.cut\(\)    # south-bob")
    press("Close all")
    until(".nl-said", "Everything is closed; Send makes a new network")
    assert page.locator(".nl-panel").count() == 1


def test_all_of_it_by_keyboard_alone(opened):
    notebook = opened([CELL], height=1200)
    page = notebook.page
    notebook.run_all(1)
    page.get_by_role("button", name="Send", exact=True).wait_for()
    keys = Keys(notebook)
    assert len(keys.tour()) == 23

    keys.go("By")
    keys.press(*"p", "Escape", *"mddx")                             # "ping"; on the notebook they would edit cells
    keys.go("Message")
    keys.type("typed")
    keys.does("Times", "Enter", ".nl-said", "bob answered in .* ms. The data went by south")
    keys.go("By")
    keys.press("t")
    keys.does("Send", "Space", ".nl-said", "bob answered. The data went by south")
    keys.does("First", "Enter", ".nl-steps-of [aria-current=step]", "^1")
    keys.does("Next", "Space", ".nl-steps-of [aria-current=step]", "^2")
    keys.does("alice-south", "Enter", ".nl-cable", "alice-south")
    keys.go("Delay ms")
    keys.type("7")
    keys.does("Delay ms", "Enter", ".nl-said", "alice-south: delay 7 ms")
    keys.does("Cut", "Space", ".nl-said", "alice-south is cut: packets go by north and east")
    assert keys.here() == "Mend"
    keys.does("Mend", "Enter", ".nl-said", "alice-south is whole again")
    keys.does("The ladder", "Enter", ".nl-button", "Hide the ladder")
    page.locator(".nl-more img").wait_for()
    keys.does("Show the code", "Enter", ".nl-code", r"net\.cables\[3\]\.delay = 0\.007")
    keys.does("Close all", "Enter", ".nl-said", "Everything is closed")


def test_it_fits_and_stays_below_720(opened):
    notebook = opened([CELL], width=1600, height=1400)
    page = begin(notebook)
    page.keyboard.press("Control+b")                                # close the file browser
    page.get_by_label("Times").fill("abc")
    page.get_by_role("button", name="Send", exact=True).click()
    notebook.until(".nl-error", "is not a number")
    page.evaluate("document.querySelector('.nl-panel').style.width = '900px'")
    assert page.locator(".nl-panel").bounding_box()["height"] < 720
    page.evaluate("document.querySelector('.nl-panel').style.width = ''")
    for width in (1600, 1000, 560):
        page.set_viewport_size({"width": width, "height": 1400})
        page.wait_for_function(FITS)
        assert page.evaluate(SCROLLS) == []
    for width in (900, 600, 360):                                   # one form of the map, and all of it
        page.evaluate("w => document.querySelector('.nl-panel').style.width = w + 'px'", width)
        shown = [box for box in (each.bounding_box() for each in page.locator(".nl-picture svg").all()) if box]
        assert len(shown) == 1 and shown[0]["width"] <= width and page.evaluate(SCROLLS) == []
