"""Values and errors as words: how Python would write them, how a person would say them."""
import codecs
import errno

from netlab.events import ADDRESS, DATA, RECEIVES, Symbol


def show_call(e, names):
    """The call as it stands in a program, with `names` (port -> name) in the place of known addresses."""
    shown = (show_bytes(e.data, e.size) if a is DATA else show_address(e.address, names) if a is ADDRESS else show_value(a)
             for a in e.args)
    return f"{e.method}({', '.join(shown)})"


def show_result(e, names):
    """What came back: bytes, a number, "connection", the name of an exception."""
    if e.error:
        return e.error
    if e.method == "accept":
        return "connection"
    if e.method in RECEIVES:
        if e.method.endswith("_into"):
            return str(e.size)
        data = show_bytes(e.data, e.size)
        return f"{data}, {show_address(e.address, names)}" if e.address and e.method != "recv" else data
    return "" if e.result is None else show_value(e.result)


def show_address(address, names):
    """A name where the address is one of ours; a port that the kernel chose is volatile, so it has no number."""
    if isinstance(address, tuple) and len(address) > 1:
        if port_of(address) in names:
            return names[port_of(address)]
        if isinstance(address[1], int) and 32768 <= address[1] <= 65535:
            return f"({show_value(address[0])}, port)"
    return show_value(address)


def show_value(value):
    """A value as Python would write it, with double quotes."""
    if isinstance(value, tuple):
        return f"({', '.join(map(show_value, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, Symbol):
        return str(value)
    if isinstance(value, str):
        return '"' + repr(value)[1:-1].replace('"', '\\"') + '"'
    return show_bytes(value, len(value)) if isinstance(value, bytes) else repr(value)


def show_bytes(data: bytes, size: int | None = None, limit: int = 24) -> str:
    r"""`data` as Python would write it, with double quotes; what is beyond `limit` bytes becomes an ellipsis."""
    size = len(data) if size is None else size
    text = repr(data[:limit])[2:-1].replace("\\'", "'").replace('"', '\\"')
    return f'b"{text}"' + ("…" if size > min(limit, len(data)) else "")


def port_of(address):
    """What identifies an end on one machine: the port, or the path of an AF_UNIX address."""
    return address[1] if isinstance(address, tuple) and len(address) > 1 else address


def count_of(n: int, word: str) -> str:
    """The same for a sentence: "one send", "two sends", "1,000 sends"."""
    small = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return number_of(n, word) if n >= len(small) else f"{small[n]} {word}{'' if n == 1 else 's'}"


def number_of(n: int, word: str) -> str:
    """"1 client", "1,000 clients"."""
    return f"{n:,} {word}{'' if n == 1 else 's'}"


def bytes_of(n: int) -> str:
    """"1 byte", "1,000 bytes"."""
    return number_of(n, "byte")


def listed(words: list[str]) -> str:
    """Words for a sentence: "a", "a and b", "a, b and c"."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def letter(value: int) -> str:
    """One byte as one character: ␣ for a space, · for what is no ASCII character that shows."""
    return "␣" if value == 32 else chr(value) if 32 < value < 127 else "·"


def as_text(data: bytes, size: int | None = None, limit: int = 60) -> str:
    """`data` read as UTF-8; what is no text, or would not show, as an escape such as \\x00."""
    more = max(len(data), size or 0) > limit
    text = codecs.getincrementaldecoder("utf-8")("backslashreplace").decode(data[:limit], final=not more)
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return text + ("…" if more else "")


def shortened(text: str, limit: int = 24) -> str:
    """`text`, cut where it is longer."""
    return text if len(text) <= limit else text[:limit] + "…"


def quoted(text: str) -> str:
    """What somebody typed, in a sentence."""
    return f'"{shortened(text)}"'


def code_of(number: int) -> str:
    """The name of an error number, "EINVAL"; of two names for one number the one that the man pages use."""
    return "EOPNOTSUPP" if number == errno.EOPNOTSUPP else errno.errorcode.get(number, str(number))


def error_name(error: BaseException, code: bool = False) -> str:
    """"ConnectionRefusedError"; with its code, "OSError EADDRINUSE", where Python has no class for it or `code` is true."""
    number = getattr(error, "errno", None)
    named = number in errno.errorcode and (code or type(error) is OSError)
    return f"{type(error).__name__} {code_of(number)}" if named else type(error).__name__


def error_text(error: BaseException) -> str:
    """The same with what it says: "OSError EADDRINUSE: Address already in use"."""
    said = shortened(getattr(error, "strerror", None) or str(error), 160)
    return error_name(error, code=True) + (f": {said}" if said else "")
