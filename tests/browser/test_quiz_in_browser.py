"""Questions as a learner meets them: in a real JupyterLab in a real chromium."""
from keys import Keys

CELL = """\
from netlab.panels import ask
from netlab.teach.questions import multiple, number, order, single
one = single("Which end connects?", {"client": "It connects.", "server": "It waits."}, "client")
some = multiple("Which hold?", {"a": "yes, a", "b": "no, b", "c": "yes, c"}, {"a", "c"})
count = number("How many?", 1024, "ten bits", {1000: "that is decimal"})
steps = order("In which order?", ["bind", "listen", "accept"], "a place, a queue, a client",
              {("listen", "bind"): "listen needs an address"})
for question in (one, some, count, steps):
    display(ask(question))"""


def test_each_kind_is_answered_by_keyboard_alone(opened):
    notebook = opened([CELL], height=1400)
    page = notebook.page
    notebook.run_all(1)
    page.locator(".nl-quiz button").nth(5).wait_for()
    keys = Keys(notebook)
    assert keys.tour() == ["client", "Check my prediction", "a", "b", "c", "Check my prediction", "Your number",
                           "Check my prediction", "accept", "bind", "listen", "Check my prediction"]

    def judged(control, key, words):
        keys.does(control, key, ".nl-more", words)
        assert page.get_by_role("alert").count() == 1           # read out once

    def gone():
        page.locator(".nl-more > *").wait_for(state="detached")

    keys.go("client")
    assert keys.press("Space", "ArrowDown") == "server"         # arrows go about in the group
    judged("server", "Enter", "Not yet.*It waits")
    keys.press("ArrowUp")
    gone()
    judged("Check", "Space", "Right.*It connects")
    assert keys.press("Shift+Tab") == "✓ client"
    keys.press("ArrowDown")
    gone()

    keys.go("a")
    assert keys.press("Space", "Tab", "Space") == "b"
    judged("b", "Enter", "Not yet.*no, b")
    assert keys.here() == "✗ b"
    keys.press("Space")
    gone()
    keys.press("Tab", "Space")
    judged("Check", "Enter", "Right.*yes, a.*yes, c")
    assert keys.press("Shift+Tab") == "✓ c"
    keys.press("Space")
    gone()

    keys.go("Your number")
    keys.type("1000")
    judged("Your number", "Enter", "Not yet.*that is decimal")
    keys.type("1024")
    gone()
    judged("Check", "Enter", "Right.*ten bits")
    keys.press("Shift+Tab", "Backspace")
    gone()

    for step, key in (("listen", "Enter"), ("accept", "Space"), ("bind", "Enter")):
        keys.go(step)
        keys.press(key)
        page.get_by_role("listitem").get_by_role("button", name=step).wait_for()
        assert keys.here() == step                              # where it stands now: the focus goes with it
    judged("Check", "Space", "Not yet.*listen needs an address")
    keys.go("listen")
    keys.press("Space")                                         # takes it back
    gone()
    assert keys.here() == "listen"
