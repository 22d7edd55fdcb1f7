"""What the tests of panels hold them with: a Hand that does what a page does, and a real kernel in the place of a browser."""
import json
import re
from functools import lru_cache

from bs4 import BeautifulSoup
from conftest import ROOT

from netlab.kernel import wait_until
from netlab.panels.base import PARTS


@lru_cache(32)      # who waits for words asks often, and mostly nothing is new
def tree_of(html):
    """HTML as a tree, to be read only."""
    return BeautifulSoup(html, "html.parser")


@lru_cache(32)
def words_of(html):
    """All words, without the markup."""
    page = BeautifulSoup(html, "html.parser")
    for each in page.find_all(["style", "option"]):
        each.decompose()
    return " ".join(page.get_text(" ").split())


class Hand:
    """Reads a panel's HTML, types into its fields and presses its buttons, as panel.js does for a reader.

    For a panel of this process; `parts` and `send` are other ways to its HTML, and back to it.
    """

    def __init__(self, panel=None, parts=None, send=None):
        self.panel, self._typed = panel, {}
        if panel is not None:
            parts, send = lambda: panel.wire.trait_values(), self._send_here
        self._parts, self.send = parts, send

    def _send_here(self, content):
        self.panel.wire._handle_custom_msg(json.loads(json.dumps(content)), [])

    # reading

    def parts(self):
        """The HTML of each part."""
        found = self._parts()
        return {part: "".join(found[name] for name in names) for part, names in PARTS.items()}

    def page(self, part=None):
        """The HTML as a tree."""
        return tree_of(self._html(part))

    def _html(self, part):
        parts = self.parts()
        return "".join(parts[name] for name in ([part] if part else PARTS))

    def text(self, part=None):
        """All words, without the markup."""
        return words_of(self._html(part))

    def until(self, pattern, part=None):
        """Wait until the words match."""
        try:
            return wait_until(lambda: re.search(pattern, self.text(part), re.S), 10)
        except TimeoutError:
            raise AssertionError(f"{pattern!r} is not in {self.text(part)!r}") from None

    def say_anew(self):
        """Let the page show another sentence, so that none is taken for the last one that was like it."""
        self.panel.say("Something else.")
        self.until("Something else", "said")

    def control(self, label):
        """The control with this label."""
        found = self.page().find(attrs={"aria-label": label})
        assert found is not None, f"no control {label!r}"
        return found

    def labels(self):
        """Of all fields and lists that take something."""
        return [each["aria-label"] for each in self.page().find_all(["input", "select"]) if "aria-label" in each.attrs]

    def buttons(self):
        """The words on all buttons."""
        return [each.get_text() for each in self.page().find_all("button")]

    def button(self, words):
        """The button with these words."""
        found = next((each for each in self.page().find_all("button") if each.get_text() == words), None)
        assert found is not None, f"no button {words!r} among {self.buttons()}"
        return found

    def value(self, label):
        """What stands in a field now."""
        return self._value(self.control(label))[0]

    def error(self, label):
        """What is said to be wrong with a field."""
        note = self.control(label).find_parent("div").find(class_="nl-error")
        return note.get_text() if note else ""

    def _value(self, control):
        put = int(control.get("data-put", 0))
        typed = self._typed.get((control["name"], control.get("value") if control.get("type") == "checkbox" else None, put))
        if typed is not None:
            return typed, put
        if control.name == "select":
            return control.find("option", selected=True)["value"], put
        return "" if control.get("type") in ("radio", "checkbox") else control.get("value", ""), put

    def fields(self):
        """What goes to the kernel with each thing done."""
        return {control["name"]: list(self._value(control)) for control in self.page().find_all(attrs={"name": True})}

    # doing

    def type(self, label, text, *, leave=True):
        """Put `text` into the field, and leave it."""
        self._set(self.control(label), text, leave)

    def choose(self, label, value):
        """Choose from a list."""
        control = self.control(label)
        assert control.find("option", value=value), f"{label} has no {value!r}"
        self._set(control, value, True)

    def tick(self, words, on="on"):
        """Choose an option of a question by its words."""
        label = next(each for each in self.page().find_all("label") if words in each.get_text())
        control = label.find("input")
        self._set(control, on if control["type"] == "checkbox" else control["value"], True)

    def _set(self, control, text, leave):
        box = control.get("value") if control.get("type") == "checkbox" else None
        self._typed[control["name"], box, int(control.get("data-put", 0))] = text
        for kind in ("data-input", "data-change"):
            if control.get(kind) and (leave or kind == "data-input"):
                self._act(control[kind], control["name"])

    def enter(self, label):
        """Press Enter in a field."""
        self._act(self.control(label)["data-enter"])

    def click(self, words):
        """Press a button, once the page lets a reader press it."""
        try:
            self.wait_for(lambda: self.button(words).get("aria-disabled") != "true")
        except TimeoutError:
            raise AssertionError(f"{words!r} cannot be pressed") from None
        self.press(self.button(words))

    def wait_for(self, condition):
        """Wait until it is true."""
        wait_until(condition, 10)

    def press(self, button):
        """Press a button that was found in `page()`."""
        if button.get("aria-disabled") != "true":
            self._act(button["data-do"], button.get("value", ""))

    def _act(self, action, about=""):
        self.send({"do": action, "about": about, "fields": self.fields()})


