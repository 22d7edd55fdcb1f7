"""Answers to the exercises of chapter 2, wrong and right, with what the check must say of each."""
import ipaddress
import re
import socket
import struct

from answers import right, wrong

from netlab.chapters.ip_addresses import check

FULL = 0xFFFFFFFF


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

# what was found misleading once

def group_by_regex(text):
    refuse(not re.search("^(0|[1-9][0-9]{0,2})$", text) or int(text) > 255)
    return int(text)


def group_returns_the_error(text):
    try:
        return strict_group(text)
    except ValueError:
        return ValueError("bad")


def group_of_three(text):
    refuse(len(text) < 3)
    return strict_group(text)


def to_int_brackets_missing(text):
    a, b, c, d = groups_of(text)
    return a << 24 + b << 16 + c << 8 + d


def to_int_not_kept(text):
    number = 0
    for group in groups_of(text):
        number << 8 | group
    return number


def to_int_loop_brackets(text):
    number = 0
    for group in groups_of(text):
        number = number << 8 + group
    return number


def good_in_network(address, network):
    return in_network_by(lambda n, s, p: n & good_mask(p) == s & good_mask(p))(address, network)


def expand_by_split(text):
    head, tail = text.split("::")
    return padded([*head.split(":"), *["0"] * (8 - len(head.split(":")) - len(tail.split(":"))), *tail.split(":")])


def shorten_leaves_a_zero(groups):
    text = shorten_with(longest)(groups)
    return "0" + text if text.startswith("::") else text


# what the check must say of each

wrong(check.parse_group, "too big: the largest number of eight bits is 255", "256")(int)
wrong(check.parse_group, "255 is allowed", "raised ValueError: refused")(group_below(255))
wrong(check.parse_group, "the largest number of eight bits is 255", "256")(group_below(257))
wrong(check.parse_group, "leading zero", "1")(without("zero"))
wrong(check.parse_group, "nothing is written", "0")(without("empty"))
wrong(check.parse_group, "signs, spaces and underscores", "1")(without("digits"))
wrong(check.parse_group, "digits of all scripts", "3")(group_isdigit)
wrong(check.parse_group, "base 10", "34")(lambda text: int(text, 8))
wrong(check.parse_group, "give back a number", "'7'")(lambda text: text)
wrong(check.parse_group, "is a return missing", "None")(no_return)
wrong(check.parse_group, "refused, but by accident", "raised IndexError: string index out of range")(crash)
wrong(check.parse_group, "raise ValueError with a sentence", "None")(
    lambda text: strict_group(text) if len(text) < 4 else None)
wrong(check.parse_group, "a regular expression that ends in $", "1")(group_by_regex)
wrong(check.parse_group, "write raise in the place of return", "ValueError('bad')")(group_returns_the_error)
wrong(check.parse_group, "look at the condition", "raised ValueError: refused")(group_of_three)
wrong(check.parse_group, "read the error, then the line", "raised ValueError: invalid literal")(
    lambda text: int("0x" + text))

wrong(check.to_int, "wrong byte order", "67305985")(lambda text: int.from_bytes(bytes(groups_of(text)), "little"))
wrong(check.to_int, "worth 255", "16712194")(positional(255))
wrong(check.to_int, "not of base 10", "1234")(positional(10))
wrong(check.to_int, "worth 1000", "1002003004")(positional(1000))
wrong(check.to_int, "added up", "10")(lambda text: sum(groups_of(text)))
wrong(check.to_int, "side by side", "1234")(lambda text: int("".join(map(str, groups_of(text)))))
wrong(check.to_int, "signed", "-1062731775")(lambda text: struct.unpack("!i", bytes(groups_of(text)))[0])
wrong(check.to_int, "four groups, no more and no fewer", "66051")(to_int_any_count)
wrong(check.to_int, "leading zero", "167772161")(to_int_octal)
wrong(check.to_int, "four groups, no more and no fewer", "16908291")(
    lambda text: int.from_bytes(socket.inet_aton(text)))
