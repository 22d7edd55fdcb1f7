"""netlab.addresses against the standard library: random values, edges, and every text that it refuses."""
import ast
import ipaddress
import random
import socket
from pathlib import Path

import pytest
from hypothesis import example, given, settings, strategies as st

from netlab import addresses
from netlab.addresses import (
    SPECIAL,
    bits,
    groups,
    int_to_ipv4,
    int_to_ipv6,
    ipv4_to_int,
    ipv6_to_int,
    network,
    parse,
    special,
    to_text,
)

steady = settings(derandomize=True, deadline=None, max_examples=400, database=None)
IPV4 = st.integers(0, 2**32 - 1)
# Zeros matter in IPv6, and a random number of 128 bits holds none: build it from groups.
IPV6 = st.lists(st.one_of(st.just(0), st.integers(0, 0xFFFF)), min_size=8, max_size=8).map(
    lambda parts: sum(part << 16 * place for place, part in enumerate(parts)))
EDGE4 = [0, 1, 255, 256, 2**24 - 1, 2**24, 0x7F000001, 2**31 - 1, 2**31, 2**32 - 1]
EDGE6 = [0, 1, 2**16, 2**32 - 1, 2**32, 0xFFFF << 32, (0xFFFF << 32) + 0x01020304, 2**48, 2**64, 2**127,
2**128 - 1]


def own6(number):
    """What ipaddress prints since 3.13; an older one prints an IPv4-mapped address as two hex groups."""
    address = ipaddress.IPv6Address(number)
    return f"::ffff:{address.ipv4_mapped}" if address.ipv4_mapped else str(address)


@steady
@given(IPV4)
def test_ipv4_there_and_back(number):
    text = int_to_ipv4(number)
    assert text == str(ipaddress.IPv4Address(number)) == socket.inet_ntoa(number.to_bytes(4))
    assert ipv4_to_int(text) == number == int(ipaddress.IPv4Address(text))


@steady
@given(IPV6)
@example(0xFFFF01020304)
def test_ipv6_there_and_back(number):
    text = int_to_ipv6(number)
    assert text == own6(number)
    assert ipv6_to_int(text) == number == int(ipaddress.IPv6Address(text))
    long = ipaddress.IPv6Address(number).exploded
    assert ipv6_to_int(long) == ipv6_to_int(long.upper()) == number


@pytest.mark.parametrize("number", EDGE4)
def test_ipv4_edges(number):
    assert ipv4_to_int(int_to_ipv4(number)) == number == int(ipaddress.IPv4Address(int_to_ipv4(number)))


@pytest.mark.parametrize("number", EDGE6)
def test_ipv6_edges(number):
    assert ipv6_to_int(int_to_ipv6(number)) == number
    assert int_to_ipv6(number) == own6(number)


@pytest.mark.parametrize("text, canonical", [  # RFC 5952, sections 1, 2 and 4
    ("2001:0db8:85a3:0042:1000:8a2e:0370:7334", "2001:db8:85a3:42:1000:8a2e:370:7334"),
    ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
    ("2001:DB8:AAAA::1", "2001:db8:aaaa::1"), ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
    ("0:0:0:0:0:0:0:0", "::"), ("1:0:0:0:0:0:0:0", "1::"), ("0:0:0:0:0:0:0:1", "::1"),
    ("0:0:0:0:0:ffff:c000:0221", "::ffff:192.0.2.33"), ("::192.0.2.33", "::c000:221"),
])
def test_canonical_text(text, canonical):
    assert int_to_ipv6(ipv6_to_int(text)) == canonical


# Texts that look like an address: the right letters in every wrong order.
LIKELY = st.text(st.sampled_from("0123456789abcfg.::.: %/-+xＡ٣²\n\0"), max_size=50)
BROKEN4 = st.lists(st.sampled_from("0 1 9 00 01 255 256 1000 -1 +1 a 0x1 ² ٣".split() + ["", " 1", "1\n"]),
                   min_size=1, max_size=6).map(".".join)
PARTS6 = "0 1 ffff FFFF 0001 00001 12345 g 1.2.3.4 1.2.3 01.2.3.4 -1 1_0".split() + ["", "", " "]
BROKEN6 = st.lists(st.sampled_from(PARTS6), min_size=1, max_size=10).map(":".join)