def html(panel, part):
    """The HTML of one part of a panel of this process."""
    return Hand(panel).parts()[part]


class Kernel:
    """A real kernel, with the widgets it made as a browser would see them."""

    def __init__(self):
        from jupyter_client.manager import start_new_kernel
        self.manager, self.client = start_new_kernel(kernel_name="python3", cwd=str(ROOT))
        self.state, self.stderr, self.header, self.results, self.done = {}, "", {}, {}, set()

    def close(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=False)

    def take(self, timeout=60):         # seconds, as nbval gives a cell: some say nothing for ten on a busy machine
        message = self.client.get_iopub_msg(timeout=timeout)
        kind, content = message["msg_type"], message["content"]
        if kind == "comm_open":
            self.state[content["comm_id"]] = dict(content["data"]["state"])
        elif kind == "comm_msg" and content["data"].get("method") == "update" and content["comm_id"] in self.state:
            self.state[content["comm_id"]].update(content["data"]["state"])
        elif kind == "comm_close":
            self.state.pop(content["comm_id"], None)
        elif kind == "stream" and content["name"] == "stderr":
            self.stderr += content["text"]
        elif kind in ("execute_result", "display_data"):
            self.results[message["parent_header"].get("msg_id")] = content["data"]
        elif kind == "error":
            raise AssertionError("\n".join(content["traceback"]))
        elif kind == "status" and content["execution_state"] == "idle":
            self.done.add(message["parent_header"].get("msg_id"))

    def run(self, code, cell="c1"):
        """Execute a cell as JupyterLab does, and return its output bundle (or text)."""
        return self.result(self.start(code, cell))

    def start(self, code, cell):
        message = self.client.session.msg("execute_request", {
            "code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False,
            "stop_on_error": True}, metadata={"cellId": cell})
        self.client.shell_channel.send(message)
        return message["header"]["msg_id"]

    def result(self, cell):
        while cell not in self.done:
            self.take()
        return self.results.get(cell)

    def use_subshell(self):
        """From now on do as JupyterLab does: what is for widgets goes to a thread of their own in the kernel."""
        self.client.control_channel.send(self.client.session.msg("create_subshell_request", {}))
        self.header = {"subshell_id": self.client.get_control_msg(timeout=10)["content"]["subshell_id"]}

    def send(self, comm, data):
        message = self.client.session.msg("comm_msg", {"comm_id": comm, "data": data})
        message["header"].update(self.header)
        self.client.shell_channel.send(message)

    def hand(self):
        """A Hand for the panel that is shown."""
        comm = next(comm for comm, state in self.state.items() if state.get("_model_module") == "anywidget")
        return KernelHand(None, lambda: self.state[comm],
                          lambda content: self.send(comm, {"method": "custom", "content": content})).of(self)


class KernelHand(Hand):
    """The same over the messages of a kernel."""

    def of(self, kernel):
        self.kernel = kernel
        return self

    def wait_for(self, condition):
        while not condition():
            self.kernel.take()

    def until(self, pattern, part=None):
        self.wait_for(lambda: re.search(pattern, self.text(part), re.S))
