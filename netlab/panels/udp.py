"""UdpPanel: datagrams by hand, from senders to receivers over a link as bad as you like."""
from netlab import Link, Timeline
from netlab.panels.base import QUICK, Panel
from netlab.panels.parts import RUN_ME, button, goals, read_number, row, soft, tag
from netlab.panels.udp_ends import Peer, read_message
from netlab.panels.udp_link import Burst, Receiver
from netlab.panels.udp_picture import fates, stage
from netlab.panels.udp_tcp import OverTcp
from netlab.words import bytes_of, number_of

SENDERS, RECEIVERS, MOST, ROW = 4, 3, 10, 30    # ends, datagrams at once, and those after which the dice begin anew
VALUES = {      # of the link: label, the highest, step, unit, how much of it is one
    "loss": ("Loss", 100, 5, "%", 100), "duplicate": ("Duplicate", 100, 5, "%", 100),
    "reorder": ("Reorder", 100, 5, "%", 100), "delay": ("Delay", 500, 10, "ms", 1000)}
GOALS = {
    "borders": ("Send 3 at once. Receive them, 3 times.",
                "Each call brings one datagram, never two. UDP keeps the borders; TCP has none."),
    "rest": ("Send tea, and recvfrom 2 bytes. The rest?",
             "Gone. recvfrom takes the whole datagram and hands over what fits. The next call brings the next datagram."),
    "empty": ("Send an empty message. Does it come?",
              'A datagram of 0 bytes: a header, and no data. b"" is a message like any other here, and not the end.'),
    "fates": ("See one lost, one doubled, one overtaken.",
              "UDP sends nothing again, puts nothing in order, and drops no second copy: that is left to the programs."),
    "seed": ("Replay that. Then with another seed.",
             "The same seed gives the same fates: chance that can be repeated, as a test needs it. Another seed, other fates."),
    "nobody": ("Close the receiver, and send. An error?",
               "None: sendto only hands the datagram to the kernel. The link took it, and passed it on to a port that "
               "nobody has; nobody tells the sender. (Part 1 shows it without a link.)"),
}