@settings(steady, max_examples=3000)
@given(st.one_of(BROKEN4, LIKELY, st.text(max_size=20)))
@example("1.2.3.4\n")
@example("1.2.3." + "9" * 5000)
@example("\ud800")
def test_ipv4_refuses_what_ipaddress_refuses(text):
    try:
        expected = int(ipaddress.IPv4Address(text))
    except ValueError:
        with pytest.raises(ValueError):
            ipv4_to_int(text)
    else:
        assert ipv4_to_int(text) == expected


@settings(steady, max_examples=3000)
@given(st.one_of(BROKEN6, LIKELY, st.text(max_size=20)))
@example("1:2:3:4:5:6:7::")
@example("1:2:3:4:5:6:7::8")
@example("::1:2:3:4:5:6:1.2.3.4")
@example("fe80::1%")
@example(":" * 5000)
def test_ipv6_refuses_what_ipaddress_refuses(text):
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        with pytest.raises(ValueError):
            ipv6_to_int(text)
    else:
        if address.scope_id:  # ipaddress keeps it beside the number; a number alone cannot
            with pytest.raises(ValueError, match="scope id"):
                ipv6_to_int(text)
        else:
            assert ipv6_to_int(text) == int(address)


@pytest.mark.parametrize("text, words", [
    ("1.2.256.4", "256 in the third group: at most 255"),
    ("1.2.3.99999", "99999 in the fourth group: at most 255"),
    ("010.0.0.1", "'010' in the first group: no leading zero"),
    ("1..3.4", "nothing in the second group"),
    ("1.2.x.4", "'x' in the third group: only the digits 0 to 9"),
    ("1.2.3.4 foo", "'4 foo' in the fourth group"),
    ("1.2.3.-4", "'-4' in the fourth group"),
    ("1.2.3.٣", "in the fourth group: only the digits 0 to 9"),
    ("127.1", "'127.1' has two groups: an IPv4 address has four"),
    ("1.2.3.4.5", "has five groups"),
    ("", "nothing written"),
])
def test_ipv4_error_names_the_part(text, words):
    with pytest.raises(ValueError) as caught:
        ipv4_to_int(text)
    assert words in str(caught.value)


@pytest.mark.parametrize("text, words", [
    ("1:2:3:4:5:6:7", "has seven groups: an IPv6 address has eight"),
    ("1:2:3:4:5:6:7:8:9", "nine groups: an IPv6 address has eight"),
    ("1:2:3:4::5:6:7:8", "eight groups and '::': with '::' at most seven"),
    ("1::2::3", "'::' twice"),
    ("1:::2", "three colons"),
    ("::12345", "'12345' in the first written group: at most four hex digits"),
    ("1:2:g:4:5:6:7:8", "'g' in the third group: only the hex digits"),
    (":1:2:3:4:5:6:7", "nothing in the first group"),
    ("1:2:3:4:5:6:7:", "nothing in the eighth group"),
    ("::1.2.3.256", "in the IPv4 part at the end, 256 in the fourth group: at most 255"),
    ("::1.2.3.4:5", "an IPv4 part may only stand at the end"),
    ("fe80::1%eth0", "'%eth0' is a scope id"),
    ("", "nothing written"),
])
def test_ipv6_error_names_the_part(text, words):
    with pytest.raises(ValueError) as caught:
        ipv6_to_int(text)
    assert words in str(caught.value)


@pytest.mark.parametrize("call", [lambda: int_to_ipv4(-1), lambda: int_to_ipv4(2**32),
lambda: int_to_ipv6(-1),
                                  lambda: int_to_ipv6(2**128), lambda: to_text(1, 5), lambda: bits(1),
                                  lambda: bits("1.2.3.4", 6), lambda: network("1.2.3.4", 33),
                                  lambda: network("::", -1)])
def test_bad_values_are_value_errors(call):
    with pytest.raises(ValueError):
        call()


@pytest.mark.parametrize("call", [lambda: ipv4_to_int(1), lambda: ipv6_to_int(b"::"), lambda: parse(None),
                                  lambda: int_to_ipv4("1"), lambda: int_to_ipv6(1.0), lambda: network("::",
                                  "8")])
def test_wrong_types_are_type_errors(call):
    with pytest.raises(TypeError):
        call()


