"""Corpora, tokenizers, pre-training, fine-tuning and honest scores.

The modules are imported one by one (``from dnabert2_explore.training.pretrain import pretrain``):
sampling windows needs no torch, training does.
"""
