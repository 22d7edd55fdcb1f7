"""The lines behind "Show the code" of FramingPanel: what a learner could type for what it did. They run."""
from netlab.panels.framing_cures import REPLY, framing_of
from netlab.panels.framing_wire import APART, BUSY, HOST

CONNECT = "customer = socket.create_connection(link.address)"
HEARD, SHUT = f"customer.recv({len(REPLY)}, socket.MSG_WAITALL)", "customer.shutdown(socket.SHUT_WR)"


def imports(lines: list[str]) -> list[str]:
    """What these lines need."""
    text = "\n".join(lines)
    found = ["import socket"] + [f"import {name}" for name in ("threading", "time") if f"{name}." in text]
    found += ["", "from netlab import Link"]
    found += [f"from netlab.framing import {name}" for name in ("Delimiter", "FixedLength", "LengthPrefix") if f"{name}(" in text]
    return found + ["from netlab.teach import cures"] * ("cures." in text) + [""]


def opened(talk, values: dict) -> list[str]:
    """The till, the link, and the customer where one connection carries all."""
    given = "".join(f", {name}={value:g}" for name, value in values.items() if value)
    lines = [f'till = socket.create_server(("{HOST}", 0))', "till.settimeout(5)",
             f"link = Link(till.getsockname(), type=socket.SOCK_STREAM{given})"]
    if not talk.cure.connects:
        lines += [CONNECT, "conn, _ = till.accept()", "conn.settimeout(5)"]
    framing = framing_of(talk.cure, talk.messages, talk.mark)
    if framing is not None:
        shown = {"fixed": lambda: f"FixedLength({framing.size})", "delimiter": lambda: f"Delimiter({talk.mark!r})",
                 "prefix": lambda: "LengthPrefix(4)"}[talk.cure.key]()
        lines.append(f"framing = {shown}")
    return [*lines, *["accepted = []"] * talk.cure.connects, "understood = []"]


def wire(talk, name: str) -> str:
    """What goes to sendall for a message of this name, or for these bytes as Python writes them."""
    if talk.cure.key == "fixed":
        return f"framing.encode({name}.ljust(framing.size))"
    return f"framing.encode({name})" if talk.cure.key in ("delimiter", "prefix") else name


def sent(talk, message: bytes) -> list[str]:
    """One message."""
    call = f"customer.sendall({wire(talk, repr(message))})"
    return [CONNECT, "accepted.append(till.accept()[0])", call, "customer.close()"] if talk.cure.connects else [call]


def took(talk, came, first: bool, fresh: bool) -> list[str]:
    """One recv; `first`: of its connection; `fresh`: what was sent before it is to come before."""
    return ["link.still()"] * fresh + _took(talk, came, first)


def _took(talk, came, first):
    call = f"conn.recv({came.asked})"
    if talk.cure.connects:
        begin = ["conn, message = accepted.pop(0), b''"] * first
        return begin + ([f"message += {call}"] if came.data else
                        [f'{call}   # b"": the end', "understood.append(message)", "conn.close()"])
    if not came.data:
        return [f'{call}   # b"": the end']
    return [found(talk, call)] + [f"conn.sendall({REPLY!r})"] * talk.cure.waits


def found(talk, data: str) -> str:
    """How the till makes messages of what this expression gives."""
    if talk.cure.key in ("none", "reply"):
        return f"understood.append({data})"
    if talk.cure.key == "fixed":
        return f'understood += [message.rstrip(b" ") for message in framing.feed({data})]'
    return f"understood += framing.feed({data})"


def ran(talk, spacing: str, size: int) -> list[str]:
    """All of a run."""
    messages = repr(tuple(talk.messages))
    if talk.cure.waits:
        sends = [f"for message in {messages}:", "    customer.sendall(message)", *(f"    {line}" for line in _reply(size)),
                 f"    {HEARD}", SHUT]
        return [*sends, *_drain(talk, size)]
    call = f"customer.sendall({wire(talk, 'message')})"
    if talk.cure.connects:
        return [f"for message in {messages}:", f"    {CONNECT}", "    accepted.append(till.accept()[0])", f"    {call}",
                "    customer.close()", "for conn in accepted:", "    with conn:",
                f'        understood.append(b"".join(iter(lambda: conn.recv({size}), b"")))']
    take = found(talk, f"conn.recv({size})")
    if spacing == "turns":
        takes = [f"    {take}"]
        if call == "customer.sendall(message)" and b"" in talk.messages:        # no recv sees a send of no bytes
            takes = ["    if message:", f"        {take}"]
        return [f"for message in {messages}:", f"    {call}", *takes, SHUT, *_drain(talk, size)]
    if spacing == "all":
        return [f"for message in {messages}:", f"    {call}", SHUT, "link.still(10)", *_drain(talk, size)]
    sends = ["def send():", f"    for message in {messages}:", f"        {call}", f"        time.sleep({APART})", f"    {SHUT}",
             "sender = threading.Thread(target=send)", "sender.start()"]
    slow = ["    if sender.is_alive():", f"        time.sleep({BUSY})"] * (spacing == "slow")
    first, *rest = _drain(talk, size)
    return [*sends, *([f"time.sleep({BUSY})"] if slow else []), first, *rest, *slow]


def _reply(size):
    return [f"understood.append(conn.recv({size}))", f"conn.sendall({REPLY!r})"]


def _drain(talk, size):
    return [f"while data := conn.recv({size}):", f"    {found(talk, 'data')}"]


def priced(cure: str, way: str, seconds: float) -> list[str]:
    """What measured the price of a cure."""
    return [f"with cures.{way} as (far_till, connect):",
            f"    price = cures.measure({cure!r}, cures.for_a_while(b'250', {seconds:g}), till=far_till, connect=connect)",
            "price.messages_per_second"]


def closed(talk) -> list[str]:
    """What ends it."""
    ends = ["customer", "conn"] * (not talk.cure.connects) + ["till"]
    return [*(f"{name}.close()" for name in ends), "link.stop()"]
