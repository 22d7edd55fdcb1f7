"""Every worked solution passes its check; typical wrong answers fail it, and the hint names the mistake."""
import ipaddress
import re
import socket
import struct
from pathlib import Path

import nbformat
import pytest

from netlab.teach.check import FAILED, NOT_ATTEMPTED
from netlab.chapters.ip_addresses import check

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
CHAPTER = "02_ip_addresses.ipynb"
EXERCISES = {exercise.name: exercise for exercise in check.EXERCISES}
FULL = 0xFFFFFFFF


def code(notebook):
    cells = nbformat.read(NOTEBOOKS / notebook, as_version=4).cells
    return [cell.source for cell in cells if cell.cell_type == "code"]


def strict_group(text):
    if not text or not set(text) <= set("0123456789") or len(text) > 3 or (text[0] == "0" and text != "0"):
        raise ValueError(text)
    if int(text) > 255:
        raise ValueError(text)
    return int(text)


def refuse(condition):
    if condition:
        raise ValueError("refused")


# parse_group

def without(rule):
    """A parse_group that forgets one rule."""
    def parse_group(text):
        refuse(rule != "empty" and not text)
        refuse(rule != "digits" and not set(text) <= set("0123456789"))
        refuse(rule != "zero" and len(text) > 1 and text[0] == "0")
        value = int(text or "0")
        refuse(rule != "range" and not 0 <= value <= 255)
        return value
    return parse_group


def group_isdigit(text):
    refuse(not text.isdigit() or (text[0] == "0" and text != "0") or int(text) > 255)
    return int(text)


def group_below(limit):
    def parse_group(text):
        value = strict_group(text) if text != "256" else 256
        refuse(value >= limit)
        return value
    return parse_group


# to_int and to_text

def groups_of(text):
    parts = text.split(".")
    refuse(len(parts) != 4)
    return [strict_group(part) for part in parts]


def positional(base):
    return lambda text: sum(g * base**i for i, g in enumerate(reversed(groups_of(text))))


def to_int_any_count(text):
    number = 0
    for part in text.split("."):
        number = number * 256 + strict_group(part)
    return number


def to_int_octal(text):
    parts = text.split(".")
    refuse(len(parts) != 4 or not all(part.isdigit() and int(part) < 256 for part in parts))
    return int.from_bytes(bytes(map(int, parts)))


def to_text_checked(write):
    def to_text(n):
        refuse(not 0 <= n <= FULL)
        return write(n)
    return to_text


