"""MethodPanel as a learner meets it: in a real JupyterLab in a real chromium."""
import re


def test_by_keyboard_in_a_browser(opened):
    page = opened(["from netlab.panels import MethodPanel\nMethodPanel()"])
    page.run_all(1)
    page.until(".nl-said", "New sockets are on the workbench")
    by = page.page.get_by_label

    def call(name, method, typed):
        page.page.get_by_role("button", name=re.compile(rf"^{name}\b")).first.press("Enter")
        by("Method", exact=True).select_option(method)
        page.until(".nl-about", rf"{name}\.{method}\(")
        by("Arguments", exact=True).fill(typed)
        by("Arguments", exact=True).press("Enter")

    call("client", "send", 'b"<b>hello</b>"')
    page.until(".nl-said", r"returned 12\.")
    call("connection", "recv", "3")
    page.until(".nl-stage", r"connection\.recv\(3\) → b'<b>'")
    assert page.page.locator(".nl-stage b").filter(has_text=re.compile("^hello$")).count() == 0
    page.until(".nl-way", "9 bytes, not received yet")
    call("listener", "accept", "")
    page.until(".nl-said", r"listener\.accept\(\) waits")
    page.page.get_by_role("button", name="Cancel listener.accept").press("Enter")
    page.until(".nl-said", "was cancelled")
    call("client", "recv", "abc")
    page.until(".nl-error", "is no name known here")
    page.page.get_by_role("button", name="Start again").press("Enter")
    page.until(".nl-said", "New sockets")
    assert page.page.locator(".nl-panel").bounding_box()["width"] <= 900


def test_typing_in_its_lists_stays_there(opened):
    page = opened(["from netlab.panels import MethodPanel\nMethodPanel()"])
    page.run_all(1)
    page.until(".nl-said", "New sockets are on the workbench")
    page.page.get_by_label("Method", exact=True).focus()
    page.page.keyboard.type("makefile")             # as a list of the browser takes it; m alone would make the cell Markdown
    page.until(".nl-about", r"client\.makefile\(")
    assert page.page.locator(".jp-CodeCell").count() == 1 and page.page.locator(".jp-MarkdownCell").count() == 0
