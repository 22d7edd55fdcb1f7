"""The replay of a stream in a page: what is filled, marked and faint at each step is what the calls so far have done."""
import pytest

from netlab.framing import LengthPrefix
from netlab.replay.player import BYTES
from netlab.replay.values import size_of
from netlab.teach.cuts import cuts, cuts_fed
from netlab.teach.stream import stop

LOOK = """() => {
    const root = document.querySelector('netlab-replay').shadowRoot, film = root.querySelector('.film svg:last-of-type');
    const marks = [...film.querySelectorAll('[data-mark]')].filter(each => getComputedStyle(each).fill !== 'none');
    const clear = each => +getComputedStyle(each.closest('[data-step]')).opacity * getComputedStyle(each).opacity > .5;
    const full = [...film.querySelectorAll('[data-until]')].filter(clear), view = film.getBoundingClientRect();
    const inView = ({top, bottom}) => top >= view.top && bottom <= view.bottom;
    return {says: root.querySelector('[role=status]').textContent, marks: [...new Set(marks.map(each => each.dataset.step))],
            full: full.reduce((sum, each) => sum + Math.round(each.getAttribute('width') / 22), 0),
            seen: marks.some(each => inView(each.getBoundingClientRect())),
            strips: [...root.querySelectorAll('.strip')].map(each => each.querySelectorAll('.byte:not(.more)').length)};
}"""
SENDS = [b"tea 3\n", b"rice 12\n", b"wine 250\n"]
FRAMES = [LengthPrefix(2).encode(each) for each in SENDS]
MADE = {"short": cuts(SENDS, [b"tea 3\nrice", b" 12\nwine 250"]),
        "high": cuts([b"message %d\n" % n for n in range(9)], [b"message 0\nmess", b"age 1\nmessage 2\nmessage 3\nme"]),
        "decoder": cuts(FRAMES, [b"\0\6te", b"a 3\n\0\x08rice"], framing=LengthPrefix(2))}


@pytest.fixture
def page(lab):
    context = lab._browser.new_context(viewport={"width": 900, "height": 800}, offline=True)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("name", MADE)
def test_each_step_shows_what_lies_in_the_kernels(page, name):
    picture = MADE[name]
    page.set_content(f"<!doctype html><meta charset=utf-8><body>{picture.replay().html()}")
    page.get_by_role("button", name="Next").focus()
    for n, step in enumerate(picture.steps, 1):
        found, ways = page.evaluate(LOOK), step.scenes[0].ways
        never = sum(max(0, stop(piece) - max(piece.start, picture.stream.taken)) for piece in ways[0].pieces)
        assert found["says"] == step.says and found["marks"] == [str(n)] and found["seen"]
        assert found["full"] + never == size_of(ways[0].pieces)         # what is never taken has its colour for good
        assert found["strips"] == [min(BYTES, size_of(way.pieces)) for way in ways]
        page.keyboard.press("ArrowRight")


def test_a_decoder_is_fed_and_what_it_gave_is_empty(page):
    picture = cuts_fed(LengthPrefix(2), [b"\0\3t", b"ea\0\4", b"rice"])
    page.set_content(f"<!doctype html><meta charset=utf-8><body>{picture._repr_mimebundle_()['text/html']}")
    page.get_by_role("button", name="Step through it").click()
    for full in (3, 2, 0):
        assert page.evaluate(LOOK)["full"] == full
        page.keyboard.press("ArrowRight")
    page.get_by_role("button", name="Whole picture").click()
    assert page.locator("netlab-replay img").is_visible()
