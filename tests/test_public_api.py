"""The public calls read alike: one order, settings by name, names that editors complete."""

from __future__ import annotations

import inspect
import typing
from dataclasses import MISSING, fields, is_dataclass

import pytest

import dnabert2_explore as dx
from dnabert2_explore.analysis import settings as attribution_settings
from dnabert2_explore.analysis.methods import BY_COST, METHODS, methods_table
from dnabert2_explore.analysis.settings import AttributionOptions, AttributionSettings
from dnabert2_explore.errors import InputError

FUNCTIONS = sorted(
    name
    for name in dx.__all__
    if callable(getattr(dx, name)) and not inspect.isclass(getattr(dx, name))
)
#: What a call is about, and so may stand without its name though it may be left out.
ABOUT = {
    "enc", "target", "region", "labels", "sequences", "others", "motifs", "database", "matches",
    "hits", "name", "collection",
}  # fmt: skip
#: Text that is anything a person writes, not one of a few names.
FREE = {"device", "label", "grouped_by", "name", "of", "on", "theme", "title", "model", "caption",
        "where", "contig"}  # fmt: skip


def parameters(name: str) -> list[inspect.Parameter]:
    return list(inspect.signature(getattr(dx, name)).parameters.values())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_a_call_is_about_comes_first_and_all_else_has_its_name(name):
    every = parameters(name)
    places = [one for one in every if one.kind is one.POSITIONAL_OR_KEYWORD]
    late = [one.name for one in places if one.default is not one.empty]
    # The first may always go without its name: load("pocket"), jaspar("plants").
    assert set(late) - {places[0].name} <= ABOUT, late
    order = [one.name for one in places]
    for first, then in (("enc", "sequences"), ("sequences", "target"), ("bases", "target")):
        if {first, then} <= set(order) and name != "show":
            assert order.index(first) < order.index(then)
    if "enc" in order and name != "show":
        assert order[0] == "enc"
    if "target" in order:
        assert order[-1] == "target"


def methods() -> dict[str, typing.Callable]:
    """Calls of public classes and modules, and how views are made; results are not made by hand."""
    found = {}
    for name in dx.__all__:
        value = getattr(dx, name)
        if inspect.ismodule(value):
            found |= {
                f"{name}.{key}": getattr(value, key)
                for key in value.__all__
                if inspect.isfunction(getattr(value, key))
            }
        elif inspect.isclass(value):
            keys = [key for key in dir(value) if not key.startswith("_")]
            if not is_dataclass(value) and "__init__" in vars(value):
                keys.append("__init__")
            for key in keys:
                one = inspect.getattr_static(value, key)
                bound = getattr(value, key) if isinstance(one, classmethod) else None
                call = bound or getattr(one, "__func__", one)
                home = getattr(call, "__module__", None) or ""
                if inspect.isroutine(call) and home.startswith("dnabert2_explore"):
                    found[f"{name}.{key}"] = call
    return {name: call for name, call in found.items() if name not in NOT_FOR_USERS}


#: What a call of an object is about beside the above.
OF_OBJECTS = ABOUT | {"names", "variants", "background", "motif", "data", "run", "sequence", "stop"}
#: Calls between floors, in token ids, and those of other libraries' protocols.
NOT_FOR_USERS = {
    "Encoder.__init__", "OneHotModel.train", "Readings.predict",
}  # fmt: skip


def test_settings_of_methods_and_views_have_their_names():
    late = {}
    for name, call in methods().items():
        places = [
            one for one in inspect.signature(call).parameters.values()
            if one.kind is one.POSITIONAL_OR_KEYWORD and one.name != "self"
        ]  # fmt: skip
        found = [one.name for one in places[1:] if one.default is not one.empty]
        if set(found) - OF_OBJECTS:
            late[name] = found
    assert late == {}


def test_settings_of_a_run_have_their_names():
    for config in (dx.FinetuneConfig, dx.PretrainConfig):
        for one in fields(config):
            given = one.default is not MISSING or one.default_factory is not MISSING
            assert one.kw_only == given, one.name


@pytest.mark.parametrize("name", FUNCTIONS)
def test_settings_stand_in_one_order(name):
    named = [one.name for one in parameters(name) if one.kind is one.KEYWORD_ONLY]
    for place, wanted in enumerate(("method", "output")):
        if wanted in named:
            assert named.index(wanted) <= place, named
    tail = [one for one in ("seed", "progress") if one in named]
    assert named[len(named) - len(tail) :] == tail, named
    assert not {"steps", "neighbours", "n_neighbours"} & set(named)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_option_that_is_a_name_says_which_there_are(name):
    for one in parameters(name):
        if isinstance(one.default, str) and one.name not in FREE:
            assert one.annotation not in (str, "str", "str | None"), f"{name}({one})"


