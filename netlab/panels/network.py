"""NetworkPanel: a network of one's own by hand: send over it, impair and cut its cables, and step through what passed."""
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from keyword import iskeyword

from markupsafe import Markup

from netlab.network import Network
from netlab.network.map import impairment, network_map, panel_map, sentence, values, way
from netlab.panels.base import Panel
from netlab.panels.exchange import Exchange
from netlab.panels.parts import RUN_ME, button, goals, read_number, row, tag
from netlab.words import quoted

LONGEST, MOST, ROWS = 200, 9, 5         # letters of a message, messages at once, packets in view
VALUES = {"loss": ("Loss %", 100, 100, "a share"), "duplicate": ("Duplicate %", 100, 100, "a share"),
          "reorder": ("Reorder %", 100, 100, "a share"), "delay": ("Delay ms", 1000, 2000, "milliseconds")}
CABLES = ("alice", "north"), ("north", "east"), ("east", "bob"), ("alice", "south"), ("south", "bob")
GOALS = {
    "way": ("Send by the short way, cut it, and send again. Which way now?",
            "The longer one. Each router has a table that says where to send what next, and the cut way is gone from all. "
            "In life routers tell each other, which takes its time; here it is done at once."),
    "again": ("Let TCP lose a segment (loss 20 %; send a few times). Does bob get all?",
              "He does. No ACK came for the segment, so the kernel of the sender sent it again. Its program made one call "
              "and noticed nothing but the time. Unless too many are lost: here alice gives up after 3 seconds."),
    "lost": ("Send once, then lose a datagram of UDP. Who notices?",
             "Nobody but the program that waits for an answer. UDP sends nothing again: what to do now, that program says."),
    "overtake": ("Send several datagrams where a cable reorders. Who is first?",
                 "Whoever comes first: a network promises no order, and UDP hands over what comes. TCP puts bytes in order."),
}
BEGIN = ["import socket", "from netlab import serve, serve_udp, echo", "from netlab.network import Network",
         "from netlab.panels.exchange import echo_request", ""]


