"""MethodPanel as a learner meets it: in a real JupyterLab in a real chromium."""
import re


def test_by_keyboard_in_a_browser(opened):
    page = opened(["from netlab.panels import MethodPanel\nMethodPanel()"])
    page.run_all(1)
    page.until(".nl-foot", "New sockets are on the workbench")
    by = page.page.get_by_label

    def call(name, method, typed):
        choice = by("Socket", exact=True)
        choice.select_option(label=next(o for o in choice.locator("option").all_inner_texts() if o.startswith(f"{name}:")))
        by("Method", exact=True).select_option(method)
        page.until(".nl-caption", rf"{name}\.{method}\(")
        by("Arguments", exact=True).fill(typed)
        by("Arguments", exact=True).press("Enter")

    call("client", "send", 'b"<b>hello</b>"')
    page.until(".nl-foot", r"returned 12\.")
    call("connection", "recv", "3")
    page.until(".nl-log", r"connection\.recv\(3\) → b'<b>'")
    assert page.page.locator(".nl-log b").filter(has_text=re.compile("^hello$")).count() == 0
    call("listener", "accept", "")
    page.until(".nl-foot", r"listener\.accept\(\) waits")
    page.page.get_by_role("button", name="Cancel listener.accept").press("Enter")
    page.until(".nl-foot", "was cancelled")
    call("client", "recv", "abc")
    page.until(".nl-error", "is no name known here")
    page.page.get_by_role("button", name="Start again").press("Enter")
    page.until(".nl-foot", "New sockets")
    assert page.page.locator(".nl-panel").bounding_box()["width"] <= 900