@steady
@given(st.one_of(st.tuples(IPV4, st.just(4)), st.tuples(IPV6, st.just(6))))
def test_bits_and_groups_are_the_same_number(pair):
    number, version = pair
    width = addresses.WIDTH[version]
    assert bits(number, version, separator="") == f"{number:0{width}b}"
    size = width // len(groups(number, version))
    assert int.from_bytes(b"".join(group.to_bytes(size // 8) for group in groups(number, version))) == number
    assert parse(to_text(number, version)) == pair


def test_bits_in_groups():
    assert bits("192.168.0.1") == "11000000 10101000 00000000 00000001"
    assert bits("::1").split()[0] == "0" * 16 and groups("2001:db8::1") == (0x2001, 0xDB8, 0, 0, 0, 0, 0, 1)


@steady
@given(st.one_of(st.tuples(IPV4, st.just(4), st.integers(0, 32)),
                 st.tuples(IPV6, st.just(6), st.integers(0, 128))))
def test_network_agrees_with_ipaddress(triple):
    number, version, prefix = triple
    ours = network(number, prefix, version)
    kind = ipaddress.IPv4Network if version == 4 else ipaddress.IPv6Network
    theirs = kind((number, prefix), strict=False)
    assert (ours.first, ours.last, ours.mask, ours.count) == (
        int(theirs[0]), int(theirs[-1]), int(theirs.netmask), theirs.num_addresses)
    assert number in ours and to_text(number, version) in ours
    assert ours.last + 1 not in ours and ours.first - 1 not in ours
    assert network(to_text(number, version), prefix) == ours


def test_network_in_words():
    home = network("192.168.0.77", 24)
    assert str(home) == "192.168.0.0/24" and home.count == 256
    assert [int_to_ipv4(number) for number in home.hosts] == ["192.168.0.1", "192.168.0.254"]
    assert "192.168.1.0" not in home and "::1" not in home
    point_to_point, v6 = network("10.0.0.0", 31), network("2001:db8::", 64)
    assert point_to_point.hosts == (point_to_point.first, point_to_point.last)
    assert v6.hosts == (v6.first, v6.last)


@pytest.mark.parametrize("text, name, rfc", [
    ("10.1.2.3", "private", "1918"), ("172.31.255.255", "private", "1918"),
     ("192.168.0.1", "private", "1918"),
    ("127.0.0.1", "loopback", "1122"), ("169.254.1.1", "link-local", "3927"), ("100.64.0.1", "NAT", "6598"),
    ("203.0.113.9", "documentation", "5737"), ("224.0.0.251", "multicast", "1112"),
     ("250.0.0.1", "reserved", "1112"),
    ("255.255.255.255", "broadcast", "919"), ("0.0.0.0", "unspecified", "1122"),
     ("0.0.0.1", "this network", "791"),
    ("::1", "loopback", "4291"), ("fe80::1", "link-local", "4291"), ("fd00::1", "private", "4193"),
    ("2001:db8::1", "documentation", "3849"), ("3fff::1", "documentation", "9637"),
     ("ff02::1", "multicast", "4291"),
    ("::ffff:1.2.3.4", "IPv4-mapped", "4291"), ("2001::1", "Teredo", "4380"),
])
def test_special_ranges(text, name, rfc):
    found = special(text)
    assert name in found.name and found.rfc == f"RFC {rfc}"


@pytest.mark.parametrize("text", ["8.8.8.8", "172.32.0.0", "100.128.0.0", "2606:4700::1", "2a00::1",
"223.255.255.255"])
def test_ordinary_addresses_are_in_no_special_range(text):
    assert special(text) is None


def test_special_table_is_sound():
    """Each block is written as its first address, once; the narrowest wins; ipaddress agrees on private."""
    assert len({row.block for row in SPECIAL}) == len(SPECIAL)
    for row in SPECIAL:
        block = ipaddress.ip_network(row.block)  # strict: raises when a host bit is set
        version = block.version
        assert to_text(int(block[0]), version) == row.block.partition("/")[0] or block[0].version == 6
        narrower = [other for other in map(ipaddress.ip_network, (each.block for each in SPECIAL))
                    if other.version == version and other != block and other.subnet_of(block)]
        offsets = range(block.num_addresses) if block.num_addresses < 2**62 else [0, 1, 2**60]
        free = random.Random(4).choices(offsets, k=40)
        for address in (block[offset] for offset in free):
            if not any(address in other for other in narrower):
                assert special(int(address), version) == row
        if row.name.startswith(("private", "loopback", "link-local", "documentation")):
            assert block.is_private or row.block == "3fff::/20", row  # newer than some ipaddress


def test_the_layer_is_pure():
    tree = ast.parse(Path(addresses.__file__).read_text(encoding="utf-8"))
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported <= {"dataclasses"}
