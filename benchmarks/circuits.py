"""Which views of a network find the pair of places that its decision hangs on.

    python benchmarks/circuits.py --out runs/circuits            # resumable; says what it costs
    python benchmarks/circuits.py --out runs/circuits --publish
    python benchmarks/circuits.py --out runs/circuits --from-random 3000     # order alone

For each of three grammars (``grammars.py``) a network of two layers is trained, from random weights
or from those of another grammar, to tell sequences that keep it from those that break it; both hold
both motifs. Every method then gives each pair of tokens of test sequences a number, and is asked
whether pairs with one end in either motif rank above the others. What a method has to choose (a
layer and a head) is chosen on dev sequences. Beside each stands the same of a network of the same
shape that has learnt nothing.

Whatever is done stands in --out and is not done again. --publish writes
``benchmarks/results/circuits.json``; the table of ``docs/circuits.md`` is made from it.
"""

from __future__ import annotations

import argparse
import random
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch
from grammars import GRAMMARS, MOTIFS, SIZES, Sentence, sentences
from pair_scores import MASKED_LM, METHODS, NULLS, recovered, roles
from planted import interval, kept, say, write_json, write_table

import dnabert2_explore as dx
from dnabert2_explore.encoder.machine import describe_machine
from dnabert2_explore.training.baselines import BASELINES
from dnabert2_explore.training.labelled.tables import read_labelled
from dnabert2_explore.training.pretrain import latest_checkpoint
from dnabert2_explore.training.scores.metrics import score

ROOT = Path(__file__).parents[1]
#: Sequences of train, dev and test, and the seed each part is drawn with.
PARTS = {"train": (20_000, 1), "dev": (600, 2), "test": (1_000, 3)}
#: Networks of each grammar, by the seed of their weights and batches.
SEEDS = (0, 1)
#: Distance is learnt late: ALiBi says of it what two slopes can.
STEPS = {"orientation": 700, "order": 1000, "spacing": 1200}
#: Which grammar's networks another's begin from: in a long sequence they find the sites slowly.
BEGUN_FROM = {"order": "spacing"}
MASKED_STEPS = 500
#: Sequences that each method is asked about: to choose by, and to judge.
CHOOSING, JUDGED = 8, {"orientation": 24, "order": 12, "spacing": 24}
#: Fewer of masked language models, whose maps take longer.
FEWER = 12
AGAINST = ("all", "same_distance", "one_end", "first", "chance")


def words() -> tuple[str, str]:
    """Return the two motifs as they are planted."""
    first, second = (dx.jaspar_motif(name).trimmed(0.5).consensus for name in MOTIFS)
    return first, second


def draw(grammar: str, part: str) -> list[Sentence]:
    """Make the sequences of a part; parts come from different windows of the genomes."""
    whole = dx.demo.windows()
    random.Random(0).shuffle(whole)
    some = {"train": whole[:400], "dev": whole[400:450], "test": whole[450:]}[part]
    (count, seed), size = PARTS[part], SIZES[grammar]
    rng = np.random.default_rng(seed)
    backgrounds = []
    for _ in range(count):
        bases = some[int(rng.integers(len(some)))].bases
        at = int(rng.integers(len(bases) - size + 1))
        backgrounds.append(bases[at : at + size])
    return sentences(grammar, backgrounds, words(), seed)


def write_data(grammar: str, folder: Path) -> None:
    """Write the sequences of all parts, and those that keep the grammar as FASTA."""
    if (folder / "kept.fa").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        some = draw(grammar, part)
        write_table(folder / f"{part}.csv", [(one.bases, one.label) for one in some])
        if part == "train":
            texts = [one.bases for one in some if one.label == "kept"]
    lines = [f">{number}\n{bases}\n" for number, bases in enumerate(texts)]
    (folder / "kept.fa").write_text("".join(lines), encoding="ascii")


def train(grammar: str, folder: Path, seed: int, from_random: int = 0) -> dx.FinetuneResult:
    """Train a classifier of two layers from random weights, or from another grammar's.

    With `from_random`, from random weights in any case, for so many steps.
    """
    out = folder / (f"random{seed}-{from_random}" if from_random else f"network{seed}")
    if (out / "result.json").exists():
        return dx.FinetuneResult.load(out)
    before, model = None if from_random else BEGUN_FROM.get(grammar), "scratch:2x128"
    if before:
        write_data(before, folder.parent / before)
        train(before, folder.parent / before, seed)
        model = str(folder.parent / before / f"network{seed}" / "model")
    return dx.finetune(
        dx.FinetuneConfig(
            model=model,
            **{part: str(folder / f"{part}.csv") for part in PARTS},
            out=str(out),
            max_steps=from_random or STEPS[grammar],
            batch_size=64,
            learning_rate=1e-3,
            warmup_steps=100,
            weight_decay=0.01,
            schedule="linear",
            pooling="mean",
            dropout=0.0,
            augment="none",
            strands="one",
            segmentation="fixed",
            segmentations=0,
            embeddings="plain",
            average=0.0,
            evaluate_every=100 if before else 250 if from_random else 175,
            check_leakage=False,  # parts come from different windows
            precision="float32",
            seed=seed + 10 if before else seed,  # batches of its own
        ),
        watch=lambda row: say(f"  step {row['step']}: dev MCC {row['mcc']:.3f}"),
    )


