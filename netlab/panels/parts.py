"""What panels are made of: controls, pieces of HTML, and what a learner may type into a field."""
import errno
import ipaddress
import re
import socket
from contextlib import suppress
from functools import partial
from math import log2

import ipywidgets as widgets
from markupsafe import Markup

from netlab import kernel
from netlab.sockets import PLAIN
from netlab.style import drawing, rect, tag, text_at
from netlab.words import as_hex, as_text, bytes_of, quoted, shortened

RUN_ME = "Run this cell to use the panel."
ADVICE = {errno.EISCONN: "this socket is connected already; close it first",
          errno.EBADF: "this socket is closed; connect makes a new one",
          errno.EPIPE: "there is no connection to send into (any more)",
          errno.ENOTCONN: "this socket is not connected",
          errno.ECONNRESET: "the peer ended the connection with bytes unread"}
FACTS = {"fileno": "descriptor", "state": "TCP state", "own": "own address", "peer": "peer", "receive": "receive queue",
         "send": "send queue", "backlog": "backlog", "timeout": "timeout"}
CELL = "text-align:left;padding:1px 10px 1px 0;vertical-align:top"


# --- controls ----------------------------------------------------------------------------------------------------

def in_sending_order(widget):
    """`widget`, whose messages from the browser are now taken in the order in which they were sent.

    ipykernel 7.4 takes them in the thread from which the widget was last written: in the main thread for one, in a
    subshell for another, so that a click could overtake the text typed before it, or wait for a cell that runs. Here
    all go where the browser sends them: one thread for all widgets (JupyterLab's setting "comms over subshells").
    """
    if hasattr(widget.comm, "_reply_subshell_for"):     # no public way there; other versions have nothing to undo
        widget.comm._reply_subshell_for = lambda data, named: named
    return widget


class Text(widgets.Text):
    """A line of text. Half an emoji, which a browser can send and no kernel can send back, arrives as U+FFFD."""

    def set_state(self, sync_data):
        if isinstance(typed := sync_data.get("value"), str):
            sync_data = {**sync_data, "value": re.sub("[\ud800-\udfff]", "\ufffd", typed)}
        super().set_state(sync_data)


class Field:
    """A line of text with its label above and, in `error`, what is wrong with it below."""

    def __init__(self, label, value, classes):
        self.error, self.classes = "", tuple(classes)
        self.text = in_sending_order(Text(value=value, description=label, continuous_update=False,
                                          _dom_classes=("nl-input", *self.classes)))
        self.note = html("", "nl-error")

    def read(self, parse, *args):
        """parse(text, *args), or None after a ValueError, whose words then stand under the field."""
        try:
            value, self.error = parse(whole(self.text.value), *args), ""
        except ValueError as error:
            value, self.error = None, str(error)
        return value


def html(value: str = "", *classes: str) -> widgets.HTML:
    """A widget for what `tag` makes."""
    return widgets.HTML(value, _dom_classes=("nl-html", *classes))


def box(children, *classes: str) -> widgets.Box:
    """Widgets in a box; panel.css says how they stand in it."""
    return widgets.Box(children, _dom_classes=("nl-box", *classes))


def close_widgets(widget) -> None:
    """Close a widget, its layout and style, and all that is in it."""
    for child in getattr(widget, "children", ()):
        close_widgets(child)
    for part in filter(None, (getattr(widget, "style", None), widget.layout, widget)):
        part.close()


# --- what a learner may type: a value, or a ValueError with the words that help ----------------------------------

def whole(text: str) -> str:
    """`text`, unless a character of it did not come whole."""
    if "\ufffd" in text:
        raise ValueError("Of one character only a half has come, shown as \ufffd. Type it again.")
    return text


def read_number(text: str, low: int, high: int, what: str) -> int:
    """The whole number in `text`, from `low` to `high`; `what` says in the error what it is."""
    stripped = text.strip()
    digits = stripped.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError(f"{quoted(stripped)} is not a number. Give {what}, {low} to {high}.")
    if len(digits) > 20 or not low <= int(stripped) <= high:
        raise ValueError(f"{shortened(stripped)} is out of range. Give {what}, {low} to {high}.")
    return int(stripped)