class NetworkPanel(Panel):
    """Hosts, routers and cables, and what passes between them; `network` is a Network of yours, else it makes its own:
    alice and bob, with two ways between them.

    Everything it does is real: sockets of the hosts, the routes of their kernels, frames that a cable loses. "Close all",
    `close()` and running the cell again end what the panel has opened, and its own network; yours goes on. Chapter 01.
    """
    title, look = "A network of one's own", "nl-network"
    plain = f"NetworkPanel: hosts, routers and cables, by hand. {RUN_ME}"
    network, exchange, step = None, None, 0     # of a panel that is closed, too

    def __init__(self, network: Network | None = None):
        if network is not None and not isinstance(network, Network):
            raise TypeError(f"network must be a netlab.network.Network, not {network!r}")
        super().__init__()
        self.network, self._lent, self.missing = network, network is not None, ""
        self._nodes, self._cables = [], []      # as they were last seen
        self._chosen, self._known, self.step, self._count = 0, {}, 0, 0
        self._by_hand, self._about = False, None        # whether the reader has chosen a cable; else of what it was chosen
        self.exchange, self.reached, self._ways, self._stepping = None, set(), [], True

    def begin(self):
        self.missing = Network.why() if self.network is None else ""
        if not self.missing:
            self._have_network()
            self._choose(self._chosen)

    def _have_network(self):
        """The given network, or one of the panel's own."""
        new = self.network is None
        with self._lock:
            if self.network is None:
                net = self.network = Network()
                for name in ("alice", "bob"):
                    net.host(name)
                for name in ("north", "east", "south"):
                    net.router(name)
                for a, b in CABLES:
                    net.cable(net.hosts[a], net.hosts[b])
        self._see()
        if new:
            self._known = {}
            self._choose(self._chosen)

    def _see(self):
        """Look at hosts and cables, which another cell may have changed."""
        if (net := self.network) is not None:
            with suppress(OSError):
                self._nodes, self._cables = values(net)

    # what is shown

    def head(self):
        return [tag("div", tag("b", self.title, class_="nl-title"), class_="nl-bar")] if self.missing else super().head()

    def chips(self):
        return ["this machine only"]

    def aside(self):
        if self.missing:
            return self.missing
        if self.exchange is None:
            return "" if self._sentence else "Choose who sends what to whom, and press Send."
        doing, trouble = self.exchange.doing, self.exchange.trouble
        return trouble if self._runs and trouble else f"{self.exchange.source.name} waits in {doing}." if doing else ""

    def controls(self):
        self._see()
        if self.missing or not self._nodes:
            return []
        names = [node.name for node in self._nodes]
        hosts = [node.name for node in self._nodes if not node.is_router] or names
        if self.fields.get("from") not in names:
            self.put("from", hosts[0])
        others = [name for name in names if name != self.fields["from"]]
        if self.fields.get("to") not in others:
            self.put("to", next((name for name in hosts[::-1] if name in others), others[0] if others else ""))
        about = self.fields["from"], self.fields["to"], [(cable.name, cable.is_cut) for cable in self._cables]
        if not self._by_hand and about != self._about:
            self._about = about
            self.do(self._choose_on_the_way, *about[:2], who="cables")
        who = row(
            self.choice("from", "From", tuple((name, name) for name in names), "nl-who", data_change="look"),
            self.choice("to", "To", tuple((name, name) for name in others), "nl-who"),
            self.choice("by", "By", (("TCP", "TCP"), ("UDP", "UDP"), ("ping", "ping")), "nl-short"),
            self.field("times", "Times", "1", "nl-short", data_enter="send"),
            self.field("message", "Message", "hello", "nl-wide", data_enter="send"),
            button("Send", "send", main=True, off=self._runs))
        cables = [button(cable.name, "cable", str(n), aria_pressed=str(n == self._chosen).lower())
                  for n, cable in enumerate(self._cables)]
        return [who, row(tag("b", "Cable", class_="nl-label"), *cables, kind="nl-cables"), *self._of_cable()]

    def _of_cable(self):
        if not self._cables:
            return []
        self._fill()
        cable = self._cables[self._chosen]
        fields = [self.field(name, label, "0", "nl-short", data_change="set") for name, (label, *_) in VALUES.items()]
        return [row(tag("b", cable.name, class_="nl-whom nl-cable"), *fields,
                    button("Mend" if cable.is_cut else "Cut", "mend" if cable.is_cut else "cut", key="cut"))]

    def stage(self):
        if self.missing:
            return [tag("div", Markup(self.stored().get("text/html", "")))]
        steps = self._steps()
        cables = self._marked(steps)
        wide, narrow = (_drawn(tuple(self._nodes), tuple(cables), form) for form in (False, True))
        return [tag("div", wide, class_="nl-picture"), tag("div", narrow, class_="nl-picture nl-narrow"), self._ladder(steps)]

    @property
    def _runs(self):
        return self.exchange is not None and not self.exchange.done

    def _steps(self):
        """The ladder of the latest exchange; while it runs, the step is always the last."""
        if (exchange := self.exchange) is None:
            return []
        runs = not exchange.done
        if runs:
            exchange.look()
        steps = exchange.steps()
        if runs:
            self.step = len(steps)
        return steps

    def _marked(self, steps):
        """The cables with marks where this step's packet went, if that is what was done last."""
        marks = steps[self.step - 1].marks if self._stepping and 0 < self.step <= len(steps) else {}
        return [cable._replace(marks=tuple(marks.get(cable.name, ()))) for cable in self._cables]

    def _ladder(self, steps):
        """The rows around this step, and the buttons to go from one to the next."""
        most, at = len(steps), self.step
        buttons = [button("First", "go", "first", off=at <= 1), button("Previous", "go", "previous", off=at <= 1),
                   button("Next", "go", "next", off=at >= most), button("Last", "go", "last", off=at >= most)]
        said = f"step {at} of {most}" if most else "Calls and packets will stand here, one below the other."
        start = max(0, min(at - ROWS + 1, most - ROWS))
        lines = [_line(n, step, at) for n, step in enumerate(steps[start:start + ROWS], start + 1)]
        lines += [tag("li", "\u00a0", aria_hidden="true")] * (ROWS - len(lines))
        bar = row(*buttons, tag("span", said, class_="nl-soft", aria_live="off" if self._runs else "polite"),
                  self._opens("ladder", "The ladder", "Hide the ladder"))
        return tag("div", bar, tag("ol", *lines, class_="nl-steps-of", aria_label="Calls and packets"))

    def picture(self, said: str):
        """The map as it is now, with the packet of this step, as a Picture."""
        return replace(network_map(self._nodes, self._marked(self._steps()), said), text=f"{self.plain}\n{said}")

    def more(self):
        if self.missing:
            return []
        return [goals(GOALS, self.reached), *([self._whole_ladder()] if "ladder" in self._opened else [])]

    def _whole_ladder(self):
        """The ladder of the latest exchange as a picture."""
        if (exchange := self.exchange) is None or not exchange.done:
            return tag("div", "The ladder is drawn when an exchange has come to its end.")
        return tag("div", exchange.picture())

    def pace(self):
        if self.network is None:
            return None
        return 0.1 if self._runs else 0.5

    # the code

    def name_of(self, host: str) -> str:
        """How the code names a host."""
        return f"net.hosts[{host!r}]" if iskeyword(host) else host

    def code(self):
        names = [node.name for node in self._nodes if not iskeyword(node.name)]
        if self._lent:
            made = ["# net is your Network", *(f"{name} = net.hosts[{name!r}]" for name in names)]
        else:
            made = ["net = Network()", *(f"{node.name} = net.{'router' if node.is_router else 'host'}({node.name!r})"
                                         for node in self._nodes), *(f"net.cable({a}, {b})" for a, b in CABLES)]
        lines = list(self._code)
        if len(lines) == self._code.maxlen:             # the oldest are gone: not the half of an exchange
            lines = lines[next((n for n, line in enumerate(lines) if line.startswith("# ") and " from " in line), 0):]
        return "\n".join([*BEGIN, *made, "", *lines])

    # what the controls ask for

    def on_look(self, _):
        pass

    def on_ladder(self, _):
        self._opened ^= {"ladder"}

    def on_send(self, _):
        if self._runs:
            return self.say(f"{self.exchange.source.name} still waits. Send again when that has come to its end.")
        message, times = self.read("message", _message), self.read("times", read_number, 1, MOST, "how many messages")
        if message is not None and times is not None:
            self._count += 1
            messages = [message] if times == 1 else [message + f" {n}".encode() for n in range(1, times + 1)]
            about = tuple(self.fields[name] for name in ("by", "from", "to"))
            self.do(self._run, self._count, *about, messages, who="exchange")

    def on_cable(self, number):
        with suppress(ValueError):
            number = int(number)
            with self._lock:
                self._by_hand = True
                self._choose(number)

    def _choose_on_the_way(self, source, target):
        """Until the reader chooses a cable it is the last one on the way that packets take now: what is lost there is missed."""
        with suppress(OSError, ValueError, KeyError, AttributeError):       # the network is closed; there is no address yet
            last = set(way(self.network, source, target)[-2:])
            with self._lock:
                for n, cable in enumerate(self._cables):
                    if {cable.a, cable.b} == last and not cable.is_cut and not self._by_hand:
                        return self._choose(n)

    def _choose(self, number):
        """From now on the fields are those of this cable."""
        if self.network is None or not 0 <= number < len(self._cables):
            return
        if number != self._chosen:      # the same again leaves what the reader is typing
            self._chosen, self._known = number, {}
        self._fill()

    def _fill(self):
        """Put into the fields what is new: another cell may change a cable, too."""
        if self.network is not None and self._chosen < len(self._cables):
            cable = self.network.cables[self._chosen]
            for name, (_, scale, *_) in VALUES.items():
                if self._known.get(name) != (value := getattr(cable, name)):
                    self._known[name] = value
                    self.put(name, f"{value * scale:g}")

    def on_set(self, name):
        self._by_hand = True
        if name in VALUES and self.network is not None:
            _, scale, most, what = VALUES[name]
            if (value := self.read(name, _number, most, what)) is not None:
                self.do(self._set, self._chosen, name, value / scale, who="cables")

    def on_cut(self, _):
        self._by_hand = True
        if self.network is not None:
            self.do(self._cut, self._chosen, True, who="cables")

    def on_mend(self, _):
        if self.network is not None:
            self.do(self._cut, self._chosen, False, who="cables")

    def on_go(self, where):
        most = len(self.exchange.steps()) if self.exchange is not None else 0
        to = {"first": 1, "previous": self.step - 1, "next": self.step + 1, "last": most}.get(where, self.step)
        self.step, self._stepping = max(min(1, most), min(to, most)), True

    # in a thread of the panel's

    def _run(self, number, by, source, target, messages):
        self._have_network()
        hosts = self.network.hosts
        if source == target or not {source, target} <= set(hosts):
            return self.say("Nothing was done: choose two hosts of this network.")
        for name in (source, target):
            if not hosts[name].addresses:
                return self.say(f"Nothing was done: {name} has no cable, and so no address.")
        self.typed(f"# {by} from {source} to {target}")
        self.say("")
        self._stepping = True
        self.exchange = Exchange(self, number, by, hosts[source], hosts[target], messages)
        if self._closed:
            self.exchange.end()
        self.exchange.run()

    def ended(self, exchange):
        """An exchange is over: say what came of it, and see which goals are reached."""
        if exchange is not self.exchange:
            return
        self.step = exchange.telling()
        self.say(exchange.told())
        cut = {cable.name for cable in self._cables if cable.is_cut}
        if exchange.answered:
            way = exchange.way()
            used = {packet.cable for packet in exchange.packets if packet.payload}
            if any(ends == (way[0], way[-1]) and before & cut for ends, before in self._ways):
                self.reached.add("way")
            self._ways = [*self._ways[-20:], ((way[0], way[-1]), used)]
            if exchange.by == "TCP" and exchange.again() and exchange.gone():
                self.reached.add("again")
        if exchange.by == "UDP":
            if any(packet.payload for packet in exchange.gone()):
                self.reached.add("lost")
            if exchange.overtaken():
                self.reached.add("overtake")

    def _set(self, number, name, value):
        cable = self.network.cables[number]
        try:
            if getattr(cable, name) == value:
                return
            setattr(cable, name, value)
        except OSError as error:                        # the network is closed
            return self.say(str(error))
        self.typed(f"net.cables[{number}].{name} = {value:g}    # {cable.name}")
        self.say(f"{cable.name}: {impairment(cable) or 'whole'}.")

    def _cut(self, number, cut):
        cable = self.network.cables[number]
        try:
            cable.cut() if cut else cable.mend()
            self._stepping = False
            after = sentence(self.network)
        except OSError as error:
            return self.say(str(error))
        self.typed(f"net.cables[{number}].{'cut' if cut else 'mend'}()    # {cable.name}")
        self.say(after if cut else f"{cable.name} is whole again. {after}")

    def release(self):
        if (exchange := self.exchange) is not None:
            exchange.end()
        with self._lock:
            net, self.network = (None, self.network) if self._lent else (self.network, None)
        if net is not None:
            net.close()
        self.say("Everything is closed." if self._lent else "Everything is closed; Send makes a new network.")


_drawn = lru_cache(32)(panel_map)       # mostly it is as it was


def _line(n, step, at):
    """A row of the ladder; those after this step are faint."""
    where = "now" if n == at else "later" if n > at else "before"
    who = tag("b", step.who if step.is_call else f"{step.who}\u2019s kernel", class_=f"nl-{step.side}" if step.side else None)
    words = tag("code", step.words) if step.is_call else tag("span", step.words)
    return tag("li", tag("span", f"{n}", class_="nl-soft"), who, words, class_=f"nl-{where}",
               aria_current="step" if n == at else None)


def _message(text: str) -> bytes:
    if not text:
        raise ValueError("There is nothing to send. Type at least one character.")
    if len(data := text.encode()) > LONGEST:
        raise ValueError(f"That is {len(data):,} bytes. Give a message of at most {LONGEST}, which fits into one packet.")
    return data


def _number(text: str, most: int, what: str) -> float:
    """A number from 0 to `most`, which may have a fraction."""
    words = text.strip().rstrip("%").strip()
    number = float(words) if words.replace(".", "", 1).isdecimal() and words.isascii() else -1
    if not 0 <= number <= most:
        raise ValueError(f"{quoted(text.strip())} is not allowed. Give {what}, 0 to {most}.")
    return number
