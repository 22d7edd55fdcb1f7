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


PICTURED = """\
from netlab import Timeline
from netlab.panels import ask
from netlab.teach import blanks
from netlab.teach.pictured import pictured
from netlab.teach.questions import number, single
def talk():
    timeline = Timeline()
    a, b = timeline.socketpair()
    with a, b:
        a.sendall(b"tea")
        a.sendall(b"rice")
        b.recv(5)
        b.recv(1024)
    return timeline
arrow = pictured(single("Which recv?", {"recv 1": "It takes five.", "recv 2": "Nothing is left."}, "recv 1"), talk,
                 blanks.taker_of("sendall"))
stays = pictured(number("How many stay?", 2, "7 - 5", {5: "So many are taken."}), talk, blanks.left_after(1))
display(ask(arrow), ask(stays))"""


def test_a_guess_is_put_into_the_picture_by_keyboard_and_stands_beside_what_came(opened):
    notebook = opened([PICTURED, "display(arrow.beside(talk()), stays.beside(talk()))"], height=1600)
    page = notebook.page
    notebook.run_all(2)
    page.locator(".nl-quiz button").nth(1).wait_for()
    page.get_by_text("no guess was made").nth(1).wait_for()
    page.locator(".jp-CodeCell").first.click()
    page.keyboard.press("Escape")
    keys = Keys(notebook)
    assert keys.tour() == ["recv 1", "Keep my guess", "Your number", "Keep my guess"]

    def drawn(words):
        page.locator(f".nl-quiz img[alt$='Your guess: {words}']").wait_for()

    keys.go("recv 1")
    assert keys.press("Space", "ArrowDown") == "recv 2"
    drawn("recv 2")
    keys.does("recv 2", "Enter", ".nl-more", r"^Kept: recv 2\. Run the next cell\.$")
    keys.go("Your number")
    keys.type("0x2")
    drawn("2")
    keys.does("Keep", "Space", ".nl-quiz:has(input[inputmode]) .nl-more", r"^Kept: 2 bytes\. Run the next cell\.$")
    keys.go("Your number")
    keys.press("Backspace")
    drawn("?")
    assert page.get_by_role("alert").count() == 1                   # of the other one
    notebook.until(".nl-quiz:has(input[inputmode]) .nl-more", r"^Still kept: 2 bytes\.$")
    page.locator(".jp-CodeCell").nth(1).click()
    page.keyboard.press("Shift+Enter")
    notebook.until("netlab-beside", "you: recv 2 · came: recv 1.*Nothing is left")
    notebook.until("netlab-beside", "you: 2 bytes · came: 2 bytes.*7 - 5")
    assert page.get_by_text("no guess was made").count() == 0
