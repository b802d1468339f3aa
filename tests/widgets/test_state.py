import pytest

from dnabert2_explore import InputError, Sequence
from dnabert2_explore.widgets import Selection

TWO = [Sequence("a", "ACGTACGTAC"), Sequence("b", "TTTTT")]


def test_one_update_is_told_once():
    told = []
    selection = Selection(TWO)
    selection.subscribe(told.append)
    selection.update(index=1, bases=(1, 3))
    assert told == [{"index", "bases"}]


def test_another_sequence_clears_stretch_and_zoom():
    selection = Selection(TWO)
    selection.update(bases=(2, 4), view=(0, 6))
    selection.update(index=1)
    assert (selection.bases, selection.view) == (None, None)
    selection.update(index=0, bases=(1, 2))
    assert selection.bases == (1, 2)


def test_another_set_clears_what_was_chosen():
    selection = Selection(TWO)
    selection.add([Sequence("c", "GGG")], "other", look=False)
    selection.update(chosen=(0, 1))
    selection.update(index=1)
    assert selection.chosen == (0, 1)
    selection.update(index=2)
    assert selection.chosen == ()


def test_spans_are_clipped_to_the_sequence():
    selection = Selection(TWO)
    selection.update(bases=(-4, 99), view=(8, 8))
    assert selection.bases == (0, 10)
    assert selection.view == (8, 9)


def test_a_listener_may_change_the_selection():
    selection = Selection(TWO)
    told = []

    def listener(changed):
        told.append(changed)
        if "index" in changed:
            selection.update(bases=(0, 2))

    selection.subscribe(listener)
    selection.update(index=1)
    assert told == [{"index"}, {"bases"}]


def test_adding_looks_at_the_first_new_one_and_keeps_the_sets_apart():
    selection = Selection(TWO, "first")
    selection.add([Sequence("c", "GGG")], "second")
    assert selection.current.name == "c"
    assert selection.members("first") == (0, 1)
    assert selection.members("second") == (2,)


def test_empty_sequences_are_refused_by_name():
    with pytest.raises(InputError, match="'none' has no bases"):
        Selection().add([Sequence("none", " ")])


def test_clear_lets_go_of_bases_and_points_but_keeps_the_zoom():
    selection = Selection(TWO)
    selection.update(bases=(0, 2), chosen=(1,), view=(0, 5))
    selection.clear()
    assert (selection.bases, selection.chosen, selection.view) == (None, (), (0, 5))


def test_code_finds_every_example_again():
    """A planted motif was looked for in a file of the reader's own."""
    import dnabert2_explore as dx
    from dnabert2_explore.widgets.core.code import sequence_code
    from dnabert2_explore.widgets.core.state import Selection
    from dnabert2_explore.widgets.examples import CODE, fill

    for name in CODE:
        selection = Selection()
        fill(selection, sets=(name,))
        selection.update(index=len(selection.sequences) - 1)
        names = {"dx": dx}
        exec(sequence_code(selection), names)
        assert names["bases"] == selection.current.bases
        assert "your_file" not in sequence_code(selection)
