"""What leaves with numbers is what computed them, also while something computes."""

from __future__ import annotations

import threading

from dnabert2_explore import load
from dnabert2_explore.encoder.model_entry import model_entry
from dnabert2_explore.widgets.core.provenance import provenance


def test_weights_are_told_as_they_are_at_rest(classifier_folder):
    enc = load(classifier_folder, device="cpu")
    before = provenance(enc)
    assert dict(before)["weights sha256"] == enc.weights_sha256 == enc.sha256
    busy, ended = threading.Event(), threading.Event()

    def attribute():
        with enc.lock:
            hook = enc.network.register_forward_hook(lambda *_: None)  # as Captum does
            enc.network.set_attn_implementation("eager")
            busy.set()
            ended.wait(20)
            enc.network.set_attn_implementation(dict(before)["attention backend"])
            hook.remove()

    other = threading.Thread(target=attribute)
    other.start()
    assert busy.wait(20)
    try:
        assert provenance(enc) == before
        assert enc.weights_sha256 == enc.sha256  # the network looks changed
        assert enc.pristine
        assert enc.attention == enc.info.attention == dict(before)["attention backend"]
        assert model_entry(enc)["sha256"] == enc.sha256
    finally:
        ended.set()
        other.join()
    assert provenance(enc) == before


def test_weights_that_were_changed_are_told(classifier_folder):
    enc = load(classifier_folder, device="cpu")
    before = dict(provenance(enc))
    enc.network.classifier.weight.data += 1
    assert dict(provenance(enc))["weights sha256"] != before["weights sha256"]
