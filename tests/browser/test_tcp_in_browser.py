"""TcpPanel as a learner meets it: in a real JupyterLab in a real chromium."""
import re

from keys import Keys
from lab import FITS, SCROLLS

CELL = "from netlab.panels import TcpPanel\npanel = TcpPanel()\npanel"


def begin(notebook, does="upper"):
    """Run the cell, start the server, connect."""
    page = notebook.page
    notebook.run_all(1)
    page.get_by_label("Server does").select_option(index=["upper", "echo", "quiet", "idle"].index(does))
    page.get_by_role("button", name="Start", exact=True).click()
    notebook.until(".nl-said", "The server listens on 127.0.0.1")
    page.get_by_role("button", name="connect", exact=True).click()
    notebook.until(".nl-said", "Client 1 is connected")
    return page


def test_a_conversation_typed_and_clicked(opened):
    notebook = opened([CELL])
    page = begin(notebook)
    assert notebook.contrast_under_the_pointer(".nl-main") > 300        # it can be read there too
    page.get_by_label("Message").fill("hello, 世界")
    page.get_by_role("button", name="sendall").click()
    notebook.until(".nl-said", "13 bytes from the server wait in the kernel of client 1")
    page.get_by_role("button", name="recv", exact=True).click()
    notebook.until(".nl-last", r'recv\(1024\) → b"HELLO, ')
    page.get_by_role("button", name="The whole story").click()
    notebook.until(".nl-picture svg", "recv")
    page.get_by_label("At most").fill("abc")
    page.get_by_role("button", name="recv", exact=True).click()
    notebook.until(".nl-error", '"abc" is not a number. Give how many bytes, 1 to 65536.')
    page.get_by_role("button", name="Show the code").click()
    notebook.until(".nl-code", r"client_1\.connect\(server\.address\)")
    page.get_by_role("button", name="Close all").click()
    notebook.until(".nl-said", "Everything is closed")
    assert page.locator(".nl-panel").count() == 1


def test_hostile_bytes_do_nothing_in_the_page(opened):
    notebook = opened([CELL])
    page = begin(notebook, "echo")
    message = "<script>window.owned = 1</script><img src=http://192.0.2.1/x onerror='window.owned = 1'>"
    page.get_by_label("Message").fill(message)
    page.get_by_role("button", name="sendall").click()
    notebook.until(".nl-said", "bytes from the server wait in the kernel of client 1")
    page.get_by_label("At most").fill("65536")
    page.get_by_role("button", name="recv", exact=True).click()
    notebook.until(".nl-last", "<script>window.owned")
    notebook.until(".nl-end", "<script>window.owned")
    page.get_by_role("button", name="The whole story").click()
    notebook.until(".nl-picture svg", "<script>window.owned")
    page.get_by_role("button", name="Show the code").click()
    notebook.until(".nl-code", "<script>window.owned")
    page.get_by_label("As", exact=True).select_option(label="hex")
    page.get_by_label("Message").fill("00 ff fe c3 28 00")
    page.get_by_role("button", name="sendall").click()
    notebook.until(".nl-end", re.escape(r"\x00\xff\xfe\xc3(\x00"))
    assert page.evaluate("window.owned") is None
    assert page.locator(".nl-panel img, .nl-panel script").count() == 0


def test_a_megabyte_goes_through_the_page(opened):
    notebook = opened([CELL])
    page = begin(notebook, "quiet")
    page.get_by_label("Message").fill("m" * 1_000_000)
    page.get_by_role("button", name="sendall").click()
    notebook.until(".nl-said", "Client 1 sent 1,000,000 bytes")
    page.get_by_role("button", name="Add a client").click()         # and the panel goes on
    notebook.until(".nl-end", "client 2")
    page.get_by_role("button", name="connect", exact=True).click()
    notebook.until(".nl-said", "Client 2 is connected")
    page.get_by_role("button", name="sendall").click()
    notebook.until(".nl-said", "Client 2 sent 1,000,000 bytes")


def test_all_of_it_by_keyboard_alone(opened):
    notebook = opened([CELL], height=1200)
    page, until = notebook.page, notebook.until
    notebook.run_all(1)
    page.get_by_role("button", name="close", exact=True).wait_for()
    keys = Keys(notebook)
    assert len(keys.tour()) == 19

    keys.go("Server does")
    keys.press(*"e", "Escape", *"mddxe")                            # "echo"; on the notebook they would edit cells
    keys.does("Start", "Enter", ".nl-said", "The server listens")
    assert keys.here() == "Stop"
    keys.does("Connect to port", "Enter", ".nl-said", "Client 1 is connected")
    keys.go("Message")
    for count, message in ((5, "typed"), (20, "typed in one breath"[:15]), (21, "x")):
        keys.type(message)
        keys.press("Enter")                                         # at once: nothing that was typed is left out
        until(".nl-said", f"{count} bytes from the server wait in the kernel of client 1")
    keys.type("and by the button")
    keys.does("sendall", "Space", ".nl-said", "38 bytes from the server wait in the kernel of client 1")
    keys.go("At most")
    keys.type("36")
    keys.does("At most", "Enter", ".nl-last", r"recv\(36\) → ")
    keys.does("✓ Send hello, then recv", "Enter", ".nl-goals p", "In the client's kernel")
    keys.does("recv", "Space", ".nl-last", r"recv\(36\) → b\"on\"")
    assert page.get_by_text("In the client's kernel").is_visible()  # what was unfolded stays so

    keys.does("Add a client", "Enter", ".nl-end", "client 2")
    keys.does("connect", "Enter", ".nl-said", "Client 2 is connected")
    keys.does("recv", "Enter", ".nl-end", r"waits in recv\(36\)")
    keys.does("client 1", "Space", ".nl-end[aria-pressed=true]", "client 1")
    keys.does("shutdown", "Enter", ".nl-said", "Client 1 ended its sending.*Client 2 waits in recv")
    keys.does("client 2", "Enter", ".nl-end[aria-pressed=true]", "client 2")
    keys.does("close", "Space", ".nl-said", r"was waiting in recv\(36\); close ended the wait")
    keys.go("remove")
    page.keyboard.press("Enter")
    page.locator(".nl-conversation[data-key='2']").wait_for(state="detached")
    assert keys.here() == "Add a client"                            # beside it: the button went with its client
    keys.does("Show the code", "Enter", ".nl-code", r"client_1\.connect\(server\.address\)")
    keys.does("The whole story", "Space", ".nl-picture svg", "recv")
    keys.does("Close all", "Enter", ".nl-said", "Everything is closed")
    assert page.locator(".nl-said [role=status]").count() == 1


