"""Exercises of chapter 2, from one group to the smallest network that holds two addresses.

In a notebook: `from netlab.chapters.ip_addresses import check`, then `check.parse_group(parse_group)`.
The cases of each exercise go from easy to nasty, since a learner sees the first that fails.
"""
from netlab.addresses import int_to_ipv4, ipv4_to_int
from netlab.teach.check import Case, Exercise, Raises

BAD = Raises(ValueError)
FULL = 2**32 - 1


def _exercise(name, explain, *families, form=None):
    """Each family is (hint, (argument, …, expected), …)."""
    return Exercise(name, tuple(Case(row[:-1], row[-1], hint, explain, form) for hint, *rows in families for row in rows))


def _where(text):
    return "at the start" if text.startswith("::") else "at the end" if text.endswith("::") else "in the middle"


def _group_mistake(args, expected, outcome):
    text = args[0]
    if expected in (0, 255) and outcome.by_raise:
        return f"{text} is allowed: eight bits hold 0 to 255, both ends included"
    if type(expected) is type(outcome.value) is int and outcome.value in (int(text, 8), int(text, 16)):
        return "the digits are decimal here: base 10, not 8 or 16"
    return None


parse_group = _exercise("parse_group", _group_mistake,
    ("the text is a plain decimal number: int() reads it", ("7", 7), ("42", 42), ("10", 10), ("1", 1), ("99", 99), ("100", 100),
     ("127", 127), ("128", 128), ("192", 192), ("249", 249)),
    ("eight bits hold 0 to 255, both ends included", ("0", 0), ("255", 255), ("254", 254)),
    ("too big: the largest number of eight bits is 255", ("256", BAD), ("999", BAD), ("1000", BAD)),
    ("a minus sign is no digit: nothing below 0 fits a group", ("-1", BAD)),
    ("nothing is written: that is not 0, it is a mistake", ("", BAD)),
    ("a leading zero: some programs read it as octal, so it is refused", ("01", BAD), ("010", BAD), ("00", BAD)),
    ("only digits are allowed, and this is none", ("a", BAD), ("1.0", BAD), ("0x1", BAD)),
    ("int() also takes signs, spaces and underscores: look at each character first", ("+1", BAD), (" 1", BAD), ("1 ", BAD),
     ("1_0", BAD)),
    ("a newline is no digit: int() takes it, and so does a regular expression that ends in $ (re.fullmatch does not)",
     ("1\n", BAD)),
    ("str.isdigit() and int() know the digits of all scripts: ask for 0 to 9 only", ("٣", BAD), ("²", BAD)))


def _to_int_mistake(args, expected, outcome):
    came = outcome.value
    if isinstance(came, (list, tuple)):
        return "one number, not several: shift each group to its place and put them together with | or +"
    if not isinstance(expected, int) or not isinstance(came, int):
        return None
    groups = a, b, c, d = [int(group) for group in args[0].split(".")]
    if came == 0:
        return ("nothing was put in: << binds weaker than +, so `number << 8 + group` shifts by 8 + group; "
                "and each step must be kept, `number = …`")
    if came == a << 24 + b << 16 + c << 8 + d:
        return "<< binds weaker than +: which of the two is done first here, and which should be?"
    if came == int.from_bytes(bytes(groups), "little"):
        return "wrong byte order: the first group is the most significant (network byte order)"
    if came == sum(groups):
        return "the groups were added up: each place is worth 256 times the place to its right"
    if came == expected - 2**32:
        return "came as a signed number: the first bit is no sign, an address is never negative"
    if came == int("".join(map(str, groups))):
        return "the digits were put side by side: the groups are digits of base 256, not of base 10"
    for base in (10, 100, 128, 255, 257, 1000):
        if came == sum(group * base**place for place, group in enumerate(reversed(groups))):
            return f"each place was worth {base} times the next: a group has 256 values, so 256"
    return None


