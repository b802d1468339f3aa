"""The learner of a method: all weights, adapters, or a linear head."""

from __future__ import annotations

from ....common.progress import Progress
from ....common.randomness import RandomStream
from ....extras import translated
from ....network import Dnabert2ForSequenceClassification
from ....tokens import DnaTokenizer
from ..config import FinetuneConfig
from ..data import Resegmented, TokenRows
from .learners import Learner
from .probe import ProbeLearner
from .source import Source
from .targets import Targets

__all__ = ["make_learner"]


def make_learner(
    config: FinetuneConfig,
    source: Source,
    network: Dnabert2ForSequenceClassification,
    tokenizer: DnaTokenizer,
    targets: Targets,
    rows: list[TokenRows],
    resegmented: Resegmented | None,
    fresh: RandomStream,
    progress: Progress,
) -> Learner:
    """Make what the method of a settled configuration trains.

    `network` was made of `source` and is on its device; `rows` are train, and its other strand
    where there is one; `resegmented` reads train in their place, cut anew in every epoch.
    `fresh` has the numbers that fresh weights begin with; `progress` is told of what a probe
    computes before its first step.
    """
    if config.method == "lora":
        with translated():
            from .lora import LoraLearner  # peft takes seconds to import

        with fresh.drawing():
            learner: Learner = LoraLearner(
                network, tokenizer, targets, rows, config, source.checkpoint
            )
        learner.resegmented = resegmented
    elif config.method == "probe":
        learner = ProbeLearner(network, tokenizer, targets, rows, progress)
    else:
        learner = Learner(network, tokenizer, targets, rows, resegmented, source.fresh)
        if config.embeddings == "composed":
            with fresh.drawing():
                learner.compose()
        learner.average_weights(config.average)
    return learner
