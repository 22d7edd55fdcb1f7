"""The calls of MethodPanel, with arguments typed by a learner: read as a small part of Python, never evaluated.

`read("1024, MSG_PEEK")` gives what a call needs: numbers, text, bytes, None, True, False, tuples, lists,
constants of the module `socket`, `b"x" * 1000`, `bytearray(16)`, and the names that the caller gives.
All else is a ValueError in words.
"""
import ast
import ipaddress
import os
import socket
import struct
import warnings
from typing import NamedTuple

from netlab.sockets import PLAIN
from netlab.words import quoted, shortened

MAX_TEXT, MAX_BYTES, MAX_BUFFER = 400, 8_000_000, 1 << 20


class Arguments(NamedTuple):
    """What was typed: as values for a call, and as the code that a learner could type in a cell."""
    args: list
    keywords: dict
    code: str


def read(typed: str, names: dict | None = None, code_of: dict | None = None) -> Arguments:
    """The arguments in `typed`. `names` are more names and their values, such as {"server.address": (…)};
    `code_of` says how code writes such a name, where it differs. Raises ValueError: what is wrong, what allowed.
    """
    reader = _Reader(names or {}, code_of or {})
    if len(typed) > MAX_TEXT:
        raise ValueError(f"That is too long: at most {MAX_TEXT} characters.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")             # an escape such as \d in what was typed
            tree = ast.parse(f"f({typed}\n)", mode="eval").body
        if not (isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id == "f"):
            reader.refuse(typed)
        if any(keyword.arg is None for keyword in tree.keywords):
            reader.refuse("**")
        args = [reader.value(node) for node in tree.args]
        keywords = {keyword.arg: reader.value(keyword.value) for keyword in tree.keywords}
        return Arguments(args, keywords, ast.unparse(tree)[2:-1] if reader.renamed or "#" in typed else typed)
    except SyntaxError as error:
        raise ValueError(f"{quoted(typed)} cannot be read as arguments: {error.msg}.") from None
    except (RecursionError, MemoryError):
        raise ValueError(f"{quoted(typed)} cannot be read as arguments: it is nested too deeply.") from None


class _Reader:
    def __init__(self, names, code_of):
        self.names, self.code_of, self.renamed = names, code_of, False
        self.some = ", ".join(["MSG_PEEK", "SHUT_WR", *names][:5])

    def refuse(self, text):
        raise ValueError(f"{quoted(text)} is not allowed here. Give numbers, text, bytes, tuples, or names such as {self.some}.")

    def value(self, node):
        match node:
            case ast.Constant() if node.value is not ... and not isinstance(node.value, complex):
                return node.value
            case ast.Tuple() | ast.List():
                return (tuple if isinstance(node, ast.Tuple) else list)(map(self.value, node.elts))
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float())):
                return -node.operand.value
            case ast.BinOp(op=ast.BitOr()):
                left, right = self.value(node.left), self.value(node.right)
                if isinstance(left, int) and isinstance(right, int):
                    return left | right
            case ast.BinOp(op=ast.Mult()):
                return _repeated(self.value(node.left), self.value(node.right))
            case ast.Call(func=ast.Name(id="bytearray"), keywords=[], args=[ast.Constant(value=int() | bytes() as given)]):
                if isinstance(given, int) and not 0 <= given <= MAX_BUFFER:
                    raise ValueError(f"bytearray({given}) is too much here: at most {MAX_BUFFER:,} bytes.")
                return bytearray(given)
            case ast.Name() | ast.Attribute():
                return self.named(node, ast.unparse(node))
        self.refuse(ast.unparse(node))

    def named(self, node, name):
        """The value of a name, which becomes in the tree what a cell would write."""
        constant = name.removeprefix("socket.")
        self.renamed = True
        if name in self.code_of:
            node.value.id, node.attr = self.code_of[name].split(".")
        if name in self.names:
            return self.names[name]
        if constant.isupper() and isinstance(value := getattr(socket, constant, None), int):
            if isinstance(node, ast.Name):
                node.id = f"socket.{constant}"
            return value
        raise ValueError(f"{quoted(name)} is no name known here. There are the constants of the module socket, "
                         f"such as {self.some}.")


def _repeated(left, right):
    if isinstance(left, int):
        left, right = right, left
    if not (isinstance(left, (str, bytes)) and isinstance(right, int)):
        raise ValueError('Only text or bytes can be multiplied, by a number, as in b"x" * 1000.')
    if (len(left) or 1) * abs(right) > MAX_BYTES:       # Python itself refuses a number that is far too large or small
        raise ValueError(f"{shortened(format(len(left) * right, ','))} is too much here: at most {MAX_BYTES:,} bytes.")
    return left * right


# --- the calls of MethodPanel ------------------------------------------------------------------------------------

