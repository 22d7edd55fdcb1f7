"""netlab.style: whatever is put in, markup comes out that holds it as words."""
import re
import xml.etree.ElementTree as ET
from urllib.parse import unquote

from hypothesis import given, strategies as st
from markupsafe import Markup

from netlab.style import card, drawing, escape, image, marked, palette, tag, text_at


@given(st.text(), st.text())
def test_words_and_attributes_stay_words(words, label):
    root = ET.fromstring(drawing(100, 50, text_at(1, 2, words), label=label, text=words))
    legal = ["".join("\ufffd" if (c < " " and c not in "\t\n\r") or c in "\ufffe\uffff" or "\ud800" <= c <= "\udfff" else c
                     for c in given) for given in (words, label)]
    lines = [each.replace("\r\n", "\n").replace("\r", "\n") for each in legal]
    (text,) = root.iter("{http://www.w3.org/2000/svg}text")
    assert (text.text or "") == lines[0]
    assert root.get("aria-label") == lines[1].replace("\n", " ").replace("\t", " ")     # XML 1.0, 3.3.3


def test_tags():
    assert tag("b", "<i>", tag("i", "&")) == "<b>&lt;i&gt;<i>&amp;</i></b>"
    assert tag("a", class_="x y", text_anchor="end", x=1.50, none=None) == '<a class="x y" text-anchor="end" x="1.5"></a>'
    assert tag("path", d='"') == '<path d="&#34;"/>' and tag("i") == "<i></i>"
    assert escape(Markup("<b>")) == "<b>" and escape("<b>") == "&lt;b&gt;"
    assert marked("`a<b` & c") == "<code>a&lt;b</code> &amp; c"


def test_a_card_takes_its_edge_from_the_palette():
    assert "border-left:4px solid #b3261e" in card("words", colour="error", role="alert")
    assert "--nl-error:#b3261e" in palette(False) and "--nl-error:#ff8a80" in palette(True)


@given(st.text(), st.text())
def test_an_image_holds_the_whole_drawing_and_its_text(words, alt):
    svg = drawing(100, 50, text_at(1, 2, words, "e"), label="it's", text=words)
    html = image(svg, alt, svg)
    root = ET.fromstring(html)
    source, shown = root
    assert shown.get("alt") == ET.fromstring(tag("i", title=alt)).get("title")
    for address in (shown.get("src"), source.get("srcset")):
        assert unquote(address.removeprefix("data:image/svg+xml,")) == str(svg).replace('"', "'")
        assert not re.search(r'[<>"#\n]', address)
    assert not re.search(r"\s", source.get("srcset"))


def test_looks_are_attributes_that_an_attribute_of_its_own_overrides():
    line = tag("path", d="M0 0", class_="l client", stroke_width=5)
    svg = drawing(9, 9, text_at(1, 2, "x", "m e other"), line, label="", text="")
    text, path = (ET.fromstring(svg).find(f".//{{*}}{name}").attrib for name in ("text", "path"))
    assert text["fill"] == "#b3261e" and "monospace" in text["font-family"] and text["class"] == "other"
    assert path == {"fill": "none", "stroke": "#0072b2", "stroke-width": "5", "d": "M0 0"}
    assert '[stroke="#0072b2"]{stroke:#56b4e9}' in svg and "amber" not in svg and "desc" not in svg
