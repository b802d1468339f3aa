"""Every lesson from top to bottom, unanswered, with wrong and with right answers."""

from __future__ import annotations

import json
import re
import warnings

import numpy as np
import pytest

from dnabert2_explore.lessons import Right, Wrong, check, exercises
from dnabert2_explore.lessons.grade import LESSONS
from dnabert2_explore.lessons.notebooks import answers

from . import playing

#: What is no answer to anything.
NONSENSE = [
    None,
    "",
    "nonsense",
    -1e9,
    float("nan"),
    [],
    {},
    object(),
    True,
    np.zeros((2, 3)),
    10**400,
]

#: Mistakes that learners make, as Python of the notebook's names, and what is said of them.
MISTAKES = {
    "01.count": [("len(longer)", "CLS"), ("len(longer.bases)", "number of bases"), ("3", "few")],
    "01.at": [("tokens.tokens[tokens.at(60)]", "not in it"), ("'AAAAAAAAAA'", "no token")],
    "01.ripple": [
        ("(0, sequence[0])", "already"),
        ("(500, 'A')", "no index 500"),
        ("(0, 'A')", "changes 2 tokens"),
        ("(0, 'X')", "no base"),
        ("(0, 'A', 1)", "3 things"),
    ],
    "01.strand": [("10**6", "only"), ("shared + 1", "many")],
    "01.unknown": [("'N' * 20", "20 of its tokens"), ("'ACGT'", "4 letters")],
    "02.nearsighted": [("3", "looks farthest"), ("6", "no head 6"), ("0", "steeper")],
    "02.factor": [("3", "exponential of the score"), ("np.exp(3)", "sign"), ("0.5", "exponential")],
    "02.alone": [
        ("np.exp(-attention.slopes[4] * distance)", "sum to 1"),
        ("np.eye(n)", "slope 0.5"),
        ("np.eye(n + 1)", "shape"),
    ],
    "02.learnt": [("(9, 9)", "no head 9"), ("(2, 4)", ""), ("(0, 5)", "by less")],
    "03.axis": [("2", "no correlation"), ("0.5", "not the correlation")],
    "03.purity": [("'GC content'", "elsewhere"), ("'UMAP'", "none of")],
    "03.beyond": [("'maybe'", "neither"), ("beyond == 'no'", "Look again")],
    "03.genome": [("-drop", "sign"), ("drop + 0.1", "not the difference")],
    "04.chance": [("50", "no share"), ("0.9", "commonest")],
    "04.verdict": [("result.rule.minus.low <= 0", "interval")],
    "04.twin": [("len(train)", "no row"), ("(row + 1) % len(train)", "dinucleotides")],
    "04.rule": [
        ("rule[1:]", "things in the list"),
        ("['maybe'] * len(test)", "none of"),
        ("[opposite[one] for one in rule]", "twin's own label"),
    ],
    "04.split": [
        ("['train'] * 700 + ['dev'] * 100 + ['test'] * 200", "another split"),
        ("['train'] * len(rows)", "twentieth"),
        ("['validation'] * len(rows)", "none of"),
    ],
    "05.base": [("base - 1", "index in Python"), ("0", "no base 0"), ("7", "Another base")],
    "05.louder": [("1 / times", "turn it round"), ("1", "divided")],
    "05.agree": [("3", "no correlation"), ("0", "Pearson")],
    "05.tells": [("'beauty'", "no check"), ("'deletion'", "passed deletion too"),
                 ("'convergence'", "did not pass")],
    "05.sites": [("99", "only"), ("1", "few")],
    "06.true": [("len(called) + 1", "Only"), ("1", "few")],
    "06.name": [("'CTCF'", "not among"), ("found.matches[1].target.name", "")],
    "06.sites": [("10**4", "only"), ("1", "few")],
    "06.nulls": [("2", "0.333"), ("100", "fewer would")],
    "06.word": [("'GAT'", "decoys"), ("'GATTACAGATTACA'", "0%"), ("'NNN'", "no bases")],
    "07.write": [
        ("f'{name}:{first} {bases[first - 1]}>A'", "first of an intron"),
        ("f'{name}:{first + 1} C>A'", "genome holds G"),
        ("f'{name}:99999 C>A'", "ends at base"),
        ("f'chr1:{first + 1} G>A'", "no chr1"),
        ("f'{name}:{first + 1} GT>A'", "no substitution"),
    ],
    "07.times": [("llr", "log-ratio itself"), ("10**llr", "nats"), ("-1", "not e to")],
    "07.auroc": [("1 - auroc", "Turned round"), ("3", "no AUROC")],
    "07.beyond": [("of_splice <= of_rule", "beside|has")],
    "07.recut": [("hits[0]", "another more"), ("hits[1]", "none of")],
    "08.file": [("'nowhere.fa'", "nowhere.fa"), ("'>a\\nACGT\\n'", "name")],
    "08.unknown": [("1 - share", "others"), ("60", "no share"), ("0.5", "not the share")],
    "08.windows": [
        ("[first[i:i + 200] for i in range(0, len(first), 100)]", "rest"),
        ("[first[i:i + 200] for i in range(0, len(first) - 199, 50)]", "more"),
        ("[first[i + 1:i + 201] for i in range(0, len(first) - 200, 100)]", ""),
    ],
    "08.p_value": [("0", "not p = 0"), ("0.9", "far from"), ("7", "no p-value")],
    "08.plan": [
        ("{}", "no model yet"),
        ("plan | {'likelihood': 'pocket-splice'}", "masked"),
        ("plan | {'donor': 'pocket'}", "no class"),
        ("plan | {'neighbours': 'pocket'}", "not made to embed"),
        ("plan | {'donor': 'bert'}", "none of"),
    ],
}  # fmt: skip


