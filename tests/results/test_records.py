"""What a file says of itself is found again in every kind of file, and damage to it is told."""

from __future__ import annotations

import json
import struct
import zlib
from xml.etree import ElementTree

import pytest

from dnabert2_explore.errors import InputError
from dnabert2_explore.results.records import (
    KEYWORD,
    beside,
    in_html,
    packed,
    read_record,
    sealed_text,
    table_line,
    unpacked,
    without_record,
    write_beside,
)

RECORD = {"what": "view", "input": "</script><b>]]>&amp;", "name": "ä 日本"}


def png_with(text: str) -> bytes:
    """A picture of one pixel, written from the standard's words."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(b"\0\0\0\0"))
        + chunk(b"tEXt", KEYWORD.encode() + b"\0" + text.encode())
        + chunk(b"IEND", b"")
    )


def contents(text: str) -> dict[str, bytes]:
    metadata = f'<metadata id="{KEYWORD}"><![CDATA[{text}]]></metadata>'
    return {
        "table.csv": f"{table_line(text)}# more\na,b\n1,2\n".encode(),
        "page.html": f"<html><body><p>x</p>{in_html(text)}</body></html>".encode(),
        "picture.svg": f"<svg>{metadata}</svg>".encode(),
        "picture.png": png_with(text),
    }


@pytest.mark.parametrize("name", ["table.csv", "page.html", "picture.svg", "picture.png"])
def test_a_record_is_found_in_every_kind_of_file(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(contents(sealed_text(RECORD))[name])
    found = read_record(path)
    assert {key: found[key] for key in RECORD} == RECORD
    assert {"dnabert2-explore", "torch", "Python"} <= found["versions"].keys()
    changed = contents(sealed_text(RECORD).replace("view", "vied"))[name]
    path.write_bytes(changed)
    with pytest.raises(InputError, match="not what was written"):
        read_record(path)


def test_a_page_cannot_be_left_by_what_a_record_holds():
    element = in_html(sealed_text(RECORD))
    assert element.count("<") == 2  # its own two tags
    assert element.isascii()


def test_a_picture_with_any_name_in_it_is_xml():
    picture = ElementTree.fromstring(contents(sealed_text(RECORD))["picture.svg"])
    assert json.loads(picture.find("metadata").text)["input"] == RECORD["input"]


def test_a_file_of_another_kind_has_it_beside(tmp_path):
    path = tmp_path / "vectors.npz"
    path.write_bytes(b"PK")
    with pytest.raises(InputError, match=r"vectors\.npz\.record\.json was not kept"):
        read_record(path)
    assert write_beside(path, RECORD) == beside(path)
    assert read_record(path)["what"] == "view"
    beside(path).write_text(beside(path).read_text().replace("view", "vied"))
    with pytest.raises(InputError, match="not what was written"):
        read_record(path)
    with pytest.raises(InputError, match="no file"):
        read_record(tmp_path / "none.csv")


def test_text_is_the_same_with_the_record_taken_out():
    for name in ("table.csv", "page.html"):
        one, other = (contents(sealed_text(RECORD | {"n": n}))[name].decode() for n in (1, 2))
        assert one != other
        assert without_record(one) == without_record(other)


def test_long_text_is_left_out_and_a_bomb_is_refused(monkeypatch):
    assert unpacked(packed("ACGT\nß")) == "ACGT\nß"
    monkeypatch.setattr("dnabert2_explore.results.records._MOST", 200)
    assert packed("".join(map(str, range(2000)))) is None
    bomb = packed("A" * 100_000)
    with pytest.raises(InputError, match="more text"):
        unpacked(bomb)
    assert json.dumps(bomb)
