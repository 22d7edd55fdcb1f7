"""FramingPanel: messages into a stream of bytes, and out of it again, with and without framing."""
import threading

from netlab.framing import FramingError
from netlab.network import Network
from netlab.panels import framing_code as code
from netlab.panels.base import Panel
from netlab.panels.framing_cures import CURES, added, judged, listed, read_mark, read_messages, total_of
from netlab.panels.framing_shown import ROOM, Tried, rows, stored, stream, table
from netlab.panels.framing_wire import SPACINGS, Talk, unless_ended
from netlab.panels.parts import RUN_ME, button, goals, read_number, reason, row, tag
from netlab.teach import cures
from netlab.words import bytes_of, count_of, show_bytes

CHOICES = tuple((cure.key, cure.name) for cure in CURES.values())
STREAMS = "fixed", "delimiter", "prefix"        # the cures that find the messages in one stream
FAR = 10                                        # milliseconds of delay from which on it counts as far
VALUES = {"delay": ("Delay", 100, 5, "ms"), "rechunk": ("Cuts", 8, 1, "bytes")}
GOALS = {
    "stick": ("No framing: two messages by one recv.",
              "Send, send, recv: each sendall adds bytes to one stream, and a recv takes what is there. It knows no messages."),
    "split": ("No framing: one message cut in two.",
              "A small recv does it, or a link that cuts: the rest of the message comes with the next call."),
    "total": ("Make the total wrong, without an error.",
              "Every piece of a price is a price. Nothing fails: only somebody who knows the messages sees that it is wrong."),
    "mark": ("Let a message hold the delimiter.",
             "encode refuses it. Else the till would take it for two messages, with no error: escape it, or send a length."),
    "right": ("Run each, recv(1): what does each add?",
              "Fixed length, delimiter, length prefix, and a connection for each are right: they say where a message ends. "
              "The delimiter adds one byte to each message; the prefix four, and the message may hold any bytes. Fixed length "
              "fills up to the longest: with 3 | 12 | 250 that is three bytes, as many as three marks; with one long message it "
              "is far more. A connection adds no byte to the stream, but packets of its own."),
    "cost": ("Run each, 10 ms: what does a reply cost?",
             "A round trip of 20 ms for each message, so some 50 in a second, however fast both ends are. What frames its "
             "messages waits for nothing."),
}


