"""What transformers has to know of a tokenizer; training one needs this, and not torch."""

from __future__ import annotations

__all__ = ["TOKENIZER_SETTINGS"]

#: Without these, transformers knows of no padding and no mask.
TOKENIZER_SETTINGS = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "mask_token": "[MASK]",
}