def read_bytes(text: str, in_hex: bool = False) -> bytes:
    """The bytes that `text` means: UTF-8, or pairs of hex digits."""
    if not text.strip() if in_hex else not text:
        raise ValueError("There is nothing to send. Type at least one character.")
    if not in_hex:
        return text.encode()
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise ValueError(f"{quoted(text)} is not hex. Give pairs of 0-9 and a-f, such as 68 69 0a.") from None


def read_host(text: str) -> str:
    """A host, to be found by the system."""
    if not text.strip():
        raise ValueError("Give a host, such as 127.0.0.1.")
    return text.strip()


def read_port(text: str, zero: bool = False) -> int:
    """A port; 0 only where the kernel may choose one."""
    try:
        return read_number(text, 0 if zero else 1, 65535, "a port")
    except ValueError as error:
        raise ValueError(f"{error} 0 lets the kernel choose a free one." if zero else str(error)) from None


def is_address(host: str) -> bool:
    """Whether no name has to be looked up for it, which can take long and cannot be ended."""
    with suppress(ValueError):
        return bool(ipaddress.ip_address(host))
    return False


# --- why a call failed -------------------------------------------------------------------------------------------

def why_not(error, host, port) -> tuple[str, str]:
    """Beside which field, "host" or "port", an error of bind or connect belongs, and its words."""
    number = getattr(error, "errno", None)
    if isinstance(error, (socket.gaierror, ValueError, TypeError)):
        return "host", f"{quoted(host)} is no name or address that this machine can find."
    if isinstance(error, ConnectionRefusedError):
        return "port", f"Nobody listens on {host} port {port}."
    if number == errno.EADDRINUSE:
        return "port", f"Port {port} is in use by another socket. Give another, or 0 for a free one."
    if number == errno.EADDRNOTAVAIL:
        return "host", f"{host} is not an address of this machine."
    if number in (errno.EACCES, errno.EPERM):
        return "port", f"Port {port} is reserved: it needs a privilege here. Give one from 1024 to 65535."
    return "host", f"bind raised {type(error).__name__}: {reason(error)}."


def reason(error) -> str:
    """What an error says, with what to do about it."""
    text = getattr(error, "strerror", None) or str(error)
    return f"{text} ({ADVICE[error.errno]})" if getattr(error, "errno", None) in ADVICE else text


# --- pieces of HTML ----------------------------------------------------------------------------------------------

chip = partial(tag, "span", class_="nl-chip")           # a short word in a frame
soft = partial(tag, "span", class_="nl-soft")           # words that are less important
caption = partial(tag, "div", class_="nl-caption")      # small words over what they name


def name_of_end(words: str, side: str, *chips: str, waits: str = "") -> Markup:
    """The head of a side: a dot in its colour ("client" or "server"), its name, its states, and what it waits in."""
    waiting = [tag("span", waits, class_="nl-chip nl-waits")] if waits else []
    return tag("div", tag("span", class_=f"nl-dot nl-{side}"), tag("b", words), *map(chip, chips), *waiting, class_="nl-name")


def gauge(label: str, size: int | None, side: str) -> Markup:
    """A queue as a bar, longer by one step for each doubling, with its bytes as a number."""
    width = 0 if not size else min(100, round(100 * log2(1 + size) / 22))      # 4 MB fill it
    track = tag("span", tag("i", class_=f"nl-{side}", style=f"width:{width}%"), class_="nl-track")
    words = "not known here" if size is None else bytes_of(size)
    return tag("div", tag("span", label), track, tag("code", words), class_="nl-gauge")


def queues(sock, own: str, other: str) -> Markup:
    """The two queues of a TCP socket; `own` and `other` are the sides of this end and of its peer."""
    receive, send = kernel.queues(sock)
    return gauge("send queue", send, own) + gauge("receive queue", receive, other)


