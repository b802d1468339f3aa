from dnabert2_explore.demo import Feature
from dnabert2_explore.figures import annotation_track, token_ribbon

FEATURES = (
    Feature(100, 900, "+", "gene", "alpha"),
    Feature(100, 300, "+", "exon", "alpha"),
    Feature(150, 300, "+", "CDS", "alpha"),
    Feature(500, 980, "-", "gene", "beta"),
)


def test_strands_have_their_own_lanes_and_blocks_their_heights():
    blocks = annotation_track(FEATURES, 1000).data[0]
    middles = {b + h / 2 for b, h in zip(blocks.base, blocks.y, strict=True)}
    assert {round(m, 6) for m in middles} == {0, 1}
    assert len(set(blocks.y)) == 3  # gene, exon, CDS


def test_names_carry_the_direction():
    assert set(annotation_track(FEATURES, 1000).data[2].text) == {"alpha ▸", "◂ beta"}


def test_hover_says_where_counted_from_1():
    assert any(
        "bases 101–900" in text for text in annotation_track(FEATURES, 1000).data[0].hovertemplate
    )


def test_the_ribbon_takes_the_annotation_below_it(tokens):
    plain, annotated = token_ribbon(tokens), token_ribbon(tokens, features=FEATURES[:1])
    assert annotated.layout.height > plain.layout.height
    assert annotated.layout.yaxis3.visible