class UdpPanel(Panel):
    """Datagrams by hand: up to four senders, up to three receivers, and a `netlab.Link` that leads to each receiver.

    Everything it does is real: sockets with sendto and recvfrom, and a link that loses and doubles. Sockets, links and
    threads end with "Close all", with `close()`, or when the cell is run again. Chapter 05.
    """
    title, look = "Datagrams by hand", "nl-udp"
    plain = f"UdpPanel: datagrams over a bad link, by hand. {RUN_ME}"
    senders, receivers, race, bursts = (), (), None, ()         # of a panel that is closed, too

    def __init__(self):
        super().__init__()
        self.timeline = Timeline(limit=300)
        self.timeline.on_change = self.changed
        self.values, self.seed = dict.fromkeys(VALUES, 0.0), 1
        self.senders, self.receivers = [Peer(self, 1)], [Receiver(self, 1)]
        self._sender, self._receiver = self.senders[0], self.receivers[0]
        self.bursts, self._anew = [], True      # since the dice began; whether they are to begin anew
        self._drawn_way = None                  # (receiver, sender, toward, first number): what is drawn of which way
        self.race, self.reached, self._seen, self._taken = None, set(), set(), 0
        self._chance = {}, 0                    # values and seed with which the dice began
        self._nobody = self._touched = False    # whether what is drawn found nobody; whether anything was sent yet
        self._did = set()                       # whether it was replayed with the same seed, and with another one

    def begin(self):
        self.do(self._bind, self.receivers[0], who="link")

    def do(self, job, *args, **options):
        """As `Panel.do`; in the picture a click comes after all that had returned before it, whichever hand did it."""
        super().do(self._after_earlier_clicks, job, *args, **options)

    def _after_earlier_clicks(self, job, *args):
        self.timeline.joined(id(self))
        job(*args)

    @property
    def peers(self):
        return [*self.senders, *self.receivers]

    # what is shown

    def head(self):
        self.see()                              # first of all parts
        return super().head()

    def chips(self):
        return ["loopback"]

    def aside(self):
        said = [] if self._touched else ["Press sendto, then recvfrom."]
        said += [f"{each.name.capitalize()} waits in {each.doing}." for each in self.peers if each.doing]
        said += [f"The buffer of {each.name} is full: its kernel dropped {number_of(each.dropped - each.told, 'datagram')}."
                 for each in self.receivers if each.open and each.dropped > each.told]
        return " ".join(said)

    def controls(self):
        sender, receiver, following = self.sender, self.receiver, self._next()

        def press(label, do, **more):
            return button(label, do, main=following == do, **more)

        send = row(
            tag("b", sender.name, class_="nl-client nl-whom"),
            self.field("message", "Message", "tea", "nl-wide", data_enter="sendto"),
            self.choice("as", "As", (("text", "text"), ("hex", "hex")), "nl-short"),
            self.field("times", "How many", "1", "nl-short", data_enter="sendto"),
            press("sendto", "sendto"),
            press("recvfrom", "hear", off=bool(sender.doing), aria_label=f"recvfrom, {sender.name}"))
        take = row(
            tag("b", receiver.name, class_="nl-server nl-whom"),
            self.field("count", "At most", "1024", "nl-short", data_enter="recvfrom"),
            press("recvfrom", "recvfrom", off=bool(receiver.doing) or not receiver.open),
            self.field("answer", "Answer", "3", "nl-wide", data_enter="answer"),
            press("sendto, back", "answer", off=not receiver.heard),
            self.choice("buffer", "Buffer", (("usual", "usual"), ("small", "small")), "nl-short", data_change="buffer"),
            press(*(("close", "close") if receiver.open else ("bind", "bind")), key="receiver"), kind="nl-of-server")
        again = row(
            self.field("seed", "Seed", "1", "nl-short", data_change="seed"),
            press("Replay", "replay", off=not self.bursts),
            press("The same over TCP", "tcp", off=not self.bursts or self._racing))
        return [send, take, row(tag("b", "the link", class_="nl-whom"), *map(self._slider, VALUES), again)]

    def _slider(self, name):
        label, most, step, unit, _ = VALUES[name]
        now = f"{self.values[name] * VALUES[name][-1]:g}"
        return self.field(name, f"{label} {now} {unit}", "0", "nl-slider", type="range", min="0", max=str(most), step=str(step),
                          aria_label=label, aria_valuetext=f"{now} {unit}", data_input="set")

    def stage(self):
        ends = [tag("div", *(each.draw(each in (self.sender, self.receiver)) for each in list(side)))
                for side in (self.senders, self.receivers)]
        return [ends[0], self._draw_link(), ends[1]]

    def _way(self):
        """(who sends, who receives, what passed): the latest exchange, or all on the way that was chosen since the dice began."""
        receiver, sender, toward, first = self._drawn_way or (self.receiver, self.sender, "server", 1)
        ends = (sender, receiver) if toward == "server" else (receiver, sender)
        return *ends, receiver.passed_of(sender, toward, first=first)

    def _draw_link(self):
        one, other, passed = self._way()
        head = row(button("Add a sender", "add_sender", off=len(self.senders) == SENDERS), soft(f"{one.name} → {other.name}"),
                   button("Add a receiver", "add_receiver", off=len(self.receivers) == RECEIVERS))
        if not passed:
            return tag("div", head, tag("div", soft("Nothing has passed the link yet."), class_="nl-picture"), class_="nl-link")
        wide, narrow = (tag("div", fates(tuple(passed), width, self._nobody), class_=kind)
                        for width, kind in ((430, "nl-picture"), (340, "nl-picture nl-narrow")))
        return tag("div", head, wide, narrow, class_="nl-link")

    def more(self):
        return [*([self.race.draw()] if self.race is not None else []), goals(GOALS, self.reached)]

    def pace(self):
        if any(p.fate == "on its way" for burst in list(self.bursts)[-1:] for p in burst.passed()):
            return 0.05
        return 0.3 if any(each.open for each in self.peers) else None

    def picture(self, said):
        """The panel as it is now, as a Picture."""
        *_, passed = self._way()
        return stage(self.title, said, self.sender, self.receiver, passed, f"{self.plain}\n{said}")

    def code(self):
        lines = list(self._code)
        names = ["Link", "Timeline"] + ["serve"] * any("serve(" in line for line in lines)
        imports = ["import socket", f"from netlab import {', '.join(sorted(names))}"]
        imports += ["from netlab.panels.tcp import quiet"] * any("quiet" in line for line in lines)
        return "\n".join([*imports, "", "timeline = Timeline()", *lines])

    @property
    def sender(self):
        """The sender that the buttons act for: the one whose box was pressed, or the newest."""
        return self._sender

    @property
    def receiver(self):
        return self._receiver

    def _next(self):
        """The sensible next step, whose button is the main one."""
        if not self.receiver.open:
            return "bind" if self.receiver.link is None else "sendto"
        if self.receiver.here and not self.receiver.doing:
            return "recvfrom"
        return "hear" if self.sender.here and not self.sender.doing else "sendto"

    # what came

    def who(self, address) -> str:
        """Who stands behind an address that recvfrom gave."""
        for receiver in self.receivers:
            if (address := receiver.stands.get(address, address)) == receiver.address:
                return receiver.name
        return next((each.name for each in self.senders if each.port == address[1]), f"port {address[1]}")

    def is_link(self, address) -> bool:
        """Whether an address is that of a link, which stands for somebody else."""
        return any(address in receiver.stands for receiver in self.receivers)

    def see(self):
        """See what came out of the links, and what the kernels have of it. Any thread may look."""
        with self._lock:
            met = set()
            for receiver in self.receivers:
                found = receiver.look(self.senders)
                met |= found
                self._nobody |= "nobody" in found and (self._drawn_way or [None])[0] is receiver
            for each in self.peers:
                each.check()
            self._seen |= met
            if {"lost", "arrived twice", "overtaken"} <= self._seen:
                self.reached.add("fates")
            if "nobody" in met:
                self.reached.add("nobody")

    def took(self, peer, data, size, who):
        """A call has taken a datagram of `size` bytes, and brought `data`."""
        name = peer.name.capitalize()
        if peer.side == "server":
            peer.told = peer.dropped            # there is room again
        if not size:
            self.reached.add("empty")
            self.say(f"{name} received an empty datagram from {who}: a message of 0 bytes.")
        elif len(data) < size:
            self.reached.add("rest")
            self.say(f"{name} received {bytes_of(len(data))} of a datagram of {bytes_of(size)} from {who}. "
                     "The rest is gone: recvfrom took it all (recvmsg would say so, by MSG_TRUNC).")
        else:
            self.say(f"{name} received {bytes_of(size)} from {who}: one datagram, whole.")
        burst = self.bursts[-1] if self.bursts else None
        if burst and burst.receiver is peer and len(burst.messages) > 2:
            self._taken += 1
            if self._taken > 2:
                self.reached.add("borders")

    # what the controls ask for

    def on_choose(self, key):
        for each in self.peers:
            if each.key == key:
                self._choose(each)

    def _choose(self, peer):
        if peer.side == "client":
            self._sender = peer
        else:
            self._receiver = peer
            self.put("buffer", "small" if peer.small else "usual")
        if self.receiver.passed_of(self.sender, "server"):
            self._drawn_way, self._nobody = (self.receiver, self.sender, "server", 1), False
        self.changed()

    def on_add_sender(self, _):
        if len(self.senders) < SENDERS:
            self.senders.append(Peer(self, len(self.senders) + 1))
            self._choose(self.senders[-1])

    def on_add_receiver(self, _):
        if len(self.receivers) < RECEIVERS:
            self.receivers.append(Receiver(self, len(self.receivers) + 1))
            self._choose(self.receivers[-1])
            self.do(self._bind, self.receiver, who="link")

    def on_sendto(self, _):
        in_hex = self.fields.get("as") == "hex"
        times = self.read("times", read_number, 1, MOST, "how many messages")
        data = self.read("message", read_message, in_hex, times or 1)
        if data is not None and times is not None:
            numbered = data and times > 1
            messages = [data + f" {n}".encode() * bool(numbered) for n in range(1, times + 1)]
            self.do(self._press, self.sender, self.receiver, messages, who="link")

    def on_recvfrom(self, _):
        if (count := self.read("count", read_number, 1, 65_535, "how many bytes")) is not None:
            self._receive(self.receiver, count)

    def on_hear(self, _):
        self._receive(self.sender, 1024)

    def _receive(self, peer, count):
        if "recvfrom" in self.pending(peer):
            return self.say(f"{peer.name.capitalize()} already waits in {peer.doing or 'recvfrom'}.")
        self.do(peer.receive, count, who=peer, kind="recvfrom")

    def on_answer(self, _):
        if (data := self.read("answer", read_message, False, 1)) is not None:
            self.do(self._answer, self.receiver, data, who="link")

    def on_close(self, _):
        self.do(self.receiver.finish, who="link", kind="end")

    def on_bind(self, _):
        self.do(self._bind, self.receiver, who="link")

    def on_buffer(self, _):
        if self.receiver.open:
            self.do(self.receiver.resize, self.fields["buffer"] == "small", who="link")

    def on_set(self, name):
        if name in VALUES:
            label, most, _, unit, one = VALUES[name]
            if (value := self.read(name, read_number, 0, most, f"{label.lower()} in {unit}")) is not None:
                self.do(self._set, name, value / one, who="link")

    def on_seed(self, _):
        if (seed := self.read("seed", read_number, 0, 999_999, "a seed")) is not None:
            self.do(self._set, "seed", seed, who="link")

    def on_replay(self, _):
        if self.bursts:
            self.do(self._replay, who="link")

    def on_tcp(self, _):
        if self.bursts and not self._racing:
            self.do(self._over_tcp, who="tcp")

    @property
    def _racing(self):
        return self.race is not None and not self.race.done

    # in a thread of the panel's

    def _bind(self, receiver):
        receiver.bind(self._make_link)
        if receiver is self.receiver:
            self.put("buffer", "usual")
        if self._closed:
            receiver.finish()
            receiver.stop_link()

    def _make_link(self, receiver):
        values = {name: value for name, value in self.values.items() if value}
        given = "".join(f", {name}={value:g}" for name, value in values.items())
        self.typed(f"{receiver.way} = Link({receiver.variable}_address{given}, seed={self.seed}, timeline=timeline)")
        return Link(receiver.address, **values, seed=self.seed, timeline=receiver, name=f"link to {receiver.name}")

    def _begin_dice(self):
        """What passed is seen to its end, and the dice of all links begin anew."""
        for receiver in self.receivers:
            if receiver.link is not None:
                receiver.link.still(2)
        self.see()
        with self._lock:
            for receiver in self.receivers:
                receiver.begin_anew()
            self.bursts, self._anew, self._chance = [], False, (dict(self.values), self.seed)

    def _press(self, sender, receiver, messages):
        if self._anew or sum(len(burst.messages) for burst in self.bursts) + len(messages) > ROW:
            self._begin_dice()
        before = self._sentence
        burst = self._send_burst(sender, receiver, messages)
        if burst is None:
            return
        over = burst.wait(QUICK / 2)
        then = "" if self._sentence is before else f" {self._sentence}"     # who waited for it has told so
        self.say((burst.told() if over else f"{burst.sent()}: on the way.") + then)
        if not over:
            self.do(self._await, burst, self._sentence, who=burst)

    def _send_burst(self, sender, receiver, messages):
        """One press of sendto; None where nothing went out."""
        if receiver.link is None:
            return self.say(f"{receiver.name.capitalize()} has no port yet: bind it first.")
        with self._lock:
            burst = Burst(sender, receiver, messages, receiver.sent.get(sender, 0) + 1, receiver.link)
            self.bursts, self._touched = [*self.bursts, burst], True
            self._drawn_way, self._nobody = (receiver, sender, "server", burst.first), False
            self._taken, receiver.told = 0, receiver.dropped
            if not self._racing:                # else it was of other messages
                self.race = None
        done = sender.send(messages, receiver.link.address, f"{receiver.way}.address")
        with self._lock:
            burst.messages = messages[:done]
            receiver.sent[sender] = burst.first - 1 + done
            if not done:
                self.bursts = [each for each in self.bursts if each is not burst]
        return burst if done == len(messages) else None

    def _await(self, burst, said):
        """Say what became of what was sent, unless something else was said meanwhile."""
        burst.wait(2)
        self.see()
        if self._sentence == said:
            self.say(burst.told())

    def _answer(self, receiver, data):
        link, heard = receiver.link, receiver.heard
        if heard is None or link is None or not receiver.open:
            return self.say("Nothing was done: this receiver has heard from nobody.")
        to = next((each for each in self.senders if each.name == self.who(heard)), None)
        if to is not None:
            first = len(receiver.passed_of(to, "client")) + 1
            self._drawn_way, self._nobody = (receiver, to, "client", first), False
        if receiver.send([data], heard, f"{receiver.variable}_heard"):
            self.say(f"{receiver.name.capitalize()} answered {self.who(heard)}, by the address from recvfrom.")

    def _set(self, name, value):
        if name == "seed":
            self.seed = value
        else:
            self.values[name] = value
        for receiver in self.receivers:
            if receiver.link is not None and getattr(receiver.link, name) != value:
                setattr(receiver.link, name, value)
                self._anew = True
                start, lines = f"{receiver.way}.{name} = ", self._code
                while lines and lines[-1].startswith(start):       # a slider passes many values
                    lines.pop()
                self.typed(f"{start}{value:g}")
        words = [f"{label.lower()} {self.values[each] * one:g} {unit}" for each, (label, _, _, unit, one) in VALUES.items()
                 if self.values[each]]
        self.say(f"The link: {', '.join(words) or 'whole'}, seed {self.seed}.")

    def _replay(self):
        old, chance = self.bursts, (dict(self.values), self.seed)
        before, was = [burst.fates() for burst in old], self._chance
        self.say("The same once more …")
        self._begin_dice()
        for burst in old:
            if (new := self._send_burst(burst.sender, burst.receiver, burst.messages)) is None:
                return
            new.wait(2)
        if (way := self._drawn_way) is not None:
            self._drawn_way = *way[:3], 1       # all of it
        self.see()
        count, same = sum(len(burst.messages) for burst in old), [burst.fates() for burst in self.bursts] == before
        what = "The same message" if count == 1 else f"The same {count} messages"
        if chance == was:
            if same and any(fate != "arrived" for fates in before for fate, _ in fates):
                self._did.add("same")
            self.say(f"{what}, seed {self.seed} from its beginning: {'the same fates' if same else 'other fates, this time'}.")
        else:
            if not same and chance[0] == was[0]:
                self._did.add("other")
            how = f"seed {self.seed}" if chance[0] == was[0] else "another link"
            self.say(f"{what}, {how}: {'the same fates, by chance' if same else 'other fates'}.")
        if self._did == {"same", "other"}:
            self.reached.add("seed")

    def _over_tcp(self):
        last = self.bursts[-1]
        bursts = [burst for burst in self.bursts if (burst.sender, burst.receiver) == (last.sender, last.receiver)]
        self.race = OverTcp(self, bursts, self.values, self.seed)
        self.say("The same messages go over TCP, too …")
        if not self._closed:
            self.race.run()
        self.say(f"Over TCP {self.race.trouble or 'all came, once and in order'}.")

    def release(self):
        if self.race is not None:
            self.race.end()
        for each in self.peers:
            each.finish()
        for receiver in self.receivers:
            receiver.stop_link()
        with self._lock:
            self.bursts, self._drawn_way, self._anew = [], None, True
        self.say("Everything is closed. bind makes a receiver and its link anew.")
