"""Arguments typed by a learner, read as a small part of Python. Nothing is evaluated.

`read("1024, MSG_PEEK")` gives what a call needs: numbers, text, bytes, None, True, False, tuples, lists,
constants of the module `socket`, `b"x" * 1000`, `bytearray(16)`, and the names that the caller gives.
All else is a ValueError in words.
"""
from __future__ import annotations

import ast
import socket
import warnings
from typing import NamedTuple


class Words:
    """All words of this file, in one place for a translator."""
    unreadable = "{} cannot be read as arguments: {}."
    too_deep = "it is nested too deeply"
    not_allowed = "{} is not allowed here. Give numbers, text, bytes, tuples, or names such as {}."
    unknown = "{} is no name known here. There are the constants of the module socket, such as {}."
    too_long = "That is too long: at most {} characters."
    too_big = "{} is too much here: at most {:,} bytes."
    multiply = 'Only text or bytes can be multiplied, by a number, as in b"x" * 1000.'


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
    reader = _Reader(names or {})
    if len(typed) > MAX_TEXT:
        raise ValueError(Words.too_long.format(MAX_TEXT))
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
        return Arguments(args, keywords, ast.unparse(_Qualified(code_of or {}).visit(tree))[2:-1])
    except SyntaxError as error:
        raise ValueError(Words.unreadable.format(_quoted(typed), error.msg)) from None
    except (RecursionError, MemoryError):
        raise ValueError(Words.unreadable.format(_quoted(typed), Words.too_deep)) from None


class _Reader:
    def __init__(self, names):
        self.names, self.some = names, ", ".join(["MSG_PEEK", "SHUT_WR", *names][:5])

    def refuse(self, text):
        raise ValueError(Words.not_allowed.format(_quoted(text), self.some))

    def value(self, node):
        match node:
            case ast.Constant() if node.value is not ... and not isinstance(node.value, complex):
                return node.value
            case ast.Tuple():
                return tuple(self.value(part) for part in node.elts)
            case ast.List():
                return [self.value(part) for part in node.elts]
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float())):
                return -node.operand.value
            case ast.BinOp(op=ast.BitOr()):
                left, right = self.value(node.left), self.value(node.right)
                if isinstance(left, int) and isinstance(right, int):
                    return left | right
            case ast.BinOp(op=ast.Mult()):
                return _repeated(self.value(node.left), self.value(node.right))
            case ast.Call(func=ast.Name(id="bytearray"), keywords=[],
                          args=[ast.Constant(value=int() | bytes() as given)]):
                if isinstance(given, int) and not 0 <= given <= MAX_BUFFER:
                    raise ValueError(Words.too_big.format(f"bytearray({given})", MAX_BUFFER))
                return bytearray(given)
            case ast.Name() | ast.Attribute():
                return self.named(ast.unparse(node))
        self.refuse(ast.unparse(node))

    def named(self, name):
        if name in self.names:
            return self.names[name]
        constant = name.removeprefix("socket.")
        if constant.isupper() and isinstance(value := getattr(socket, constant, None), int):
            return value
        raise ValueError(Words.unknown.format(_quoted(name), self.some))


class _Qualified(ast.NodeTransformer):
    """MSG_PEEK -> socket.MSG_PEEK, and the caller's names as they are written in a cell."""

    def __init__(self, code_of):
        self.code_of = code_of

    def visit_Name(self, node):
        if node.id.isupper() and hasattr(socket, node.id):
            return ast.parse(f"socket.{node.id}", mode="eval").body
        return node

    def visit_Attribute(self, node):
        name = ast.unparse(node)
        return ast.parse(self.code_of.get(name, name), mode="eval").body


def _repeated(left, right):
    if isinstance(left, int):
        left, right = right, left
    if not (isinstance(left, (str, bytes)) and isinstance(right, int)):
        raise ValueError(Words.multiply)
    if len(left) * right > MAX_BYTES:
        raise ValueError(Words.too_big.format(f"{len(left) * right:,}", MAX_BYTES))
    return left * right


def _quoted(text):
    return f'"{text if len(text) <= 24 else text[:24] + "…"}"'
