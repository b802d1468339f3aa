"""JSON that tells when it was damaged."""

import json

import numpy as np
import pytest

from dnabert2_explore.errors import CheckpointError, InputError
from dnabert2_explore.results.sealed import SEAL, read_json, seal, write_json

CONTENT = {
    "format": 2,
    "name": "Ünïcode",
    "scores": {"mcc": 0.1 + 0.2, "loss": 1e-300, "low": None},
    "by number": {9: "a", 10: "b"},
    "notes": ["one", "two"],
}


def read_back(content):
    return json.loads(json.dumps(content))


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "deep" / "result.json"
    write_json(path, CONTENT)
    assert read_json(path) == read_back(CONTENT)
    assert list(json.loads(path.read_text()))[-1] == SEAL
    path.write_text(json.dumps(json.loads(path.read_text())))  # laid out otherwise
    assert read_json(path) == read_back(CONTENT)
    path.write_text(json.dumps(CONTENT))  # as earlier versions wrote
    assert read_json(path) == read_back(CONTENT)
    assert seal(seal(CONTENT)) == seal(CONTENT)


def test_no_flipped_bit_changes_a_value(tmp_path):
    path = tmp_path / "result.json"
    write_json(path, CONTENT)
    whole = path.read_bytes()
    silent, messages = [], set()
    for bit in range(8 * len(whole)):
        data = bytearray(whole)
        data[bit // 8] ^= 1 << (bit % 8)
        path.write_bytes(data)
        try:
            if read_json(path) != read_back(CONTENT):
                silent.append(bit)
        except InputError as error:
            messages.add(str(error))
    assert silent == []
    assert all(str(path) in message and "\n" not in message for message in messages)


@pytest.mark.parametrize(
    "text",
    ["{:", "", "[1]", "5", '{"a": NaN, "digest": "blake2b:0"}', "9" * 5000, "[" * 100_000],
    ids=["syntax", "empty", "list", "number", "nan", "digits", "depth"],
)
def test_other_content_is_refused_with_its_name(tmp_path, text):
    path = tmp_path / "state.json"
    path.write_text(text)
    with pytest.raises(CheckpointError, match=r"state\.json"):
        read_json(path, CheckpointError)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="is no JSON"):
        read_json(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_json(tmp_path / "nowhere.json")


def test_nan_is_never_sealed():
    with pytest.raises(ValueError, match="JSON"):
        seal({"value": np.nan})


def test_a_long_file_that_was_changed_by_hand_is_read_at_once(tmp_path, monkeypatch):
    """Every bit of it was turned and the whole read again: hours, for a few thousand names."""
    from dnabert2_explore.results import sealed

    path = tmp_path / "config.json"
    write_json(path, {"names": ["class"] * 4000, "eps": 1})
    path.write_text(path.read_text().replace('"eps": 1', '"eps": 22'))
    read, loads = [], json.loads
    monkeypatch.setattr(sealed.json, "loads", lambda text: read.append(1) or loads(text))
    with pytest.warns(UserWarning, match="was changed after it was written"):
        assert read_json(path, editable=True)["eps"] == 22
    assert len(read) < 10
