"""Small inputs from public bug reports that went wrong, each with its right answer.

Those of one reader stand in that reader's tests; here is what crosses several.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import dnabert2_explore as dx
from dnabert2_explore.analysis.variants import VariantScorer, score_vcf
from dnabert2_explore.cli import app
from dnabert2_explore.sequences import UnknownBasesWarning
from dnabert2_explore.sequences.reading.genome import Genome


@pytest.fixture(scope="module")
def splice():
    return dx.load("pocket-splice", dtype="float32")


@pytest.fixture(scope="module")
def pocket():
    return dx.load("pocket", dtype="float32")


def test_three_lines_are_three_sequences(tmp_path):
    """O1: they were one sequence of 69 bases."""
    text = "ACGTTGCATTAGCATGCAATACG\nGGGTTGCATTAGCATGCAATCCC\nTTTTTGCATTAGCATGCAATAAA\n"
    (tmp_path / "lines.txt").write_text(text)
    done = CliRunner().invoke(app, ["tokenize", str(tmp_path / "lines.txt"), "--summary"])
    assert [row.split("\t")[2] for row in done.stdout.splitlines()[1:]] == ["23"] * 3


def test_a_position_beyond_any_number_costs_its_line_only(pocket, tmp_path):
    """O4: an OverflowError, and nothing was written."""
    genome = Genome.from_records([dx.Sequence("c", "ACGTTGCATTAGCATGCAATGGC" * 10)])
    base = genome.fetch("c", 99, 100)
    rows = [("100", base), ("9" * 20, "A"), ("²", "A"), ("100", base)]
    (tmp_path / "x.vcf").write_text(
        "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
        + "".join(f"c\t{at}\t.\t{ref}\t{'G' if ref != 'G' else 'T'}\t.\t.\t.\n" for at, ref in rows)
    )
    scorer = VariantScorer.make(pocket, genome, window=64, scores=["llr"])
    found = score_vcf(scorer, tmp_path / "x.vcf", tmp_path / "y.vcf", tmp_path / "y.parquet")
    assert (found.records, found.scored, found.reasons) == (4, 2, {"malformed": 2})


@pytest.mark.parametrize("method", ["layer_integrated_gradients", "saturation_mutagenesis"])
def test_attribution_where_gradients_are_turned_off(splice, method):
    """O9: RuntimeError of torch inside torch.inference_mode()."""
    site = dx.demo.splice()[0].bases[60:140]
    settings = {"n_steps": 3} if method == "layer_integrated_gradients" else {}
    expected = dx.attribute(splice, site, 0, method=method, **settings)
    for off in (torch.inference_mode, torch.no_grad):
        with off():
            found = dx.attribute(splice, site, 0, method=method, **settings)
            np.testing.assert_array_equal(found.base_scores, expected.base_scores)
    with pytest.raises(dx.InputError, match=r"n_steps is 5\.5; expected a whole number"):
        dx.attribute(splice, site, 0, n_steps=5.5)


def test_unknown_bases_of_a_long_sequence_are_counted_whole(pocket):
    """O11: 25 of 250 bases, where 100 of 275 are N."""
    text = "N" * 100 + "ACGTTGCATTAGCATGCAATGGCCA" * 7
    with pytest.warns(UnknownBasesWarning, match=r"^100 of 275 bases"):
        pocket.embed_long(text, window=50, overlap=10)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pocket.embed_long(text[100:], window=50, overlap=10)
    for settings in ({"window": 10.5}, {"overlap": 1.5}):
        with pytest.raises(dx.InputError, match="give a whole number of bases"):
            pocket.embed_long(text, **settings)


def test_variants_in_memory_as_people_write_them(pocket):
    """O6: AttributeError and TypeError; one str was "no file"."""
    genome = Genome.from_records([dx.Sequence("c", "ACGTTGCATTAGCATGCAATGGC" * 10)])
    base = genome.fetch("c", 99, 100)
    text = f"c:100 {base}>{'A' if base != 'A' else 'C'}"
    one, listed = (
        dx.score_variants(pocket, given, genome, window=64, scores=["llr"])
        for given in (text, [text])
    )
    assert one.variants == listed.variants
    np.testing.assert_array_equal(one["llr"], listed["llr"])
    for given in (None, 5, {"c": 1}, b"c:100 A>C", [("c", 99, "A", "C")]):
        with pytest.raises(dx.InputError, match=r"given as .*; expected a"):
            dx.score_variants(pocket, given, genome, window=64, scores=["llr"])
    with pytest.raises(dx.InputError, match="There is no file"):
        dx.score_variants(pocket, "calls.vcf", genome)


def test_a_captum_layer_of_the_embeddings_gives_rows_of_tokens(splice):
    """O9: tokens are packed there, all sequences in one; the word embeddings keep the batch."""
    from captum.attr import LayerIntegratedGradients

    network = splice.network
    ids = torch.tensor([[1, 20, 30, 40, 2], [1, 21, 31, 41, 2]])
    layer = LayerIntegratedGradients(
        lambda given: network(input_ids=given).logits[:, 0], network.get_input_embeddings()
    )
    found = layer.attribute(ids, baselines=torch.full_like(ids, 4), n_steps=2)
    assert found.shape == (2, 5, network.config.hidden_size)
