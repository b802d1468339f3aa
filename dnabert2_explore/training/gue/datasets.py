"""GUE and GUE+ by name: what each dataset asks, and how its authors fine-tune on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...errors import InputError

__all__ = ["DATASETS", "GUE", "GUE_PLUS", "Dataset", "Recipe", "find_dataset"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Hyperparameters of a dataset; the others are the same for all (see `gue.run`).

    Inputs are cut at `max_tokens`, [CLS] and [SEP] included; `epochs` are ignored where `max_steps`
    is set. The authors' script states them where `published`. It leaves GUE+ out; there its rule (a
    quarter of the bases as tokens) and the settings of the longest GUE data are taken.
    """

    max_tokens: int
    epochs: float
    max_steps: int = 0
    warmup_steps: int = 50
    evaluate_every: int = 200
    published: bool = True


@dataclass(frozen=True, slots=True)
class Dataset:
    """One dataset of the benchmark.

    Attributes
    ----------
    name : str
        As tables of results call it: "H3", "prom_300_all", "tf_0", "mouse_0", "splice", "covid".
    suite : {"GUE", "GUE+"}
    task : str
        In words, as the paper groups them.
    species : str
    bases : int
        Length of a sequence in bp (both sequences of a pair together).
    classes : int
        How many.
    class_names : tuple of str
        What labels 0, 1, … mean, where it is known; else empty.
    folder : str
        Below ``GUE/`` in the authors' archive.
    mirror : str
        Its name in the copies on Hugging Face.
    recipe : Recipe
    metric : {"mcc", "f1_macro"}
        What the paper reports.
    pair : bool
        Whether a row has two sequences.
    oriented : bool
        Whether sequences are given on the strand of the gene or genome that they are asked about,
        so that their reverse complements mean something else (promoters, splice sites, covid).
    """

    name: str
    suite: str
    task: str
    species: str
    bases: int
    classes: int
    class_names: tuple[str, ...]
    folder: str
    mirror: str
    recipe: Recipe
    metric: str = "mcc"
    pair: bool = False
    oriented: bool = False

    @property
    def strands(self) -> str:
        """Strands that a baseline learns from: "given" where they mean something, else "both"."""
        return "given" if self.oriented else "both"


_MARKS = (
    "H3", "H3K14ac", "H3K36me3", "H3K4me1", "H3K4me2", "H3K4me3", "H3K79me3", "H3K9ac", "H4",
    "H4ac",
)  # fmt: skip
_CELLS = ("GM12878", "HeLa-S3", "HUVEC", "IMR90", "K562", "NHEK")


def _promoters(length: int, kind: str) -> Dataset:
    core = length == 70
    prefix = "prom_core" if core else "prom_300"
    tata = kind == "tata"
    return Dataset(
        name=f"{prefix}_{kind}",
        suite="GUE",
        task="core promoter detection" if core else "promoter detection",
        species="human",
        bases=length,
        classes=2,
        class_names=("not a promoter", "promoter"),
        folder=f"prom/{prefix}_{kind}",
        mirror=f"{prefix}_{kind}",
        recipe=Recipe(
            max_tokens=20 if core else 70,
            epochs=10 if tata else 4,
            evaluate_every=200 if tata else 400,
        ),
        oriented=True,
    )


def _factors(species: str, number: int) -> Dataset:
    human = species == "human"
    recipe = (
        Recipe(max_tokens=30, epochs=3, warmup_steps=30)
        if human
        else Recipe(max_tokens=30, epochs=5, max_steps=1000, warmup_steps=30)
    )
    prefix = "tf" if human else "mouse"
    return Dataset(
        name=f"{prefix}_{number}",
        suite="GUE",
        task="transcription factor binding",
        species=species,
        bases=100,
        classes=2,
        class_names=("not bound", "bound"),
        folder=f"{prefix}/{number}",
        mirror=f"human_tf_{number}" if human else f"mouse_{number}",
        recipe=recipe,
    )


def _every() -> Iterator[Dataset]:
    for mark in _MARKS:
        yield Dataset(
            mark, "GUE", "epigenetic marks", "yeast", 500, 2, ("not marked", "marked"),
            f"EMP/{mark}", f"emp_{mark}", Recipe(max_tokens=128, epochs=3),
        )  # fmt: skip
    for length in (300, 70):
        for kind in ("all", "notata", "tata"):
            yield _promoters(length, kind)
    for species in ("human", "mouse"):
        for number in range(5):
            yield _factors(species, number)
    yield Dataset(
        "covid", "GUE", "covid variants", "virus", 1000, 9, (), "virus/covid", "virus_covid",
        Recipe(max_tokens=256, epochs=8), metric="f1_macro", oriented=True,
    )  # fmt: skip
    yield Dataset(
        "splice", "GUE", "splice sites", "human", 400, 3, ("acceptor", "donor", "neither"),
        "splice/reconstructed", "splice_reconstructed", Recipe(max_tokens=80, epochs=5),
        oriented=True,
    )  # fmt: skip
    for cell in _CELLS:
        yield Dataset(
            f"EPI_{cell}", "GUE+", "enhancer-promoter interaction", "human", 5000, 2,
            ("no interaction", "interaction"), f"EPI/{cell}", f"EPI_{cell}",
            Recipe(max_tokens=1280, epochs=3, published=False), pair=True,
        )  # fmt: skip
    for of, length, classes, folder, tokens in (
        ("fungi", 5000, 25, "fungi_species_20", 1280),
        ("virus", 10_000, 20, "virus_species_40", 2560),
    ):
        yield Dataset(
            f"{of}_species", "GUE+", "species classification", of, length, classes, (), folder,
            folder, Recipe(max_tokens=tokens, epochs=8, published=False),
        )  # fmt: skip


#: All datasets by name, in the paper's order.
DATASETS: dict[str, Dataset] = {one.name: one for one in _every()}

#: Names of the 28 datasets of GUE, and of the 8 of GUE+.
GUE = tuple(name for name, one in DATASETS.items() if one.suite == "GUE")
GUE_PLUS = tuple(name for name, one in DATASETS.items() if one.suite == "GUE+")


def find_dataset(name: str) -> Dataset:
    """Look a dataset up by its name, its folder in the archive or its name in the mirrors.

    Where there is none it is an `InputError`.

    Examples
    --------
    >>> find_dataset("tf/2").name, find_dataset("emp_H3").folder
    ('tf_2', 'EMP/H3')
    """
    if name in DATASETS:
        return DATASETS[name]
    wanted = name.strip("/").removeprefix("GUE/")
    for one in DATASETS.values():
        if wanted in (one.folder, one.mirror):
            return one
    raise InputError(f"GUE has no dataset {name!r}; expected one of {', '.join(DATASETS)}.")
