"""Framing: messages to a stream of bytes, and back, however the stream was cut on its way. No sockets in here.

TCP carries a stream of bytes without borders (RFC 9293, section 2.2), so where a message ends is for the two programs to
agree on. `encode(message)` gives the bytes to send. `feed(data)` takes what a recv brought, any cut of the stream, and
gives the messages that are whole now. Make one object for each stream that you read; encode keeps nothing.

    decoder = LengthPrefix(4)
    while data := conn.recv(65536):
        for message in decoder.feed(data):
            ...
    if decoder.pending:             # the peer is gone, and its last message is not whole
        ...
"""
import itertools


class FramingError(ValueError):
    """The framing cannot carry this message, or this stream is none of its: one sentence says why.

    From feed, `messages` are those that were whole before the fault. A stream cannot be taken up again after it, so
    every later feed raises, too: close the connection.
    """

    def __init__(self, text: str, messages: tuple[bytes, ...] | list[bytes] = ()):
        super().__init__(text)
        self.messages = list(messages)


class _Framing:
    """What all have: the bytes that no message has been made of yet, and a fault that stays."""

    def __init__(self):
        self._held = bytearray()
        self._fault = ""

    @property
    def pending(self) -> bytes:
        """What has come of a message that is not whole; b"" between two messages."""
        return bytes(self._held)

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that are whole with these bytes, in their order; [] while none is.

        It takes time by the bytes fed, also where a long message comes in small pieces. TypeError where `data` is not
        bytes; FramingError where the stream is none of this framing, or a message is longer than is allowed.
        """
        if self._fault:
            raise FramingError(f"the stream was given up before: {self._fault}")
        known = len(self._held)
        self._held += _checked(data, "feed")
        try:
            return self._whole(known)
        except FramingError as fault:
            self._fault = str(fault)        # not the error: it holds the frames it came through, and the sockets in them
            raise


class Delimiter(_Framing):
    """Each message ends with `mark`, as a line ends with b"\\n"; no message can hold it.

    `max_size`: how many bytes a message may have. A stream that goes on without a mark is given up once it is longer.
    """

    def __init__(self, mark: bytes = b"\n", *, max_size: int = 2**20):
        super().__init__()
        if not _checked(mark, "Delimiter"):
            raise ValueError("a delimiter has at least one byte: b'\\n', say")
        self.mark, self.max_size = bytes(mark), _whole_number(max_size, "max_size", 0)

    def __repr__(self) -> str:
        return f"Delimiter({self.mark!r}, max_size={self.max_size})"

    def encode(self, message: bytes) -> bytes:
        """The message and its mark. FramingError where it is too long, or would end before its end."""
        message = _allowed(message, self.max_size)
        wire = message + self.mark
        if (found := wire.find(self.mark)) < len(message):
            raise FramingError(f"the mark {self.mark!r} begins in this message, at byte {found}: the message would end there")
        return wire

    def _whole(self, known: int) -> list[bytes]:
        held, mark = self._held, self.mark
        messages = []
        # A mark may have begun in what was known, but no more than all but its last byte.
        if held.find(mark, max(0, known - len(mark) + 1)) >= 0:
            longest = len(held)
            messages = bytes(held).split(mark)
            self._held = held = bytearray(messages.pop())
            if longest > self.max_size and (most := max(map(len, messages))) > self.max_size:
                whole = itertools.takewhile(lambda message: len(message) <= self.max_size, messages)
                raise _too_long(f"a message of {most} bytes came", self.max_size, list(whole))
        if len(held) >= self.max_size + len(mark):
            raise _too_long(f"{len(held)} bytes came without {mark!r}", self.max_size, messages)
        return messages


class LengthPrefix(_Framing):
    """Before each message stands its length in bytes, as a number of `size` bytes.

    `byteorder`: "big", the network's order, or "little". `max_size`: how many bytes a message may have. A longer one is
    refused by its length, before its bytes come.
    """

    def __init__(self, size: int = 4, *, byteorder: str = "big", max_size: int = 2**20):
        super().__init__()
        if byteorder not in ("big", "little"):
            raise ValueError(f"byteorder is 'big' or 'little', not {byteorder!r}")
        self.size, self.byteorder = _whole_number(size, "size", 1), byteorder
        self.max_size = min(_whole_number(max_size, "max_size", 0), 256**size - 1)
        self._need = size       # bytes that must be there before the next step can be taken

    def __repr__(self) -> str:
        return f"LengthPrefix({self.size}, byteorder={self.byteorder!r}, max_size={self.max_size})"

    def encode(self, message: bytes) -> bytes:
        """The length and the message. FramingError where it is too long."""
        message = _allowed(message, self.max_size)
        return len(message).to_bytes(self.size, self.byteorder) + message

    def _whole(self, known: int) -> list[bytes]:
        if len(self._held) < self._need:        # without this look a long message would be copied at each feed
            return []
        data, messages, start, size = bytes(self._held), [], 0, self.size
        end = body = size
        while body <= len(data):
            length = int.from_bytes(data[start:body], self.byteorder)
            if length > self.max_size:
                del self._held[:start]
                raise _too_long(f"the next message says that it has {length} bytes", self.max_size, messages)
            end = body + length
            if end > len(data):
                break
            messages.append(data[body:end])
            start, body = end, end + size
            end = body
        self._need = end - start
        del self._held[:start]
        return messages


class FixedLength(_Framing):
    """Each message has `size` bytes, no more and no less."""

    def __init__(self, size: int):
        super().__init__()
        self.size = _whole_number(size, "size", 1)

    def __repr__(self) -> str:
        return f"FixedLength({self.size})"

    def encode(self, message: bytes) -> bytes:
        """The message as it is. FramingError where it has another length: what to fill it up with is for you to say."""
        message = bytes(_checked(message, "encode"))
        if len(message) != self.size:
            raise FramingError(f"each message has {self.size} bytes here, and this one has {len(message)}")
        return message

    def _whole(self, known: int) -> list[bytes]:
        size = self.size
        if len(self._held) < size:
            return []
        end = len(self._held) // size * size
        data = bytes(self._held[:end])
        del self._held[:end]
        return [data[start:start + size] for start in range(0, end, size)]


def _checked(data: bytes, where: str) -> bytes:
    if isinstance(data, memoryview):        # len() of one need not be in bytes, and it may have gaps
        return bytes(data)
    if isinstance(data, (bytes, bytearray)):
        return data
    more = ": text.encode() makes bytes of a text" if isinstance(data, str) else ""
    raise TypeError(f"{where} takes bytes, not {type(data).__name__}{more}")


def _allowed(message: bytes, max_size: int) -> bytes:
    message = bytes(_checked(message, "encode"))
    if len(message) > max_size:
        raise _too_long(f"this message has {len(message)} bytes", max_size)
    return message


def _too_long(what: str, max_size: int, messages: list[bytes] = ()) -> FramingError:
    return FramingError(f"{what}, and at most {max_size} are allowed", messages)


def _whole_number(value: int, name: str, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} is a whole number of bytes, not {type(value).__name__}")
    if value < least:
        raise ValueError(f"{name} is at least {least}, not {value}")
    return value
