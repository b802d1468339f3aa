"""Hand damaged and odd input to everything that reads a file, and count what comes back.

Each reader gets small valid inputs (seeds), changed at random: bytes flipped, cut, doubled and
replaced, pieces of other formats put in, numbers made extreme. It must read them or refuse them
with one of the package's own errors, in one line and within the time limit; anything else (a
foreign exception, a Rust panic, several lines, no answer) is a fault and is listed with the input.

    python benchmarks/fuzz.py                        # 100,000 inputs over all readers
    python benchmarks/fuzz.py --inputs 2000 --seed 1 # what the tests run
    python benchmarks/fuzz.py --only vcf --inputs 500
    python benchmarks/fuzz.py --cpu 300 -o benchmarks/results/fuzz.json

Ctrl-C ends a run with what was done until then. Inputs are numbered, and the same number and seed
give the same input on every machine.
"""

from __future__ import annotations

import argparse
import bz2
import contextlib
import gzip
import io
import json
import logging
import lzma
import os
import random
import shutil
import signal
import struct
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from dnabert2_explore import ExploreError

#: Seconds of wall time after which an input counts as unanswered.
LIMIT = 20.0
#: Faults that are kept with their inputs, for each reader and kind.
KEPT = 3

_FASTA = b">one first\nACGTACGTNN\nACG\n>two\nacguRY\n"
_TABLE = b"name,sequence,label,x\na,ACGTAC,exon,1\nb,GGTTAACC,intron,2\n"
_BARE = b"ACGTTGCATTAGC\nGGGTTGCATTAGC\n"
_KMERS = b"sequence\tlabel\nACGTAG CGTAGC GTAGCT\t1\nTTGACC TGACCA GACCAT\t0\n"
_FASTQ = b"@r1 first\nACGT\n+\nIIII\n@r2\nGG\n+r2\n@@\n"
_GENBANK = b"""LOCUS       AB000001      20 bp    DNA     linear   BCT 01-JAN-2000
DEFINITION  A test.
ACCESSION   AB000001
VERSION     AB000001.1
FEATURES             Location/Qualifiers
     source          1..20
     CDS             join(1..3,5..9)
                     /product="x"
ORIGIN
        1 acgtacgtac ggttaaccnn
//
"""
_EMBL = b"""ID   AB000001; SV 1; linear; genomic DNA; STD; PRO; 20 BP.
XX
AC   AB000001;
XX
DE   A test.
XX
SQ   Sequence 20 BP; 5 A; 5 C; 4 G; 4 T; 2 other;
     acgtacgtac ggttaaccnn                                                    20
//
"""
_VCF = (
    b"##fileformat=VCFv4.2\n##contig=<ID=one,length=13>\n"
    b'##INFO=<ID=S,Number=A,Type=String,Description="x">\n'
    b"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    b"one\t3\trs1\tG\tA,T\t.\tPASS\tS=bad,good\none\t5\t.\tAC\tA\t.\t.\tS=bad\n"
)
_CALLS = b"chrom,pos,ref,alt,id,label\none,3,G,A,rs1,1\none,5,AC,A,.,0\n"
_BED = b"track name=x\none\t1\t5\tpeak\t0\t-\none\t3\t9\n"
_GFF = (
    b"##gff-version 3\n##sequence-region one 1 13\none\tme\tgene\t1\t9\t.\t+\t.\tID=g;Name=A%3BB\n"
    b"one\tme\texon\t2\t5\t.\t-\t0\tParent=g\n##FASTA\n>one\nACGT\n"
)
_GTF = b'one\tme\texon\t1\t9\t.\t+\t.\tgene_id "g"; gene_name "x"; level 2;\n'
_STRETCHES = b"chrom\tstart\tend\tstrand\tlabel\none\t1\t5\t-\ton\none\t3\t9\t+\toff\n"
_MEME = (
    b"MEME version 4\n\nALPHABET= ACGT\n\nMOTIF MA1 x\n"
    b"letter-probability matrix: alength= 4 w= 2 nsites= 20\n0.5 0.25 0.125 0.125\n0 0 0 1\n"
)
_JASPAR = b">MA1 x\nA [ 4 19 0 ]\nC [ 16 0 20 ]\nG [ 0 1 0 ]\nT [ 0 0 0 ]\n"
_HOMER = b">TG\tAP-1\t6.05\t-1782.9\n0.0 0.0 0.0 1.0\n0.0 0.1 0.9 0.0\n1 0 0 0\n0 1 0 0\n"
_CISBP = b"TF Name\tFOS\nMotif\tM1\nPos\tA\tC\tG\tT\n1\t0.1\t0.2\t0.3\t0.4\n2\t1\t0\t0\t0\n"
_TRANSFAC = (
    b"AC  M1\nXX\nID  V$X\nP0      A      C      G      T\n01      1      2      3      4\n//\n"
)
_SPECIES = b"file\tcategory\tname\tweight\na.fa\tbacteria\talpha\t1\na.fa.gz\tfungi\tbeta\t2.5\n"
_YAML = b"model: pocket\ntrain: t.csv\ndev: d.csv\nout: o\nlearning_rate: 5.0e-4\nmax_steps: 60\n"
_PRETRAIN = b"genomes: g\ntable: t\ntokenizer: k\nout: o\nsteps: 10\nlearning_rate: 1.0e-3\n"
_ADAPTER = (
    b'{"peft_type": "LORA", "base_model_name_or_path": "pocket", "r": 4, "lora_alpha": 8,'
    b' "target_modules": ["Wqkv"], "task_type": "SEQ_CLS"}'
)

