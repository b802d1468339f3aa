"""A digest belongs to the bytes that a file holds now."""

import hashlib
import os

from dnabert2_explore.results.digests import sha256_of, stamp_of


def test_another_file_of_the_same_size_and_time_has_another_digest(tmp_path):
    path, new = tmp_path / "a", tmp_path / "b"
    for file, content in ((path, b"old weights"), (new, b"new weights")):
        file.write_bytes(content)
        os.utime(file, (0, 0))
    old, before = sha256_of(path), stamp_of(path)
    new.replace(path)
    assert stamp_of(path) != before
    assert sha256_of(path) == hashlib.sha256(b"new weights").hexdigest() != old
    # Written in place, with the time put back.
    before = stamp_of(path)
    with path.open("rb+") as file:
        file.write(b"NEW")
    os.utime(path, (0, 0))
    assert stamp_of(path) != before
    assert sha256_of(path) == hashlib.sha256(b"NEW weights").hexdigest()