class FramingPanel(Panel):
    """A customer sends messages to a till over TCP, step by step or at once: where do the cuts fall, what is understood?

    Everything it does is real: sockets with sendall and recv, and a `netlab.Link` between that delays and cuts; the framing
    is `netlab.framing`. Sockets, links and threads end with "Close all", with `close()`, or when the cell is run again.
    Chapter 06.
    """
    title, look = "Where the cuts fall", "nl-framing"
    plain = f"FramingPanel: messages in a stream of bytes, by hand. {RUN_ME}"
    talk = None                                 # of a panel that is closed, too

    def __init__(self):
        super().__init__()
        self.values, self.seed, self.fields["mark"] = dict.fromkeys(VALUES, 0), 1, r"\n"
        self.tried: dict[str, Tried] = {}       # key of a cure -> what became of it with these messages
        self.rates: dict[tuple, float] = {}     # (key of a cure, milliseconds of delay) -> messages a second
        self.reached, self._messages, self._far = set(), None, 0
        self._past = False                      # whether what was last asked for was not sent: shown is the run before
        self._running, self._doing = False, ""
        self._halt = self._of = threading.Event()       # ends what was asked for since the last "Close all"; whose the run is
        self._making, self._fresh = threading.RLock(), False    # whether the latest call by hand was a send

    # what is shown

    def chips(self):
        return ["loopback"]

    def aside(self):
        talk, running = self.talk, self._running
        if talk is None or running:
            return self._doing if running or self._sentence else "Press sendall, sendall, recv. Or Run: all of it at once."
        waits = [f"The customer waits for the reply, in {talk.customer_waits}."] * bool(talk.customer_waits)
        return " ".join(waits + [f"The till waits {talk.till_waits}."] * bool(talk.till_waits))

    def controls(self):
        talk, following = self.talk, self._next()

        def press(label, do, off=self._running):
            return button(label, do, main=following == do, off=off)

        marked = [self.field("mark", "Mark", r"\n", "nl-short", data_enter="sendall")] * (self.fields.get("cure") == "delimiter")
        send = row(
            tag("b", "customer", class_="nl-client nl-whom"),
            self.field("messages", "Messages, | between", "3 | 12 | 250", "nl-wide", data_enter="sendall"),
            self.choice("cure", "Framing", CHOICES, "nl-cure", data_change="cure"),
            *marked, press("sendall", "sendall", self._running or bool(talk and talk.customer_waits)))
        take = row(
            tag("b", "till", class_="nl-server nl-whom"),
            self.field("size", "At most", "4096", "nl-short", data_enter="recv"),
            press("recv", "recv", self._running or bool(talk and (talk.till_waits or talk.over))), kind="nl-of-server")
        link = row(tag("b", "link", class_="nl-whom"), *map(self._slider, VALUES),
                   self.field("seed", "Seed", "1", "nl-short nl-seed", data_change="seed"))
        run = row(self.choice("spacing", "Spacing", SPACINGS, "nl-spacing"), press("Run", "run"), press("Run each", "run_each"))
        return [send, row(take, link, run, kind="nl-second")]

    def _slider(self, name):
        label, most, step, _ = VALUES[name]
        value = self.values[name]
        now = f"{value} ms" if name == "delay" else f"1 to {value}" if value else "none"
        return self.field(name, f"{label} {now}", "0", "nl-slider", type="range", min="0", max=str(most), step=str(step),
                          aria_label=label, aria_valuetext=now, data_input="set")

    def _next(self):
        """The sensible next step, whose button is the main one."""
        talk = self.talk
        if self._running:
            return ""
        if talk is None or talk.complete:
            return "sendall"
        return "sendall" if talk.left and not talk.customer_waits else "recv"

    def stage(self):
        return [*stream(self.talk, self._past), table(self._rows(), self._far)]

    def _rows(self):
        return rows(self.tried, self.talk, self.rates, self._far)

    def more(self):
        return [goals(GOALS, self.reached)]

    def pace(self):
        talk = self.talk
        return 0.05 if talk is not None and not talk.halt.is_set() and talk.shown < talk.size else None

    def picture(self, said):
        """The panel as it is now, as a Picture."""
        return stored(self.title, said, self.talk, self._rows(), f"{self.plain}\n{said}")

    def code(self):
        lines = list(self._code)
        return "\n".join([*code.imports(lines), *lines]) if lines else super().code()

    # what the controls ask for

    def _asked(self):
        """(messages, cure, mark) as the fields say; None where they say nothing that can be sent, which is told beside them."""
        cure, messages = CURES.get(self.fields.get("cure"), CURES["none"]), self.read("messages", read_messages)
        mark = self.read("mark", read_mark) if cure.key == "delimiter" and messages is not None else b"\n"
        self._past = messages is None or mark is None
        return None if self._past else (messages, cure, mark)

    def _size(self):
        return self.read("size", read_number, 1, 65_536, "how many bytes")

    def on_cure(self, _):
        self.errors.pop("messages", None)
        self.errors.pop("mark", None)
        self.say(CURES[self.fields["cure"]].about if self.fields.get("cure") in CURES else "")

    def on_sendall(self, _):
        if (asked := self._asked()) is not None and not self._running and not (self.talk and self.talk.customer_waits):
            self.do(self._send_next, asked, self._halt, who="customer", kind="send")

    def on_recv(self, _):
        size, talk = self._size(), self.talk
        asked = self._asked() if size is not None and talk is None else None
        self._past = self._past and talk is None            # a run that is under way goes on
        if size is not None and not self._running and (asked if talk is None else not talk.till_waits):
            self.do(self._receive, size, asked, self._halt, who="till", kind="recv")

    def on_run(self, _):
        self._start([self.fields.get("cure", "none")])

    def on_run_each(self, _):
        chosen = self.fields.get("cure", "none")
        self._start([*(key for key in CURES if key != chosen), chosen])     # the strip that stays is of the one that is chosen

    def _start(self, keys):
        asked, size, spacing = self._asked(), self._size(), self.fields.get("spacing", "all")
        if asked is not None and size is not None and not self._running:
            self._running = True
            self.do(self._run, [key for key in keys if key in CURES], asked, size, spacing, self._halt, who="run")

    def on_set(self, name):
        if name in VALUES:
            label, most, _, unit = VALUES[name]
            if (value := self.read(name, read_number, 0, most, f"{label.lower()}, in {unit}")) is not None:
                self.values[name] = value
                self.do(self._set, who="link")

    def on_seed(self, _):
        if (seed := self.read("seed", read_number, 0, 999_999, "a seed")) is not None:
            self.seed = seed
            self.do(self._set, who="link")

    def on_close_all(self, _):
        halt, self._halt = self._halt, threading.Event()
        halt.set()
        self.do(self._close_of, halt, who="close")

    # in a thread of the panel's

    def _link_values(self):
        return {"delay": self.values["delay"] / 1000, "rechunk": self.values["rechunk"], "seed": self.seed}

    def _set(self):
        """The link as the sliders say, also one that is in use."""
        values, talk = self._link_values(), self.talk
        if talk is not None and talk.link is not None and not talk.halt.is_set():
            for name, value in values.items():
                if getattr(talk.link, name) != value:
                    setattr(talk.link, name, value)
                    if self._code and self._code[-1].startswith(f"link.{name} = "):         # a slider passes many values
                        self._code.pop()
                    self.typed(f"link.{name} = {value:g}")
        words = [f"{values['delay'] * 1000:g} ms each way, a round trip of {values['delay'] * 2000:g} ms"] * bool(values["delay"])
        words += [f"cuts into pieces of 1 to {bytes_of(values['rechunk'])}, by the seed {self.seed}"] * bool(values["rechunk"])
        self.say(f"The link: {'; '.join(words) or 'no delay, and it cuts nothing'}.")

    def _begin(self, messages, cure, mark, told, halt):
        """A new run; the one before is ended. None where the cure cannot carry a message, the system gives no sockets, or
        `halt` is set."""
        with self._making:
            if messages != self._messages:
                self.tried, self._messages = {}, messages
            try:
                talk = Talk(messages, cure, mark, self.changed, told)
            except FramingError as error:
                if cure.key == "delimiter":
                    self.reached.add("mark")
                self.errors["messages"], self._past = str(error), True
                self.tried[cure.key] = Tried("nothing was sent", "wrong: it cannot carry them")
                self.say("Nothing was sent: see beside the field.")
                return None
            self._end()
            try:
                talk.open(**self._link_values())
            except OSError as error:
                talk.end()
                self.say(f"No connection could be made: {reason(error)}.")
                return None
            if halt.is_set() or self._closed:
                talk.end()
                return None
            self.talk, self._of, self._past = talk, halt, False
            self._code.clear()
            self.typed(*code.opened(talk, self._link_values()))
        return talk

    def _end(self):
        talk, self.talk = self.talk, None
        if talk is not None:
            talk.end()

    def _step(self, asked, halt):
        """The run that is under way, if it is of these; else a new one, which both ends share."""
        with self._making:
            talk = self.talk
            if talk is None or talk.complete or talk.halt.is_set() or (talk.messages, talk.cure, talk.mark) != asked:
                talk = self._begin(*asked, self._told, halt)
            return talk

    def _send_next(self, asked, halt):
        if not self._running and (talk := self._step(asked, halt)) is not None:
            if not talk.left:
                return self.say("All messages are sent. recv takes them; when all has come, sendall begins anew.")
            with unless_ended(talk, self.say):
                talk.send()

    def _receive(self, size, asked, halt):
        talk = self.talk if asked is None else self._step(asked, halt)
        if talk is not None and not self._running:
            with unless_ended(talk, self.say):
                talk.take(size)

    def _told(self, talk, what, item):
        """A call of a run by hand has returned: say so, and write its line."""
        if what == "sent":
            self._fresh = True
            self.typed(*code.sent(talk, item.message))
            shown = f", as {show_bytes(item.wire)}" if item.wire != item.message else ""
            shown += ", in a connection of its own" * talk.cure.connects
            self.say(f"The customer sent message {len(talk.sends)} of {len(talk.messages)}, {show_bytes(item.message)}{shown}.")
        elif what == "heard":
            self.typed(code.HEARD)
            self.say(f"{self._sentence} The reply has come.")
        elif what == "shut":
            self.typed(code.SHUT)
            self.say(f"{self._sentence} It was the last: shutdown tells the till so.")
        else:
            self.typed(*code.took(talk, item, len(talk.recvs) == 1 or not talk.recvs[-2].data, self._fresh))
            self._fresh = False
            self.say(f"recv({item.asked}) " + _said_of(talk, item))
            self._notice(talk, item)
            if item.data or talk.cure.connects:
                self._judge(talk)

    def _notice(self, talk, came):
        """The goals that one recv reaches."""
        touched = talk.touched(came) if talk.cure.key == "none" else []
        if len(touched) > 1:
            self.reached.add("stick")
        if any(not whole for _, whole in touched):
            self.reached.add("split")

    def _judge(self, talk):
        """Say what was understood, where all has come."""
        if not talk.complete:
            return
        words, sizes = judged(talk.messages, talk.understood), sorted({came.asked for came in talk.recvs})
        how = f"recv({', '.join(map(str, sizes))})" if len(sizes) < 3 else "recv(…)"
        self.tried[talk.cure.key] = Tried(listed(talk.understood, ROOM), words, added(talk.cure, talk.messages, talk.wires), how)
        silent = None not in (meant := total_of(talk.messages), total := total_of(talk.understood)) and meant != total
        if silent:
            self.reached.add("total")
        tiny = [found for key in STREAMS if (found := self.tried.get(key)) and found.how == "recv(1)"]
        if len(tiny) == len(STREAMS) and all(found.judged.startswith("right") for found in tiny):
            self.reached.add("right")
        self.say(f"{self._sentence} All has come. The till is {words}{', and no error' * silent}.")

    def _run(self, keys, asked, size, spacing, halt):
        """All messages by each of these cures, as they are spaced, and what that costs."""
        messages, _, mark = asked
        try:
            for key in keys:
                self.say(f"{CURES[key].name.capitalize()}:")
                if (talk := self._begin(messages, CURES[key], mark, lambda *_: None, halt)) is not None:
                    self._run_one(talk, spacing, size)
                    self._price(key, halt)
                if halt.is_set() or self._closed:
                    return
            if len(keys) > 1:
                right = sum(found.judged.startswith("right") for found in self.tried.values())
                self.say(f"Each was tried with recv({size}): the till is right with {right} of {len(keys)}. The table says more.")
        finally:
            self._running, self._doing = False, ""
            self.changed()

    def _run_one(self, talk, spacing, size):
        self.do(self._send_all, talk, spacing, who="customer", kind="send")
        with unless_ended(talk, self.say):
            talk.take_all(spacing, size)
            talk.wait(lambda: not talk.left)
            if talk.halt.is_set():
                return
            self.typed(*code.ran(talk, spacing, size))
            with talk.lock:
                for came in talk.recvs:
                    self._notice(talk, came)
                recvs = sum(bool(came.data) for came in talk.recvs)
                self.say(f"{talk.cure.name.capitalize()}: {count_of(len(talk.sends), 'send')}, {count_of(recvs, 'recv')}.")
                self._judge(talk)
        if not talk.over:
            talk.end()                          # who still waits in it, waits for ever

    def _send_all(self, talk, spacing):
        with unless_ended(talk, self.say):
            talk.send_all(spacing)

    def _price(self, key, halt):
        """Measure how many messages a second this cure carries over a link with this delay."""
        name, delay = CURES[key].name, self.values["delay"]
        if delay:
            self._far = delay
        if name not in cures.CURES or (key, delay) in self.rates:
            return
        cure = cures.CURES[name]
        if cure.connections and delay and Network.why():
            return                              # a Link answers each connect itself, so that its round trip would be missing
        seconds = max(.3, delay / 100) if cure.waits else max(.1, delay / 500)
        way, how = (cures.by_cable if cure.connections else cures.by_link), {"delay": delay / 1000}
        call = f"{way.__name__}(delay={delay / 1000:g})" if delay else "loopback()"
        self._doing = "Measuring its price …"
        self.changed()
        try:
            with way(**how) if delay else cures.loopback() as (till, connect):
                price = cures.measure(name, cures.for_a_while(b"250", seconds, halt), till=till, connect=connect)
        except OSError as error:
            return self.say(f"{self._sentence} What it costs could not be measured: {reason(error)}.")
        finally:
            self._doing = ""
        if halt.is_set() or not price.messages:
            return
        self.rates[key, delay] = price.messages_per_second
        self.typed(*code.priced(name, call, seconds))
        far = f" at a round trip of {2 * delay} ms" * bool(delay)
        self.say(f"{self._sentence} Measured: {cures.rounded(self.rates[key, delay])} messages a second{far}.")
        if delay >= FAR and ("reply", delay) in self.rates and any((each, delay) in self.rates for each in STREAMS):
            self.reached.add("cost")

    def release(self):
        self._halt.set()
        self._close_of(self._of)

    def _close_of(self, halt):
        """Close what was asked for before `halt` was set."""
        with self._making:
            talk = self.talk
            if talk is not None and self._of is halt:
                self._end()
                self.typed(*code.closed(talk))
        self.say("Everything is closed. sendall or Run begins anew.")


def _said_of(talk, came) -> str:
    """What a recv brought, and whose bytes these are."""
    if not came.data:
        return 'gave b"": the end' + (" of this connection, and so of its message." if talk.cure.connects else " of the stream.")
    (first, whole), *more = touched = talk.touched(came)
    whose = f"bytes of {count_of(len(touched), 'send')}" if more else f"{'all' if whole else 'a part'} of send {first}"
    return f"brought {show_bytes(came.data)}: {whose}." + " The till replies." * talk.cure.waits
