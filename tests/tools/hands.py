"""What the tests of panels hold them with: the words of a panel, and a real kernel in the place of a browser."""
import re
from html import unescape

from conftest import ROOT


def walk(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from walk(child)


def text(widget):
    """All words of a part of the panel, without the markup."""
    parts = (getattr(w, "value", None) for w in walk(widget) if type(w).__name__ == "HTML")
    words = re.sub("<style>.*?</style>|<[^>]*>", " ", " ".join(part for part in parts if isinstance(part, str)), flags=re.S)
    return unescape(" ".join(words.split()))


class Kernel:
    """A real kernel, with the widgets it made as a browser would see them."""

    def __init__(self):
        from jupyter_client.manager import start_new_kernel
        self.manager, self.client = start_new_kernel(kernel_name="python3", cwd=str(ROOT))
        self.state, self.stderr, self.header, self.results, self.done = {}, "", {}, {}, set()

    def close(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=False)

    def take(self, timeout=10):
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

    def widget(self, **traits):
        """The id of the widget with these traits, waiting until there is one."""
        while True:
            for comm, state in self.state.items():
                if all(re.search(v, s, re.S) if isinstance(s := state.get(k), str) else s == v for k, v in traits.items()):
                    return comm
            self.take()

    def use_subshell(self):
        """From now on do as JupyterLab does: what is for widgets goes to a thread of their own in the kernel."""
        self.client.control_channel.send(self.client.session.msg("create_subshell_request", {}))
        self.header = {"subshell_id": self.client.get_control_msg(timeout=10)["content"]["subshell_id"]}

    def send(self, comm, data):
        message = self.client.session.msg("comm_msg", {"comm_id": comm, "data": data})
        message["header"].update(self.header)
        self.client.shell_channel.send(message)

    def click(self, label):
        self.send(self.widget(_model_name="ButtonModel", description=f"^{re.escape(label)}$"),
                  {"method": "custom", "content": {"event": "click"}})

    def begin(self):
        """Start the server, connect."""
        self.click("Start")
        self.widget(value="The server listens")
        self.click("connect")
        self.widget(value="Client 1 is connected")

    def type(self, label, value):
        self.send(self.widget(_model_name="TextModel", description=f"^{label}$"),
                  {"method": "update", "state": {"value": value}, "buffer_paths": []})