to_int = _exercise("to_int", _to_int_mistake,
    ("the first group is worth 2**24, the next 2**16, then 2**8, then 1", ("1.2.3.4", 16909060), ("0.0.0.1", 1), ("0.0.0.0", 0),
     ("0.0.0.255", 255), ("0.0.1.0", 256), ("0.1.0.0", 65536), ("1.0.0.0", 16777216), ("192.168.0.1", 3232235521),
     ("127.0.0.1", 2130706433), ("10.0.0.1", 167772161), ("8.8.4.4", 134743044), ("128.0.0.0", 2147483648),
     ("203.0.113.7", 3405803783), ("0.255.0.255", 16711935), ("255.255.255.255", 4294967295), ("224.0.0.251", 3758096635)),
    ("an address has four groups, no more and no fewer", ("1.2.3", BAD), ("127.1", BAD), ("1.2.3.4.5", BAD), ("16909060", BAD),
     ("", BAD)),
    ("a group is empty", ("1..2.3", BAD), ("1.2.3.", BAD), (".1.2.3", BAD)),
    ("a group is above 255", ("1.2.3.256", BAD), ("256.0.0.1", BAD)),
    ("a leading zero: let parse_group refuse it", ("010.0.0.1", BAD), ("1.2.3.04", BAD)),
    ("something else than digits and dots: nothing may stand before or after the address", ("1.2.3.4 ", BAD),
     ("1.2.3.4\n", BAD), ("1.2.3.4 foo", BAD), ("1.2.3.-4", BAD), ("1,2,3,4", BAD)))