#: Pieces that are put in: of other formats, of other alphabets, and numbers that do not fit.
_PIECES = [
    b"\n", b"\r", b"\r\n", b"\t", b" ", b",", b";", b'"', b"'", b"\0", b"\xff\xfe", b"\xef\xbb\xbf",
    b">", b">a\n", b"@", b"#", b"##", b"+\n", b"//\n", b"{", b"}", b"[" * 50, b"]", b":", b"=",
    b"-", b"sep=;\n", b"sequence", b"label", b"nan", b"inf", b"-1", b"0", b"1e400", b"9" * 25,
    b"9" * 5000, "²".encode(), "٣".encode(), b"2147483648", b"18446744073709551616", b"<DEL>",
    b"*", b".", b"NA", b"None", b"null", b"true", b"!!bool x", b"2001-99-99", b"&a", b"*a",
    "é\u2028\u200b".encode(), b"ACGT" * 200, b"N" * 40, b"\x1f\x8b", b"BZh9", b"PK\x03\x04",
]  # fmt: skip


class NoAnswer(BaseException):
    """Raised into a reader that takes longer than `LIMIT`; no handler of errors takes it."""


@dataclass(frozen=True)
class Reader:
    """What is fuzzed: seeds by file name, and what reads a file."""

    name: str
    seeds: tuple[tuple[str, bytes], ...]
    read: Callable[[Path], object]
    #: How often it is drawn beside the others: slow readers less.
    weight: float = 1.0


@dataclass
class Tally:
    """What came back from one reader."""

    inputs: int = 0
    read: int = 0
    refused: int = 0
    seconds: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    examples: list[dict[str, Any]] = field(default_factory=list)


def mutated(data: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """Change a few things in an input."""
    if rng.random() < 0.02:
        return bytes(rng.randrange(256) for _ in range(rng.randrange(200)))
    out = bytearray(data)
    for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3, 5, 9))):
        at = rng.randrange(len(out) + 1)
        end = min(len(out), at + rng.choice((1, 1, 2, 5, 20, 100)))
        kind = rng.randrange(9)
        if kind == 0 and out:
            out[at % len(out)] ^= 1 << rng.randrange(8)
        elif kind == 1 and out:
            out[at % len(out)] = rng.randrange(256)
        elif kind == 2:
            del out[at:end]
        elif kind == 3:
            out[at:at] = out[at:end] * rng.choice((1, 1, 3, 40))
        elif kind in (4, 5):
            out[at : at if kind == 4 else end] = rng.choice(_PIECES)
        elif kind == 6:
            del out[at:]
        elif kind == 7:
            other = rng.choice(others)
            start = rng.randrange(len(other) + 1)
            out[at:at] = other[start : start + rng.choice((5, 30, 200))]
        else:
            lines = bytes(out).split(b"\n")
            i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
            lines[i], lines[j] = lines[j], lines[i]
            out = bytearray(b"\n".join(lines))
    return bytes(out)


