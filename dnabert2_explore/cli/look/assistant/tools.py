"""What an assistant may ask for. Answers are small: numbers to talk about, and paths to the rest.

Each tool runs a command of this package, in this process: what it writes says what made it, as the
command line's files do (docs/provenance.md), and nothing is ever written over.
"""

from __future__ import annotations

import contextlib
import functools
import io
import itertools
import math
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast

from ....errors import ExploreError, InputError
from ....results.records import beside

if TYPE_CHECKING:
    from ....common.names import Method

__all__ = ["MOST", "Tools"]

#: Rows of a table that are told; the file has all.
MOST = 20
#: Characters of sequences that are passed as text; longer ones come as a file.
_TEXT = 200_000
#: Standard output is the process's, and commands say there what they made.
_ONE = threading.RLock()


_P = ParamSpec("_P")
_T = TypeVar("_T")


def _alone(tool: Callable[Concatenate[Tools, _P], _T]) -> Callable[Concatenate[Tools, _P], _T]:
    """Let one call after the other in: a client may send several at once."""

    @functools.wraps(tool)
    def run(self: Tools, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        with _ONE:
            try:
                return tool(self, *args, **kwargs)
            finally:
                while self._marks:
                    self._marks.pop().unlink(missing_ok=True)

    return run


class Tools:
    """The tools, and the folder they write to: made if needed, and the only one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.expanduser().resolve()
        self._marks: list[Path] = []

    @_alone
    def load(self, model: str = "pocket") -> dict[str, Any]:
        """Say what a model is: a shipped one (pocket, pocket-atlas, pocket-splice, pocket-motif) or
        a folder on this machine. Tells parameters, layers, classes it predicts, and the digest of
        its weights. Nothing is downloaded.
        """  # noqa: D205, what a client shows
        from ....encoder import load

        enc = load(_known(model))
        info = enc.info
        return {
            "model": str(info),
            "classes": list(info.classes),
            "predicts_masked_tokens": enc.has_masked_lm,
            "layers": info.layers,
            "heads": info.heads,
            "embedding_size": enc.embedding_size,
            "weights_sha256": enc.weights_sha256,
        }

    @_alone
    def embed(self, sequences: str, model: str = "pocket-atlas") -> dict[str, Any]:
        """Embed DNA sequences, one vector each, into an .npz file (arrays names, embeddings).

        sequences: path of a file (FASTA, CSV, GenBank, …), or FASTA or bases as text.
        """
        import numpy as np

        place, out = self._source(sequences), self._new("embedded", ".npz")
        said = self._run("embed", place, "-o", out, "-m", _known(model))
        with np.load(out, allow_pickle=False) as found:
            shape = found["embeddings"].shape
        return self._told(out, said, rows=shape[0], dimensions=shape[1])

    @_alone
    def predict(self, sequences: str, model: str = "pocket-splice") -> dict[str, Any]:
        """Predict the class of each sequence with a fine-tuned model.

        Writes a CSV with the probability of every class; tells the first 20 rows. sequences: path
        of a file, or FASTA or bases as text.
        """
        place, out = self._source(sequences), self._new("predicted", ".csv")
        said = self._run("predict", _known(model), place, "-o", out)
        return self._told(out, said, **_rows(out))

    @_alone
    def attribute(
        self,
        sequence: str,
        target: str = "",
        model: str = "pocket-splice",
        method: str = "layer_integrated_gradients",
        check: bool = True,
    ) -> dict[str, Any]:
        """Ask which bases of ONE sequence speak for a class, and how far to trust the answer.

        Writes the score of every base; tells the 20 largest and, with check, the verdict of a
        scorecard (it may say "do not trust": pass that on). target: a class name; by default the
        predicted class. sequence: bases or FASTA as text, or the path of a file with one record.
        """
        place, out = self._source(sequence), self._new("attributed", ".tsv")
        read = self._one(place)
        words = ["attribute", place, "-o", out, "-m", _known(model), "--method", method]
        said = self._run(*words, *(["--target", target] if target else []))
        table = _frame(out)
        largest = table.reindex(table["score"].abs().sort_values(ascending=False).index)[:MOST]
        found: dict[str, Any] = {
            "largest": _plain(largest[["position", "base", "score"]].to_dict("records")),
            "target": str(table["target"].iloc[0]),
            "positions": "0-based",
        }
        if check:
            from ....analysis.attribution import scorecard
            from ....encoder import load

            wanted = target or str(table["target"].iloc[0])
            enc = load(_known(model))
            chosen = cast("Method", method)  # the command refused what is none
            card = scorecard(enc, read, wanted if enc.has_head else None, method=chosen)
            found["verdict"] = card.verdict
            found["checks"] = _plain(card.table().to_dict("records"))
        return self._told(out, said, **found)

    @_alone
    def variants(self, calls: str, genome: str, model: str = "pocket") -> dict[str, Any]:
        """Score the variants of a VCF against a genome: log-odds of alternative over reference.

        Writes a table (.parquet) and a VCF; tells the first 20 rows. calls, genome: paths of files
        on this machine. Scores are of the model, and no clinical judgement.
        """
        out, vcf = self._new("scored", ".parquet"), self._new("scored", ".vcf.gz")
        words = (_file(calls), "-g", _file(genome), "-o", out, "-o", vcf, "-m", _known(model))
        said = self._run("variants", *words)
        return self._told(out, said, vcf=str(vcf), **_rows(out))

    @_alone
    def motifs(
        self, sequences: str, target: str, model: str = "pocket-motif", least: int = 20
    ) -> dict[str, Any]:
        """Find the motifs behind a class and look them up in JASPAR; takes minutes.

        Writes an HTML report and a table of matches; tells the first 20. A match names a family of
        factors with similar motifs, not one factor. sequences: path of a file with hundreds of
        sequences of the class. least: fewest sites of a motif.
        """
        place = self._source(sequences)
        report, out = self._new("motifs", ".html"), self._new("motifs", ".tsv")
        words = (place, "-m", _known(model), "-t", target, "-o", report, "-o", out)
        said = self._run("motifs", *words, "--least", least)
        return self._told(out, said, report=str(report), **_rows(out))

    # Files -------------------------------------------------------------------------------------

    def _new(self, stem: str, suffix: str) -> Path:
        """Name a file that is not there yet, and keep the name: another server may write here.

        An empty ``.taken`` file says so, because commands write to no file that is there.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        for number in itertools.count(1):
            path = self.folder / f"{stem}-{number}{suffix}"
            if path.exists() or beside(path).exists():
                continue
            mark = path.with_name(f".{path.name}.taken")
            try:
                mark.touch(exist_ok=False)
            except FileExistsError:
                continue
            if path.exists() or beside(path).exists():  # written, and unmarked, in between
                mark.unlink()
                continue
            self._marks.append(mark)
            return path
        raise AssertionError  # numbers do not end

    def _source(self, sequences: str) -> Path:
        """Return a file of sequences: the one that is named, or one with the text."""
        text = sequences.strip()
        if not text:
            raise InputError("There is no sequence: give a path, FASTA, or bases.")
        if "\n" not in text and len(text) < 4096:
            path = Path(text).expanduser()
            if path.is_file():
                return path.resolve()
            if not text.isalpha():
                raise InputError(f"There is no file {text!r}: give its whole path, or bases.")
        if len(text) > _TEXT:
            raise InputError(f"{len(text):,} characters are too many for text: give a file.")
        from ....common.files import write_text

        path = self._new("sequences", ".fa")
        write_text(path, text if text.startswith(">") else f">sequence\n{text}\n")
        return path

    @staticmethod
    def _one(place: Path) -> Any:
        from ....sequences import read_sequences

        read = read_sequences(place)
        if len(read) != 1:
            raise InputError(f"{place} has {len(read):,} sequences: give one.")
        return read[0]

    @staticmethod
    def _run(*words: object) -> str:
        """Run a command of this package; return the last thing it says."""
        import typer

        from ...app import app

        said = io.StringIO()
        code = 0
        try:
            # What it prints must not get into the protocol, which standard output is.
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                code = app([str(one) for one in words], standalone_mode=False) or 0
        except typer.Exit as stop:
            code = stop.exit_code
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 1
        lines = [one for one in said.getvalue().splitlines() if one.strip()]
        if code:
            last = lines[-1] if lines else f"{words[0]} failed"
            raise ExploreError(last.removeprefix("dnabert2-explore: "))
        return "\n".join(lines[-5:])

    @staticmethod
    def _told(path: Path, said: str, **found: Any) -> dict[str, Any]:
        return {"file": str(path), "record": str(beside(path)), **found, "said": said[:2000]}


def _known(model: str) -> str:
    """Return a model that is on this machine."""
    from ....encoder import SHIPPED

    if model in SHIPPED or Path(model).expanduser().is_dir():
        return model
    raise InputError(
        f"{model!r} is no model on this machine: name a folder, or one of {', '.join(SHIPPED)}. "
        "Nothing is downloaded."
    )


def _file(name: str) -> Path:
    path = Path(name).expanduser()
    if not path.is_file():
        raise InputError(f"There is no file {name!r}: give its whole path.")
    return path.resolve()


def _frame(path: Path) -> Any:
    import pandas as pd

    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    return pd.read_csv(path, sep="\t" if path.suffix == ".tsv" else ",")


def _rows(path: Path) -> dict[str, Any]:
    """Tell the first rows of a table, and how many there are."""
    if not path.is_file():  # nothing was found to write
        return {"rows": 0, "first": []}
    frame = _frame(path)
    return {"rows": len(frame), "first": _plain(frame[:MOST].to_dict("records"))}


def _plain(rows: list[dict[Any, Any]]) -> list[dict[str, Any]]:
    """Return what JSON holds, four digits a number."""

    def one(value: Any) -> Any:
        value = value.item() if hasattr(value, "item") else value
        if isinstance(value, float):
            return float(f"{value:.4g}") if math.isfinite(value) else None
        return value if isinstance(value, str | int | bool | None) else str(value)

    return [{str(name): one(value) for name, value in row.items()} for row in rows]