def line(who: str, *words) -> Markup:
    """One line of a log: who, and what."""
    return tag("div", tag("b", who), " ", *words, class_="nl-line")


def transfer(who: str, data: bytes, size: int) -> Markup:
    """One line of a log: who, the bytes as text, how many, the bytes as hex; `data` may be the beginning only."""
    text = tag("span", as_text(data, size), class_="nl-text")
    return line(who, text, " ", soft(f"· {bytes_of(size)} · {as_hex(data, size)}"))


def log(head: str, lines, nothing: str = "nothing yet", **attributes) -> Markup:
    """Lines in a frame under a caption."""
    return caption(head) + tag("div", *(list(lines) or [soft(nothing)]), class_="nl-log", **attributes)


def picture_of(timeline) -> Markup:
    """The recording as a picture, in the panel's own colours."""
    return tag("div", Markup(timeline.svg(standalone=False)), class_="nl-picture")


def static_picture(title: str, left=(), right=()) -> Markup:
    """What a page without a kernel shows: the two sides in words, each with its name first."""
    height = 84 + 22 * max(len(left), len(right), 1)
    words = [text_at(x, 66 + 22 * row, each, "s" if row else side, style=None if row else "font-weight:600")
             for x, side, lines in ((20, "client", left), (390, "server", right)) for row, each in enumerate(lines)]
    lines = tag("path", d=f"M1 38H759M370 38V{height - 34}M1 {height - 34}H759", stroke="var(--nl-line)")
    return drawing(760, height, rect(.5, .5, 759, height - 1, "none", "var(--nl-line)"), lines,
                   text_at(20, 25, title, "h"), *words, text_at(20, height - 12, RUN_ME, "s"),
                   label=title, text="; ".join([*left, *right, RUN_ME]))


# --- what the kernel says of a socket, in words ----------------------------------------------------------------

def if_possible(call, *args):
    """call(*args), or None where the system refuses."""
    with suppress(OSError, ValueError):
        return call(*args)


def facts(sock) -> dict[str, str]:
    """What there is to know about a socket now: key of FACTS -> words."""
    number = PLAIN.fileno(sock)
    if number < 0:
        return {"fileno": "-1, closed"}
    (receive, send), backlog = kernel.queues(sock), kernel.backlog(sock)
    own, peer = (address_of(if_possible(call, sock)) for call in (PLAIN.getsockname, PLAIN.getpeername))
    return {"fileno": str(number), "state": kernel.state(sock) or "", "own": own, "peer": peer,
            "receive": "" if receive is None else bytes_of(receive), "send": "" if send is None else bytes_of(send),
            "backlog": "" if backlog is None else "{} / {}".format(*backlog), "timeout": str(sock.gettimeout())}


def open_to_all(sock) -> bool:
    """Whether other machines can reach this socket: it has a port, on more than loopback."""
    own = if_possible(PLAIN.getsockname, sock)
    return isinstance(own, tuple) and bool(own[1]) and not ipaddress.ip_address(own[0]).is_loopback


def state_of(sock) -> str:
    """Its state in a word or two."""
    if PLAIN.fileno(sock) < 0:
        return "closed"
    return kernel.state(sock) or ("no peer" if if_possible(PLAIN.getpeername, sock) is None else "has a peer")


def to_read(sock) -> str:
    """What waits in its receive queue."""
    size = kernel.receive_queue(sock)
    return "" if size is None else bytes_of(size)


def address_of(address) -> str:
    """An address as a person says it."""
    if isinstance(address, tuple) and len(address) > 1:
        return f"{address[0]}, port {address[1]}"
    return "none" if address is None else repr(address)


def row(head, *values) -> Markup:
    """One row of a table."""
    return tag("tr", tag("th", head, scope="row", style=f"{CELL};white-space:nowrap"),
               *(tag("td", value, style=CELL) for value in values))