def readers(folder: Path) -> list[Reader]:
    """Everything that is fuzzed; `folder` holds what some of it reads beside its input."""
    makers = sequence_readers, table_readers, store_readers, result_readers
    return [reader for maker in makers for reader in maker(folder)]


def sequence_readers(folder: Path) -> list[Reader]:
    """Readers of sequences, genomes, variants and motifs."""
    from dnabert2_explore import (
        Genome,
        Sequence,
        parse_variant,
        read_annotation,
        read_bed,
        read_motifs,
        read_sequences,
    )
    from dnabert2_explore.analysis.variants import read_labels
    from dnabert2_explore.sequences.given import as_sequences
    from dnabert2_explore.sequences.variants.tables import open_calls
    from dnabert2_explore.sequences.variants.variant import place
    from dnabert2_explore.widgets.core.inputs import parse_span

    held = Genome.from_records([Sequence("one", "ACGTACGTNNACG"), Sequence("two", "ACGURY")])

    def genome(path: Path) -> None:
        with Genome(path) as opened:
            for name, length in zip(opened.names[:3], opened.lengths[:3], strict=True):
                opened.fetch(name, length // 3, length)
            opened.digest()

    def packed_genome(path: Path) -> None:
        os.environ["DNABERT2_EXPLORE_CACHE"] = str(folder / "cache")
        try:
            genome(path)
        finally:
            os.environ["DNABERT2_EXPLORE_CACHE"] = "off"
            shutil.rmtree(folder / "cache", ignore_errors=True)

    packed = tuple(
        (f"x.fa.{name}", pack(_FASTA * 3))
        for name, pack in (
            ("gz", lambda data: gzip.compress(data, mtime=0)),
            ("bz2", bz2.compress),
            ("xz", lzma.compress),
        )
    )

    def indexed(path: Path) -> None:
        fasta = path.with_name("indexed.fa")
        if not fasta.exists():
            fasta.write_bytes(_FASTA)
        index = fasta.with_name("indexed.fa.fai")
        shutil.copy(path, index)
        now = time.time() + 5
        os.utime(index, (now, now))
        genome(fasta)

    def calls(path: Path) -> None:
        for record in open_calls(path):
            for variant in record.variants or (record.stand_in,):
                place(variant, held, 20)

    def text(path: Path) -> None:
        pasted = path.read_bytes().decode("utf-8", "replace")
        for call in (
            lambda: read_sequences(f"{pasted}\n"),
            lambda: as_sequences(pasted),
            lambda: parse_variant(pasted[:200]),
            lambda: parse_span(pasted[:20], 1000),
        ):
            with contextlib.suppress(ExploreError):
                call()

    text_seeds = tuple(
        (f"x{suffix}", data)
        for suffix, data in (
            (".fa", _FASTA), (".csv", _TABLE), (".txt", _BARE), (".tsv", _KMERS), (".fq", _FASTQ),
            (".gb", _GENBANK), (".embl", _EMBL), (".dat", _FASTA),
            (".fa.gz", gzip.compress(_FASTA, mtime=0)), (".csv.bz2", bz2.compress(_TABLE)),
        )
    )  # fmt: skip
    twobit = _twobit({"one": "ACGTNNacgtNACGT", "two": "T"})
    fai = b"one\t13\t11\t10\t11\ntwo\t6\t31\t6\t7\n"
    motifs = tuple(
        (f"{name}.txt", data)
        for name, data in (
            ("meme", _MEME), ("jaspar", _JASPAR), ("homer", _HOMER), ("cisbp", _CISBP),
            ("transfac", _TRANSFAC),
        )
    )  # fmt: skip
    return [
        Reader("sequences", text_seeds, read_sequences, 4),
        Reader("sequences, 2bit", (("x.2bit", twobit),), read_sequences),
        Reader(
            "pasted text", (*text_seeds[:7], ("v", b"chr1:1,234 A>G"), ("s", b"1-200")), text, 2
        ),
        Reader(
            "genome", (*text_seeds[:1], ("x.2bit", twobit), ("x.fa.gz", _bgzf(_FASTA))), genome, 2
        ),
        Reader("genome's index", (("x.fai", fai),), indexed),
        Reader("genome, packed anew", packed, packed_genome),
        Reader("BED", (("x.bed", _BED), ("x.tsv", _STRETCHES)), lambda path: read_bed(path, held)),
        Reader(
            "variants", (("x.vcf", _VCF), ("x.vcf.gz", _bgzf(_VCF)), ("x.csv", _CALLS)), calls, 3
        ),
        Reader(
            "labels of variants",
            (("x.csv", _CALLS),),
            lambda path: read_labels(str(path), "none.vcf"),
        ),
        Reader(
            "labels in INFO",
            (("x.vcf", _VCF),),
            lambda path: read_labels("INFO/S", path, ["bad"], ["good"]),
        ),
        Reader("motifs", motifs, read_motifs, 2),
        Reader(
            "annotation",
            (("x.gff3", _GFF), ("x.gtf", _GTF), ("x.bed", _BED), ("x.gb", _GENBANK)),
            lambda path: read_annotation(path).match([Sequence("one", "ACGT" * 5)]),
            2,
        ),
    ]


def table_readers(folder: Path) -> list[Reader]:
    """Readers of training data, settings and models' small files."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from dnabert2_explore import FinetuneConfig, PretrainConfig
    from dnabert2_explore.cli.common import MODELS
    from dnabert2_explore.encoder.loading.adapters import find_base
    from dnabert2_explore.network.checkpoints.load import read_config
    from dnabert2_explore.tokens import DnaTokenizer
    from dnabert2_explore.training.corpus.species import GenomeFile, read_table
    from dnabert2_explore.training.corpus.stretches import open_species
    from dnabert2_explore.training.labelled.tables import read_labelled

    genomes = folder / "genomes"
    genomes.mkdir(exist_ok=True)
    (genomes / "a.fa").write_bytes(_FASTA)
    (genomes / "a.fa.gz").write_bytes(gzip.compress(_FASTA))
    sink = io.BytesIO()
    pq.write_table(pa.table({"sequence": ["ACGT", "GG"], "label": [[0, 1], [1, 0]]}), sink)
    labelled = (
        ("x.csv", _TABLE),
        ("x.csv", b"sequence,label\nACGT,0.5\nGG,1.5\nTT,-2\n"),
        ("x.csv", b'sequence,label\nACGT,"a;b"\nGG,b\nTT,\n'),
        ("x.csv", b"sequence1,sequence2,label_x,label_y\nACGT,GG,1,0\nGG,TT,0,1\n"),
        ("x.tsv", _KMERS),
        ("x.fa", b">r1 label=a b\nAC\nGT\n>r2 label=c\nGG\n"),
        ("x.txt", _BARE),
    )

    def config(path: Path) -> None:
        shutil.copy(path, path.with_name("config.json"))
        read_config(path.with_name("config.json"))

    def adapter(path: Path) -> None:
        home = folder / "adapter"
        home.mkdir(exist_ok=True)
        (home / "adapter_model.safetensors").write_bytes(b"")
        shutil.copy(path, home / "adapter_config.json")
        os.environ["HF_HUB_OFFLINE"] = "1"
        find_base(home, {"pocket": MODELS / "pocket"})

    def tokenizer(path: Path) -> None:
        DnaTokenizer.from_file(path).encode("ACGTTGCATTAGC")

    small = json.loads((MODELS / "pocket" / "tokenizer.json").read_text(encoding="utf-8"))
    small["model"]["vocab"] = {
        token: number for token, number in small["model"]["vocab"].items() if number < 40
    }
    small["model"]["merges"] = [
        merge for merge in small["model"]["merges"]
        if "".join(merge if isinstance(merge, list) else merge.split()) in small["model"]["vocab"]
    ]  # fmt: skip
    return [
        Reader("training tables", labelled, read_labelled, 3),
        Reader("training tables, Parquet", (("x.parquet", sink.getvalue()),), read_labelled),
        Reader(
            "pre-training sequences",
            (("x.fa", _FASTA), ("x.csv", _TABLE), ("x.txt", _BARE), ("x.tsv", _KMERS)),
            lambda path: open_species([GenomeFile(path, "c", "s", "train")], 3),
            2,
        ),
        Reader("species tables", (("x.tsv", _SPECIES),), lambda path: read_table(path, genomes)),
        Reader("YAML, fine-tuning", (("x.yaml", _YAML),), FinetuneConfig.from_yaml),
        Reader("YAML, pre-training", (("x.yaml", _PRETRAIN),), PretrainConfig.from_yaml),
        Reader("config.json", (("c", (MODELS / "pocket" / "config.json").read_bytes()),), config),
        Reader("tokenizer.json", (("t", json.dumps(small).encode()),), tokenizer, 0.5),
        Reader("adapter_config.json", (("a", _ADAPTER),), adapter, 0.5),
    ]


def store_readers(folder: Path) -> list[Reader]:
    """Readers of a store of which one file is damaged, the rest whole."""
    import numpy as np

    from dnabert2_explore import Sequence, open_store
    from dnabert2_explore.stores import embed_windows

    class Counts:
        """An embedder that needs no model."""

        layers, hidden = (1,), 4
        about = {"model": "counts", "device": "none", "versions": {}}  # noqa: RUF012
        identity = {  # noqa: RUF012
            "weights_sha256": "a" * 64, "pooling": "mean", "layers": [1], "dtype": "float32",
        }  # fmt: skip

        def prepare(self, texts: Any) -> Any:
            return [[text.count(c) for c in "ACGT"] for text in texts]

        def compute(self, prepared: Any) -> Any:
            return np.array(prepared, dtype=np.float32)[:, None, :]

    made = folder / "whole.zarr"
    try:
        embed_windows(made, [Sequence("one", "ACGTTGCATTAGC" * 8)], Counts(), window=20,
                      rows_per_chunk=2)  # type: ignore[arg-type]  # fmt: skip
    except (AttributeError, TypeError) as error:
        print(f"stores are left out: {error!r}", file=sys.stderr)
        return []
    files = {
        f"{number}-{path.name}": path
        for number, path in enumerate(sorted(p for p in made.rglob("*") if p.is_file()))
    }
    whole = {name: path.read_bytes() for name, path in files.items()}

    def store(path: Path) -> None:
        target = files[path.name]
        try:
            shutil.copy(path, target)
            opened = open_store(made)
            opened.coordinates()
            opened.vectors()[:]
            opened.complete  # noqa: B018
        finally:
            target.write_bytes(whole[path.name])

    return [Reader("stores", tuple(whole.items()), store, 1.5)]


def result_readers(folder: Path) -> list[Reader]:
    """Readers of what runs leave behind; without the digests that refuse nearly all at once."""
    import numpy as np

    from dnabert2_explore import FinetuneResult, LeakageReport, leaderboard
    from dnabert2_explore.training.finetune.result import RESULT
    from dnabert2_explore.training.gue import GueRun
    from dnabert2_explore.training.scores.metrics import score
    from dnabert2_explore.widgets.training.runlog import read_run

    labels = np.arange(40) % 2
    outputs = np.eye(2)[(labels + (np.arange(40) % 7 == 0)) % 2]
    scores = score("classification", labels, outputs, ("no", "yes"), bootstrap=10)
    result = FinetuneResult(
        task="classification", classes=("no", "yes"), best_step=4, steps=8, seconds=2.5,
        stopped=False, dev=scores, test=scores, leakage=LeakageReport(()),
        sequences={"train": 40}, notes=("a note",), model=folder / "finetuned" / "model",
    )  # fmt: skip
    home = folder / "finetuned"
    home.mkdir()
    result.save(home)

    def bare(path: Path) -> bytes:
        content = json.loads(path.read_text(encoding="utf-8"))
        content.pop("digest", None)
        return json.dumps(content, indent=1).encode()

    def finetuned(path: Path) -> None:
        shutil.copy(path, home / RESULT)
        str(FinetuneResult.load(home))

    run = folder / "run"
    run.mkdir()
    head = "step,tokens,loss,learning_rate,gradient_norm,tokens_per_second,seconds,precision\n"
    whole = {
        "log.csv": (head + "10,1000,5,1.0e-3,1,5000,1,float32\n20,2000,4,1.0e-3,1,5000,2,x\n"),
        "evaluation.csv": "step,species,loss,accuracy\n20,vibrio,4.8,0.04\n",
        "run.json": '{"config": {"total_steps": 100}, "notes": ["a"], "parameters": 100}',
        "references.json": '{"token frequencies alone": 4.95}',
    }
    kept = {name: text.encode() for name, text in whole.items()}

    def pretraining(path: Path) -> None:
        for name, data in kept.items():
            (run / name).write_bytes(data)
        shutil.copy(path, run / path.name)
        read_run(run)

    def gue(path: Path) -> None:
        leaderboard([GueRun.load(path)]).markdown()

    found = [
        Reader("result.json", (("r", bare(home / RESULT)),), finetuned),
        Reader("pre-training logs", tuple(kept.items()), pretraining),
    ]
    results = sorted((Path(__file__).parent / "gue").glob("*/*-seed*.json"))
    seeds = [path for path in results if not path.name.startswith("baselines-")][:1]
    if seeds:
        found.append(Reader("GUE results", tuple((p.name, bare(p)) for p in seeds), gue, 0.5))
    return found


def _twobit(records: dict[str, str]) -> bytes:
    index, bodies = b"", b""
    at = 16 + sum(5 + len(name) for name in records)
    for name, bases in records.items():
        codes = ["TCAG".find(c) % 4 for c in bases.upper()] + [0] * (-len(bases) % 4)
        packed = bytes(
            a << 6 | b << 4 | c << 2 | d
            for a, b, c, d in zip(codes[::4], codes[1::4], codes[2::4], codes[3::4], strict=True)
        )
        unknown = bases.upper().find("N")
        blocks = struct.pack("<3I", 1, unknown, 1) if unknown >= 0 else struct.pack("<I", 0)
        body = struct.pack("<I", len(bases)) + blocks + struct.pack("<2I", 0, 0) + packed
        index += bytes([len(name)]) + name.encode() + struct.pack("<I", at)
        at += len(body)
        bodies += body
    return struct.pack("<4I", 0x1A412743, 0, len(records), 0) + index + bodies


def _bgzf(data: bytes) -> bytes:
    import pysam

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.gz")
        with pysam.BGZFile(str(path), "wb", None) as file:
            file.write(data)
        return path.read_bytes()


@contextlib.contextmanager
def _answering(seconds: float) -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise NoAnswer

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def one(reader: Reader, number: int, seed: int, folder: Path, others: list[bytes]) -> str:
    """Give one input to a reader; return "read", "refused", or what is wrong."""
    rng = random.Random(f"{seed} {reader.name} {number}")
    name, data = rng.choice(reader.seeds)
    path = folder / name
    path.write_bytes(mutated(data, rng, others))
    try:
        with _answering(LIMIT):
            reader.read(path)
    except ExploreError as error:
        return "refused" if "\n" not in str(error) else f"several lines: {type(error).__name__}"
    except KeyboardInterrupt:
        raise
    except NoAnswer:
        return f"no answer in {LIMIT:g} s"
    except BaseException as error:  # a Rust panic is no Exception
        return f"{type(error).__module__}.{type(error).__name__}: {str(error)[:120]}"
    finally:
        for left in folder.glob(f"{name}.fai"):
            left.unlink()
    return "read"


def fuzz(
    inputs: int,
    seed: int = 0,
    only: str = "",
    cpu: float | None = None,
    progress: Callable[[int], None] | None = None,
) -> dict[str, Tally]:
    """Give `inputs` inputs to all readers (or those whose name holds `only`).

    Parameters
    ----------
    inputs, seed : int
    only : str
    cpu : float, optional
        Stop after so many seconds of CPU time, even before all inputs are done.
    progress : callable, optional
        Called with the number of inputs done.

    Returns
    -------
    dict of str to Tally
        By reader.
    """
    shm = Path("/dev/shm")
    began = time.process_time()
    logging.disable(logging.CRITICAL)
    with (
        warnings.catch_warnings(),
        tempfile.TemporaryDirectory(dir=shm if os.access(shm, os.W_OK) else None) as name,
    ):
        warnings.simplefilter("ignore")
        os.environ["DNABERT2_EXPLORE_CACHE"] = "off"
        os.environ["RUST_BACKTRACE"] = "0"
        folder = Path(name)
        every = [one for one in readers(folder) if only in one.name]
        others = [data for reader in every for _, data in reader.seeds]
        tallies = {reader.name: Tally() for reader in every}
        drawn = random.Random(seed).choices(every, [r.weight for r in every], k=inputs)
        try:
            for number, reader in enumerate(drawn):
                if cpu is not None and time.process_time() - began > cpu:
                    break
                tally = tallies[reader.name]
                start = time.process_time()
                found = one(reader, number, seed, folder, others)
                tally.seconds += time.process_time() - start
                tally.inputs += 1
                if found in ("read", "refused"):
                    setattr(tally, found, getattr(tally, found) + 1)
                else:
                    kind = found.partition(":")[0]
                    tally.faults[kind] += 1
                    if tally.faults[kind] <= KEPT:
                        tally.examples.append({"number": number, "fault": found})
                if progress is not None:
                    progress(number + 1)
        except KeyboardInterrupt:
            print("stopped: what follows is what was done until then", file=sys.stderr)
        finally:
            logging.disable(logging.NOTSET)
    return tallies


def show(seed: int, number: int, only: str) -> None:
    """Print an input by its number, and the traceback it gives."""
    import traceback

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        every = readers(folder)
        others = [data for reader in every for _, data in reader.seeds]
        (reader,) = [one for one in every if one.name == only]
        rng = random.Random(f"{seed} {reader.name} {number}")
        file, data = rng.choice(reader.seeds)
        path = folder / file
        path.write_bytes(mutated(data, rng, others))
        print(file, path.read_bytes())
        try:
            with _answering(LIMIT):
                reader.read(path)
        except BaseException:
            traceback.print_exc()


def main() -> None:
    """Fuzz, print a table, and keep it as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="readers whose name holds this")
    parser.add_argument("--cpu", type=float, help="stop after so many CPU seconds")
    parser.add_argument("--show", type=int, help="print input NUMBER of the reader named by --only")
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    if options.show is not None:
        show(options.seed, options.show, options.only)
        return
    began = time.process_time()
    tallies = fuzz(options.inputs, options.seed, options.only, options.cpu)
    used = time.process_time() - began
    print(f"{'reader':<40} {'inputs':>8} {'read':>8} {'refused':>8} {'faults':>7} {'ms each':>8}")
    for name, tally in tallies.items():
        each = 1000 * tally.seconds / max(1, tally.inputs)
        print(
            f"{name:<40} {tally.inputs:>8,} {tally.read:>8,} {tally.refused:>8,} "
            f"{sum(tally.faults.values()):>7,} {each:>8.2f}"
        )
        for example in tally.examples:
            print(f"    {example['number']}: {example['fault']}")
    total = sum(tally.inputs for tally in tallies.values())
    faults = sum(sum(tally.faults.values()) for tally in tallies.values())
    print(f"{total:,} inputs, {faults:,} faults, {used:.0f} s of CPU time")
    if options.output:
        content = {
            "inputs": total,
            "faults": faults,
            "seed": options.seed,
            "cpu_seconds": round(used, 1),
            "limit_seconds": LIMIT,
            "readers": {
                name: {
                    "inputs": tally.inputs,
                    "read": tally.read,
                    "refused": tally.refused,
                    "faults": dict(tally.faults),
                    "examples": tally.examples,
                }
                for name, tally in tallies.items()
            },
        }
        options.output.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
