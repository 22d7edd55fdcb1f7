"""IP addresses as the integers they are (chapter 2).

An IPv4 address is a number of 32 bits (RFC 791), an IPv6 address one of 128 (RFC 4291); the texts with dots and colons
are for people. Here are both directions by hand, as the chapter builds them, and what integers buy: bits, groups,
networks, and the range an address falls in. What the standard library's `ipaddress` refuses is refused here too: a
ValueError names the wrong part.
"""
from dataclasses import dataclass

WIDTH = {4: 32, 6: 128}
_ORDINAL = "zeroth first second third fourth fifth sixth seventh eighth".split()
_NUMBER = "no one two three four five six seven eight nine".split()
_DIGITS, _HEX_DIGITS = frozenset("0123456789"), frozenset("0123456789abcdefABCDEF")


def ipv4_to_int(text: str) -> int:
    """The number of 32 bits behind "192.168.0.1". Raises ValueError for any looser form (RFC 6943, 3.1.1)."""
    _need_text(text)
    groups = text.split(".")
    if len(groups) != 4:
        raise ValueError(f"{_show(text)} has {_count(len(groups), 'group')}: an IPv4 address has four, with a dot between")
    number = 0
    for place, group in enumerate(groups, 1):
        number = number << 8 | _ipv4_group(group, place)
    return number


def int_to_ipv4(number: int) -> str:
    """A number from 0 to 2**32 - 1 as four groups of eight bits, with dots between. Raises ValueError."""
    _need_number(number, 4)
    return f"{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def ipv6_to_int(text: str) -> int:
    """The number of 128 bits behind "2001:db8::1" (RFC 4291, 2.2). Raises ValueError for any other form.

    A scope id ("fe80::1%eth0") is refused: it names an interface of this machine and is none of the bits.
    """
    _need_text(text)
    if "%" in text:
        raise ValueError(f"{_show(text[text.index('%'):])} is a scope id: it names an interface and is not among the 128 bits")
    if ":::" in text:
        raise ValueError("three colons in a row: one stands between groups, two stand for groups of zeros")
    head, gap, tail = text.partition("::")
    if "::" in tail:
        raise ValueError("'::' twice: it may stand once, or nobody could tell how many zeros each stands for")
    noun = "written group" if gap else "group"
    before = _ipv6_groups(head, 1, noun, last=not gap) if head or not gap else []
    after = _ipv6_groups(tail, len(before) + 1, noun, last=True) if tail else []
    missing = 8 - len(before) - len(after)
    if gap and missing < 1:
        raise ValueError(f"{_count(8 - missing, 'group')} and '::': with '::' at most seven groups are written")
    if not gap and missing:
        raise ValueError(f"{_show(text)} has {_count(8 - missing, 'group')}: an IPv6 address has eight, or '::' for the zeros")
    number = 0
    for group in before + [0] * missing + after:
        number = number << 16 | group
    return number


def int_to_ipv6(number: int) -> str:
    """The one canonical text of a number from 0 to 2**128 - 1 (RFC 5952). Raises ValueError outside that.

    Small letters, no leading zeros, '::' for the longest run of two or more zero groups (the first of equals), and an
    IPv4-mapped address with its last 32 bits as IPv4 (section 5), on every Python version.
    """
    _need_number(number, 6)
    if number >> 32 == 0xFFFF:
        return "::ffff:" + int_to_ipv4(number & 0xFFFF_FFFF)
    text = ":".join([f"{number >> shift & 0xFFFF:x}" for shift in range(112, -1, -16)])
    padded = f":{text}:"
    for length in range(8, 1, -1):
        run = ":" + "0:" * length
        if run in padded:
            head, _, tail = padded.partition(run)
            return head[1:] + "::" + tail[:-1]
    return text


def parse(text: str) -> tuple[int, int]:
    """(number, version) of an IPv4 or IPv6 text: a colon makes it IPv6. Raises ValueError."""
    _need_text(text)
    return (ipv6_to_int(text), 6) if ":" in text else (ipv4_to_int(text), 4)


def to_text(number: int, version: int) -> str:
    """The text of a number as an address of version 4 or 6. Raises ValueError."""
    _need_version(version)
    return int_to_ipv4(number) if version == 4 else int_to_ipv6(number)


