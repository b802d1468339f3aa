from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from dnabert2_explore.analysis.motifs import match_motifs, scan_motifs
from dnabert2_explore.analysis.motifs.discovery.pattern import Discovery, Pattern, Sites
from dnabert2_explore.errors import InputError
from dnabert2_explore.figures.motifs.report import motif_report
from dnabert2_explore.sequences import Sequence, reverse_complement
from dnabert2_explore.sequences.motifs.motif import Motif

from .conftest import make_tokens

WORDS = ("TGACTCA", "AGATAAG")
WHAT = {"title": "Motifs <of> it", "model": "pocket · 2.6 M", "caption": "logit of “donor” & more"}


def bases(n: int = 40) -> list[str]:
    """Sequences of 60 bases with one of the words at 20, every other one turned."""
    rng = np.random.default_rng(0)
    result = []
    for number in range(n):
        word = WORDS[number % 2]
        word = word if number % 4 < 2 else reverse_complement(word)
        left, right = ("".join(rng.choice(list("ACGT"), k)) for k in (20, 33))
        result.append(left + word + right)
    return result


def make_discovery(n: int = 40) -> Discovery:
    patterns = []
    for which, word in enumerate(WORDS):
        at = np.arange(which, n, 2)
        patterns.append(
            Pattern(
                motif=Motif.of_word(word, f"pattern {which + 1}"),
                contribution=Motif.of_word(word).probabilities * (3 if which == 0 else -3),
                sign=1 - 2 * which,
                sites=Sites(
                    at, np.full(len(at), 20), np.full(len(at), 27), np.where(at % 4 < 2, 1, -1)
                ),
                e_value=3e-12,
            )
        )
    return Discovery(
        patterns=tuple(patterns),
        caller="seqlets",
        n_sequences=n,
        n_seqlets=50,
        n_in_patterns=n,
        n_control=0,
        lengths=np.full(n, 60),
        settings={"null": "bases shuffled within each sequence, 10 times, seed 7", "fdr": 0.05},
    )


class Reader(HTMLParser):
    """Checks that tags close in order; gathers text and attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.attributes += attrs
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.text += data


@pytest.fixture(scope="module")
def full() -> str:
    discovery = make_discovery()
    return motif_report(
        discovery,
        match_motifs(discovery.motifs),
        scan_motifs(bases(), Motif.of_word("TGACTCA", "AP-1")),
        sequences=[make_tokens(text, 5) for text in bases()],
        **WHAT,
    )


def test_the_page_loads_nothing(full):
    page = Reader(full)
    for name, value in page.attributes:
        assert name not in ("src", "srcset", "data", "action")
        if name in ("href", "xlink:href"):
            assert value.startswith("#")
    assert "default-src 'none'" in full
    for word in ("<script", "@import", "url(", "<link", "<iframe"):
        assert word not in full
    # The name of SVG's language is no address that is asked.
    assert set(re.findall(r"https?://[^\"' <]+", full)) == {"http://www.w3.org/2000/svg"}


def test_what_was_computed_is_on_the_page(full):
    text = Reader(full).text
    for words in (
        "Motifs <of> it",
        "pocket · 2.6 M",
        "logit of “donor” & more",
        "seed 7",
        "a match names a family",
        "patterns in the control",
        "▲ speaks for the output",
        "▼ speaks against the output",
    ):
        assert words in text
    assert "<of>" not in full.split("</title>")[0].split("<title>")[1]


def test_links_of_the_overview_lead_to_the_cards(full):
    attributes = Reader(full).attributes
    links = {value for name, value in attributes if name == "href"}
    ids = [value for name, value in attributes if name == "id"]
    assert links == {f"#{one}" for one in ids}
    assert len(ids) == len(set(ids)) == 2


def test_matches_name_the_family_with_its_q_value(full):
    text = Reader(full).text
    assert re.search(r"(FOS|JUN|Jun|Fos|BATF)", text)
    assert re.search(r"GATA|Gata", text)
    assert "10−" in text


def test_sites_read_as_the_motif_on_both_strands_with_tokens():
    discovery = make_discovery()
    html = motif_report(discovery, sequences=[make_tokens(text, 5) for text in bases()], **WHAT)
    block = re.search(r"<div class='sites'>(.*?)</div>", html, re.DOTALL).group(1)
    lines = block.split("\n")
    assert len(lines) == 8
    assert any("· −" in line for line in lines)
    assert any("· +" in line for line in lines)
    for line in lines:
        assert "".join(re.findall(r"<b>(.*?)</b>", line)) == "TGACTCA"
    # Bases 21 to 27 begin at a token of 5 and end in the next.
    assert "100% across two" in html
    # The line begins 12 bases before the site: 2 of a token, and two whole ones.
    first = [re.sub("</?b>", "", one) for one in re.findall(r"<u class=\".\">(.*?)</u>", lines[0])]
    assert first[3:5] == [bases()[0][20:25], bases()[0][25:30]]


def test_plain_sequences_are_shown_without_tokens_under_their_names():
    records = [Sequence(f"gene {i}", text) for i, text in enumerate(bases())]
    html = motif_report(make_discovery(), sequences=records, **WHAT)
    assert "gene 38" in html
    assert "<u class" not in html
    assert "across two" not in html


def test_positions_are_bars_where_the_sites_are(full):
    svg = re.search(r'<svg[^>]*aria-label="positions of the sites">.*?</svg>', full).group(0)
    bars = re.findall(r'<rect x="([\d.]+)"', svg)
    # All sites have one centre: one bar up, one down, at 23.5 of 60 bp on 330 px.
    assert len(bars) == 2
    assert len(set(bars)) == 1
    assert float(bars[0]) == pytest.approx(30 + 330 * 23 / 60, abs=12)
    assert "position (bp)" in svg


def test_mixed_lengths_are_put_on_a_scale_of_shares():
    from dataclasses import replace

    discovery = replace(make_discovery(), lengths=np.arange(60, 100))
    assert "position (share of the sequence)" in motif_report(discovery, **WHAT)


def test_hits_are_counted_from_one(full):
    hits = full.split("<h2>Hits</h2>")[1].split("<h2>")[0]
    assert "<td>21–27</td>" in hits


def test_without_patterns_the_page_says_so():
    from dataclasses import replace

    html = motif_report(
        replace(make_discovery(), patterns=(), n_in_patterns=0, n_control=None), **WHAT
    )
    assert "No pattern passed the tests" in Reader(html).text
    assert "it was not made" in html


def test_a_motif_that_resembles_none_is_not_named():
    discovery = make_discovery()
    odd = [Motif.of_word(word) for word in ("CCCCCC", "GCGCGC")]
    with pytest.warns(UserWarning, match="P-values against 2 motifs"):
        matches = match_motifs(discovery.motifs, odd)
    text = Reader(motif_report(discovery, matches, **WHAT)).text
    assert text.count("No known motif resembles it") + text.count("None shares enough") == 2


def test_dark_and_light_pages_differ_in_colours_alone():
    light, dark = (motif_report(make_discovery(), theme=t, **WHAT) for t in ("light", "dark"))
    assert "color-scheme: dark" in dark
    assert Reader(light).text == Reader(dark).text


def test_other_sequences_and_other_matches_are_refused():
    discovery = make_discovery()
    with pytest.raises(InputError, match="not the 40"):
        motif_report(discovery, sequences=bases()[:39], **WHAT)
    other = match_motifs(Motif.of_word("TATAAA"))
    with pytest.raises(InputError, match=r"other motifs than the 2 patterns"):
        motif_report(discovery, other, **WHAT)
