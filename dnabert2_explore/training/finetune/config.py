"""Everything that determines a fine-tuning run."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from ...common.files import replacing
from ...errors import InputError
from ...network.attention import BACKENDS
from ..configuration import Settings, check_choices, check_least, check_shares
from ..scores.metrics import TASKS

__all__ = ["AUTO", "LEARNING_RATES", "LORA_TARGETS", "FinetuneConfig"]

#: Learning rate of each method where none is set: the authors' for full and LoRA.
LEARNING_RATES = {"full": 3e-5, "lora": 1e-4, "probe": 1e-3}

#: Settings that a recipe fills in, and what they are while they are open.
AUTO: dict[str, float | str] = {
    "epochs": 0,
    "batch_size": 0,
    "warmup_steps": -1,
    "weight_decay": -1,
    "pooling": "auto",
    "augment": "auto",
    "segmentation": "auto",
    "average": -1,
    "schedule": "auto",
    "embeddings": "auto",
    "evaluate_every": -1,
    "strands": "auto",
    "segmentations": -1,
}

#: What may be given as a table that is in memory.
TABLES = ("train", "dev", "test")

#: The network's linear layers that LoRA may adapt: queries, keys and values in one; the
#: projection after attention; both halves of the gated MLP; its way back.
LORA_TARGETS = ("Wqkv", "dense", "gated_layers", "wo")


@dataclass(frozen=True, slots=True, repr=False)
class FinetuneConfig(Settings):
    """Everything that determines a fine-tuning run.

    What is left open is filled in when the run begins, by the size of the network and of the data
    (`recipe`); the result's notes say with what.

    Parameters
    ----------
    model : str
        The pre-trained model: "pocket", a folder, or a hub id. "scratch:2x128" is a network of that
        many layers and that width which has learnt nothing (with pocket's tokenizer);
        "untrained:pocket" one of pocket's shape.
    train : str
        Labelled sequences; for the formats see
        `dnabert2_explore.training.labelled.tables.read_labelled`. A pandas.DataFrame, or a
        datasets.Dataset of Hugging Face, with the same columns (``sequence``, ``label``) is written
        to ``data/train.parquet`` in `out`, which is `train` then; so are `dev` and `test`.
    dev : str
        What chooses the checkpoint; "" sets `dev_share` of `train` apart.
    out : str
        Run folder: ``config.yaml``, ``log.csv``, ``result.json``, ``predictions.csv``, ``model/``.
    test : str
        Scored once, with the kept checkpoint; "" for none, or for `test_share` of `train` where
        `dev` is "" too.
    genome : str
        Genome (FASTA, 2bit, …) whose stretches train, dev and test are: BED files whose names are
        the labels, or tables of ``contig``, ``start``, ``end``, ``label``; "" for files of
        sequences.
    dev_share, test_share : float
        Shares of `train`, by seed and class; equal sequences stay together.
    task : {"auto", "classification", "multi_label", "regression"}
        "auto" tells it from the labels of `train`; the result says what was found.
    method : {"full", "lora", "probe"}
        Train all weights; low-rank adapters (Hu et al. 2021) and the head; or a linear head on the
        frozen encoder's vectors.
    lora_rank, lora_alpha, lora_dropout : int, int, float
        Defaults as in DNABERT-2's paper.
    lora_targets : tuple of str
        Of `LORA_TARGETS`.
    max_tokens : int
        Longer input is cut, special tokens included; 0 for no limit.
    batch_size : int
        Sequences of one step on all devices together; 0 for the recipe's.
    device_batch : int
        Sequences a device takes at once; 0 for all of its share. Gradients of the parts are added
        up, so that the step is the same whatever the number.
    epochs : float
        Passes over the training file; 0 for the recipe's.
    max_steps : int
        Steps, in place of `epochs`; 0 for none.
    learning_rate : float
        Of AdamW (0.9, 0.999, 1e-8) after the warm-up, falling to 0; 0 for the recipe's and the
        method's: published 3e-5 full, 1e-4 lora, 1e-3 probe.
    warmup_steps, weight_decay, gradient_clip : int, float, float
        Biases and LayerNorms do not decay; -1: the recipe's. The clip is the largest gradient norm,
        0 for none.
    dropout : float
        Hidden and classifier dropout.
    pooling : {"auto", "cls", "mean"}
        What the classifier reads.
    augment : {"auto", "none", "reverse_complement"}
        The last trains on a random strand of each sequence, anew in every epoch. Not where the
        strand carries the label (splice sites, transcripts); of a small network "auto" asks 4-mers.
    class_weights : {"none", "balanced"}
        The latter weighs each class by 1 / its frequency (mean 1); of a multi-label task, the rows
        that have a label by how much rarer they are than those that do not.
    evaluate_every : int
        Steps between evaluations on dev; 0 for once an epoch, -1 for the recipe's. The last step is
        always evaluated.
    patience : int
        Stop after so many evaluations without a better dev loss; 0 never.
    select : str
        What chooses the checkpoint on dev: "loss", or a metric's name
        (`dnabert2_explore.training.scores.metrics.score` lists them).
    train_rows : int
        Train on a sample of so many rows, by seed and class; 0 for all.
    seed : int
    device : str
        auto (as of `load`), cpu or cuda; several GPUs through ``accelerate launch`` or
        ``torchrun``.
    precision : {"auto", "float32", "bfloat16"}
        Of training; "auto" is bfloat16 where the hardware gains from it. Scores are always computed
        in float32, as prediction is.
    attention : {"auto", "sdpa", "flash", "flex", "eager"}
        Backend of training; "auto" is sdpa on a CPU, and on a GPU the first of flash, flex and sdpa
        that works. Scores are computed by sdpa.
    threads : int
        CPU threads; 0 leaves torch's default.
    max_minutes : float
        Stop after so long and keep the best so far; 0 for no limit.
    checkpoint_minutes : float
        Minutes between checkpoints, from which the same call goes on when the run was killed, in
        training or while it is scored; 0 for none.
    bootstrap : int
        Samples for the scores' intervals; 0 for none.
    check_leakage : bool
        Count copies, near-copies and counterparts that the files share, and set the model beside
        the best method without a neural network.
    recipe : {"auto", "published", "small"}
        What open settings are filled in with: the authors' protocol, or what makes small networks
        learn; "auto" is small below 20 million parameters.
    segmentation : {"auto", "fixed", "random"}
        "random" cuts each sequence into other tokens in every epoch (forced borders and BPE
        dropout, :mod:`~dnabert2_explore.tokens.segmentation`).
    cuts, bpe_dropout : float
        Of random segmentations.
    average : float
        Decay of an exponential moving average of the weights, which is judged on dev and saved;
        0 for none, -1 for the recipe's.
    schedule : {"auto", "linear", "cosine"}
        How the learning rate falls to 0.
    embeddings : {"auto", "plain", "composed"}
        "composed" trains the token table as a function of the tokens' bases
        (:mod:`~dnabert2_explore.network.composed`); it is saved as a plain one.
    anchor : str
        For sites: each sequence is read as two parts, [CLS] left [SEP] right [SEP], so that tokens
        begin at the site: "middle", or after so many bases. "": as a whole.
    strands : {"auto", "one", "both"}
        What the saved model's predictions are the mean over, and the scores of dev and test.
    segmentations : int
        Further segmentations they are the mean over; -1 for the recipe's.

    Raises
    ------
    InputError
        If a setting is none of its choices or out of range, or two do not go together.
    """

    model: str
    train: str
    dev: str
    out: str
    _: KW_ONLY
    test: str = ""
    genome: str = ""
    dev_share: float = 0.1
    test_share: float = 0.1
    task: str = "auto"
    method: str = "full"
    lora_rank: int = 8
    lora_alpha: int = 16
    lora_dropout: float = 0.05
    lora_targets: tuple[str, ...] = LORA_TARGETS
    max_tokens: int = 0
    batch_size: int = 0
    device_batch: int = 0
    epochs: float = 0.0
    max_steps: int = 0
    learning_rate: float = 0.0
    warmup_steps: int = -1
    weight_decay: float = -1.0
    gradient_clip: float = 1.0
    dropout: float = 0.1
    pooling: str = "auto"
    augment: str = "auto"
    class_weights: str = "none"
    evaluate_every: int = -1
    patience: int = 0
    select: str = "loss"
    train_rows: int = 0
    seed: int = 42
    device: str = "auto"
    precision: str = "auto"
    attention: str = "auto"
    threads: int = 0
    max_minutes: float = 0.0
    checkpoint_minutes: float = 10.0
    bootstrap: int = 1000
    check_leakage: bool = True
    recipe: str = "auto"
    segmentation: str = "auto"
    cuts: float = 0.05
    bpe_dropout: float = 0.05
    average: float = -1.0
    schedule: str = "auto"
    embeddings: str = "auto"
    anchor: str = ""
    strands: str = "auto"
    segmentations: int = -1

    def __post_init__(self) -> None:
        for name in ("out", "model", "genome", "train", "dev", "test"):
            given: Any = getattr(self, name)
            if name in TABLES and hasattr(given, "to_parquet"):
                given = self._kept(name, given)
            if not isinstance(given, str | PathLike):
                raise InputError(
                    f"{name} is given as {type(given).__name__}; expected a path"
                    + (", a DataFrame or a datasets.Dataset." if name in TABLES else ".")
                )
            object.__setattr__(self, name, fspath(given))
        check_choices(
            self,
            task=("auto", *TASKS),
            method=tuple(LEARNING_RATES),
            pooling=("auto", "cls", "mean"),
            augment=("auto", "none", "reverse_complement"),
            recipe=("auto", "published", "small"),
            segmentation=("auto", "fixed", "random"),
            schedule=("auto", "linear", "cosine"),
            embeddings=("auto", "plain", "composed"),
            strands=("auto", "one", "both"),
            class_weights=("none", "balanced"),
            precision=("auto", "float32", "bfloat16"),
            attention=("auto", *BACKENDS),
        )
        check_least(self, 1, ("lora_rank", "lora_alpha"))
        check_least(self, 0, (
            "max_tokens", "device_batch", "max_steps", "learning_rate", "gradient_clip", "patience",
            "train_rows", "threads", "max_minutes", "checkpoint_minutes", "bootstrap", "seed",
            "batch_size", "epochs",
        ))  # fmt: skip
        # -1: left to the recipe
        left = [name for name, value in AUTO.items() if value == -1 and getattr(self, name) != -1]
        check_least(self, 0, left)
        shares = ("dropout", "lora_dropout", "dev_share", "test_share", "cuts", "bpe_dropout")
        check_shares(self, (*shares, *(["average"] if self.average != -1 else [])))
        self._check_method()
        if 0 < self.max_tokens < 4:
            raise InputError(f"max_tokens is {self.max_tokens}; expected at least 4, or 0.")
        if not self.dev and not self.dev_share:
            raise InputError("dev is '' and dev_share is 0: name a file, or give a share.")
        strange = [name for name in self.lora_targets if name not in LORA_TARGETS]
        if strange or not self.lora_targets:
            raise InputError(
                f"lora_targets is {self.lora_targets!r}; expected some of "
                f"{', '.join(LORA_TARGETS)}."
            )

    def _kept(self, name: str, table: Any) -> Path:
        """Write a table into the run's folder, so that the run can be had again from its files."""
        path = Path(self.out) / "data" / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            table.to_parquet(temporary)
        return path

    def _check_method(self) -> None:
        if self.method != "full":
            if self.average > 0 or self.embeddings == "composed":
                raise InputError(
                    f"average and composed embeddings train all weights, and method is "
                    f"{self.method!r}: set method to 'full', or leave both out."
                )
            if self.anchor and self.method == "lora":
                raise InputError(
                    "anchor belongs to the model's own config.json, which an adapter has not: set "
                    "method to 'full' or 'probe', or leave anchor out."
                )
            if self.segmentation == "random" and self.method == "probe":
                raise InputError(
                    "segmentation is 'random', but a probe's vectors are computed once: set it to "
                    "'fixed', or method to 'full'."
                )
        if self.anchor and self.max_tokens:
            raise InputError(
                "max_tokens cuts the end off, where half of an anchored window stands: leave it 0, "
                "and give shorter windows."
            )
        if self.anchor and "both" in (
            self.strands,
            self.augment.replace("reverse_complement", "both"),
        ):
            raise InputError(
                "anchor reads a site of one strand, whose other strand is no such site: leave "
                "augment and strands out."
            )

    @property
    def rate(self) -> float:
        """The learning rate that is used."""
        return self.learning_rate or LEARNING_RATES[self.method]
