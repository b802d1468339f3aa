"""Every file is written through the helpers of files.py, which leave whole files or none."""

from __future__ import annotations

import ast
from pathlib import Path

import dnabert2_explore

ROOT = Path(dnabert2_explore.__file__).parent
HELPERS = {"replacing", "filling", "putting", "TemporaryDirectory"}
WRITERS = {"write_text", "write_bytes", "save_file", "copyfile", "copytree", "savez",
           "save_pretrained"}  # fmt: skip
#: The same by names that others have too.
OWNED = {"copy": ("shutil",), "save": ("np", "torch"), "dump": ("json",)}

#: Functions that are given a path which one of the helpers made, or that write no result.
GIVEN = {
    "bench/memory.py:_peak_of": "/proc/self/clear_refs",
    "bench/memory.py:why_unmeasurable": "/proc/self/clear_refs",
    "cli/look/server.py:_app_template": "a page of one server, in a folder that goes with it",
    "cli/look/server.py:_quiet_frontend": "settings of one server, in a folder that goes with it",
    "cli/look/warm.py:warm_kernels": "a kernel of one server, in a folder that goes with it",
    "network/config.py:save_pretrained": "as transformers has it",
    "network/export/standalone.py:keep_card": "into what `filling` gave",
    "network/modeling.py:save_pretrained": "as transformers has it",
    "network/checkpoints/saving.py:copy_tokenizer": "into what `filling` gave",
    "sequences/variants/vcf.py:__enter__": "into what `replacing` gave",
    "stores/files/exporting.py:_stream": "into what `replacing` gave",
    "stores/files/exporting.py:_write_npz": "into what `replacing` gave",
    "stores/files/vectors.py:_csv": "into what `replacing` gave",
    "stores/files/vectors.py:_npy": "into what `replacing` gave",
    "stores/files/vectors.py:_npz": "into what `replacing` gave",
    "training/finetune/keeping.py:_link": "into what `putting` gave",
    "training/finetune/keeping.py:_write_checkpoint": "into what `putting` gave",
    "training/finetune/methods/lora.py:save_extras": "into what `putting` gave",
    "training/loop/logs.py:append_row": "a row, at once",
    "training/predict.py:_csv": "into what `replacing` gave",
    "training/predict.py:_parquet": "into what `replacing` gave",
    "training/pretrain/engine.py:save": "into what `putting` gave",
    "training/corpus/stretches.py:_make": "a folder that is renamed when it is whole",
}


def opens_to_write(call: ast.Call) -> bool:
    """Whether a call of `open` names a mode that writes."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    modes = [one.value for one in (*call.args, *(k.value for k in call.keywords))
             if isinstance(one, ast.Constant) and isinstance(one.value, str)]  # fmt: skip
    return name == "open" and any(set(mode) <= set("wabxt+") and set(mode) & set("wax")
                                  for mode in modes)  # fmt: skip


def writes(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name in OWNED:
        owner = call.func.value if isinstance(call.func, ast.Attribute) else None
        return isinstance(owner, ast.Name) and owner.id in OWNED[name]
    if isinstance(call.func, ast.Name) and name == "write_text":  # the helper, no path's method
        return False
    return name in WRITERS or opens_to_write(call)


class Finder(ast.NodeVisitor):
    def __init__(self) -> None:
        self.functions: list[str] = []
        self.helped = 0
        self.found: list[tuple[str, int]] = []

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.functions.append(node.name)
        self.generic_visit(node)
        self.functions.pop()

    def visit_With(self, node: ast.With) -> None:
        names = {
            getattr(call.func, "id", getattr(call.func, "attr", ""))
            for item in node.items
            for call in ast.walk(item.context_expr)
            if isinstance(call, ast.Call)
        }
        helped = bool(names & HELPERS)
        self.helped += helped
        self.generic_visit(node)
        self.helped -= helped

    def visit_Call(self, node: ast.Call) -> None:
        if writes(node) and not self.helped:
            self.found.append((self.functions[0] if self.functions else "", node.lineno))
        self.generic_visit(node)


def test_no_file_is_written_past_the_helpers() -> None:
    found = set()
    for file in sorted(ROOT.rglob("*.py")):
        finder = Finder()
        finder.visit(ast.parse(file.read_text(encoding="utf-8")))
        where = file.relative_to(ROOT).as_posix()
        found |= {f"{where}:{function}" for function, _ in finder.found}
    assert found - GIVEN.keys() == set()
    assert GIVEN.keys() - found == set()  # what is listed and no longer there