def wrong(run) -> str:
    """The sentence that a check says of a wrong answer; any other error passes through."""
    with pytest.raises(Wrong) as caught:
        run()
    sentence = str(caught.value)
    assert sentence
    assert "\n" not in sentence
    assert caught.value._render_traceback_() == [f"Not yet. {sentence}"]
    return sentence


@pytest.mark.filterwarnings("default::dnabert2_explore.errors.ExploreWarning")
@pytest.mark.parametrize("path", playing.LESSONS, ids=lambda path: path.stem)
def test_a_lesson_with_wrong_and_with_right_answers(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    notebook = playing.read(path)
    solutions = answers(notebook)
    names: dict = {}
    asked, graded = "", []
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        source = "".join(cell["source"])
        if "-check" not in cell["id"]:
            playing.run(source, names)
            if cell["id"] in solutions:
                asked = cell["id"]
            continue
        assert cell["id"] == f"{asked}-check"
        exercise = asked.replace("-", ".")
        graded.append(exercise)
        # The second argument of check(...) is what the learner fills in.
        name = re.match(rf'check\("{re.escape(exercise)}", (\w+)', source)[1]
        said = wrong(lambda source=source: playing.run(source, names))
        assert "no answer yet" in said or exercise == "08.plan"
        playing.run(solutions[asked], names)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # on stderr, it would cost the point in nbgrader
            right = playing.run(source, names)
        assert isinstance(right, Right)
        solved = names[name]
        for mistake, sentence in MISTAKES[exercise]:
            names[name] = solved
            names[name] = eval(mistake, names)
            assert re.search(sentence, wrong(lambda source=source: playing.run(source, names)))
        for nonsense in NONSENSE:
            if nonsense is True and isinstance(solved, str):
                continue  # an answer of yes or no
            names[name] = nonsense
            wrong(lambda source=source: playing.run(source, names))
        names[name] = solved
    assert tuple(graded) == exercises(path.stem.split("_")[1])


def test_there_is_a_lesson_for_every_room_of_checks():
    assert [path.stem.split("_")[1] for path in playing.LESSONS] == list(LESSONS)
    assert set(MISTAKES) == {name for lesson in LESSONS for name in exercises(lesson)}


def test_answers_are_folded_up_and_say_why():
    for path in playing.LESSONS:
        notebook = playing.read(path)
        for cell in notebook["cells"]:
            if "answer" in cell["metadata"].get("tags", ()):
                text = "".join(cell["source"])
                assert text.startswith("<details><summary>Answer</summary>")
                assert len(text.rpartition("```")[2]) > 60, cell["id"]


def test_an_exercise_that_is_not_there_is_named():
    from dnabert2_explore import InputError

    with pytest.raises(InputError, match=r"'01\.size'.*01\.count"):
        check("01.size", 3)
    with pytest.raises(InputError, match="no lesson '09'"):
        check("09.more", 3)


def test_the_file_is_what_its_source_says():
    import importlib.util

    script = playing.ROOT / "scripts" / "build_lessons.py"
    spec = importlib.util.spec_from_file_location("build_lessons", script)
    built = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(built)
    for path in playing.LESSONS:
        source = (built.SOURCES / f"{path.stem}.md").read_text(encoding="utf-8")
        assert path.read_text(encoding="utf-8") == built.written(source), f"{script.name} again"
        json.loads(path.read_text(encoding="utf-8"))
