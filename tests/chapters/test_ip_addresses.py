"""The cases of chapter 2's exercises: enough of them, and what they expect agrees with the standard library."""
import ipaddress
import struct

import pytest

from netlab.chapters.ip_addresses import check

EXERCISES = {exercise.name: exercise for exercise in check.EXERCISES}


@pytest.mark.parametrize("name", EXERCISES)
def test_enough_cases(name):
    cases = EXERCISES[name].trials
    assert len(cases) >= 20
    assert len({repr(case.args) for case in cases}) == len(cases)


def test_six_to_eight_exercises():
    assert 6 <= len(EXERCISES) <= 8
    assert list(EXERCISES)[0] == "parse_group" and list(EXERCISES)[-1] == "smallest_network"


def test_expected_values_agree_with_the_standard_library():
    for case in check.to_int.trials + check.to_text.trials:
        (given,), want = case.args, case.expected
        if isinstance(want, int):
            assert int(ipaddress.IPv4Address(given)) == want
        elif isinstance(want, str):
            assert str(ipaddress.IPv4Address(given)) == want
        else:
            with pytest.raises(ValueError):
                ipaddress.IPv4Address(given)
    for case in check.in_network.trials:
        if isinstance(case.expected, bool):
            address, network = ipaddress.ip_address(case.args[0]), ipaddress.ip_network(case.args[1], strict=False)
            assert (address in network) is case.expected
    for case in check.expand.trials:
        if isinstance(case.expected, str):
            assert ipaddress.IPv6Address(case.args[0]).exploded == case.expected
        else:
            with pytest.raises(ValueError):
                ipaddress.IPv6Address(case.args[0])
    for case in check.shorten.trials:
        number = int.from_bytes(struct.pack("!8H", *case.args[0]))
        assert str(ipaddress.IPv6Address(number)) == case.expected
    for case in check.smallest_network.trials:
        if isinstance(case.expected, str):
            network = ipaddress.ip_network(case.expected)
            assert all(ipaddress.ip_address(address) in network for address in case.args)
            halves = list(network.subnets()) if network.prefixlen < 32 else []
            assert not any(all(ipaddress.ip_address(a) in half for a in case.args) for half in halves)


def test_groups_are_shown_as_the_task_writes_them():
    result = check.shorten(lambda groups: "x" * sum(groups))
    assert result.call == "shorten([0x2001, 0xdb8, 0x85a3, 0x42, 0x1000, 0x8a2e, 0x370, 0x7334])"