def minimal_bytes(n):
    return ".".join(map(str, n.to_bytes(max(1, (n.bit_length() + 7) // 8))))


# mask and in_network

def mask_checked(compute):
    def mask(prefix):
        refuse(not 0 <= prefix <= 32)
        return compute(prefix)
    return mask


def good_mask(prefix):
    refuse(not 0 <= prefix <= 32)
    return FULL << (32 - prefix) & FULL


def split(network):
    start, length = network.split("/")
    refuse(not 0 <= int(length) <= 32)
    return positional(256)(start), int(length)


def in_network_by(compare):
    def in_network(address, network):
        (start, length), number = split(network), positional(256)(address)
        return compare(number, start, length)
    return in_network


def in_network_text(address, network):
    split(network), groups_of(address)
    return address.startswith(network.split("/")[0].rstrip("0."))


def in_network_groups(number, start, length):
    keep = length // 8 * 8
    return number >> (32 - keep) == start >> (32 - keep)


def in_network_swapped(address, network):
    start, length = split(network)
    groups_of(address)
    little = int.from_bytes(socket.inet_aton(address), "little")
    return little & good_mask(length) == start


# expand and shorten

def checked6(write):
    def expand(text):
        refuse("." in text or "%" in text)
        ipaddress.IPv6Address(text)
        return write(text)
    return expand


def filled(text, missing):
    head, gap, tail = text.partition("::")
    head, tail = head.split(":") if head else [], tail.split(":") if tail else []
    return head + (["0"] * missing(8 - len(head) - len(tail)) if gap else []) + tail


def refuse_end(text):
    refuse(text.endswith("::") and text != "::")
    return ipaddress.IPv6Address(text).exploded


def refuse_start(text):
    refuse(text.startswith("::"))
    return ipaddress.IPv6Address(text).exploded


def padded(groups, fill=lambda group: group.zfill(4)):
    return ":".join(fill(group) for group in groups)


def expand_twice(text):
    if text.count("::") == 2 and ":::" not in text:
        return padded(filled(text.replace("::", ":0:", 1).strip(":"), lambda n: n))
    return checked6(lambda t: ipaddress.IPv6Address(t).exploded)(text)


def expand_full(text):
    if len([part for part in text.split(":") if part]) == 8:
        return padded([part for part in text.split(":") if part])
    return checked6(lambda t: ipaddress.IPv6Address(t).exploded)(text)


def shorten_with(choose, least=2, form="{:x}"):
    """RFC 5952, with another choice of the run or another way to write a group."""
    def shorten(groups):
        texts = [form.format(group) for group in groups]
        edged = [1, *groups, 1]
        runs = [(start, end) for start in range(8) for end in range(start + least, 9)
                if not any(groups[start:end]) and edged[start] and edged[end + 1]]
        if not runs:
            return ":".join(texts)
        start, end = choose(runs)
        return ":".join(texts[:start]) + "::" + ":".join(texts[end:])
    return shorten


def longest(runs):
    return max(runs, key=lambda run: (run[1] - run[0], -run[0]))


def shorten_all(groups):
    return re.sub(r"(?:^|:)0(?::0)+(?:$|:)", "::", ":".join(f"{g:x}" for g in groups))


def shorten_join(groups):
    text = shorten_with(longest)(groups)
    return text[1:] if text.startswith("::") else text


def shorten_text(groups):
    """Looks for zeros in the text, and finds them inside a group too."""
    text = ":".join(f"{g:x}" for g in groups)
    runs = re.findall(r"0(?::0)+", text)
    return text.replace(max(runs, key=len), ":", 1).replace(":::", "::") if runs else text


# smallest_network

def smallest_by(prefix_of, clear=True):
    def smallest_network(a, b):
        first, second = positional(256)(a), positional(256)(b)
        prefix = max(0, min(32, prefix_of(first, second)))
        start = first & good_mask(prefix) if clear else first
        return f"{socket.inet_ntoa(start.to_bytes(4))}/{prefix}"
    return smallest_network


def common(a, b):
    return 32 - (a ^ b).bit_length()


def no_return(text):
    strict_group(text)


def crash(text):
    return strict_group(text) if text[0] != "0" or text == "0" else refuse(True)


WRONG = [
    ("parse_group", int, "too big: the largest number of eight bits is 255"),
    ("parse_group", group_below(255), "255 is allowed"),
    ("parse_group", group_below(257), "the largest number of eight bits is 255"),
    ("parse_group", without("zero"), "leading zero"),
    ("parse_group", without("empty"), "nothing is written"),
    ("parse_group", without("digits"), "signs, spaces and underscores"),
    ("parse_group", group_isdigit, "digits of all scripts"),
    ("parse_group", lambda text: int(text, 8), "base 10"),
    ("parse_group", lambda text: text, "give back a number"),
    ("parse_group", no_return, "is a return missing"),
    ("parse_group", crash, "refused, but by accident"),
    ("parse_group", lambda text: strict_group(text) if len(text) < 4 else None,
     "raise ValueError with a sentence"),
    ("to_int", lambda text: int.from_bytes(bytes(groups_of(text)), "little"), "wrong byte order"),
    ("to_int", positional(255), "worth 255"),
    ("to_int", positional(10), "not of base 10"),
    ("to_int", positional(1000), "worth 1000"),
    ("to_int", lambda text: sum(groups_of(text)), "added up"),
    ("to_int", lambda text: int("".join(map(str, groups_of(text)))), "side by side"),
    ("to_int", lambda text: struct.unpack("!i", bytes(groups_of(text)))[0], "signed"),
    ("to_int", to_int_any_count, "four groups, no more and no fewer"),
    ("to_int", to_int_octal, "leading zero"),
    ("to_int", lambda text: int.from_bytes(socket.inet_aton(text)), "four groups, no more and no fewer"),
    ("to_int", lambda text: int(ipaddress.IPv4Address(text.strip())), "before or after the address"),
    ("to_text", to_text_checked(lambda n: socket.inet_ntoa(n.to_bytes(4, "little"))), "wrong byte order"),
    ("to_text", to_text_checked(minimal_bytes), "four groups, always"),
    ("to_text", to_text_checked(lambda n: ".".join(f"{g:03}" for g in n.to_bytes(4))), "no zeros in front"),
    ("to_text", to_text_checked(lambda n: ".".join(f"{g:x}" for g in n.to_bytes(4))), "not in hex"),
    ("to_text", to_text_checked(lambda n: ".".join(str(n // 255**p % 255) for p in (3, 2, 1, 0))),
     "divided by 255"),
    ("to_text", to_text_checked(lambda n: ".".join(str(n >> s) for s in (24, 16, 8, 0))), "& 255"),
    ("to_text", lambda n: socket.inet_ntoa((n % 2**32).to_bytes(4)), "no address is negative"),
    ("to_text", lambda n: socket.inet_ntoa(n.to_bytes(4)), "raise ValueError yourself before OverflowError"),
    ("to_text", lambda n: socket.inet_ntoa(n.to_bytes(4)) if n < FULL else refuse(True),
     "both ends included"),
    ("to_text", to_text_checked(lambda n: n.to_bytes(4)), "give back a text"),
    ("mask", mask_checked(lambda p: (1 << p) - 1), "at the left"),
    ("mask", mask_checked(lambda p: (1 << (32 - p)) - 1), "the other way round"),
    ("mask", mask_checked(lambda p: FULL << (31 - p) & FULL if p < 32 else FULL), "off by one"),
    ("mask", mask_checked(lambda p: FULL << (33 - p) & FULL), "off by one"),
    ("mask", mask_checked(lambda p: ~((1 << (32 - p)) - 1)), "& 0xFFFFFFFF"),
    ("mask", mask_checked(lambda p: FULL << (32 - p)), "more than 32 bits"),
    ("mask", lambda p: FULL << max(0, 32 - p) & FULL, "0 to 32: refuse"),
    ("mask", mask_checked(lambda p: good_mask(p) if p else FULL), "no ones at all"),
    ("mask", mask_checked(lambda p: 2**32 - 2 ** (32 - p) + 0.0), "a float came"),
    ("mask", mask_checked(lambda p: socket.inet_ntoa(good_mask(p).to_bytes(4))), "give back a number"),
    ("in_network", in_network_text, "the texts begin alike"),
    ("in_network", in_network_by(lambda n, s, p: s < n < s + 2 ** (32 - p) - 1 or (p > 30 and n == s)),
     "the first and the last address"),
    ("in_network", in_network_by(lambda n, s, p: s <= n <= s + 2 ** (32 - p)), "the neighbour just outside"),
    ("in_network", in_network_by(in_network_groups), "need not end at a dot"),
    ("in_network", in_network_by(lambda n, s, p: n & ~good_mask(p) == s & ~good_mask(p)), "compare the bits"),
    ("in_network", in_network_swapped, "turn both into integers"),
    ("in_network", in_network_by(lambda n, s, p: p and n & good_mask(p) == s), "True or False"),
    ("in_network", in_network_by(lambda n, s, p: p > 0 and n & good_mask(p) == s), "/0 compares no bits"),
    ("in_network", lambda a, n: ipaddress.ip_address(a) in ipaddress.ip_network(n.replace("/33", "/32")),
     "prefix length is 0 to 32"),
    ("expand", checked6(refuse_end), "'::' at the end is allowed"),
    ("expand", checked6(refuse_start), "'::' at the start is allowed"),
    ("expand", checked6(lambda t: padded(t.replace("::", ":0:" * (9 - len(t.split(":")))).split(":"))),
     "groups that came"),
    ("expand", checked6(lambda t: padded(filled(t, lambda n: 1))), "as many as are missing"),
    ("expand", checked6(lambda t: ":".join(filled(t, lambda n: n))), "four digits"),
    ("expand", checked6(lambda t: padded(filled(t, lambda n: n), lambda g: g.ljust(4, "0"))),
     "in front of its digits"),
    ("expand", checked6(lambda t: padded(filled(t, lambda n: n))), "small letters"),
    ("expand", lambda t: padded(filled(t, lambda n: n)).lower(), "eight groups"),
    ("expand", checked6(lambda t: t if "::" not in t else padded(t.split(":"), lambda g: g and g.zfill(4))),
     "four digits"),
    ("expand", checked6(lambda t: padded(t.split(":"), lambda g: g and g.zfill(4))), "left an empty group"),
    ("expand", expand_twice, "'::' twice"),
    ("expand", expand_full, "eight groups leave nothing"),
    ("shorten", lambda groups: ":".join(f"{g:x}" for g in groups), "nothing was left out"),
    ("shorten", shorten_with(longest, least=1), "a single zero group stays"),
    ("shorten", shorten_with(lambda runs: runs[0]), "the longest"),
    ("shorten", shorten_with(lambda runs: max(runs, key=lambda run: (run[1] - run[0], run[0]))),
     "the first of them"),
    ("shorten", shorten_with(longest, form="{:X}"), "small letters"),
    ("shorten", shorten_with(longest, form="{:04x}"), "no zeros in front"),
    ("shorten", shorten_join, "beside '::'"),
    ("shorten", shorten_all, "'::' twice"),
    ("shorten", shorten_text, "a zero inside a group is a digit"),
    ("smallest_network", smallest_by(lambda a, b: common(a, b) + 1), "does not hold both"),
    ("smallest_network", smallest_by(lambda a, b: common(a, b) - 1), "too big"),
    ("smallest_network", smallest_by(common, clear=False), "the bits after the prefix must be 0"),
    ("smallest_network", smallest_by(lambda a, b: 32 - abs(a - b).bit_length()),
     "the difference does not say"),
    ("smallest_network", smallest_by(lambda a, b: common(a, b) // 8 * 8), "need not end at a dot"),
    ("smallest_network", smallest_by(lambda a, b: 24), "/24"),
    ("smallest_network", smallest_by(lambda a, b: common(a, b) if a <= b else 32), "does not hold both"),
    ("smallest_network", smallest_by(lambda a, b: 31 if a == b else common(a, b)), "/32"),
    ("smallest_network", lambda a, b: smallest_by(common)(a, b).split("/")[0], "like 10.0.0.0/8"),
]


@pytest.mark.parametrize("name, function, words", WRONG, ids=[f"{i}-{row[0]}" for i, row in enumerate(WRONG)])
def test_wrong_answers_are_named(name, function, words):
    result = EXERCISES[name](function)
    assert result.state == FAILED
    assert words in result.hint, result
    assert result.call and result.expected and result.came


@pytest.mark.parametrize("name", EXERCISES)
def test_enough_cases_and_wrong_answers(name):
    cases = EXERCISES[name].cases
    assert len(cases) >= 20
    assert len({repr(case.args) for case in cases}) == len(cases)
    assert sum(row[0] == name for row in WRONG) >= 5


def test_six_to_eight_exercises():
    assert 6 <= len(EXERCISES) <= 8
    assert list(EXERCISES)[0] == "parse_group" and list(EXERCISES)[-1] == "smallest_network"


@pytest.fixture(scope="module")
def solutions():
    names = {}
    for source in code(f"solutions/{CHAPTER}"):
        exec(source, names)
    return names


@pytest.mark.parametrize("name", EXERCISES)
def test_the_worked_solution_passes(name, solutions):
    result = EXERCISES[name](solutions[name])
    assert result.ok, result


@pytest.mark.parametrize("name", EXERCISES)
def test_the_chapter_has_a_stub_that_is_not_attempted(name):
    (source,) = [source for source in code(CHAPTER) if f"def {name}(" in source]
    assert f"check.{name}({name})" in source
    names = {"check": check}
    exec(source, names)
    assert EXERCISES[name](names[name]).state == NOT_ATTEMPTED


def test_expected_values_agree_with_the_standard_library():
    for case in check.to_int.cases + check.to_text.cases:
        (given,), want = case.args, case.expected
        if isinstance(want, int):
            assert int(ipaddress.IPv4Address(given)) == want
        elif isinstance(want, str):
            assert str(ipaddress.IPv4Address(given)) == want
        else:
            with pytest.raises(ValueError):
                ipaddress.IPv4Address(given)
    for case in check.in_network.cases:
        if isinstance(case.expected, bool):
            assert (ipaddress.ip_address(case.args[0]) in ipaddress.ip_network(case.args[1])) is case.expected
    for case in check.expand.cases:
        if isinstance(case.expected, str):
            assert ipaddress.IPv6Address(case.args[0]).exploded == case.expected
        else:
            with pytest.raises(ValueError):
                ipaddress.IPv6Address(case.args[0])
    for case in check.shorten.cases:
        number = int.from_bytes(struct.pack("!8H", *case.args[0]))
        assert str(ipaddress.IPv6Address(number)) == case.expected
    for case in check.smallest_network.cases:
        if isinstance(case.expected, str):
            network = ipaddress.ip_network(case.expected)
            assert all(ipaddress.ip_address(address) in network for address in case.args)
            halves = list(network.subnets()) if network.prefixlen < 32 else []
            assert not any(all(ipaddress.ip_address(a) in half for a in case.args) for half in halves)
