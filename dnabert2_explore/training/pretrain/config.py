"""Everything that determines a pre-training run, and what it reached."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...network import BACKENDS, Dnabert2Config
from ...results.rich_display import RichDisplay, counted
from ...tokens.segmentation import Segmentation
from ..configuration import Settings, check_choices, check_least, check_shares
from ..corpus.rows import DRAWS
from ..corpus.stretches import CUTS
from ..corpus.windows import STRANDS
from .masking import STRATEGIES

__all__ = [
    "EMBEDDINGS",
    "FREE",
    "OBJECTIVES",
    "POSITIVES",
    "PretrainConfig",
    "PretrainResult",
    "learning_rates",
]

#: Settings that may differ between a run and its continuation without changing what was computed so
#: far. The schedule may differ too, as long as it agrees on the past (checked on its own).
FREE = {"genomes", "table", "tokenizer", "out", "total_steps", "warmup_steps", "decay_steps",
        "schedule", "learning_rate", "threads", "compile", "device", "log_every",
        "checkpoint_every", "evaluate_every", "evaluate_rows", "keep_checkpoints",
        "max_minutes", "heldout", "cache", "device_rows", "shard", "attention",
        "snapshots_every", "tensorboard"}  # fmt: skip

OBJECTIVES = ("masked", "contrastive", "both")
#: What makes windows positives of each other.
POSITIVES = ("nearby", "species")
EMBEDDINGS = ("plain", "composed")

#: Of a network that is trained further, all else is the checkpoint's.
_DROPOUTS = {"hidden_dropout_prob", "attention_probs_dropout_prob"}


@dataclass(frozen=True, slots=True, repr=False)
class PretrainConfig(Settings):
    """Everything that determines a pre-training run.

    Parameters
    ----------
    genomes, table : str
        Folder and species table (:func:`~dnabert2_explore.training.corpus.species.read_table`).
        With an empty `table`, `genomes` is a FASTA, CSV or TSV file, or a folder of them, and
        each file counts as a species.
    tokenizer : str
        Folder with ``tokenizer.json``. Empty with `init_from`: the checkpoint's.
    out : str
        Run folder: ``run.json`` (what was decided), ``log.csv``, ``evaluation.csv``,
        ``checkpoints/``, ``snapshots/`` and at the end ``model/``.
    network : dict
        Arguments of :class:`~dnabert2_explore.network.Dnabert2Config` (``vocab_size`` is the
        tokenizer's). With `init_from`: the two dropouts at most.
    row_tokens, batch_rows : int
        Most tokens of a row with [CLS] and [SEP]; rows a step, over all processes.
    shortest, longest : int
        Bases of a random window (see :class:`~dnabert2_explore.training.corpus.rows.RowSampler`);
        for records, shorter ones are left out, and of longer ones a random part is taken.
    total_steps, warmup_steps, decay_steps : int
        Linear warm-up from 0; then for schedule "linear" a linear decay to 0 at `total_steps`, for
        "trapezoid" a plateau and a linear decay over the last `decay_steps`. A trapezoid may be
        continued with another `total_steps` as long as its decay has not begun.
    schedule : {"linear", "trapezoid"}
        Published: linear.
    learning_rate, beta1, beta2, epsilon, weight_decay, gradient_clip : float
        AdamW and the largest gradient norm. Defaults are DNABERT-2's.
    mask_probability : float
        Share of tokens predicted.
    mask_strategy : {"bert", "mask"}
        See :func:`~dnabert2_explore.training.pretrain.masking.mask_tokens`.
    category_power, species_power : float
        Balance of the windows (:class:`~dnabert2_explore.training.corpus.windows.Corpus`), where
        the table has no weights.
    seed : int
        Of the initial weights, the windows, the masks and dropout.
    device : str
        "auto" is what the environment variable ``DNABERT2_EXPLORE_DEVICE`` names, else CUDA where
        there is one.
    precision : {"float32", "bfloat16"}
        bfloat16: autocast with float32 weights. Worth it on GPUs and CPUs with avx512_bf16 or AMX.
    compile : bool
        Compile the encoder with ``torch.compile`` (needs a C++ compiler on CPU).
    threads : int
        CPU threads, 0 for torch's choice. Another number changes the last bits of sums.
    log_every, checkpoint_every, evaluate_every : int
        In steps; 0 turns evaluation off.
    evaluate_rows : int
        Rows of each held-out species in the periodic evaluation.
    keep_checkpoints : int
        Older ones are removed.
    max_minutes : float
        Write a checkpoint and stop after so long; 0 for no limit.
    init_from : str
        Model to train further, as :func:`dnabert2_explore.load` knows it (a shipped name, a folder,
        a hub id); it must have its masked-LM head. Empty: random weights.
    heldout : str
        Sequences for the periodic evaluation where there is no table: a file or a folder.
    genome : str
        FASTA or 2bit that BED files among `genomes` name stretches of.
    device_rows : int
        Rows a process takes through the network at once; gradients are accumulated until
        `batch_rows` are done. 0: all at once. Changes the last bits of sums only (and, with
        dropout, what is dropped).
    windows : {"random", "segments", "records"}
        What a row is drawn from: windows at random positions that fill the row; segments of
        `segment_bases` that tile each stretch without unknown bases, as the published corpus was
        cut; or the records of the files as they are (for sequences of the user's own).
    segment_bases : int
        Bases of a segment. Published: 1000.
    strands : {"both", "forward"}
        "both": every piece is turned to its reverse complement with probability one half.
    draw : {"batch", "row"}
        Random numbers by batch, or by row: then each of many processes draws its own rows only.
    cache : str
        Folder for memory-mapped bases: corpora larger than the memory, read once. Empty: the
        corpus is read into memory, one byte a base.
    attention : {"auto", "sdpa", "flash", "flex", "eager"}
        Attention backend. "auto" is sdpa on a CPU and in float32; in bfloat16 on a GPU the first of
        flash, flex and sdpa that computes there what the reference does, forward and backward.
    shard : bool
        With several processes: shard weights, gradients and optimiser over them (FSDP), instead of
        a copy in each (DDP). ``accelerate launch --use_fsdp`` sets it too.
    snapshots_every : int
        Steps between weights-only models in float16 under ``snapshots/``, before the first step
        and after the last included, which :func:`~dnabert2_explore.analysis.timelapse.timelapse`
        reads. 0: none.
    tensorboard : bool
        Write TensorBoard logs too (``pip install tensorboard``).
    objective : {"masked", "contrastive", "both"}
        masked: predict hidden tokens. contrastive: windows that belong together lie close
        (:mod:`~dnabert2_explore.training.pretrain.contrastive`); the model has no masked-LM head.
        both: the sum, the masked loss times `masked_weight`, on the same masked windows. The latter
        two draw windows of random lengths from `shortest` to `longest`, on one process.
    positives : {"nearby", "species"}
        What belongs together: windows within `nearby_bases` of each other (no labels are needed),
        or windows of one species.
    nearby_bases : int
        See `positives`.
    group_windows : int
        Windows that belong together in a step; `batch_rows` is a multiple of it.
    temperature : float
        Of the contrastive loss.
    masked_weight : float
        See `objective`.
    embedding_layers : tuple of int
        Layers (0 the embeddings) whose means stand side by side in the vector that the contrastive
        loss compares, and that `embed` then returns of the model. Empty: the last layer.
    embeddings : {"plain", "composed"}
        composed: the token table is a function of the tokens' bases while it trains
        (:mod:`~dnabert2_explore.network.composed`) and is saved as a plain one. On one process.
    average : float
        Decay of an exponential moving average of the weights, which is evaluated and becomes the
        model; 0: the last weights. On one process.
    cuts, bpe_dropout : float
        Of contrastive windows: segmentations vary by forced borders in steps of even number, by
        left-out merges in the others (:class:`~dnabert2_explore.tokens.segmentation.Segmentation`).
    exclude : tuple of str
        Files of sequences that must not be trained on: windows that are shown or scored later.
    exclude_margin : int
        Bases left out on either side of what they share with a genome.

    Raises
    ------
    InputError
        If a setting is none of its choices or out of range, or two do not go together.

    Examples
    --------
    >>> PretrainConfig("genomes", "table.tsv", "tokenizer", "run").row_tokens
    128
    """

    genomes: str
    table: str
    tokenizer: str
    out: str
    _: KW_ONLY
    network: dict[str, Any] = field(default_factory=dict)
    row_tokens: int = 128
    batch_rows: int = 64
    shortest: int = 640
    longest: int = 1008
    total_steps: int = 10_000
    warmup_steps: int = 500
    decay_steps: int = 0
    schedule: str = "linear"
    learning_rate: float = 5e-4
    beta1: float = 0.9
    beta2: float = 0.98
    epsilon: float = 1e-6
    weight_decay: float = 1e-5
    gradient_clip: float = 1.0
    mask_probability: float = 0.15
    mask_strategy: str = "bert"
    category_power: float = 0.5
    species_power: float = 0.5
    seed: int = 0
    device: str = "auto"
    precision: str = "float32"
    compile: bool = False
    threads: int = 0
    log_every: int = 10
    checkpoint_every: int = 200
    evaluate_every: int = 200
    evaluate_rows: int = 16
    keep_checkpoints: int = 2
    max_minutes: float = 0.0
    init_from: str = ""
    heldout: str = ""
    genome: str = ""
    device_rows: int = 0
    windows: str = "random"
    segment_bases: int = 1000
    strands: str = "both"
    draw: str = "batch"
    cache: str = ""
    attention: str = "auto"
    shard: bool = False
    snapshots_every: int = 0
    tensorboard: bool = False
    objective: str = "masked"
    positives: str = "nearby"
    nearby_bases: int = 20_000
    group_windows: int = 4
    temperature: float = 0.1
    masked_weight: float = 0.3
    embedding_layers: tuple[int, ...] = ()
    embeddings: str = "plain"
    average: float = 0.0
    cuts: float = 0.0
    bpe_dropout: float = 0.0
    exclude: tuple[str, ...] = ()
    exclude_margin: int = 2000

    def __post_init__(self) -> None:
        for name in ("exclude", "embedding_layers"):  # JSON has lists only
            object.__setattr__(self, name, tuple(getattr(self, name)))
        check_choices(
            self,
            schedule=("linear", "trapezoid"),
            precision=("float32", "bfloat16"),
            windows=CUTS,
            strands=STRANDS,
            draw=DRAWS,
            mask_strategy=STRATEGIES,
            attention=("auto", *BACKENDS),
            objective=OBJECTIVES,
            positives=POSITIVES,
            embeddings=EMBEDDINGS,
        )
        check_least(self, 1, ("batch_rows", "total_steps", "log_every", "checkpoint_every",
                              "keep_checkpoints", "segment_bases", "nearby_bases"))  # fmt: skip
        check_least(self, 0, ("device_rows", "evaluate_every", "snapshots_every", "warmup_steps",
                              "decay_steps", "seed", "exclude_margin"))  # fmt: skip
        known = {*Dnabert2Config.__annotations__} - {"vocab_size"}
        if unknown := sorted(set(self.network) - known):
            raise InputError(
                f"network has no setting {', '.join(map(repr, unknown))}; expected some of "
                f"{', '.join(sorted(known))}: correct the spelling."
            )
        if self.init_from and (shape := sorted(set(self.network) - _DROPOUTS)):
            raise InputError(
                f"network sets {', '.join(shape)}, but init_from {self.init_from!r} has its own "
                f"shape; leave out all but {', '.join(sorted(_DROPOUTS))}."
            )
        if not self.init_from and not self.tokenizer:
            raise InputError(
                "tokenizer is empty; name its folder (`dnabert2-explore train-tokenizer` makes "
                "one), or a model to train further in init_from."
            )
        if self.table and self.heldout:
            raise InputError(
                f"heldout is {self.heldout!r}, but the table says what is held out; leave one out."
            )
        if self.warmup_steps + self.decay_steps > self.total_steps:
            raise InputError(
                f"warmup_steps + decay_steps is {self.warmup_steps + self.decay_steps}, more than "
                f"total_steps {self.total_steps}; shorten them."
            )

        self._check_contrastive()

    def _check_contrastive(self) -> None:
        check_shares(self, ("average",))
        Segmentation(self.cuts, self.bpe_dropout)
        if self.compile and self.embeddings == "composed":
            raise InputError(
                "compile takes the network with a table of its own; set compile to false, or "
                "embeddings to plain."
            )
        if self.objective == "masked":
            if self.cuts or self.bpe_dropout:
                raise InputError(
                    "cuts and bpe_dropout vary the windows of the contrastive objective; set "
                    "objective to contrastive or both, or leave them 0."
                )
            return
        if self.group_windows < 2 or self.batch_rows % self.group_windows:
            raise InputError(
                f"batch_rows is {self.batch_rows} and group_windows {self.group_windows}; expected "
                "groups of at least 2 windows that fill the batch."
            )
        if self.temperature <= 0.0:
            raise InputError(f"temperature is {self.temperature}; expected more than 0.")
        if self.device_rows:
            raise InputError(
                "device_rows splits a batch, but a contrastive loss compares all of its windows; "
                "leave it 0, or make batch_rows smaller."
            )
        if self.windows != "random" or self.draw != "batch":
            raise InputError(
                f"objective {self.objective!r} draws random windows by batch; leave windows "
                "'random' and draw 'batch'."
            )

    def segmentation_of(self, step: int) -> Segmentation:
        """How the windows of a contrastive step (from 0) are cut into tokens."""
        return Segmentation(dropout=self.bpe_dropout) if step % 2 else Segmentation(self.cuts)

    @property
    def together(self) -> bool:
        """Whether one process has to see a whole step with all of its weights."""
        return self.objective != "masked" or self.embeddings != "plain" or self.average > 0.0

    @property
    def shortest_piece(self) -> int:
        """Bases of the shortest stretch that is used."""
        return self.segment_bases if self.windows == "segments" else self.shortest

    @property
    def longest_piece(self) -> int:
        """Bases of the longest piece that is tokenised."""
        return self.segment_bases if self.windows == "segments" else self.longest


@dataclass(frozen=True, slots=True, repr=False)
class PretrainResult(RichDisplay):
    """What a call of :func:`~dnabert2_explore.training.pretrain.pretrain` reached.

    Parameters
    ----------
    step, total_steps : int
        Steps taken so far and planned.
    tokens : int
        Tokens of all batches so far, [CLS] and [SEP] included.
    seconds : float
        Wall time over all continuations.
    finished : bool
        Whether `total_steps` is reached; then `model` exists.
    checkpoint, model : pathlib.Path
        Last checkpoint; final model folder.
    notes : tuple of str
        What was decided, in words: data, balance, windows, masking, optimiser, processes.
    """

    step: int
    total_steps: int
    tokens: int
    seconds: float
    finished: bool
    checkpoint: Path
    model: Path
    notes: tuple[str, ...] = ()

    def _line(self) -> str:
        state = f"finished, {self.model}" if self.finished else f"to go on from {self.checkpoint}"
        return (
            f"step {self.step:,} of {self.total_steps:,}, {counted(self.tokens, 'token')}, {state}"
        )


def learning_rates(config: PretrainConfig, steps: int | None = None) -> NDArray[np.float64]:
    """Learning rate of steps 0 … `steps` - 1 (all steps when not given)."""
    step = np.arange(config.total_steps if steps is None else steps, dtype=np.float64)
    rise = (step + 1) / max(config.warmup_steps, 1)
    after = (
        config.total_steps - config.warmup_steps
        if config.schedule == "linear"
        else config.decay_steps
    )
    fall = (config.total_steps - step) / after if after else np.ones_like(step)
    return config.learning_rate * np.clip(np.minimum(rise, fall), 0.0, 1.0)
