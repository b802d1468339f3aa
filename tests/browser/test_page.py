"""The page that computes by itself, in headless Chromium, offline, beside Python."""

from __future__ import annotations

import random
import re
import warnings

import numpy as np
import pytest

pytest.importorskip("playwright", reason="playwright is not installed: pip install -e '.[test]'")

from playwright.sync_api import sync_playwright

import dnabert2_explore as dx
from dnabert2_explore.cli.app import app
from dnabert2_explore.page import Runtime, build_page, find_runtime

from .axe import serious_findings
from .harness import CHROMIUM_OPTIONS, find_chromium

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_chromium() is None, reason="no Chromium: apt-get install chromium"),
]

RNG = random.Random(11)
TEXTS = ["".join(RNG.choices("ACGT", k=n)) for n in (2, 9, 64, 200, 700)]
TEXTS += ["acgtnnACGURYACGGTTTACGACGATTTAC", "A" * 50, "ACAC" * 30]


@pytest.fixture(scope="module")
def runtime():
    try:
        return find_runtime()
    except dx.InputError as error:
        pytest.skip(f"no onnxruntime-web: {error}")


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=find_chromium(), args=CHROMIUM_OPTIONS
        )
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser, runtime, tmp_path):
    """Open a model's page; afterwards nothing was asked of anybody, nothing complained of."""
    asked, complaints, pages = [], [], []

    def make(name):
        path = build_page(name, tmp_path / "page.html", runtime)
        assert path.stat().st_size < 15e6
        context = browser.new_context(offline=True, viewport={"width": 1440, "height": 900})
        page = context.new_page()
        pages.append(context)
        page.on("request", lambda one: asked.append(one.url))
        page.on("pageerror", lambda one: complaints.append(str(one)))
        page.on("console", lambda one: complaints.append(one.text) if one.type == "error" else None)
        page.goto(path.as_uri())
        page.wait_for_selector(".token", timeout=60_000)
        return page

    yield make
    for context in pages:
        context.close()
    assert not complaints
    assert all(re.match("file:|blob:", url) for url in asked), asked


def test_a_classifier_predicts_and_explains_as_python_does(opened, screenshots):
    enc = dx.load("pocket-splice", dtype="float32", cache=False)
    page = opened("pocket-splice")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of lengths and unknown bases
        for text in TEXTS:
            assert page.evaluate("s => dnabert2.tokens(s)", text) == enc.tokenize(text).ids.tolist()
            found = page.evaluate("s => dnabert2.predict(s)", text)
            plain = enc.predict([text], strands="one", segmentations=0)[0]
            np.testing.assert_allclose(found, plain, atol=1e-5)
    assert page.evaluate("dnabert2.classes") == list(enc.classes)

    page.click("#mutate")
    page.wait_for_selector("#why-said:has-text('Every base by every other')", timeout=60_000)
    page.screenshot(path=screenshots / "page.png", full_page=True)
    site = dx.demo.splice()[0]
    assert page.input_value("#bases") == site.bases
    target = enc.classes.index(site.label)
    given = [site.bases[60:140], target]
    found = page.evaluate("([s, t]) => dnabert2.mutate(s, t)", given)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mine = dx.saturation_mutagenesis(enc, given[0], site.label, approximate=False)
    np.testing.assert_allclose(np.reshape(found, (80, 4)), mine.effects, atol=1e-3)
    maps = page.evaluate("s => dnabert2.attend(s)", site.bases)
    n = len(enc.tokenize(site.bases))
    enc.network.set_attn_implementation("eager")
    eager = enc.network(enc.input_ids(enc.tokenize(site.bases)), output_attentions=True).attentions
    expected = np.concatenate([one.detach().numpy() for one in eager])
    np.testing.assert_allclose(np.reshape(maps, (*expected.shape[:2], n, n)), expected, atol=1e-4)


def test_keyboard_paste_and_bad_input(opened):
    page = opened("pocket-splice")
    page.focus("#tokens")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert page.get_attribute("#token-2", "aria-selected") == "true"
    page.wait_for_selector("#attention-said:has-text('looks at')")
    page.fill("#bases", "ACGT1")
    page.wait_for_selector("#said.wrong:has-text('Character 5')")
    page.fill("#bases", ">one\nACGT\n>two\nACGT")
    page.wait_for_selector("#said.wrong:has-text('one sequence at a time')")
    page.fill("#bases", "ACGTTGCATTTACG")
    page.wait_for_selector("#said.wrong:has-text('is a guess')")
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_nobody_is_shut_out(opened):
    page = opened("pocket-splice")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert serious_findings(page) == []


def test_a_masked_model_maps_dependencies_as_python_does(opened):
    enc = dx.load("pocket", dtype="float32", cache=False)
    page = opened("pocket")
    text = TEXTS[2]
    found = page.evaluate(
        "s => dnabert2.depend(s).then(v => v.map(x => Number.isNaN(x) ? null : x))", text
    )
    mine = dx.dependency_map(enc, text).values
    np.testing.assert_allclose(
        np.array(found, dtype=float).reshape(mine.shape), mine, atol=1e-3, rtol=1e-3
    )
    with pytest.raises(Exception, match="has no head that predicts"):
        page.evaluate("s => dnabert2.predict(s)", text)


def test_what_a_page_cannot_be_is_said_in_one_sentence(tmp_path, monkeypatch):
    with pytest.raises(dx.InputError, match=r"has no ort\.wasm\.bundle\.min\.mjs"):
        find_runtime(tmp_path)
    (tmp_path / "node").mkdir()
    for name in ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"):
        (tmp_path / "node" / name).touch()
    assert find_runtime(tmp_path / "node").version == "unknown"
    (tmp_path / "package.json").write_text('{"version": "1.2.3"}')
    assert find_runtime(tmp_path / "node").version == "1.2.3"  # a page tells which it holds
    odd = dx.load("pocket", dtype="float32", cache=False)
    odd.tokenizer.backend.model.fuse_unk = True
    with pytest.raises(dx.InputError, match="a tokenizer with fuse_unk"):
        build_page(odd, tmp_path / "x.html", Runtime(tmp_path / "a", tmp_path / "b"))
    monkeypatch.setattr("dnabert2_explore.page.build.LARGEST", 1000)
    with pytest.raises(dx.InputError, match="million parameters, too many for a page"):
        build_page("pocket", tmp_path / "x.html", Runtime(tmp_path / "a", tmp_path / "b"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DNABERT2_EXPLORE_CACHE", str(tmp_path / "cache"))
    with pytest.raises(dx.InputError, match="there is no npm"):
        find_runtime()


def test_the_command_refuses_other_names(tmp_path):
    from typer.testing import CliRunner

    done = CliRunner().invoke(app, ["page", "-o", str(tmp_path / "page.txt")])
    assert done.exit_code != 0
    assert "browsers tell a page by its name" in done.output
