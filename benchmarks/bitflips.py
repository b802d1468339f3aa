"""What becomes of flipped bits and of killed runs: the tables of docs/reliability.md.

Flips one bit at a time, drawn evenly over the bits of a file, reads the file as the package does,
and asks: was it refused with the file's name, was the value right (the bit says nothing, or the
value was computed anew), was it wrong, or did an exception come out that is none of the package's?
Kills runs at times drawn evenly over what they take, looks whether what stands there is whole or
absent, runs the same call again and compares its outcome with that of a run nobody killed.

    nice python benchmarks/bitflips.py                 # writes benchmarks/results/reliability.json
    python benchmarks/bitflips.py --flips 20 --kills 2 --out /tmp/look.json    # quickly
    python benchmarks/bitflips.py --tables             # the tables, of the file that is there
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

RESULTS = Path(__file__).parent / "results" / "reliability.json"
OUTCOMES = ("refused", "right", "wrong", "foreign")


# --- flipped bits


def flips(files: list[Path], read: Callable[[], bytes], count: int, seed: int) -> dict[str, int]:
    """Flip `count` bits, one at a time, and count what reading gives.

    Parameters
    ----------
    files : list of pathlib.Path
    read : callable
        Returns what was read, as bytes to compare.
    count, seed : int
    """
    from dnabert2_explore import ExploreError

    good, rng = read(), np.random.default_rng(seed)
    found = dict.fromkeys(OUTCOMES, 0)
    sizes = np.array([file.stat().st_size for file in files])
    for place in rng.integers(8 * sizes.sum(), size=count).tolist():
        number = int(np.searchsorted(np.cumsum(8 * sizes), place, side="right"))
        bit = place - 8 * int(sizes[:number].sum())
        file = files[number]
        whole = file.read_bytes()
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        put(file, data)
        try:
            found["right" if read() == good else "wrong"] += 1
        except ExploreError as error:
            # The message names the file, or the array or the store it belongs to.
            named = any(part in str(error) for part in (file.name, file.parent.name))
            found["refused" if named else "foreign"] += 1
        except Exception as error:
            print(f"{file}, bit {bit}: {type(error).__name__}: {error}")
            found["foreign"] += 1
        put(file, whole)
    return found


def put(file: Path, data: bytes) -> None:
    """Write a file of its own: what is mapped into memory stays as it was."""
    file.unlink(missing_ok=True)
    file.write_bytes(data)


def all_flips(work: Path, count: int) -> list[dict[str, Any]]:
    """Flip bits in everything that the package writes and reads again."""
    import torch

    import dnabert2_explore as dx
    from dnabert2_explore import FinetuneResult, open_store
    from dnabert2_explore.network.checkpoints import converted
    from dnabert2_explore.network.checkpoints.saving import save_model
    from dnabert2_explore.results.sealed import read_json
    from dnabert2_explore.training.corpus.windows import Corpus
    from dnabert2_explore.training.gue import GueRun, read_runs
    from dnabert2_explore.training.pretrain import latest_checkpoint
    from dnabert2_explore.training.pretrain.checkpoints import read_state

    found: list[dict[str, Any]] = []

    def case(what: str, files: list[Path], read: Callable[[], bytes]) -> None:
        begun = time.monotonic()
        outcomes = flips(files, read, count, seed=len(found))
        found.append({"what": what, "flips": count, **outcomes})
        print(f"{what}: {outcomes}, {time.monotonic() - begun:.0f} s", flush=True)

    # A store.
    fasta, store = work / "genome.fa", work / "genome.zarr"
    embed_store(str(fasta), str(store), str(work / "small"))

    def read_store() -> bytes:
        opened = open_store(store)
        arrays = [opened.vectors(layer)[:] for layer in opened.layers]
        return b"".join([*(one.tobytes() for one in arrays), repr(opened).encode(),
                         opened.coordinates().to_csv().encode()])  # fmt: skip

    every = [file for file in store.rglob("*") if file.is_file()]
    chunks = [file for file in every if file.name != "zarr.json" and "done" not in file.parts]
    case("chunks of a store", chunks, read_store)
    described = [file for file in every if file.name == "zarr.json"]
    case("descriptions (zarr.json) of a store", described, read_store)

    # Caches.
    sequences = dx.demo.windows()
    enc = dx.load(work / "small", device="cpu", cache=work / "vectors")
    enc.embed(sequences)

    def read_vectors() -> bytes:
        again = dx.load(work / "small", device="cpu", cache=work / "vectors")
        return again.embed(sequences).tobytes()

    case("vectors.sqlite", [work / "vectors" / "vectors.sqlite"], read_vectors)
    converted.LARGE = 1
    os.environ["DNABERT2_EXPLORE_CACHE"] = str(work / "cache")

    def read_half() -> bytes:
        half = dx.load(work / "small", device="cpu", dtype="bfloat16", cache=False)
        return b"".join(bits(one) for one in half.network.parameters())

    read_half()
    (copy,) = (work / "cache" / "weights").glob("*.safetensors")
    case("copy of weights in bfloat16", [copy], read_half)
    genomes = work / "run"
    kept = work / "genomes-cache"

    def read_genomes() -> bytes:
        corpus = Corpus.load(genomes / "genomes", genomes / "species.tsv", shortest=700, cache=kept)
        return b"".join(one.bases.tobytes() + one.lengths.tobytes() for one in corpus.species)

    read_genomes()
    case("cache of genomes", [file for file in kept.rglob("*") if file.is_file()], read_genomes)

    # Models, checkpoints, results.
    folder = work / "saved"
    save_model(dx.load(work / "small", device="cpu").network, folder, work / "small")

    def read_model() -> bytes:
        loaded = dx.load(folder, device="cpu", cache=False)
        return b"".join(bits(one) for one in loaded.network.parameters())

    case("weights of a saved model", [folder / "model.safetensors"], read_model)

    def read_settings() -> bytes:
        loaded = dx.load(folder, device="cpu", cache=False)
        read = [loaded.tokenize(one) for one in sequences[:5]]
        return repr([loaded.network.config.to_json_string(use_diff=False), *read]).encode()

    case("config.json of a saved model", [folder / "config.json"], read_settings)
    case("tokenizer.json of a saved model", [folder / "tokenizer.json"], read_settings)
    checkpoint = latest_checkpoint(work / "run")
    assert checkpoint is not None

    def read_checkpoint() -> bytes:
        state, weights, saved = read_state(checkpoint)
        tensors = [*weights.values()]
        for one in saved["optimizer"]["state"].values():
            tensors += [value for value in one.values() if isinstance(value, torch.Tensor)]
        return json.dumps(state, sort_keys=True).encode() + b"".join(map(bits, tensors))

    for name in ("model.safetensors", "optimizer.pt", "state.json"):
        case(f"{name} of a checkpoint", [checkpoint / name], read_checkpoint)
    run = read_runs(Path(__file__).parent / "gue")[0]
    result = run.save(work / run.dataset / f"{run.label}-seed{run.seed}.json")
    case("result of `gue run`", [result], lambda: repr(GueRun.load(result)).encode())
    finetune_once(str(work / "labelled"), str(work / "tuned"), str(work / "small"))
    case("result of fine-tuning", [work / "tuned" / "result.json"],
         lambda: repr(FinetuneResult.load(work / "tuned")).encode())  # fmt: skip
    scores = work / "tuned" / "model" / "scores.json"
    case("scores.json beside weights", [scores], lambda: repr(read_json(scores)).encode())
    return found


def bits(tensor: Any) -> bytes:
    """Return the bytes of a tensor of any number type."""
    import torch

    return tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


# --- kills: each of these is one call of the package, in a process of its own


def embed_store(fasta: str, store: str, model: str) -> None:
    """`embed_to`: goes on where it stopped."""
    import dnabert2_explore as dx

    enc = dx.load(model, device="cpu", cache=False)
    enc.embed_to(store, fasta, window=500, layers=(1, 2), rows_per_chunk=8)


def pretrain_run(out: str, _data: str, _model: str) -> None:
    """`pretrain`: goes on from the last checkpoint."""
    from dnabert2_explore import PretrainConfig, pretrain
    from dnabert2_explore.training.pretrain import latest_checkpoint

    config = PretrainConfig.from_yaml(Path(out).parent / f"{Path(out).name}.yaml")
    pretrain(config, resume=latest_checkpoint(out) is not None)


def finetune_once(data: str, out: str, model: str) -> None:
    """`finetune`: begins anew, the model before stays whole until there is a better one."""
    from dnabert2_explore import FinetuneConfig, finetune

    config = FinetuneConfig(
        model=model, train=f"{data}/train.csv", dev=f"{data}/dev.csv", test=f"{data}/test.csv",
        out=out, max_steps=24, batch_size=8, evaluate_every=2, learning_rate=3e-3,
        check_leakage=False, bootstrap=0, threads=1, device="cpu", precision="float32",
    )  # fmt: skip
    finetune(config)


def export_once(_data: str, out: str, model: str) -> None:
    """`export_transformers`: all files or none."""
    from dnabert2_explore.network.export import export_transformers

    export_transformers(model, out)


def digest_of(folder: Path, names: tuple[str, ...]) -> str:
    """Digest of files whose bytes must be the same after a killed run was run again."""
    digest = hashlib.sha256()
    for pattern in names:
        for file in sorted(folder.glob(pattern)):
            digest.update(str(file.relative_to(folder)).encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def whole_store(out: Path) -> bool:
    """Whether what a killed run left is a store without damage, or nothing."""
    from dnabert2_explore import check_store, open_store

    return not out.exists() or not check_store(open_store(out)).damages


def whole_run(out: Path) -> bool:
    """Whether the checkpoints and the model of a killed run can be read, or are not there."""
    from dnabert2_explore.training.pretrain import latest_checkpoint
    from dnabert2_explore.training.pretrain.checkpoints import read_state

    last = latest_checkpoint(out)
    return (last is None or bool(read_state(last))) and whole_model(out / "model")


def whole_model(folder: Path) -> bool:
    """Whether a model can be loaded, or is not there and was not before."""
    import dnabert2_explore as dx
    from dnabert2_explore import CheckpointError

    try:
        return bool(dx.load(folder, device="cpu", cache=False))
    except CheckpointError as error:
        return "No model folder" in str(error)


@dataclasses.dataclass(frozen=True)
class Kill:
    """A call to kill.

    Attributes
    ----------
    what : str
    call : callable
        call(first, second, model) in a process of its own.
    arguments : callable
        arguments(folder of this try) -> what the call is given.
    out : str
        What it writes, within the folder.
    whole : callable
        whole(what it wrote) -> whether it is whole or absent.
    same : tuple of str
        Files that must be equal, byte by byte, to those of a run nobody killed.
    """

    what: str
    call: Callable[..., None]
    arguments: Callable[[Path], tuple[str, ...]]
    out: str
    whole: Callable[[Path], bool]
    same: tuple[str, ...]


def cases(work: Path) -> list[Kill]:
    """List what is killed."""
    small = str(work / "small")
    weights = ("model/model.safetensors", "model/config.json")
    return [
        Kill("`embed_to` into a store", embed_store,
             lambda at: (str(work / "genome.fa"), str(at / "a.zarr"), small), "a.zarr",
             whole_store, ("embeddings/*/c/*/0", "*/c/*")),
        Kill("`pretrain`, resumed", pretrain_run,
             lambda at: (str(at / "run"), "", small), "run", whole_run,
             (*weights, "evaluation.csv", "snapshots/*/model.safetensors")),
        Kill("`finetune`, begun anew", finetune_once,
             lambda at: (str(work / "labelled"), str(at / "run"), small), "run",
             lambda out: whole_model(out / "model"), (*weights, "predictions.csv")),
        Kill("`export_transformers`", export_once,
             lambda at: ("", str(at / "out"), small), "out",
             lambda out: not out.exists() or len(list(out.iterdir())) == _EXPORTED,
             ("*",)),
    ]  # fmt: skip


_EXPORTED = 9  # config, weights, three code files, tokenizer and its settings, two cards


def all_kills(work: Path, count: int) -> list[dict[str, Any]]:
    """Kill each call `count` times."""
    context = multiprocessing.get_context("forkserver")
    heavy = ["torch", "transformers", "zarr", "dnabert2_explore.training.gue"]
    context.set_forkserver_preload(heavy)
    first = context.Process(target=os.getpid)
    first.start()  # waits until all that is heavy is imported
    first.join()
    rng, found = np.random.default_rng(0), []
    for one in cases(work):
        folder = work / "kills" / one.out
        seconds, expected, outcomes = 0.0, "", {"running": 0, "whole": 0, "same": 0, "left": 0}
        for number in range(-1, count):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            arguments = one.arguments(folder)
            if one.call is pretrain_run:
                write_config(folder / "run", work)
            out = folder / one.out
            process = context.Process(target=one.call, args=arguments)
            begun = time.monotonic()
            process.start()
            if number < 0:  # how long it takes, and what it gives
                process.join()
                seconds, expected = time.monotonic() - begun, digest_of(out, one.same)
                assert process.exitcode == 0
                continue
            process.join(rng.uniform(0, seconds))
            if process.is_alive():
                os.kill(process.pid, signal.SIGKILL)
                outcomes["running"] += 1
            process.join()
            outcomes["whole"] += one.whole(out)
            again = context.Process(target=one.call, args=arguments)
            again.start()
            again.join()
            outcomes["same"] += again.exitcode == 0 and digest_of(out, one.same) == expected
            outcomes["left"] += any(
                part.name.startswith(".") for part in folder.rglob("*") if part.name != ".gitignore"
            )
        found.append({"what": one.what, "kills": count, "seconds": round(seconds, 1), **outcomes})
        print(found[-1], flush=True)
    return found


def write_config(out: Path, work: Path) -> None:
    """Write the configuration of a pre-training run beside its folder."""
    from dnabert2_explore.training.configuration import write_yaml

    write_yaml(dataclasses.replace(tiny(work), out=str(out)), out.parent / f"{out.name}.yaml")


def tiny(work: Path) -> Any:
    """Return the small pre-training run."""
    from dnabert2_explore import PretrainConfig

    return PretrainConfig.from_yaml(work / "tiny.yaml")


def prepare(work: Path) -> None:
    """Make a small model, a genome and labelled sequences."""
    import dnabert2_explore as dx
    from dnabert2_explore import pretrain
    from dnabert2_explore.training.configuration import write_yaml
    from dnabert2_explore.training.pretrain.tiny import tiny_run

    config = dataclasses.replace(tiny_run(work / "run", steps=24, threads=1), checkpoint_every=4)
    write_yaml(config, work / "tiny.yaml")
    shutil.copytree(pretrain(config).model, work / "small")
    windows = dx.demo.windows()
    bases = "".join(one.bases for one in windows[:40])
    (work / "genome.fa").write_text(f">chr1\n{bases}\n")
    (work / "labelled").mkdir()
    sites = dx.demo.splice()
    for number, split in enumerate(("train", "dev", "test")):
        rows = "".join(f"{one.bases},{one.label}\n" for one in sites[number::3])
        (work / "labelled" / f"{split}.csv").write_text("sequence,label\n" + rows)


# --- tables


def flip_table(content: dict[str, Any]) -> str:
    """Write the page's table of flipped bits."""
    lines = ["| file | flips | refused by name | right value | wrong value | other exception |",
             "|---|---|---|---|---|---|"]  # fmt: skip
    for row in content["flips"]:
        cells = [row["what"], row["flips"], *(row[name] for name in OUTCOMES)]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def kill_table(content: dict[str, Any]) -> str:
    """Write the page's table of kills."""
    lines = ["| call | kills | while it ran | whole or absent after it | the same call then ends "
             "the same | hidden files left then |", "|---|---|---|---|---|---|"]  # fmt: skip
    for row in content["kills"]:
        cells = [row[name] for name in ("what", "kills", "running", "whole", "same", "left")]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--flips", type=int, default=200)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--only", choices=("flips", "kills"), help="and keep the other of --out")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--tables", action="store_true", help="print the tables of --out")
    given = parser.parse_args()
    if given.tables:
        content = json.loads(given.out.read_text(encoding="utf-8"))
        print(flip_table(content), kill_table(content), sep="\n\n")
        return
    import torch

    from dnabert2_explore import __version__
    from dnabert2_explore.results.sealed import read_json, write_json

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    content = read_json(given.out) if given.only else {}
    content |= {"dnabert2-explore": __version__, "torch": torch.__version__}
    with tempfile.TemporaryDirectory(prefix="dnabert2-reliability-") as folder:
        work = Path(folder)
        prepare(work)
        if given.only != "kills":
            content["flips"] = all_flips(work, given.flips)
            write_json(given.out, {"kills": [], **content})
        if given.only != "flips":
            content["kills"] = all_kills(work, given.kills)
    write_json(given.out, content)
    print(flip_table(content), kill_table(content), sep="\n\n")


if __name__ == "__main__":
    main()
