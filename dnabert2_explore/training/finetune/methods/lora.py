"""Low-rank adapters (Hu et al. 2021, arXiv 2106.09685) through peft."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from peft.tuners.lora import Linear

from ....encoder.loading.adapters import ADAPTER_WEIGHTS
from ....errors import silenced
from ....network import Dnabert2ForSequenceClassification
from ....network.checkpoints.load import TOKENIZER, Checkpoint
from ....network.checkpoints.weights import save_weights
from ....tokens import DnaTokenizer
from ..config import FinetuneConfig
from ..data import TokenRows
from .learners import Learner
from .targets import Targets

__all__ = ["ADAPTER", "LoraLearner"]

#: Folder of the adapter, inside the model's.
ADAPTER = "adapter"

_NAME = "default"  # peft's name for the one adapter
_PREFIX = "base_model.model."


class LoraLearner(Learner):
    """Adapters on the encoder's linear layers are trained, and the whole head, which is fresh.

    The configuration says rank, alpha, dropout and targets; `base` is what the adapter belongs to.
    """

    def __init__(
        self,
        network: Dnabert2ForSequenceClassification,
        tokenizer: DnaTokenizer,
        targets: Targets,
        rows: list[TokenRows],
        config: FinetuneConfig,
        base: Checkpoint,
    ) -> None:
        kinds = "|".join(config.lora_targets)
        settings = LoraConfig(
            r=config.lora_rank,
            lora_alpha=config.lora_alpha,
            lora_dropout=config.lora_dropout,
            # Layers of the encoder alone: the pooler has a "dense" too.
            target_modules=rf".*encoder\.layer\.\d+\..*\.({kinds})",
            modules_to_save=["pooler", "classifier"],
            task_type="SEQ_CLS",
        )
        # peft asks transformers by a name that is going to change; nothing a user can mend.
        with silenced(FutureWarning):
            adapted = get_peft_model(network, settings)
        super().__init__(network, tokenizer, targets, rows)  # peft has put its layers into it
        self.module = adapted
        self.settings = adapted.peft_config[_NAME]
        self.base = base
        self.kept: dict[str, torch.Tensor] = {}
        name = config.model
        self.settings.base_model_name_or_path = (
            str(Path(name).resolve()) if Path(name).is_dir() else name
        )

    def finished(self) -> Dnabert2ForSequenceClassification:
        """Return a plain classifier on the CPU, with the adapter merged into its weights."""
        kept = f".modules_to_save.{_NAME}."
        state = {
            name.replace(".base_layer.", ".").replace(kept, "."): tensor
            for name, tensor in self.network.state_dict().items()
            if ".lora_" not in name and ".original_module." not in name
        }
        for name, layer in self.network.named_modules():
            if isinstance(layer, Linear):
                weight = f"{name}.weight"
                state[weight] = state[weight] + layer.get_delta_weight(_NAME)
        self.kept = self._adapter()
        return self._classifier(state)

    def _adapter(self) -> dict[str, torch.Tensor]:
        """Copy what is trained to the CPU, under peft's names, its head in the labels' unit."""
        # "auto" would ask the hub whether the base model's vocabulary was another.
        found = get_peft_model_state_dict(self.module, save_embedding_layers=False)
        state = {
            name: tensor.detach().to("cpu", copy=True).contiguous()
            for name, tensor in found.items()
        }
        self.targets.fold(state[f"{_PREFIX}classifier.weight"], state[f"{_PREFIX}classifier.bias"])
        return state

    def save_extras(self, folder: Path) -> None:
        """Write the adapter that `finished` last saw: what `load` and peft read."""
        folder = folder / ADAPTER
        folder.mkdir()
        save_weights(self.kept, folder / ADAPTER_WEIGHTS)
        self.settings.save_pretrained(str(folder))
        self.network.config.save_pretrained(folder)
        for name in (TOKENIZER, "tokenizer_config.json"):
            source = self.base.tokenizer.with_name(name)
            if source.is_file():
                shutil.copyfile(source, folder / name)
