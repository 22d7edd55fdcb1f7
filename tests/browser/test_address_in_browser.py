"""AddressPanel as a learner meets it: in a real JupyterLab in a real chromium."""
import re

import pytest
from lab import SCROLLS

CELL = 'from netlab.panels import AddressPanel\npanel = AddressPanel("192.168.0.77", 24)\npanel'


def test_by_hand_and_by_keyboard_in_a_browser(opened):
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
    page.keyboard.press("ArrowLeft")                # the border has the focus, and keeps it from group to group
    notebook.until(".nl-said", r"255\.0\.0\.0/18")
    page.keyboard.press("PageDown")
    notebook.until(".nl-said", r"255\.0\.0\.0/10")
    page.keyboard.press("ArrowRight")
    notebook.until(".nl-said", r"255\.0\.0\.0/11")

    page.get_by_label("Text", exact=True).focus()           # from here by keyboard alone
    page.keyboard.press("Control+a")
    page.keyboard.type("2001:db8::7")
    page.keyboard.press("Enter")
    notebook.until(".nl-said", "Now an IPv6 address. 2001:db8::7/64")
    notebook.until(".nl-facts", "2001:db8::/64")            # written after the fields: nothing overwrites what comes
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.ariaLabel") == "Prefix length"
    page.keyboard.type("48")                                # Tab selects what stands there
    page.keyboard.press("Tab")
    notebook.until(".nl-facts", "2001:db8::/48")
    for label in ("Integer", "Hex", "Bits 127 to 112"):     # past the switch, to the first group
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.ariaLabel") == label
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    notebook.until(".nl-said", r"Bit 127 is 1 now\. a001:db8::7/48")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    notebook.until(".nl-said", r"Bit 126 is 1 now\. e001:db8::7/48")
    page.get_by_role("button", name="Show the code").click()
    notebook.until(".nl-code", re.escape('addresses.parse("e001:db8::7")'))
    nameless = page.evaluate("() => [...document.querySelectorAll('.nl-panel input, .nl-panel button')]"
                             ".filter(e => !(e.ariaLabel || e.title || e.textContent).trim()).length")
    assert nameless == 0 and page.locator(".nl-said [role=status]").count() == 1


@pytest.mark.parametrize("dark, width", [(False, 1600), (True, 1200), (True, 690), (False, 560)])
def test_it_fits_and_follows_the_theme(opened, dark, width):
    notebook = opened([CELL], dark=dark, width=width, height=1400)
    page = notebook.page
    if width < 700:
        page.keyboard.press("Control+b")
    notebook.run_all(1)
    for switch in (None, "Switch to IPv6"):
        if switch:
            page.get_by_label("Text", exact=True).fill("fedc:ba98:7654:3210:fedc:ba98:7654:3210/120")
            page.keyboard.press("Enter")
            page.get_by_title("bit 127,").wait_for()
            page.wait_for_function("() => document.querySelector('[name=text]').value.length === 39")
        else:
            notebook.until(".nl-facts", "network")
        box = page.locator(".nl-panel").bounding_box()
        room = page.locator(".jp-OutputArea-output:has(.nl-panel)").bounding_box()
        assert box["width"] <= 900 and box["width"] <= room["width"]
        assert page.evaluate(SCROLLS) == []
        cut = page.evaluate("() => [...document.querySelectorAll('.nl-panel input')].filter("
                            "e => e.scrollWidth > e.clientWidth + 1).map(e => e.value)")
        assert cut == []
    ink, paper = page.evaluate("() => { const css = getComputedStyle(document.querySelector('.nl-bit'));"
                               "return [css.color, css.backgroundColor] }")
    light = [sum(map(float, re.findall(r"[\d.]+", colour)[:3])) for colour in (ink, paper)]
    assert abs(light[0] - light[1]) > 300