def measure_rules(folder: Path) -> dict[str, float]:
    """Test MCC of what counts words, without a neural network."""
    rows = read_labelled(folder / "train.csv")
    dev, test = (
        read_labelled(folder / f"{part}.csv", classes=rows.classes) for part in ("dev", "test")
    )
    found = {}
    for name in ("kmer", "markov"):
        outputs = BASELINES[name](rows, dev, strands="given").probabilities(test)
        found[name] = score(test.task, test.labels, outputs, test.classes, bootstrap=0)["mcc"]
    return found


def measure_one_site(grammar: str) -> float:
    """MCC of where one site alone stands and on which strand: that of the site that tells more.

    A network that reads how far [CLS] and [SEP] are can use it, and then needs no pair. A tree
    learns from one half of the train part and is asked about the other: there are more of them
    than in the test part, and of places nothing but the class can be learnt.
    """
    from sklearn.metrics import matthews_corrcoef
    from sklearn.tree import DecisionTreeClassifier

    rows = draw(grammar, "train")
    learnt, asked = rows[: len(rows) // 2], rows[len(rows) // 2 :]
    found = []
    for site in range(2):

        def seen(some: list[Sentence], site: int = site) -> list[tuple[int, int]]:
            return [((one.first, one.second)[site][0], one.strands[site]) for one in some]

        tree = DecisionTreeClassifier(max_depth=6, random_state=0)
        tree.fit(seen(learnt), [one.label for one in learnt])
        found.append(matthews_corrcoef([one.label for one in asked], tree.predict(seen(asked))))
    return float(max(found, key=abs))


def train_masked(grammar: str, folder: Path) -> Path:
    """Train a masked language model of the same shape on sequences that keep the grammar."""
    out = folder / "masked"
    rows = 64 if SIZES[grammar] < 120 else 32  # of 64 tokens, or of 128
    if not (out / "model").exists():
        dx.pretrain(
            dx.PretrainConfig(
                genomes=str(folder / "kept.fa"),
                table="",
                tokenizer=str(files("dnabert2_explore") / "models" / "pocket"),
                out=str(out),
                network={
                    "hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2,
                    "intermediate_size": 512, "initializer_range": 0.05,
                },
                windows="records",
                shortest=SIZES[grammar],
                longest=SIZES[grammar],
                row_tokens=4096 // rows,
                batch_rows=rows,
                strands="forward",
                total_steps=MASKED_STEPS,
                warmup_steps=100,
                learning_rate=1e-3,
                seed=0,
            ),
            resume=latest_checkpoint(str(out)) is not None,
        )  # fmt: skip
    return out / "model"


def right(enc: dx.Encoder, grammar: str, part: str, count: int) -> list[Sentence]:
    """Sequences that keep the grammar and that the classifier says so of."""
    some = [one for one in draw(grammar, part) if one.label == "kept"][: 4 * count]
    said = enc.predict([one.bases for one in some]).argmax(axis=1) == enc.classes.index("kept")
    return [one for one, is_right in zip(some, said, strict=True) if is_right][:count]


def measure(
    method: Any, enc: dx.Encoder, choosing: list[Sentence], judged: list[Sentence]
) -> dict[str, Any]:
    """Choose a map on dev sequences, and ask it of test sequences."""

    def ask(one: Sentence) -> list[dict[str, float]]:
        role = roles(enc.tokenize(one.bases), one)
        return [recovered(scores, role) for scores in method(enc, one)]

    found = [ask(judged[0])]
    chosen = 0
    if len(found[0]) > 1:
        told = np.array([[row["same_distance"] for row in ask(one)] for one in choosing])
        chosen = int(np.nanmean(told, axis=0).argmax())
    found += [ask(one) for one in judged[1:]]
    rows = [one[chosen] for one in found]
    return {
        "chosen": chosen,
        **{name: [row[name] for row in rows] for name in AGAINST},
    }


def measure_all(grammar: str, folder: Path, seed: int) -> dict[str, dict[str, Any]]:
    """Every method on one network, and on a network of its shape that has learnt nothing."""
    enc = dx.load(folder / f"network{seed}" / "model", cache=False)
    choosing = right(enc, grammar, "dev", CHOOSING)
    judged = right(enc, grammar, "test", JUDGED[grammar])
    twin = dx.random_twin(enc, seed=1000 + seed)
    cases: list[tuple[str, str, Any, dx.Encoder]] = []
    for title, method in METHODS.items():
        cases += [(title, "trained", method, enc), (title, "twin", method, twin)]
    if seed == SEEDS[0]:  # these read no classifier
        masked = dx.load(train_masked(grammar, folder), cache=False)
        pocket = dx.load("pocket", cache=False)
        blank = dx.random_twin(masked, seed=1000)
        for title, method in MASKED_LM.items():
            cases += [(title, "trained", method, masked), (title, "twin", method, blank)]
        never = "dependency map of tokens"
        cases.append((f"{never}, pocket", "trained", MASKED_LM[never], pocket))
    cases += [(title, "trained", method, enc) for title, method in NULLS.items()]
    found: dict[str, dict[str, Any]] = {}
    for title, network, method, model in cases:
        file = folder / "pairs" / f"{title} {network}{seed}.json"
        found.setdefault(title, {})[network] = kept(
            file,
            lambda m=method, e=model: measure(
                m, e, choosing, judged if e in (enc, twin) else judged[:FEWER]
            ),
        )
        mean = np.nanmean(found[title][network]["same_distance"])
        say(f"  {grammar} {seed}, {title}, {network}: {mean:.3f}")
    return found


def summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean over the sequences of all networks with its interval, for each kind of comparison."""
    told: dict[str, Any] = {}
    for name in AGAINST:
        values = [value for run in runs for value in run[name] if not np.isnan(value)]
        mean, low, high = interval(values)
        told[name] = {"mean": mean, "low": low, "high": high, "sequences": len(values)}
    told["chosen"] = [run["chosen"] for run in runs]
    return told


def collect(out: Path) -> dict[str, Any]:
    """Gather everything that was measured."""
    results: dict[str, Any] = {
        "machine": str(describe_machine(torch.device("cpu"))),
        "motifs": dict(zip(MOTIFS, words(), strict=True)),
        "bases": SIZES,
        "network": "scratch:2x128",
        "steps": STEPS,
        "begun_from": BEGUN_FROM,
        "seeds": list(SEEDS),
        "script": "benchmarks/circuits.py",
        "grammars": {},
    }
    for grammar in GRAMMARS:
        folder = out / grammar
        write_data(grammar, folder)
        trained = [train(grammar, folder, seed) for seed in SEEDS]
        measured = [measure_all(grammar, folder, seed) for seed in SEEDS]
        methods = {
            title: {
                network: summary([one[title][network] for one in measured if title in one])
                for network in measured[0][title]
            }
            for title in measured[0]
        }
        results["grammars"][grammar] = {
            "test_mcc": [one.test["mcc"] for one in trained],
            "one_site_mcc": measure_one_site(grammar),
            "rules_test_mcc": kept(folder / "rules.json", lambda f=folder: measure_rules(f)),
            "methods": methods,
        }
    return results


def table(results: dict[str, Any]) -> str:
    """Write the table of docs/circuits.md: pairs at the same distance, best method first."""
    by_grammar = [results["grammars"][name]["methods"] for name in GRAMMARS]

    def mean(title: str, network: str, name: str) -> float:
        return float(np.mean([one[title][network][name]["mean"] for one in by_grammar]))

    lines = [
        f"| method | {' | '.join(GRAMMARS)} | untrained | strongest pair | untrained |",
        "|---|" + "---|" * (len(GRAMMARS) + 3),
    ]
    titles = sorted(by_grammar[0], key=lambda one: -mean(one, "trained", "same_distance"))
    for title in titles:
        areas = [one[title]["trained"]["same_distance"] for one in by_grammar]
        cells = [f"{one['mean']:.2f} ({one['low']:.2f}–{one['high']:.2f})" for one in areas]
        twin = "twin" in by_grammar[0][title]
        cells += [
            f"{mean(title, 'twin', 'same_distance'):.2f}" if twin else "",
            f"{mean(title, 'trained', 'first'):.0%}",
            f"{mean(title, 'twin', 'first'):.0%}" if twin else "",
        ]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Do what is not done yet; print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--publish", action="store_true")
    parser.add_argument(
        "--from-random",
        type=int,
        metavar="STEPS",
        help="train order from random weights for so many steps, and do nothing else",
    )
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.from_random:
        folder = arguments.out / "order"
        write_data("order", folder)
        found = train("order", folder, SEEDS[0], arguments.from_random)
        say(f"order from random weights, {found.steps:,} steps: test MCC {found.test['mcc']:.3f}")
        return
    say("about 35 CPU minutes in all, most of it training; what is in --out is not done again")
    results = collect(arguments.out)
    print(table(results))
    if arguments.publish:
        write_json(ROOT / "benchmarks" / "results" / "circuits.json", results)


if __name__ == "__main__":
    main()
