import numpy as np

from dnabert2_explore.figures import atlas_scatter, class_colours

PLANE = np.random.default_rng(0).normal(size=(9, 2))
NAMES = [f"s{i}" for i in range(9)]
KINDS = ["virus", "fungi", "virus", "mammal"] * 2 + ["fungi"]


def test_one_trace_per_class_in_its_colour():
    figure = atlas_scatter(PLANE, NAMES, KINDS, field="category")
    by_name = {trace.name: trace for trace in figure.data[:-1]}
    assert sorted(by_name) == ["fungi", "mammal", "virus"]
    for name, colour in class_colours(KINDS).items():
        assert by_name[name].marker.color == colour
    assert sorted(i for trace in figure.data[:-1] for i in trace.customdata) == list(range(9))


def test_numbers_get_a_scale_with_its_unit():
    figure = atlas_scatter(PLANE, NAMES, [float(i) for i in range(9)], field="GC content (%)")
    marker = figure.data[0].marker
    assert marker.colorbar.title.text == "GC content (%)"
    assert list(marker.color) == list(range(9))


def test_what_is_not_chosen_fades_and_the_current_point_is_ringed():
    figure = atlas_scatter(PLANE, NAMES, KINDS, chosen=[0, 2], current=4)
    opacity = {
        i: o for t in figure.data[:-1] for i, o in zip(t.customdata, t.marker.opacity, strict=True)
    }
    assert opacity[0] == opacity[2] > opacity[1]
    assert list(figure.data[-1].x) == [PLANE[4, 0]]


def test_hover_names_the_sequence_and_the_value():
    figure = atlas_scatter(PLANE, NAMES, KINDS, field="category")
    texts = [t for trace in figure.data[:-1] for t in trace.text]
    assert "<b>s0</b><br>category: virus" in texts


def test_nothing_sinks_into_a_dark_page():
    def lightness(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 116 * np.cbrt(np.dot([0.2126, 0.7152, 0.0722], linear)) - 16

    dark = atlas_scatter(PLANE, NAMES, [float(i) for i in range(9)], chosen=[1], theme="dark")
    scale = [lightness(colour) for _, colour in dark.data[0].marker.colorscale]
    assert min(scale) > 40
    assert scale == sorted(scale)
    assert min(dark.data[0].marker.opacity) >= 0.25
