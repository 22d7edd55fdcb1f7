"""Ten mistakes as they are made, small enough to be read: part 13 of chapter 06.

In the notebook an exhibit is a function that the reader may change. `museum.one_recv(one_recv)` plays hostile peers against
it, as `netlab.teach.diagnose` does, and shows the smallest cut that breaks it; or says that nothing did: it is mended.
`confirmed` and `recv_exactly` are for use in the exhibits.
"""
from collections.abc import Callable
from dataclasses import dataclass, replace

from netlab.framing import Delimiter, LengthPrefix
from netlab.teach.check import Case, Exercise, Miss, Outcome, Raises, common_mistake, is_stub, show
from netlab.teach.diagnose import Bench, Diagnosis, examine
from netlab.teach.played import every_cut, play
from netlab.teach.strangers import RULES, no_bound

LIMIT = ("no honest order has more than 1,000 bytes. Compare the length before the bytes come, refuse what is longer than you "
         "allow, and hang up")
ORDERS = (b"tea 3", b"rice 12", "café 12".encode())


def confirmed(order: bytes) -> bytes:
    """What the till answers to an order."""
    return b"ok " + order


def recv_exactly(conn, size: int) -> bytes:
    """Exactly so many bytes; ConnectionError where the stream ends before."""
    data = b""
    while len(data) < size:
        more = conn.recv(min(size - len(data), 65536))
        if not more:
            raise ConnectionError(f"the end came after {len(data)} of {size} bytes")
        data += more
    return data


@dataclass(frozen=True)
class Server:
    """An exhibit that is a server: called with a function, it says what breaks it. `bounded`: a limit is asked for, too."""
    name: str
    framing: Delimiter | LengthPrefix
    bounded: bool = False

    def __call__(self, function: Callable | None = None) -> Diagnosis:
        if not callable(function):
            return Diagnosis(self.name, "", f"nothing to be played: give the function itself, museum.{self.name}({self.name}).")
        if is_stub(function):
            return Diagnosis(self.name, "", "nothing to be played yet: the function is empty.")
        rules = [rule for rule in RULES if self.bounded or rule is not no_bound]
        found = examine(function.__name__, Bench(function, confirmed, self.framing, ORDERS), rules)
        if found.ok:
            return replace(found, sentence=f"mended. {found.runs} hostile customers found nothing.")
        return replace(found, hint=LIMIT) if found.kind == "bound" else found


LINES = Delimiter(b"\n", max_size=1000)

one_recv = Server("one_recv", LINES)
joined = Server("joined", LINES)
half_header = Server("half_header", LengthPrefix(2))
decoded = Server("decoded", LINES)
deaf = Server("deaf", LINES)
part_sent = Server("part_sent", LINES)
patient = Server("patient", LINES)
trusting = Server("trusting", LengthPrefix(4, max_size=1000), bounded=True)


# --- the client that asks twice ---
REPLIES = (b"ok tea 3", b"ok rice 12", "ok café 12".encode())
KEPT = ("what came behind the first newline belongs to the next reply: take no byte of it from the socket, or give it a home "
        "that outlives the call")


def _asks(function) -> Miss | None:
    """All cuts of three replies, in one, two and three pieces: each call must give one reply."""
    stream = b"".join(reply + b"\n" for reply in REPLIES)
    for count in (1, 2, 3):
        for cut in every_cut(stream, count):
            got = []

            def client(conn, address, got=got):
                for _ in REPLIES:
                    got.append(function(conn))

            played = play(client, cut)
            if tuple(got) != REPLIES or played.late or played.raised:
                return _lost(function, cut, got, played)
    return None


