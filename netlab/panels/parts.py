"""What panels are made of: pieces of HTML, and what a learner may type into a field."""
import errno
import ipaddress
import socket
from contextlib import suppress
from functools import lru_cache, partial

from markupsafe import Markup

from netlab import diagram, kernel, style
from netlab.sockets import PLAIN
from netlab.words import bytes_of, quoted, shortened

RUN_ME = "Run this cell to use the panel."
ADVICE = {errno.EISCONN: "this socket is connected already; close it first",
          errno.EBADF: "this socket is closed; connect makes a new one",
          errno.EPIPE: "there is no connection to send into (any more)",
          errno.ENOTCONN: "this socket is not connected",
          errno.ECONNRESET: "the peer ended the connection with bytes unread"}
FACTS = {"fileno": "descriptor", "state": "TCP state", "own": "own address", "peer": "peer", "receive": "receive queue",
         "send": "send queue", "backlog": "backlog", "timeout": "timeout"}


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

tag = lru_cache(512, typed=True)(style.tag)             # most elements are as they were, and a click waits for them
chip = partial(tag, "span", class_="nl-chip")           # a short word in a frame
soft = partial(tag, "span", class_="nl-soft")           # words that are less important


@lru_cache(256)
def button(label: str, do: str, about: str = "", *, main: bool = False, off: bool = False, key: str = "", **attributes) -> Markup:
    """A button: its panel's `on_do` is called with `about`. `main` marks the sensible next step; `off` keeps its place and
    its focus, and does nothing. What has the `key` of the one before takes its place, and keeps the focus."""
    return tag("button", label, type="button", data_do=do, value=about, class_="nl-button nl-main" if main else "nl-button",
               data_key=key or f"{do} {about}", aria_disabled="true" if off else None, **attributes)


@lru_cache(256)
def labelled(name: str, label: str, control: Markup, kind: str, error: str | None = None) -> Markup:
    """A control with its label above, and what is wrong with it below."""
    note = tag("div", error, class_="nl-error", role="alert") if error else ""
    return tag("div", tag("label", tag("span", label), control), note, class_=f"nl-field {kind}", data_key=f"field {name}")


@lru_cache(32)
def options(choices: tuple[tuple[str, str], ...], now: str) -> Markup:
    """What a list offers: (value, words) pairs, the one of `now` chosen."""
    return Markup("").join(tag("option", words, value=each, selected="" if each == now else None) for each, words in choices)


def row(*content, kind: str = "") -> Markup:
    """Controls beside each other, as far as there is room."""
    return tag("div", *content, class_=f"nl-row {kind}".strip())


def line(who: str, *words) -> Markup:
    """One line of a log: who, and what."""
    return tag("div", tag("b", who), " ", *words, class_="nl-line")


def picture_of(timeline) -> Markup:
    """The recording as a picture, in the panel's own colours, with the calls that still wait."""
    story, waiting = timeline.story(), timeline.pending()
    wide, narrow = (Markup(diagram.svg(story, False, waiting, width)) for width in (diagram.WIDTH, style.NARROW))
    return tag("div", wide, class_="nl-picture") + tag("div", narrow, class_="nl-picture nl-narrow")


def goals(all_of: dict, reached) -> Markup:
    """Things to try: {key: (what to do, what was seen)}. Those that are `reached` are ticked, with what was seen folded."""
    items = [tag("li", tag("details", tag("summary", f"✓ {task}"), tag("p", seen)), class_="nl-done", data_key=key)
             if key in reached else tag("li", f"○ {task}", data_key=key) for key, (task, seen) in all_of.items()]
    return tag("ul", *items, class_="nl-goals", aria_label="Things to try")


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
    return isinstance(own, tuple) and bool(own[1]) and not _is_loopback(own[0])


@lru_cache(64)
def _is_loopback(host):
    return ipaddress.ip_address(host).is_loopback


def state_of(sock) -> str:
    """Its state in a word or two."""
    if PLAIN.fileno(sock) < 0:
        return "closed"
    return kernel.state(sock) or ("no peer" if if_possible(PLAIN.getpeername, sock) is None else "has a peer")


def address_of(address) -> str:
    """An address as a person says it."""
    if isinstance(address, tuple) and len(address) > 1:
        return f"{address[0]}, port {address[1]}"
    return "none" if address is None else repr(address)