def test_what_is_typed_and_opened_stays_while_the_panel_goes_on(opened):
    notebook = opened([CELL])
    page = begin(notebook, "echo")
    page.get_by_label("Message").fill("a")
    page.keyboard.press("Enter")
    notebook.until(".nl-said", "1 byte from the server waits")
    page.get_by_label("Message").fill("half a sen")
    page.keyboard.press("ArrowLeft")
    page.evaluate("document.querySelector('.nl-panel input[name=message]').dataset.mine = 'yes'")
    page.evaluate("[...document.querySelectorAll('.nl-panel button')].find(b => b.textContent == 'recv').click()")
    notebook.until(".nl-said", "received 1 byte")
    field = page.get_by_label("Message")
    assert field.input_value() == "half a sen" and field.evaluate("f => f === document.activeElement && f.selectionStart") == 9


def test_run_again_the_cell_replaces_its_panel_and_a_restarted_kernel_says_what_to_do(opened):
    notebook = opened([CELL])
    page = begin(notebook)
    page.locator(".jp-CodeCell .cm-content").first.click()
    page.keyboard.press("Control+Enter")
    notebook.until(".nl-end", r"server\s+stopped")
    assert page.locator(".nl-panel").count() == 1
    begin(notebook)
    assert page.locator(".nl-gone:visible").count() == 0
    notebook.menu("Kernel")
    page.get_by_role("menuitem", name=re.compile("^Restart Kernel…")).click()
    page.locator(".jp-Dialog .jp-mod-accept").click()
    page.locator(".nl-gone:visible").wait_for()
    assert page.locator(".nl-gone").inner_text() == ("Python was started anew, and this panel is gone. "
                                                       "Run the first code cell of the page, then this one.")
    assert page.evaluate("getComputedStyle(document.querySelector('.nl-panel'), '::before').content") in ("none", "normal")
    assert "Client 1 is connected" in page.locator(".nl-said").inner_text()          # what was there can still be read
    begin(notebook)


BUSY = """from netlab.kernel import wait_until
for n in range(17):
    for client in panel.clients:
        panel.on_choose(client.key)
        panel.put("message", f"message {n}")
        (panel.on_recv if n % 3 == 2 else panel.on_sendall)("")
        wait_until(lambda: not panel.pending(client))
"""


def test_after_50_actions_it_is_in_view_and_the_controls_have_not_moved(opened):
    notebook = opened([CELL, BUSY], width=1400, height=1000)
    page = notebook.page
    page.locator(".jp-CodeCell").first.click()
    page.keyboard.press("Shift+Enter")
    for name, said in (("Start", "listens"), ("connect", "Client 1 is"), ("Add a client", ""), ("connect", "Client 2 is"),
                       ("Add a client", ""), ("connect", "Client 3 is")):
        page.get_by_role("button", name=name, exact=True).click()
        notebook.until(".nl-said", said)
    page.keyboard.press("Control+b")
    page.evaluate("document.querySelector('.nl-panel').style.width = '900px'")
    distance = "document.querySelector('[name=message]').getBoundingClientRect().y - " \
               "document.querySelector('.nl-panel').getBoundingClientRect().y"
    before = page.evaluate(distance)
    page.locator(".jp-CodeCell").last.click()
    page.keyboard.press("Shift+Enter")
    notebook.until(".nl-last", "message 16")
    notebook.until(".nl-said", "of client 3")
    for width in (900, 600):
        page.evaluate("w => document.querySelector('.nl-panel').style.width = w + 'px'", width)
        assert page.locator(".nl-panel").bounding_box()["height"] < 720
        if width == 900:
            assert page.evaluate(distance) == before


def test_it_fits(opened):
    notebook = opened([CELL], width=1600, height=1400)
    page = begin(notebook)
    page.get_by_role("button", name="sendall").click()
    notebook.until(".nl-said", "5 bytes from the server wait")
    page.get_by_role("button", name="Add a client").click()
    notebook.until(".nl-end", "client 2")
    page.get_by_label("At most").fill("abc")
    page.get_by_role("button", name="recv", exact=True).click()
    notebook.until(".nl-error", "is not a number")
    page.get_by_role("button", name="Show the code").click()
    notebook.until(".nl-code", "serve")
    for width in (1600, 1200, 560):
        page.set_viewport_size({"width": width, "height": 1400})
        if width < 700:
            page.keyboard.press("Control+b")         # close the file browser
        page.wait_for_function(FITS)
        assert page.evaluate(SCROLLS) == []