def groups(address: str | int, version: int | None = None) -> tuple[int, ...]:
    """Four numbers of 8 bits or eight of 16. A number as address needs the version. Raises ValueError."""
    number, version = _number(address, version)
    size = 8 if version == 4 else 16
    return tuple(number >> shift & (1 << size) - 1 for shift in range(WIDTH[version] - size, -1, -size))


def bits(address: str | int, version: int | None = None, separator: str = " ") -> str:
    """Every bit as "0" or "1", the separator between the groups. A number as address needs the version."""
    size = 8 if _number(address, version)[1] == 4 else 16
    return separator.join(f"{group:0{size}b}" for group in groups(address, version))


@dataclass(frozen=True)
class Network:
    """The addresses that share their first `prefix` bits (RFC 4632; RFC 4291, 2.3), as numbers."""
    version: int
    prefix: int
    first: int
    last: int

    @property
    def mask(self) -> int:
        """`prefix` ones, then zeros."""
        return (1 << WIDTH[self.version]) - (1 << WIDTH[self.version] - self.prefix)

    @property
    def count(self) -> int:
        """How many addresses: two to the power of the bits that are left."""
        return self.last - self.first + 1

    @property
    def hosts(self) -> tuple[int, int]:
        """First and last for a host. IPv4 sets a network's ends apart, but for /31 (RFC 3021) and /32; IPv6 has no broadcast."""
        spare = 1 if self.version == 4 and self.prefix < 31 else 0
        return self.first + spare, self.last - spare

    def __contains__(self, address: str | int) -> bool:
        """Is this address in the network? A text of the other version is not."""
        number, version = parse(address) if isinstance(address, str) else (address, self.version)
        return version == self.version and self.first <= number <= self.last

    def __str__(self) -> str:
        return f"{to_text(self.first, self.version)}/{self.prefix}"


def network(address: str | int, prefix: int, version: int | None = None) -> Network:
    """The network of `prefix` bits that holds the address. A number needs the version. Raises ValueError."""
    number, version = _number(address, version)
    width = WIDTH[version]
    if not isinstance(prefix, int):
        raise TypeError(f"a prefix length is a whole number, not {type(prefix).__name__}")
    if not 0 <= prefix <= width:
        raise ValueError(f"prefix length {prefix}: IPv{version} has 0 to {width}")
    first = number >> (width - prefix) << (width - prefix)
    return Network(version, prefix, first, first + (1 << (width - prefix)) - 1)


@dataclass(frozen=True)
class Special:
    """A range set apart: its network as text, what it is for, and the RFC that made it."""
    block: str
    name: str
    rfc: str


# The IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890), and multicast. Of the small blocks inside 192.0.0.0/24
# and 2001::/23 only those are here that a reader may meet.
SPECIAL = tuple(Special(*row.split(" | ")) for row in """\
0.0.0.0/8 | this network | RFC 791 ; 0.0.0.0/32 | unspecified: to bind, every interface | RFC 1122
10.0.0.0/8 | private use | RFC 1918 ; 100.64.0.0/10 | shared behind a provider's NAT | RFC 6598
127.0.0.0/8 | loopback | RFC 1122 ; 169.254.0.0/16 | link-local | RFC 3927
172.16.0.0/12 | private use | RFC 1918 ; 192.0.0.0/24 | protocol assignments | RFC 6890
192.0.2.0/24 | documentation | RFC 5737 ; 192.31.196.0/24 | AS112 name servers | RFC 7535
192.52.193.0/24 | multicast tunnels (AMT) | RFC 7450 ; 192.88.99.0/24 | 6to4 relays, deprecated | RFC 7526
192.168.0.0/16 | private use | RFC 1918 ; 192.175.48.0/24 | AS112 name servers | RFC 7534
198.18.0.0/15 | benchmarks of network devices | RFC 2544 ; 198.51.100.0/24 | documentation | RFC 5737
203.0.113.0/24 | documentation | RFC 5737 ; 224.0.0.0/4 | multicast | RFC 1112
240.0.0.0/4 | reserved | RFC 1112 ; 255.255.255.255/32 | broadcast on this link | RFC 919
::/128 | unspecified: to bind, every interface | RFC 4291 ; ::1/128 | loopback | RFC 4291
::ffff:0:0/96 | IPv4-mapped | RFC 4291 ; 64:ff9b::/96 | translation to IPv4 | RFC 6052
64:ff9b:1::/48 | local translation to IPv4 | RFC 8215 ; 100::/64 | discard | RFC 6666
2001::/23 | protocol assignments | RFC 2928 ; 2001::/32 | Teredo tunnels | RFC 4380
2001:2::/48 | benchmarks of network devices | RFC 5180 ; 2001:20::/28 | ORCHIDv2 identifiers | RFC 7343
2001:db8::/32 | documentation | RFC 3849 ; 2002::/16 | 6to4 tunnels | RFC 3056
2620:4f:8000::/48 | AS112 name servers | RFC 7534 ; 3fff::/20 | documentation | RFC 9637
5f00::/16 | segment routing | RFC 9602 ; fc00::/7 | private use (unique local) | RFC 4193
fe80::/10 | link-local | RFC 4291 ; ff00::/8 | multicast | RFC 4291""".replace("\n", " ; ").split(" ; "))