def test_settings_of_an_attribution_are_said_once():
    each = {one.name for one in fields(AttributionSettings)}
    types = {one.name: one.type for one in fields(AttributionSettings)}
    assert list(typing.get_type_hints(AttributionOptions)) == list(types)
    for call in ("attribute", "average_offsets", "mirror_strands", "scorecard", "compare_variant",
                 "discover_motifs"):  # fmt: skip
        named = inspect.signature(getattr(dx, call)).parameters
        assert each <= set(named), call
        usual = {name: named[name].default for name in each}
        assert AttributionSettings(**usual).given().keys() <= {"method"}
        assert "options" not in named


def test_one_object_or_its_fields_by_name_are_the_same():
    splice, site = dx.load("pocket-splice"), dx.demo.splice()[0]
    chosen = AttributionSettings(method="occlusion", window=2, baseline="mask")
    one = dx.attribute(splice, site, "donor", settings=chosen)
    other = dx.attribute(splice, site, "donor", method="occlusion", window=2, baseline="mask")
    assert (one.base_scores == other.base_scores).all()
    before = dx.attribute(splice, site, "donor", settings=chosen, method="saliency", window=1)
    assert before.method == "saliency"
    assert repr(chosen) == ("<AttributionSettings: method='occlusion', baseline='mask', window=2>")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"method": "magic"}, "Method 'magic' is unknown"),
        ({"baseline": "magic"}, "Baseline 'magic' is unknown: choose one of mean, mask"),
        ({"n_steps": 1.5}, "n_steps is 1.5; expected a whole number, at least 1"),
        ({"samples": 0}, "samples is 0"),
        ({"noise": -1}, "noise is -1"),
        ({"window": 2}, "takes no window, which belongs to occlusion"),
        ({"method": "occlusion", "noise_samples": 3}, "goes around a gradient method"),
    ],
)
def test_settings_that_cannot_be_are_refused_where_they_are_written(given, words):
    with pytest.raises(InputError, match=words):
        AttributionSettings(**given)


def test_settings_of_another_method_keep_what_it_looks_at():
    chosen = AttributionSettings(n_steps=20, baseline="pad", spread="occlusion", seed=4)
    assert chosen.by("occlusion").given() == {
        "method": "occlusion", "baseline": "pad", "spread": "occlusion", "seed": 4,
    }  # fmt: skip
    assert chosen.by("saturation_mutagenesis").given() == {
        "method": "saturation_mutagenesis", "seed": 4,
    }  # fmt: skip


def test_something_else_than_settings_is_refused():
    with pytest.raises(InputError, match="settings is a dict: give AttributionSettings"):
        dx.attribute(dx.load("pocket-splice"), "ACGTACGTAC", settings={"method": "occlusion"})


def test_the_documentation_shows_the_table_of_methods():
    from pathlib import Path

    page = Path(__file__).parents[1] / "docs/attribution.md"
    assert methods_table() in page.read_text(encoding="utf-8")
    every = {one.name for one in fields(attribution_settings.AttributionSettings)}
    assert all(set(info.takes) <= every for info in METHODS.values())
    assert sorted(BY_COST) == sorted(METHODS)
    assert all(name in (dx.attribute.__doc__ or "") for name in METHODS)


#: What exported code still takes from inside the package, because no public call draws it.
INSIDE = {
    "analysis.maps", "encoder.loading.twin", "figures",
    "figures.attribution.lanes", "figures.attribution.stack", "sequences", "sequences.kmers",
    "widgets.attribution.tasks", "widgets.examples",
    "widgets.training.runlog",
}  # fmt: skip


def test_code_that_views_export_takes_nothing_new_from_inside_the_package():
    import ast
    import re
    from pathlib import Path

    found = set()
    for path in (Path(dx.__file__).parent / "widgets").rglob("*.py"):
        for one in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(one, ast.Constant)
                and isinstance(one.value, str)
                and ">>>" not in one.value
            ):
                found |= set(re.findall(r"from dnabert2_explore\.([\w.]+) import", one.value))
                for name in re.findall(r"\bdx\.([A-Za-z_]\w*)", one.value):
                    assert name in dx.__all__ or name == "demo", f"{path.name}: dx.{name}"
    assert found - {"analysis.project", "common.costs"} <= INSIDE  # what a process of our own runs
