"""AddressPanel as a learner meets it: in a real JupyterLab in a real chromium."""
import re

from keys import Keys
from lab import FITS, SCROLLS

CELL = 'from netlab.panels import AddressPanel\npanel = AddressPanel("192.168.0.77", 24)\npanel'


def test_by_hand(opened):
    notebook = opened([CELL])
    page = notebook.page
    notebook.run_all(1)
    page.get_by_label("Text", exact=True).fill("127.0.0.1")
    page.keyboard.press("Enter")
    notebook.until(".nl-said", r"127\.0\.0\.1/24 is the integer 2130706433.*loopback, RFC 1122")
    notebook.until(".nl-facts", r"127\.0\.0\.0/24")
    page.get_by_title("bit 31, worth 2147483648").click()
    notebook.until(".nl-said", r"Bit 31 is 1 now\. 255\.0\.0\.1/24")
    page.get_by_label("Prefix length").fill("8")
    page.keyboard.press("Tab")
    notebook.until(".nl-facts", r"255\.0\.0\.0/8")
    page.get_by_label("Bits 15 to 8").fill("256")
    page.keyboard.press("Enter")
    notebook.until(".nl-error", "256 in the third group: at most 255.")
    assert page.get_by_label("Bits 15 to 8").input_value() == "256"
    page.get_by_title("bit 0, worth 1,").click()
    notebook.until(".nl-said", r"Bit 0 is 0 now\. 255\.0\.0\.0/8")
    assert page.get_by_label("Bits 15 to 8").input_value() == "0"
    page.get_by_role("slider").hover()
    goal = page.get_by_title("bit 12,").bounding_box()
    page.mouse.down()
    page.mouse.move(goal["x"] + 2, goal["y"] + 5, steps=4)
    page.mouse.up()
    notebook.until(".nl-said", r"255\.0\.0\.0/19")


def test_all_of_it_by_keyboard_alone(opened):
    notebook = opened([CELL], height=1000)
    page = notebook.page
    notebook.run_all(1)
    notebook.until(".nl-facts", "192.168.0.0/24")
    keys = Keys(notebook)
    tour = keys.tour()
    assert tour[:6] == ["Show the code", "Text", "Prefix length", "Switch to IPv6", "Integer", "Hex"]
    assert [name[:4] for name in tour].count("bit ") == 32 and len(tour) == 6 + 4 + 32 + 1

    for key, prefix in (("ArrowLeft", 23), ("ArrowUp", 24), ("PageDown", 16), ("ArrowDown", 15), ("PageUp", 23),
                        ("Home", 0), ("ArrowRight", 1), ("End", 32)):
        keys.does("Border", key, ".nl-said", rf"192\.168\.0\.77/{prefix} ")     # from group to group
    keys.does("bit 1,", "Space", ".nl-said", r"Bit 1 is 1 now\. 192\.168\.0\.79/32")
    keys.does("bit 0,", "Enter", ".nl-said", r"Bit 0 is 0 now\. 192\.168\.0\.78/32")
    keys.go("Bits 15 to 8")
    keys.type("256")
    keys.does("Bits 15 to 8", "Enter", ".nl-error", "256 in the third group: at most 255.")
    assert page.get_by_label("Bits 15 to 8").input_value() == "256"
    keys.go("Integer")
    keys.type("1")
    keys.does("Integer", "Enter", ".nl-said", r"0\.0\.0\.1/32")
    assert page.locator(".nl-error").count() == 0
    keys.go("Text")
    keys.type("2001:db8::7")
    keys.does("Text", "Enter", ".nl-said", "Now an IPv6 address. 2001:db8::7/64")
    notebook.until(".nl-facts", "2001:db8::/64")            # written after the fields: nothing overwrites what comes
    keys.press("Tab")
    page.keyboard.type("48")                                # Tab selects what stands there
    keys.press("Tab")
    notebook.until(".nl-facts", "2001:db8::/48")
    assert keys.here() == "Switch to IPv4"
    keys.does("bit 127", "Space", ".nl-said", r"Bit 127 is 1 now\. a001:db8::7/48")
    keys.does("Show the code", "Enter", ".nl-code", re.escape('addresses.parse("a001:db8::7")'))
    keys.does("Switch to IPv4", "Space", ".nl-said", r"Now an IPv4 address\. 0\.0\.0\.1/32")
    assert page.locator(".nl-said [role=status]").count() == 1


def test_it_fits(opened):
    notebook = opened([CELL], width=1600, height=1400)
    page = notebook.page
    notebook.run_all(1)
    notebook.until(".nl-facts", "network")

    def fits(*widths):
        for width in widths:
            page.set_viewport_size({"width": width, "height": 1400})
            page.wait_for_function(FITS)
            assert page.evaluate(SCROLLS) == []
            cut = page.evaluate("() => [...document.querySelectorAll('.nl-panel input')].filter("
                                "e => e.scrollWidth > e.clientWidth + 1).map(e => e.value)")
            assert cut == []

    fits(1600, 1200)
    page.keyboard.press("Control+b")                        # close the file browser
    fits(690, 560)
    page.get_by_label("Text", exact=True).fill("fedc:ba98:7654:3210:fedc:ba98:7654:3210/120")
    page.keyboard.press("Enter")
    page.get_by_title("bit 127,").wait_for()
    page.wait_for_function("() => document.querySelector('[name=text]').value.length === 39")
    fits(560, 690)
    page.keyboard.press("Control+b")                        # and open it
    fits(1200, 1600)