def _to_text_mistake(args, expected, outcome):
    number, came = args[0], outcome.value
    if outcome.by_raise and number in (0, FULL):
        return "this number is allowed: 32 bits hold 0 to 2**32 - 1, both ends included"
    if not isinstance(expected, str) or not isinstance(came, str):
        return None
    if came.count(".") > 3 or "e" in came:
        return "a fraction is in it: / divides into fractions, // and >> stay with whole numbers"
    if set(came) <= set("01.") and len(came) > 15:
        return "the groups are written in decimal, not in bits"
    if came.split(".") == expected.split(".")[::-1]:
        return "wrong byte order: the most significant byte is written first (network byte order)"
    if came.count(".") != 3:
        return "four groups, always: the zeros in front are groups too"
    if [part.lstrip("0") or "0" for part in came.split(".")] == expected.split("."):
        return "no zeros in front of a group: 1, not 001"
    if came == ".".join(f"{int(group):x}" for group in expected.split(".")):
        return "the groups of an IPv4 address are written in decimal, not in hex"
    if came == ".".join(str(number // 255**place % 255) for place in (3, 2, 1, 0)):
        return "divided by 255: a group has 256 values, so divide by 256 or shift by 8"
    if any(int(group) > 255 for group in came.split(".")):
        return "a group above 255: after the shift more than eight bits are left"
    return None


to_text = _exercise("to_text", _to_text_mistake,
    ("a group is eight of the 32 bits: what brings them to the right end, and what drops those before them?",
     (3232235521, "192.168.0.1"), (16909060, "1.2.3.4"), (2130706433, "127.0.0.1"), (167772161, "10.0.0.1"),
     (134743044, "8.8.4.4")),
    ("four groups, always: the zeros in front are groups too", (1, "0.0.0.1"), (0, "0.0.0.0"), (255, "0.0.0.255"),
     (256, "0.0.1.0"), (65535, "0.0.255.255"), (65536, "0.1.0.0"), (16777215, "0.255.255.255")),
    ("a group runs from 0 to 255", (16777216, "1.0.0.0"), (2147483647, "127.255.255.255"), (2147483648, "128.0.0.0"),
     (4294967040, "255.255.255.0"), (4278190080, "255.0.0.0"), (FULL, "255.255.255.255"), (FULL - 1, "255.255.255.254"),
     (3405803783, "203.0.113.7")),
    ("no address is negative: refuse it", (-1, BAD), (-(2**32), BAD)),
    ("more than 32 bits: refuse it", (2**32, BAD), (2**32 + 1, BAD), (2**64, BAD)))


def _mask_mistake(args, expected, outcome):
    prefix, came = args[0], outcome.value
    if not isinstance(came, int) or not isinstance(expected, int):
        return None
    if came < 0:
        return "negative: Python's ~ knows no width. What keeps the last 32 bits, and no more?"
    if prefix in (0, 32) and came == FULL - expected:
        return f"the other way round: /{prefix} has {'no ones at all' if prefix == 0 else 'ones only'}"
    if came > FULL:
        return "more than 32 bits: the ones were pushed out on the left. What keeps the last 32?"
    if came == FULL - expected:
        return "the other way round: the ones mark the network, the zeros the hosts"
    if came == (1 << prefix) - 1:
        return "the ones are at the right end: in a mask they start at the left"
    if came in [FULL << 32 - near & FULL for near in (prefix - 1, prefix + 1) if 0 <= near <= 32]:
        return f"off by one: /{prefix} has exactly {prefix} ones"
    return None


mask = _exercise("mask", _mask_mistake,
    ("as many ones as the prefix says, then zeros, 32 in all", *((ones, FULL << 32 - ones & FULL)
     for ones in (24, 16, 8, 25, 1, 31, 4, 9, 12, 15, 17, 20, 22, 23, 26, 27, 28, 29, 30))),
    ("both ends count: /0 has no ones, /32 has nothing else", (0, 0), (32, FULL)),
    ("a prefix length is 0 to 32: refuse any other", (33, BAD), (-1, BAD), (64, BAD), (255, BAD)))


def _in_network_mistake(args, expected, outcome):
    if outcome.raised and args[1] == INSIDE:
        return f"{INSIDE} is allowed: it names its network by one of the hosts. Mask both addresses"
    if not isinstance(expected, bool) or not isinstance(outcome.value, bool):
        return None
    address, (start, _, length) = args[0], args[1].partition("/")
    number, first, size = ipv4_to_int(address), ipv4_to_int(start), 1 << 32 - int(length)
    if first % size:
        return None
    if expected and number in (first, first + size - 1):
        return "the first and the last address belong to the network too"
    if not expected and number in (first - 1, first + size):
        return "off by one: this address is the neighbour just outside"
    if length == "0":
        return "/0 compares no bits at all: every address is in it"
    if int(length) % 8:
        return f"a prefix need not end at a dot: compare the first {length} bits, not groups or text"
    if not expected and address.startswith(start.rstrip("0.")):
        return "the texts begin alike, the numbers do not: compare bits, not characters"
    return None


INSIDE = "192.168.0.99/24"      # not the first address of its network
in_network = _exercise("in_network", _in_network_mistake,
    ("turn both into integers and compare the bits that the mask keeps", ("192.168.0.77", "192.168.0.0/24", True),
     ("192.168.1.77", "192.168.0.0/24", False), ("10.200.3.4", "10.0.0.0/8", True), ("11.0.0.1", "10.0.0.0/8", False),
     ("77.0.168.192", "192.168.0.0/24", False)),
    ("the texts begin alike, the numbers do not: compare bits, not characters", ("100.1.2.3", "10.0.0.0/8", False),
     ("192.16.80.1", "192.16.8.0/24", False), ("1.20.0.0", "1.2.0.0/16", False)),
    ("the first and the last address belong to the network too", ("192.168.0.0", "192.168.0.0/24", True),
     ("192.168.0.255", "192.168.0.0/24", True)),
    ("off by one: this address is the neighbour just outside", ("192.168.1.0", "192.168.0.0/24", False),
     ("191.255.255.255", "192.0.0.0/8", False)),
    ("a prefix need not end at a dot: compare bits, not groups", ("192.168.1.7", "192.168.0.0/23", True),
     ("192.168.2.7", "192.168.0.0/23", False), ("172.31.255.255", "172.16.0.0/12", True),
     ("172.32.0.0", "172.16.0.0/12", False), ("172.15.255.255", "172.16.0.0/12", False), ("10.0.0.126", "10.0.0.0/25", True),
     ("10.0.0.128", "10.0.0.0/25", False)),
    ("/0 compares no bits, /32 compares all", ("8.8.8.8", "0.0.0.0/0", True), ("8.8.8.8", "8.8.8.8/32", True),
     ("8.8.8.9", "8.8.8.8/32", False)),
    ("the network is named by one of its hosts: mask that address too, then compare", ("192.168.0.77", INSIDE, True),
     ("192.168.0.0", INSIDE, True), ("192.168.1.99", INSIDE, False)),
    ("a prefix length is 0 to 32: refuse any other", ("8.8.8.8", "0.0.0.0/33", BAD), ("8.8.8.8", "0.0.0.0/-1", BAD)),
    ("an address that is none must not pass as 'not in it': refuse it", ("1.2.3", "0.0.0.0/0", BAD),
     ("1.2.3.256", "1.2.3.0/24", BAD)))


def _expand_mistake(args, expected, outcome):
    text, came, error = args[0], outcome.value, outcome.raised
    if isinstance(error, ValueError) and "unpack" in str(error):
        return "split('::') gives one part where no '::' stands, and here two are asked for"
    if isinstance(error, ValueError) and isinstance(expected, str) and "::" in text:
        return f"'::' {_where(text)} is allowed: it stands for all the groups of zeros that are missing"
    if not isinstance(expected, str) or not isinstance(came, str):
        return None
    if came != came.lower() and came.lower() == expected:
        return "small letters: RFC 5952 writes a to f, not A to F"
    groups = came.split(":")
    if "" in groups and "::" in text:
        return f"'::' {_where(text)} left an empty group: split() gives '' there, put zeros in its place"
    if len(groups) != 8:
        return f"groups that came: {len(groups)}, not 8; '::' stands for as many as are missing to eight"
    if any(len(group) < 4 for group in groups):
        return "each group is written with four digits: fill with zeros in front"
    if [group.lstrip("0") for group in groups] != [group.lstrip("0") for group in expected.split(":")]:
        return "a group's value changed: the zeros go in front of its digits, and '::' stays in its place"
    return None


_ZEROS = "0000:0000:0000:0000:0000:0000:0000"
expand = _exercise("expand", _expand_mistake,
    ("each group is written with four digits: fill with zeros in front",
     ("1:2:3:4:5:6:7:8", "0001:0002:0003:0004:0005:0006:0007:0008"),
     ("2001:db8:85a3:42:1000:8a2e:370:7334", "2001:0db8:85a3:0042:1000:8a2e:0370:7334"), ("0:0:0:0:0:0:0:1", _ZEROS + ":0001")),
    ("'::' stands for as many groups of zeros as are missing to eight",
     ("2001:db8::1", "2001:0db8:0000:0000:0000:0000:0000:0001"), ("fe80::a:b", "fe80:0000:0000:0000:0000:0000:000a:000b"),
     ("1:2:3::6:7:8", "0001:0002:0003:0000:0000:0006:0007:0008"),
     ("1:2:3::5:6:7:8", "0001:0002:0003:0000:0005:0006:0007:0008")),
    ("'::' at the start: nothing stands before it", ("::1", _ZEROS + ":0001"),
     ("::2:3:4:5:6:7:8", "0000:0002:0003:0004:0005:0006:0007:0008"),
     ("::beef:102:304", "0000:0000:0000:0000:0000:beef:0102:0304")),
    ("'::' at the end: nothing stands after it", ("1::", "0001:" + _ZEROS), ("fd00:1::", "fd00:0001:" + _ZEROS[5:]),
     ("1:2:3:4:5:6:7::", "0001:0002:0003:0004:0005:0006:0007:0000")),
    ("'::' alone is eight groups of zeros", ("::", _ZEROS + ":0000")),
    ("small letters: RFC 5952 writes a to f", ("ABCD::EF", "abcd:0000:0000:0000:0000:0000:0000:00ef")),
    ("an address has eight groups", ("1:2:3", BAD), ("1:2:3:4:5:6:7:8:9", BAD), ("", BAD)),
    ("'::' twice: nobody could tell how many zeros each stands for", ("1::2::3", BAD), ("::1::", BAD)),
    ("eight groups leave nothing that '::' could stand for", ("1:2:3:4::5:6:7:8", BAD), ("::1:2:3:4:5:6:7:8", BAD)),
    ("three colons in a row are none of the forms", (":::", BAD), ("1:::2", BAD)),
    ("a single colon at an end: only '::' may stand there", (":1:2:3:4:5:6:7", BAD), ("1:2:3:4:5:6:7:", BAD)),
    ("a group has one to four hex digits", ("12345::", BAD), ("g::", BAD), ("::+1", BAD), ("::1 ", BAD), ("::0x1", BAD)))


def _shorten_mistake(args, expected, outcome):
    came = outcome.value
    if not isinstance(came, str):
        return None
    full = ":".join(f"{group:x}" for group in args[0])
    if "x" in came:
        return "hex() writes 0x in front: section 3 has a way to write the digits alone"
    if not set(came.split(":")) <= {"", *full.split(":")} and set(came.split(":")) <= {"", *map(str, args[0])}:
        return "the groups are written in decimal: section 3 has a way to write them in hex"
    if came != came.lower():
        return "small letters: RFC 5952 writes a to f"
    if came.count("::") > 1:
        return "'::' twice: only one run is left out, or nobody could tell how many zeros each stands for"
    if ":::" in came or (came.startswith(":") and not came.startswith("::")) or (came.endswith(":") and not came.endswith("::")):
        return "a colon too many or too few beside '::': look at a run at the start or at the end"
    if came == full:
        return "nothing was left out: the longest run of two or more zero groups becomes '::'"
    if "::" in came and came.replace("::", ":0:").strip(":") == full:
        return "a single zero group stays as 0: '::' is for two or more (RFC 5952, 4.2.2)"
    if any(len(part) > 1 and part.startswith("0") for part in came.split(":")):
        return "no zeros in front of a group: 42, not 0042"
    if not set(came.split(":")) <= {"", *full.split(":")}:
        return "a zero inside a group is a digit, not a group of zeros: work on the numbers, not on the text"
    if "::" in came and "::" in expected:
        left = [8 - len([part for part in text.split(":") if part]) for text in (came, expected)]
        if left[0] == left[1]:
            return "two runs are equally long: the first of them becomes '::' (RFC 5952, 4.2.3)"
        if left[0] < left[1] and came.replace("0::", "::").replace("::0", "::").strip("0") == expected:
            return "a zero is left beside '::': it stands for the whole run"
        if left[0] < left[1]:
            return "another run is longer: '::' takes the longest, and all of it"
        return "'::' took more than one run of zeros: what is left does not say where the zeros were"
    return None


shorten = _exercise("shorten", _shorten_mistake,
    ("each group in hex, small letters, no zeros in front, colons between",
     ([0x2001, 0xDB8, 0x85A3, 0x42, 0x1000, 0x8A2E, 0x370, 0x7334], "2001:db8:85a3:42:1000:8a2e:370:7334"),
     ([1, 2, 3, 4, 5, 6, 7, 8], "1:2:3:4:5:6:7:8"), ([0xFFFF] * 8, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
     ([16, 10, 1, 2, 3, 4, 5, 6], "10:a:1:2:3:4:5:6")),
    ("the longest run of two or more zero groups becomes '::'", ([0x2001, 0xDB8, 0, 0, 0, 0, 0, 1], "2001:db8::1"),
     ([1, 2, 0, 0, 5, 6, 7, 8], "1:2::5:6:7:8"), ([0xFE80, 0, 0, 0, 1, 2, 3, 4], "fe80::1:2:3:4")),
    ("a run at the start: '::' with nothing before it", ([0, 0, 0, 0, 0, 0, 0, 1], "::1"),
     ([0, 0, 3, 4, 5, 6, 7, 8], "::3:4:5:6:7:8")),
    ("a run at the end: '::' with nothing after it", ([1, 0, 0, 0, 0, 0, 0, 0], "1::"),
     ([1, 2, 3, 4, 5, 6, 0, 0], "1:2:3:4:5:6::")),
    ("zeros only: the text is '::'", ([0] * 8, "::")),
    ("a single zero group stays as 0: '::' is for two or more", ([1, 0, 3, 4, 5, 6, 7, 8], "1:0:3:4:5:6:7:8"),
     ([0, 2, 3, 4, 5, 6, 7, 8], "0:2:3:4:5:6:7:8"), ([1, 2, 3, 4, 5, 6, 7, 0], "1:2:3:4:5:6:7:0"),
     ([1, 0, 3, 0, 5, 0, 7, 0], "1:0:3:0:5:0:7:0")),
    ("the longest run, not the first", ([0x2001, 0, 0, 1, 0, 0, 0, 1], "2001:0:0:1::1"),
     ([0, 0, 3, 0, 0, 0, 7, 8], "0:0:3::7:8"), ([1, 0, 0, 4, 5, 0, 0, 0], "1:0:0:4:5::")),
    ("equally long runs: the first of them", ([0x2001, 0xDB8, 0, 0, 1, 0, 0, 1], "2001:db8::1:0:0:1"),
     ([0, 0, 3, 4, 5, 6, 0, 0], "::3:4:5:6:0:0"), ([1, 0, 0, 0, 2, 0, 0, 0], "1::2:0:0:0")),
    ("a zero inside a group is a digit, not a group of zeros",
     ([0x1000, 0x100, 0x10, 1, 0x2000, 0x200, 0x20, 2], "1000:100:10:1:2000:200:20:2"),
     ([0x100, 0, 0, 0x10, 0x2000, 1, 1, 1], "100::10:2000:1:1:1")),
    form=lambda groups: f"[{', '.join(f'{group:#x}' if group > 9 else str(group) for group in groups)}]")


def _smallest_mistake(args, expected, outcome):
    came = outcome.value
    if not isinstance(came, str) or not isinstance(expected, str):
        return None
    if came.count("/") != 1:
        return "write the network as address/prefix, like 10.0.0.0/8"
    start, length = came.split("/")
    prefix, right, first = int(length), int(expected.split("/")[1]), ipv4_to_int(start)
    low, high = sorted(map(ipv4_to_int, args))
    if prefix == right:
        return f"the bits after the prefix must be 0: {start} is an address in the network, not its first"
    if prefix == 32 - (high - low).bit_length():
        return "the difference does not say where two addresses part: which is the first bit that differs?"
    if prefix == right + 1:
        return f"off by one, too small: /{prefix} does not hold both"
    if prefix % 8 == 0 and prefix < right:
        return "a prefix need not end at a dot: go on bit by bit, a smaller network holds both too"
    if prefix < right:
        return f"too big: /{right} still holds both"
    return f"too small: {start} to {int_to_ipv4(min(first + (1 << 32 - prefix) - 1, FULL))} does not hold both"


smallest_network = _exercise("smallest_network", _smallest_mistake,
    ("the network's prefix is what the two addresses have in common from the left",
     ("192.168.0.1", "192.168.0.200", "192.168.0.0/24"), ("192.168.0.1", "192.168.1.1", "192.168.0.0/23"),
     ("10.0.0.1", "10.255.0.1", "10.0.0.0/8"), ("172.16.5.4", "172.31.9.9", "172.16.0.0/12"),
     ("192.168.0.77", "192.168.0.78", "192.168.0.76/30"), ("10.0.0.4", "10.0.0.7", "10.0.0.4/30")),
    ("neighbours may part at a high bit", ("10.0.0.1", "10.0.0.2", "10.0.0.0/30"), ("10.0.0.7", "10.0.0.8", "10.0.0.0/28"),
     ("10.0.0.127", "10.0.0.128", "10.0.0.0/24"), ("10.0.255.255", "10.1.0.0", "10.0.0.0/15"),
     ("127.255.255.255", "128.0.0.0", "0.0.0.0/0")),
    ("two that differ in the last bit only share 31", ("10.0.0.0", "10.0.0.1", "10.0.0.0/31"),
     ("8.8.8.8", "8.8.8.9", "8.8.8.8/31")),
    ("the same address twice: nothing differs, so /32", ("8.8.8.8", "8.8.8.8", "8.8.8.8/32"),
     ("0.0.0.0", "0.0.0.0", "0.0.0.0/32"), ("255.255.255.255", "255.255.255.255", "255.255.255.255/32")),
    ("the first bit differs already: nothing is shared, so /0", ("0.0.0.0", "255.255.255.255", "0.0.0.0/0"),
     ("1.2.3.4", "200.2.3.4", "0.0.0.0/0")),
    ("the order of the two must not matter", ("192.168.1.1", "192.168.0.1", "192.168.0.0/23"),
     ("10.0.0.8", "10.0.0.7", "10.0.0.0/28"), ("128.0.0.0", "127.255.255.255", "0.0.0.0/0")),
    ("an address that is none: refuse it", ("1.2.3", "1.2.3.4", BAD), ("1.2.3.4", "1.2.3.256", BAD)))

EXERCISES = (parse_group, to_int, to_text, mask, in_network, expand, shorten, smallest_network)