wrong(check.to_int, "before or after the address", "16909060")(lambda text: int(ipaddress.IPv4Address(text.strip())))
wrong(check.to_int, "<< binds weaker than +", str(1 << 57))(to_int_brackets_missing)
wrong(check.to_int, "each step must be kept", "0")(to_int_not_kept)
wrong(check.to_int, "shifts by 8 + group", "0")(to_int_loop_brackets)
wrong(check.to_int, "one number, not several", "(1, 2, 3, 4)")(lambda text: tuple(groups_of(text)))

wrong(check.to_text, "wrong byte order", "'1.0.168.192'")(
    to_text_checked(lambda n: socket.inet_ntoa(n.to_bytes(4, "little"))))
wrong(check.to_text, "four groups, always", "'1'")(to_text_checked(minimal_bytes))
wrong(check.to_text, "no zeros in front", "'192.168.000.001'")(
    to_text_checked(lambda n: ".".join(f"{g:03}" for g in n.to_bytes(4))))
wrong(check.to_text, "not in hex", "'c0.a8.0.1'")(to_text_checked(lambda n: ".".join(f"{g:x}" for g in n.to_bytes(4))))
wrong(check.to_text, "divided by 255", "'194.237.148.106'")(
    to_text_checked(lambda n: ".".join(str(n // 255**p % 255) for p in (3, 2, 1, 0))))
wrong(check.to_text, "more than eight bits are left", "'192.49320.12625920.3232235521'")(
    to_text_checked(lambda n: ".".join(str(n >> s) for s in (24, 16, 8, 0))))
wrong(check.to_text, "no address is negative", "'255.255.255.255'")(
    lambda n: socket.inet_ntoa((n % 2**32).to_bytes(4)))
wrong(check.to_text, "raise ValueError yourself before OverflowError", "raised OverflowError")(
    lambda n: socket.inet_ntoa(n.to_bytes(4)))
wrong(check.to_text, "both ends included", "raised ValueError: refused")(
    lambda n: socket.inet_ntoa(n.to_bytes(4)) if n < FULL else refuse(True))
wrong(check.to_text, "give back a text", "b'\\xc0\\xa8\\x00\\x01'")(to_text_checked(lambda n: n.to_bytes(4)))
wrong(check.to_text, "in decimal, not in bits", "'11000000.10101000.00000000.00000001'")(
    to_text_checked(lambda n: ".".join(f"{g:08b}" for g in n.to_bytes(4))))
wrong(check.to_text, "/ divides into fractions", "'192.65")(
    to_text_checked(lambda n: ".".join(str(n / 256**p % 256) for p in (3, 2, 1, 0))))

wrong(check.mask, "at the left", "16777215")(mask_checked(lambda p: (1 << p) - 1))
wrong(check.mask, "the other way round", "255")(mask_checked(lambda p: (1 << (32 - p)) - 1))
wrong(check.mask, "off by one", "4294967168")(mask_checked(lambda p: FULL << (31 - p) & FULL if p < 32 else FULL))
wrong(check.mask, "off by one", "4294966784")(mask_checked(lambda p: FULL << (33 - p) & FULL))
wrong(check.mask, "knows no width", "-256")(mask_checked(lambda p: ~((1 << (32 - p)) - 1)))
wrong(check.mask, "more than 32 bits", "1099511627520")(mask_checked(lambda p: FULL << (32 - p)))
wrong(check.mask, "0 to 32: refuse", "4294967295")(lambda p: FULL << max(0, 32 - p) & FULL)
wrong(check.mask, "no ones at all", "4294967295")(mask_checked(lambda p: good_mask(p) if p else FULL))
wrong(check.mask, "a float came", "4294967040.0")(mask_checked(lambda p: 2**32 - 2 ** (32 - p) + 0.0))
wrong(check.mask, "give back a number", "'255.255.255.0'")(
    mask_checked(lambda p: socket.inet_ntoa(good_mask(p).to_bytes(4))))
wrong(check.mask, "write raise in the place of return", "ValueError('no prefix')")(
    lambda p: good_mask(p) if 0 <= p <= 32 else ValueError("no prefix"))
wrong(check.mask, "refused, but by accident", "raised KeyError: 33")(lambda p: {n: good_mask(n) for n in range(33)}[p])

wrong(check.in_network, "the texts begin alike", "True")(in_network_text)
wrong(check.in_network, "the first and the last address", "False")(
    in_network_by(lambda n, s, p: s < n < s + 2 ** (32 - p) - 1 or (p > 30 and n == s)))
wrong(check.in_network, "the neighbour just outside", "True")(
    in_network_by(lambda n, s, p: s <= n <= s + 2 ** (32 - p)))
wrong(check.in_network, "need not end at a dot", "True")(in_network_by(in_network_groups))
wrong(check.in_network, "compare the bits", "False")(
    in_network_by(lambda n, s, p: n & ~good_mask(p) == s & ~good_mask(p)))
wrong(check.in_network, "turn both into integers", "False")(in_network_swapped)
wrong(check.in_network, "True or False", "0")(in_network_by(lambda n, s, p: p and n & good_mask(p) == s))
wrong(check.in_network, "/0 compares no bits", "False")(in_network_by(lambda n, s, p: p > 0 and n & good_mask(p) == s))
wrong(check.in_network, "prefix length is 0 to 32", "False")(
    lambda a, n: ipaddress.ip_address(a) in ipaddress.ip_network(n.replace("/33", "/32"), strict=False))
wrong(check.in_network, "mask that address too", "False")(in_network_by(lambda n, s, p: n & good_mask(p) == s))
wrong(check.in_network, "Mask both addresses", "has host bits set")(
    lambda a, n: ipaddress.ip_address(a) in ipaddress.ip_network(n))
wrong(check.in_network, "give back True or False, not a text", "'True'")(lambda a, n: str(good_in_network(a, n)))

wrong(check.expand, "'::' at the end is allowed", 'raised ValueError: refused')(checked6(refuse_end))
wrong(check.expand, "'::' at the start is allowed", 'raised ValueError: refused')(checked6(refuse_start))
wrong(check.expand, "groups that came", "'2001:0db8:0000:0000")(
    checked6(lambda t: padded(t.replace("::", ":0:" * (9 - len(t.split(":")))).split(":"))))
wrong(check.expand, "as many as are missing", "'2001:0db8:0000:0001'")(
    checked6(lambda t: padded(filled(t, lambda n: 1))))
wrong(check.expand, "four digits", "'1:2:3:4:5:6:7:8'")(checked6(lambda t: ":".join(filled(t, lambda n: n))))
wrong(check.expand, "in front of its digits", "'1000:2000:3000:4000:5000:6000:7000:8000'")(
    checked6(lambda t: padded(filled(t, lambda n: n), lambda g: g.ljust(4, "0"))))
wrong(check.expand, "small letters", "'ABCD:0000:0000:0000:0000:0000:0000:00EF'")(
    checked6(lambda t: padded(filled(t, lambda n: n))))
wrong(check.expand, "eight groups", "'0001:0002:0003'")(lambda t: padded(filled(t, lambda n: n)).lower())
wrong(check.expand, "four digits", "'1:2:3:4:5:6:7:8'")(
    checked6(lambda t: t if "::" not in t else padded(t.split(":"), lambda g: g and g.zfill(4))))
wrong(check.expand, "left an empty group", "'2001:0db8::0001'")(
    checked6(lambda t: padded(t.split(":"), lambda g: g and g.zfill(4))))
wrong(check.expand, "'::' twice", "'0001:0000:0002:0000:0000:0000:0000:0003'")(expand_twice)
wrong(check.expand, "eight groups leave nothing", "'0001:0002:0003:0004:0005:0006:0007:0008'")(expand_full)
wrong(check.expand, "gives one part", "raised ValueError: not enough values to unpack")(expand_by_split)

wrong(check.shorten, "nothing was left out", "'2001:db8:0:0:0:0:0:1'")(
    lambda groups: ":".join(f"{g:x}" for g in groups))
wrong(check.shorten, "a single zero group stays", "'1::3:4:5:6:7:8'")(shorten_with(longest, least=1))
wrong(check.shorten, "the longest", "'2001::1:0:0:0:1'")(shorten_with(lambda runs: runs[0]))
wrong(check.shorten, "the first of them", "'2001:db8:0:0:1::1'")(
    shorten_with(lambda runs: max(runs, key=lambda run: (run[1] - run[0], run[0]))))
wrong(check.shorten, "small letters", "'2001:DB8:85A3:42:1000:8A2E:370:7334'")(shorten_with(longest, form="{:X}"))
wrong(check.shorten, "no zeros in front", "'2001:0db8:85a3:0042:1000:8a2e:0370:7334'")(
    shorten_with(longest, form="{:04x}"))
wrong(check.shorten, "beside '::'", "':1'")(shorten_join)
wrong(check.shorten, "'::' twice", "'2001::1::1'")(shorten_all)
wrong(check.shorten, "a zero inside a group is a digit", "'fe8::1:2:3:4'")(shorten_text)
wrong(check.shorten, "hex() writes 0x", "'0x2001:0xdb8:")(shorten_with(longest, form="{:#x}"))
wrong(check.shorten, "in decimal", "'8193:3512:")(shorten_with(longest, form="{}"))
wrong(check.shorten, "a zero is left beside", "'0::1'")(shorten_leaves_a_zero)

wrong(check.smallest_network, "does not hold both", "'192.168.0.0/25'")(smallest_by(lambda a, b: common(a, b) + 1))
wrong(check.smallest_network, "too big", "'192.168.0.0/23'")(smallest_by(lambda a, b: common(a, b) - 1))
wrong(check.smallest_network, "the bits after the prefix must be 0", "'192.168.0.1/24'")(
    smallest_by(common, clear=False))
wrong(check.smallest_network, "the difference does not say", "'192.168.0.76/31'")(
    smallest_by(lambda a, b: 32 - abs(a - b).bit_length()))
wrong(check.smallest_network, "need not end at a dot", "'192.168.0.0/16'")(
    smallest_by(lambda a, b: common(a, b) // 8 * 8))
wrong(check.smallest_network, "/24", "'192.168.0.0/24'")(smallest_by(lambda a, b: 24))
wrong(check.smallest_network, "does not hold both", "'192.168.1.1/32'")(
    smallest_by(lambda a, b: common(a, b) if a <= b else 32))
wrong(check.smallest_network, "/32", "'8.8.8.8/31'")(smallest_by(lambda a, b: 31 if a == b else common(a, b)))
wrong(check.smallest_network, "give back a text (str), not a tuple", "('192.168.0.0', 24)")(
    lambda a, b: tuple(part if "." in part else int(part) for part in smallest_by(common)(a, b).split("/")))
wrong(check.smallest_network, "like 10.0.0.0/8", "'192.168.0.0'")(lambda a, b: smallest_by(common)(a, b).split("/")[0])


# right answers of other styles

@right(check.parse_group)
def group_by_fullmatch(text):
    if not re.fullmatch("0|[1-9][0-9]{0,2}", text) or int(text) > 255:
        raise ValueError("no group")
    return int(text)


@right(check.parse_group)
def group_looked_up(text):
    return [str(n) for n in range(256)].index(text)


right(check.to_int)(lambda text: int(ipaddress.IPv4Address(text)))
right(check.to_int)(positional(256))


@right(check.to_int)
def to_int_brackets(text):
    a, b, c, d = groups_of(text)
    return (a << 24) + (b << 16) + (c << 8) + d


@right(check.to_text)
def to_text_divided(n):
    if n < 0 or n > FULL:
        raise ValueError("32 bits")
    return f"{n // 2**24}.{n // 2**16 % 256}.{n // 256 % 256}.{n % 256}"


right(check.to_text)(lambda n: str(ipaddress.IPv4Address(n)))
right(check.mask)(good_mask)
right(check.mask)(lambda p: int(ipaddress.ip_network(f"0.0.0.0/{p}").netmask))
right(check.in_network)(good_in_network)
right(check.in_network)(lambda a, n: ipaddress.ip_address(a) in ipaddress.ip_network(n, strict=False))
right(check.in_network)(in_network_by(lambda n, s, p: n >> 32 - p == s >> 32 - p))
right(check.expand)(lambda text: ipaddress.IPv6Address(text).exploded)
right(check.expand)(lambda text: ipaddress.IPv6Address(text).packed.hex(":", 2))
right(check.shorten)(shorten_with(longest))
right(check.shorten)(lambda groups: str(ipaddress.IPv6Address(struct.pack("!8H", *groups))))
right(check.smallest_network)(smallest_by(common))


@right(check.smallest_network)
def smallest_by_steps(a, b):
    network = ipaddress.ip_network(a)
    while ipaddress.ip_address(b) not in network:
        network = network.supernet()
    return str(network)