def special(address: str | int, version: int | None = None) -> Special | None:
    """The narrowest range set apart that holds the address, or None. A number needs the version."""
    number, version = _number(address, version)
    return next((row for block, row in _BLOCKS if block.version == version and number in block), None)


def _ipv4_group(group: str, place: int) -> int:
    where = f"in the {_ORDINAL[place]} group"
    if not group:
        raise ValueError(f"nothing {where}: a number from 0 to 255 belongs there")
    if not _DIGITS.issuperset(group):
        raise ValueError(f"{_show(group)} {where}: only the digits 0 to 9 are allowed")
    if group[0] == "0" and len(group) > 1:
        raise ValueError(f"{_show(group)} {where}: no leading zero, since some programs read it as octal")
    if len(group) > 3 or int(group) > 255:
        raise ValueError(f"{_show(group).strip(chr(39))} {where}: at most 255")
    return int(group)


def _ipv6_groups(text: str, place: int, noun: str, last: bool) -> list[int]:
    found: list[int] = []
    parts = text.split(":")
    if place + len(parts) > 9:
        raise ValueError(f"{_count(place + len(parts) - 1, 'group')}: an IPv6 address has eight")
    for number, part in enumerate(parts, place):
        where = f"in the {_ORDINAL[number]} {noun}"
        if "." in part and last and part is parts[-1]:
            try:
                found += divmod(ipv4_to_int(part), 1 << 16)
            except ValueError as error:
                raise ValueError(f"in the IPv4 part at the end, {error}") from None
        elif "." in part:
            raise ValueError(f"{_show(part)} {where}: an IPv4 part may only stand at the end")
        elif not part:
            raise ValueError(f"nothing {where}: one to four hex digits belong there")
        elif not _HEX_DIGITS.issuperset(part):
            raise ValueError(f"{_show(part)} {where}: only the hex digits 0-9 and a-f are allowed")
        elif len(part) > 4:
            raise ValueError(f"{_show(part)} {where}: at most four hex digits")
        else:
            found.append(int(part, 16))
    return found


def _number(address: str | int, version: int | None) -> tuple[int, int]:
    if version is not None:
        _need_version(version)
    if isinstance(address, str):
        if version is None:
            return parse(address)
        return (ipv4_to_int(address) if version == 4 else ipv6_to_int(address)), version
    if version is None:
        raise ValueError("a number alone does not say its version: add version=4 or version=6")
    _need_number(address, version)
    return address, version


def _need_text(text: object) -> None:
    if not isinstance(text, str):
        raise TypeError(f"the text of an address is a str, not {type(text).__name__}")
    if not text:
        raise ValueError("nothing written: an address looks like 192.168.0.1 or like 2001:db8::1")


def _need_number(number: object, version: int) -> None:
    if not isinstance(number, int):
        raise TypeError(f"an address as a number is an int, not {type(number).__name__}")
    if not 0 <= number < 1 << WIDTH[version]:
        wrong = "is negative" if number < 0 else f"needs {number.bit_length()} bits"
        raise ValueError(f"the number {wrong}: an IPv{version} address is 0 to 2**{WIDTH[version]} - 1")


def _need_version(version: object) -> None:
    if version not in WIDTH:
        raise ValueError(f"version {version!r}: there are 4 and 6")


def _show(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "…")


def _count(number: int, noun: str) -> str:
    return f"{_NUMBER[number] if number < 10 else number} {noun}{'' if number == 1 else 's'}"


_BLOCKS = [(network(address, int(prefix)), row) for row in SPECIAL for address, prefix in [row.block.split("/")]]
_BLOCKS.sort(key=lambda pair: -pair[0].prefix)  # the narrowest first
