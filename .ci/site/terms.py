"""What can be looked up, and where: terms where they are defined, headings, calls, options, errors, and what the texts say."""
import re
import socket
from dataclasses import dataclass
from urllib.parse import quote

# Bold words that are stressed, not defined. A new one that is missing here is one more hit, and does no harm.
STRESSED = {
    "all five", "all six", "and", "anybody", "arrived", "back", "behind", "believes", "both", "both times", "break it",
    "change sizes", "clears", "connected", "duplicate", "each time", "earlier", "elsewhere", "every cut",
    "fewer than there are", "find it", "first", "five sockets", "insert", "keeps", "lost", "mean", "mend it",
    "more than there are", "no cure", "nobody", "not guilty", "one", "one write", "or", "predict", "question", "received",
    "retrieve", "returns", "several", "stuck", "the cure", "the datagram", "the frame", "time", "twice as long", "waits",
    "what is left", "where", "writable", "yet", "you", "you need"}
OFFERED = [(name, getattr(where, name)) for where in (socket, socket.socket) for name in dir(where)]
CALLS = {name for name, value in OFFERED if re.fullmatch("[a-z][a-z_0-9]+", name) and callable(value)
         and not isinstance(value, type)}
NAME = re.compile(r"\b(?:(?:AF|SOCK|SO|TCP|IP|IPV6|IPPROTO|MSG|SHUT|AI|NI)_[A-Z0-9_]+|E[A-Z]{4,}|[A-Z]\w+Error"
                  r"|(?:FIN|CLOSE|TIME)_WAIT(?:_\d)?|SYN_(?:SENT|RECV)|LAST_ACK"
                  r"|CLOSED|LISTEN|ESTABLISHED|CLOSING|SYN|ACK|FIN|RST)\b")

NUMBER = re.compile(r"^\d+\.? ")            # of a heading


@dataclass(frozen=True)
class Entry:
    """A word ("" for a text), of which kind it is, the place (page and anchor), and the sentence in which it stands there."""
    word: str
    kind: str
    file: str
    anchor: str
    place: str                  # the page: "03 A server and a client"
    part: str = ""              # the heading above it
    sentence: str = ""

    @property
    def address(self) -> str:
        return f"{self.file}#{quote(self.anchor)}"


class Terms:
    """The index of a site; its pages tell it what they hold, in the order of reading."""

    def __init__(self):
        self.entries: list[Entry] = []
        self._known: set[tuple] = set()
        self._names: dict[tuple, tuple[int, int]] = {}      # (file, name): how well it is told of there, and which entry that is
        self._part = ""

    def begin(self) -> None:
        """Another page: it has no heading yet."""
        self._part = ""

    def defined(self, page, words: str, sentence: str) -> str | None:
        """The anchor of a bold word that is a term, where it first stands on its page; else None."""
        plain = words.replace("`", "")
        if not is_term(plain):
            return None
        key = plain.lower().removesuffix("s")
        if (page.file, key) in self._known:
            return None
        self._known.add((page.file, key))
        anchor = f"term-{re.sub('[^a-z0-9]+', '-', plain.lower()).strip('-')}"
        self.entries.append(self._entry(page, plain, "term", anchor, sentence))
        return anchor

    def heading(self, page, words: str, anchor: str) -> None:
        """A part of a page; what comes now stands under it."""
        self._part = ""
        self.entries.append(self._entry(page, NUMBER.sub("", words), "part", anchor))
        self._part = NUMBER.sub("", words)

    def said(self, page, text: str, code: str, anchor: str) -> None:
        """A paragraph, or what is like one: the names in it, the calls in its code, and its words."""
        text = " ".join(text.split())
        for name in names(text, code):
            sentence = sentence_around(text, re.search(rf"\b{name}\b", text).start())
            self._name(page, name, anchor, 2 if tells_of(name, sentence) else 1, sentence)
        if text:
            self.entries.append(self._entry(page, "", "text", anchor, text))

    def used(self, page, code: str, anchor: str) -> None:
        """The names and calls in a cell's code."""
        for name in names(code, code):
            self._name(page, name, anchor, 0, "")

    def _name(self, page, name, anchor, how_well, sentence):
        """A name once a page: where a sentence tells of it, else where a text first has it, else where code does."""
        before, place = self._names.get((page.file, name), (-1, len(self.entries)))
        if how_well > before:
            self.entries[place:place + 1] = [self._entry(page, name, "name", anchor, sentence)]
            self._names[page.file, name] = how_well, place

    def _entry(self, page, word, kind, anchor, sentence=""):
        return Entry(word, kind, page.file, anchor, f"{page.number} {page.title}".strip(), self._part, sentence)

    def rows(self) -> list[tuple]:
        """All entries, for the search: (word, kind, address, place, sentence)."""
        return [(e.word, e.kind, e.address, " · ".join(filter(None, (e.place, e.part))), e.sentence) for e in self.entries]

    def words(self) -> list[tuple[str, list[Entry]]]:
        """Each term and name with its places, by the alphabet."""
        found: dict[tuple, list[Entry]] = {}
        for entry in self.entries:
            if entry.kind in ("term", "name"):
                found.setdefault((entry.word.lower().removesuffix("s"), entry.kind), []).append(entry)
        return [(entries[0].word, entries) for _, entries in sorted(found.items())]


def names(text: str, code: str) -> list[str]:
    """The options, errors, states and flags that a text names, and the calls in code."""
    return sorted(set(NAME.findall(text)) | CALLS & set(re.findall(r"\w+", code)))


def tells_of(name: str, sentence: str) -> bool:
    """Whether a sentence, or what follows its colon, says what a name does: "recv waits for bytes", "FIN (finish) says …"."""
    return bool(re.search(rf"(?:^|: ){name}(?:\([^)]*\))?(?: \([^)]*\))? \w+s\b", sentence))


def is_term(words: str) -> bool:
    """Bold words that may be a term: a few, no sentence, none that is only stressed."""
    return bool(re.fullmatch(r"[A-Za-z][\w'/. -]*[\w)]", words)) and len(words.split()) <= 3 and words.lower() not in STRESSED


def sentence_around(text: str, at: int, limit: int = 160) -> str:
    """The sentence of `text` that holds the character `at`, in one line; cut after `limit` characters."""
    start = max([0, *(found.end() for found in re.finditer(r"[.?!]\s+", text) if found.end() <= at)])
    end = re.search(r"[.?!](?=\s|$)", text[at:])
    words = " ".join(text[start:at + end.end() if end else len(text)].split()).lstrip("(")
    return words if len(words) <= limit else words[:limit].rsplit(" ", 1)[0] + " …"