# signature, what it does and needs, arguments to begin with
_TABLE = (
    ("accept()", "Takes a waiting connection: (connection, address). Waits for one. Needs a listener.", ""),
    ("bind(address)", "Gives the socket its own address. Needs one without an address.", '("127.0.0.1", 0)'),
    ("close()", "Gives the descriptor back. Does not wake a call that waits.", ""),
    ("connect(address)", "TCP: the handshake, waits for it. UDP: notes the peer. Needs a socket without a peer.",
     "server.address"),
    ("connect_ex(address)", "As connect, but returns the error code; 0 is success.", "server.address"),
    ("detach()", "Gives the descriptor away and finishes the object.", ""),
    ("dup()", "A second object with a descriptor of its own for the same kernel socket.", ""),
    ("fileno()", "The file descriptor; -1 when closed.", ""),
    ("getblocking()", "False when the timeout is 0.", ""),
    ("getpeername()", "The other end's address. Needs a peer.", ""),
    ("getsockname()", "This end's address.", ""),
    ("getsockopt(level, option, length=0)", "Reads an option: a number, or bytes with a length.", "SOL_SOCKET, SO_RCVBUF"),
    ("gettimeout()", "None waits, 0.0 never waits, else seconds.", ""),
    ("listen(backlog)", "Lets the kernel take connections. Needs a stream socket without a peer.", "5"),
    ('makefile(mode="r", buffering=None)', "A file object over the socket, with a buffer.", '"rb"'),
    ("recv(n, flags=0)", 'At most n bytes; b"" at the end. Waits for the first. Needs a peer, or UDP.', "1024"),
    ("recv_into(buffer, n=0, flags=0)", "recv into memory of yours; returns how many.", "bytearray(16)"),
    ("recvfrom(n, flags=0)", "(data, address); on a connection the address is None. Waits.", "1024"),
    ("recvmsg(n)", "(data, ancillary, flags, address). Waits.", "1024"),
    ("send(data, flags=0)", "Returns how many bytes the kernel took. Waits for room. Needs a peer.", 'b"hello"'),
    ("sendall(data, flags=0)", "Goes on until all are taken. Waits for room. Needs a peer.", 'b"hello"'),
    ("sendmsg(buffers)", "send from a list of buffers.", '[b"two ", b"parts"]'),
    ("sendto(data, address)", "One datagram to an address. For sockets without a peer.", 'b"hello", udp.address'),
    ("setblocking(flag)", "True is settimeout(None), False is settimeout(0).", "False"),
    ("setsockopt(level, option, value)", "Sets an option: a number, or bytes.", "IPPROTO_TCP, TCP_NODELAY, 1"),
    ("settimeout(seconds)", "How long calls wait: None, 0, or seconds.", "2"),
    ("shutdown(how)", "Ends a direction of the connection: SHUT_RD, SHUT_WR, SHUT_RDWR.", "SHUT_WR"),
)
METHODS = {row[0].partition("(")[0]: row for row in _TABLE}
METHODS = {name: row for name, row in METHODS.items() if hasattr(PLAIN, name)}      # no sendmsg on Windows


def check(sock, method, args, keywords, path):
    """Refuse, with a ValueError, what could not be cancelled or would leave this machine."""
    sizes = args[2:3] if method == "getsockopt" else args[:1] if method in ("recv", "recvfrom", "recvmsg") else ()
    for size in sizes:
        if isinstance(size, int) and size > MAX_BUFFER:
            raise ValueError(f"{size:,} is too much for this panel: at most {MAX_BUFFER:,} bytes.")
    if method in ("sendmsg", "recvmsg") and len(args) + len(keywords) > 1:
        raise ValueError(f"{method} takes one argument here.")          # ancillary data could carry descriptors
    if method == "setsockopt" and args[:2] == [socket.SOL_SOCKET, socket.SO_LINGER] and len(args) > 2:
        value = args[2]
        if isinstance(value, (bytes, bytearray)) and len(value) >= 8 and not 0 <= struct.unpack("ii", value[:8])[1] <= 1:
            raise ValueError("SO_LINGER of more than 1 second would make close wait for so long. Give 0 or 1.")
    if method in ("bind", "connect", "connect_ex", "sendto"):
        for address in args[1:] if method == "sendto" else args[:1]:
            _check_address(sock, method, address, path)


def _check_address(sock, method, address, path):
    if sock.family == getattr(socket, "AF_UNIX", None):
        folder = path and os.path.dirname(path)
        inside = isinstance(address, str) and folder and os.path.dirname(address) == folder
        if isinstance(address, (str, bytes, bytearray)) and not (inside or address in ("", b"")):
            raise ValueError("On AF_UNIX give path: a name in a folder that the panel removes.")
        return
    if not (isinstance(address, tuple) and address and address[0] and isinstance(address[0], (str, bytes, bytearray))):
        return                                                  # "" is every interface; the rest Python itself refuses
    host = address[0] if isinstance(address[0], str) else bytes(address[0]).decode("latin-1")
    try:
        number = ipaddress.ip_address(host)
    except ValueError:
        words = f"{quoted(host)} would be looked up, and a look-up cannot be cancelled. Give an address, such as 127.0.0.1."
        raise ValueError(words) from None
    if method != "bind" and not (number.is_loopback or number.is_unspecified):
        raise ValueError(f"{quoted(host)} is not on this machine, and this panel stays here. Give 127.0.0.1 or server.address.")
