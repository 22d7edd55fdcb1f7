"""netlab.network.fates: the same seed gives the same fates everywhere; shares come out; a line keeps, doubles and holds back."""
import random
import subprocess
import sys

import pytest

from netlab.network.fates import FURTHEST, HOLD, Fate, Impairment, Line


def test_fates_are_the_same_in_each_run_and_on_each_python():
    bad = Impairment(loss=.3, duplicate=.3, reorder=.3, seed=7)
    fates = [tuple(bad.fate(k)) for k in range(1, 13)]
    assert fates == [(0, 0), (0, 0), (1, 0), (1, 0), (2, 0), (0, 0), (2, 0), (1, 2), (1, 0), (1, 0), (1, 0), (0, 0)]
    code = ("from netlab.network.fates import Impairment; bad = Impairment(.3, .3, .3, seed=7); "
            "print([tuple(bad.fate(k)) for k in range(1, 13)])")
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "3",
                          "PYTHONPATH": ":".join(sys.path)}).stdout
    assert eval(said) == fates


def test_a_change_leaves_the_dice_of_the_others():
    mild, worse = Impairment(loss=.1, seed=1), Impairment(loss=.3, reorder=.5, seed=1)
    lost = {k for k in range(1000) if not mild.fate(k).copies}
    assert lost < {k for k in range(1000) if not worse.fate(k).copies}
    assert lost != {k for k in range(1000) if not mild.fate(k, "other way").copies}
    assert lost != {k for k in range(1000) if not Impairment(loss=.1, seed=2).fate(k).copies}


def test_the_shares_are_those_asked_for():
    bad = Impairment(loss=.2, duplicate=.1, reorder=.3, seed=3)
    fates = [bad.fate(k) for k in range(20_000)]
    through = [fate for fate in fates if fate.copies]
    assert abs(1 - len(through) / len(fates) - .2) < .01
    assert abs(sum(fate.copies == 2 for fate in through) / len(through) - .1) < .01
    late = [fate.behind for fate in through if fate.behind]
    assert abs(len(late) / len(through) - .3) < .015 and set(late) == set(range(1, FURTHEST + 1))
    assert {Impairment(loss=1).fate(k) for k in range(99)} == {Fate(0)}
    assert {Impairment().fate(k) for k in range(99)} == {Fate()}


@pytest.mark.parametrize("name, value, words", [
    ("loss", 1.1, "loss is a share, from 0 to 1, not 1.1"), ("duplicate", -.1, "duplicate is a share"),
    ("reorder", "1", "not '1'"), ("loss", True, "not True"), ("loss", float("nan"), "not nan"),
    ("delay", -1, "delay is in seconds, from 0 to 60"), ("delay", 61, "not 61"), ("seed", 1.5, "seed is a whole number")])
def test_what_is_not_allowed_is_said_and_changes_nothing(name, value, words):
    bad = Impairment(loss=.5)
    with pytest.raises(ValueError, match=words):
        setattr(bad, name, value)
    assert bad == Impairment(loss=.5)
    with pytest.raises(ValueError, match=words):
        Impairment(**{name: value})
    with pytest.raises(AttributeError, match="and no colour"):
        bad.colour = 1


def outcome(impairment, times, end=100.0):
    """Packets 0, 1, … put in at these times: [(when, packet)], as they come out."""
    line, out = Line(impairment), []

    def until(now):
        while (due := line.next()) is not None and due <= now:
            out.extend((due, packet) for packet in line.take(due))

    for packet, when in enumerate(times):
        until(when)
        line.put(packet, when)
    until(end)
    assert line.next() is None
    return out


def test_a_line_without_impairment_gives_all_at_once():
    assert outcome(Impairment(), [0, 1, 1, 2]) == [(0, 0), (1, 1), (1, 2), (2, 3)]


def test_a_delay_keeps_the_order_also_when_it_is_made_shorter():
    assert outcome(Impairment(delay=.5), [0, 1, 1.25]) == [(.5, 0), (1.5, 1), (1.75, 2)]
    line = Line(Impairment(delay=1))
    line.put("a", 0)
    line.impairment.delay = 0
    line.put("b", .5)
    assert line.take(.9) == [] and line.take(1) == ["a", "b"]


def test_what_is_held_back_comes_after_as_many_as_overtake_it_or_when_nobody_does():
    bad = Impairment(reorder=.3, seed=5)
    fates = [bad.fate(k) for k in range(1, 201)]
    order = [packet for _, packet in outcome(bad, range(200), 1000)]
    assert sorted(order) == list(range(200))
    times = dict((packet, when) for when, packet in outcome(bad, range(200), 1000))
    assert all(times[k] == (k + HOLD if fate.behind else k) for k, fate in enumerate(fates))     # one a second: nobody overtakes
    order = [packet for _, packet in outcome(bad, [0] * 200)]
    for k, fate in enumerate(fates):
        ahead = sum(order.index(other) < order.index(k) for other in range(k + 1, 200) if not fates[other].behind)
        assert ahead == fate.behind or 200 - k < 12
    assert order != sorted(order)


def test_twice_is_twice_and_lost_is_never():
    bad = Impairment(loss=.3, duplicate=.3, reorder=.2, seed=9)
    dice = random.Random(1)
    out = [packet for _, packet in outcome(bad, sorted(dice.uniform(0, 3) for _ in range(500)))]
    assert [out.count(k) for k in range(500)] == [bad.fate(k + 1).copies for k in range(500)]