def _lost(function, cut, got, played) -> Miss:
    came = ", ".join(map(show, got))
    if not isinstance(played.raised, (ConnectionError, EOFError, type(None))):
        outcome = Outcome(function, raised=played.raised)
        return Miss("three replies", f"{came and came + ', then '}{outcome}", common_mistake(b"", outcome), _pieces(cut))
    if played.late:
        return Miss("three replies", f"{came and came + ', then '}{played.why}",
                    "`b\"\"` is the end of the stream, and comes again at each call: raise ConnectionError there", _pieces(cut))
    wrong = next((reply for reply, due in zip(got, REPLIES) if reply != due), None)
    if isinstance(wrong, bytes) and wrong.rstrip(b"\n") in REPLIES and wrong.endswith(b"\n"):
        hint = "the newline is no part of the reply: give the reply without it"
    elif wrong is not None and not isinstance(wrong, bytes):
        hint = common_mistake(b"", Outcome(function, wrong))
    elif wrong is not None and b"\n" in wrong:
        hint = "several replies came in one recv: one call gives one reply"
    elif len(cut) > 1 and any(isinstance(reply, bytes) and len(reply) < len(due) and due.startswith(reply)
                              for reply, due in zip(got, REPLIES)):
        hint = "a reply may come in pieces: it is whole when its newline is there"
    else:
        hint = KEPT
    if played.raised:
        came += f"{', then ' * bool(got)}{type(played.raised).__name__}, for the rest was lost"
    return Miss(", ".join(map(show, REPLIES)), came, hint, _pieces(cut))


def _pieces(cut) -> str:
    return f"(conn), three times; the replies came as {' | '.join(map(show, cut))}"


def _two(function) -> Miss | None:
    """A till has sent one reply and the beginning of the next; meanwhile another till replies, on its own connection."""
    got, others = [], []

    def meanwhile(received):
        play(lambda conn, address: others.append(function(conn)), [REPLIES[1] + b"\n"])

    def client(conn, address):
        for _ in range(2):
            got.append(function(conn))

    play(client, [REPLIES[0] + b"\nok ", meanwhile, REPLIES[2][3:] + b"\n"])
    if others == [REPLIES[1]] and got == [REPLIES[0], REPLIES[2]]:
        return None
    due = f"from the first {show(REPLIES[0])}, {show(REPLIES[2])}; from the second {show(REPLIES[1])}"
    came = f"from the first {', '.join(map(show, got)) or 'nothing'}; from the second {', '.join(map(show, others)) or 'nothing'}"
    return Miss(due, came, "two connections share what is kept, and so the bytes of two tills are mixed: what came on one "
                           "belongs to it alone, in a buffer of its own",
                "(conn), on two connections by turns: the first had b'ok ' of its second reply when the second's came")


def _ends(function) -> Miss | None:
    """The stream ends in the middle of a reply."""
    got = []
    played = play(lambda conn, address: got.append(function(conn)), [b"ok te"])
    if not got and isinstance(played.raised, (ConnectionError, EOFError)):
        return None
    outcome = Outcome(function, got[0]) if got else Outcome(function, raised=played.raised)
    hint = None if played.late else common_mistake(Raises(ConnectionError), outcome)
    return Miss("ConnectionError", played.why or str(outcome),
                hint or "the till is gone, and this reply is not whole: at `b\"\"` raise ConnectionError",
                "(conn), and the stream ends after b'ok te'")


swallower = Exercise("swallower", (_asks, _two, _ends))

# --- the delimiter in the data ---
ANOTHER = ("that is one line, and another order than was given: this till turns nothing back, and would confirm it as it came. "
           "Where both ends escape, as in part 6, that is a cure; here refuse it with ValueError")
REFUSE = "this order holds the delimiter, so the till would take it for two: refuse it with ValueError"


def _changed(args, expected, outcome) -> str | None:
    """One line for each order, though an order held the delimiter."""
    came, orders = outcome.value, args[0]
    return ANOTHER if isinstance(came, bytes) and came.endswith(b"\n") and came.count(b"\n") == len(orders) else None


in_the_data = Exercise("in_the_data", (
    Case(([b"tea 3", b"rice 12"],), b"tea 3\nrice 12\n", "honest orders go as before, each with its newline"),
    Case(([],), b"", "no orders, no bytes"),
    Case(([b"tea 3\nwine 0"],), Raises(ValueError), REFUSE, _changed),
    Case(([b"rice 12", b"tea\n3"],), Raises(ValueError), REFUSE + ", wherever in the list it stands", _changed),
    Case(([b"tea 3\n"],), Raises(ValueError),
         "a newline at the end is one too many: the till would get an empty order. Refuse it", _changed),
    Case(([b"\n"],), Raises(ValueError), REFUSE, _changed),
    Case((["café 12".encode()],), "café 12\n".encode(), "any other byte is allowed"),
))

EXHIBITS = (one_recv, joined, half_header, swallower, decoded, in_the_data, deaf, part_sent, patient, trusting)
