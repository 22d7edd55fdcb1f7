"""MethodPanel as a learner meets it: in a real JupyterLab in a real chromium."""
import re

from keys import Keys
from lab import SCROLLS


def test_all_of_it_by_keyboard_alone(opened):
    notebook = opened(["from netlab.panels import MethodPanel\nMethodPanel()"], height=1000)
    page, until = notebook.page, notebook.until
    notebook.run_all(1)
    until(".nl-said", "New sockets are on the workbench")
    keys = Keys(notebook)
    tour = keys.tour()
    assert tour[3:8] == ["Method", "Arguments", "Call", "Cancel", "Start again"] and len(tour) == 3 + 5 + 7

    def call(typed, selector, pattern, control="Arguments", key="Enter"):
        keys.go("Arguments")
        keys.type(typed)
        keys.does(control, key, selector, pattern)

    # m alone, typed on the notebook, would make the cell Markdown, and d d delete it
    keys.go("Method")
    page.keyboard.type("makefile")
    until(".nl-about", r"client\.makefile\(")
    for _ in range(10):                             # as a held key repeats: the panel, which lags behind, takes nothing back
        page.keyboard.press("ArrowDown", delay=20)
    until(".nl-about", r"client\.setsockopt\(")
    keys.press(*["ArrowUp"] * 4)
    keys.does("Method", "ArrowUp", ".nl-about", r"client\.send\(")
    call('b"<b>hello</b>"', ".nl-said", r"returned 12\.")
    keys.does("connection", "Space", ".nl-about", r"connection\.send\(")     # its box, where it is drawn
    keys.go("Method")
    keys.press(*["ArrowUp"] * 3)
    keys.does("Method", "ArrowUp", ".nl-about", r"connection\.recv\(")
    call("3", ".nl-stage", r"connection\.recv\(3\) → b'<b>'", "Call", "Space")
    assert page.locator(".nl-stage b").filter(has_text=re.compile("^hello$")).count() == 0
    until(".nl-way", "9 bytes, not received yet")

    keys.does("unix", "Enter", ".nl-about", r"unix\.recv\(")
    call("9", ".nl-said", r"unix\.recv\(9\) waits")
    keys.does("Cancel unix.recv", "Space", ".nl-said", "was cancelled")
    page.locator("button[data-do=cancel][aria-disabled=true]").wait_for()
    assert keys.here() == "Cancel"
    call("abc", ".nl-error", "is no name known here")
    keys.does("Show the code", "Enter", ".nl-code", r"connection\.recv\(3\)")
    keys.does("The whole story", "Space", ".nl-picture svg", "recv")
    keys.does("Start again", "Enter", ".nl-said", "New sockets")
    keys.does("Close all", "Space", ".nl-said", "Everything is closed")
    assert page.locator(".nl-panel").bounding_box()["width"] <= 900 and page.evaluate(SCROLLS) == []
