"""See DNA the way DNABERT-2 sees it: tokens, attention, attributions and embeddings in Jupyter.

Importing this package is light. torch, captum, umap and plotly load when a name that needs them
is first used. transformers' Auto classes know DNABERT-2 from then on, whenever they are imported.

Examples
--------
>>> import dnabert2_explore as dx
>>> enc = dx.load("pocket")
>>> tokens = enc.tokenize("ACGTAGCATCGGATCTATCTATCG")
>>> int(tokens.lengths.sum())
24
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .autoclasses import register_when_needed
from .version import __version__

if TYPE_CHECKING:
    from .analysis.attend import Attention, attend
    from .analysis.attribution import (
        Attribution,
        Mutagenesis,
        attribute,
        saturation_mutagenesis,
    )
    from .analysis.project import project
    from .analysis.timelapse import TimeLapse, timelapse
    from .analysis.variants import VariantScores, score_variants
    from .encoder import Encoder, load
    from .errors import Cancelled, CheckpointError, ExploreError, InputError
    from .sequences import Sequence, read_sequences
    from .sequences.variants import Variant
    from .stores import open_store
    from .tokens import Tokens
    from .training.finetune import FinetuneConfig, FinetuneResult, finetune
    from .training.pretrain import PretrainConfig, pretrain
    from .widgets import (
        AtlasExplorer,
        AttentionExplorer,
        AttributionExplorer,
        FinetuneApp,
        LeaderboardExplorer,
        PretrainingMonitor,
        TimeLapseExplorer,
        TokenExplorer,
        VariantExplorer,
        Workbench,
    )


# Public name -> module that defines it; resolved on first use so that importing stays light.
_HOMES = {
    "Attention": ".analysis.attend",
    "Attribution": ".analysis.attribution",
    "AtlasExplorer": ".widgets",
    "AttentionExplorer": ".widgets",
    "AttributionExplorer": ".widgets",
    "Cancelled": ".errors",
    "CheckpointError": ".errors",
    "Encoder": ".encoder",
    "ExploreError": ".errors",
    "FinetuneApp": ".widgets",
    "FinetuneConfig": ".training.finetune",
    "FinetuneResult": ".training.finetune",
    "InputError": ".errors",
    "LeaderboardExplorer": ".widgets",
    "Mutagenesis": ".analysis.attribution",
    "PretrainConfig": ".training.pretrain",
    "PretrainingMonitor": ".widgets",
    "Sequence": ".sequences",
    "TimeLapse": ".analysis.timelapse",
    "TimeLapseExplorer": ".widgets",
    "TokenExplorer": ".widgets",
    "Tokens": ".tokens",
    "Variant": ".sequences.variants",
    "VariantExplorer": ".widgets",
    "VariantScores": ".analysis.variants",
    "Workbench": ".widgets",
    "attend": ".analysis.attend",
    "attribute": ".analysis.attribution",
    "demo": ".demo",
    "finetune": ".training.finetune",
    "load": ".encoder",
    "open_store": ".stores",
    "pretrain": ".training.pretrain",
    "project": ".analysis.project",
    "read_sequences": ".sequences",
    "saturation_mutagenesis": ".analysis.attribution",
    "score_variants": ".analysis.variants",
    "timelapse": ".analysis.timelapse",
}

__all__ = [
    "AtlasExplorer",
    "Attention",
    "AttentionExplorer",
    "Attribution",
    "AttributionExplorer",
    "Cancelled",
    "CheckpointError",
    "Encoder",
    "ExploreError",
    "FinetuneApp",
    "FinetuneConfig",
    "FinetuneResult",
    "InputError",
    "LeaderboardExplorer",
    "Mutagenesis",
    "PretrainConfig",
    "PretrainingMonitor",
    "Sequence",
    "TimeLapse",
    "TimeLapseExplorer",
    "TokenExplorer",
    "Tokens",
    "Variant",
    "VariantExplorer",
    "VariantScores",
    "Workbench",
    "__version__",
    "attend",
    "attribute",
    "demo",
    "finetune",
    "load",
    "open_store",
    "pretrain",
    "project",
    "read_sequences",
    "saturation_mutagenesis",
    "score_variants",
    "timelapse",
]

register_when_needed()


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(_HOMES[name], __name__)
    value = module if name == "demo" else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
