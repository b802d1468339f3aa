"""Runs a small pre-training in a process of its own, which tests kill or start several times.

``python pretraining.py CONFIG.json [resume] [kill=WHERE:STEP]``; WHERE is where the process ends
itself with SIGKILL: "micro" (between two micro-batches of a step), "weights" or "state" (within a
checkpoint), "log" (half a line written).
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def plant(where: str, at: int) -> None:
    """Let the process end itself at a step."""
    import torch

    from dnabert2_explore.training.pretrain import engine, logs

    if where == "micro":
        backward = torch.Tensor.backward
        calls = 0

        def counted(self, *arguments, **options):
            nonlocal calls
            calls += 1
            if calls == at:
                kill()
            return backward(self, *arguments, **options)

        torch.Tensor.backward = counted
    elif where == "weights":
        save_model = engine.save_model

        def partly(network, folder, *arguments, **options):
            save_model(network, folder, *arguments, **options)
            if folder.name == f".step-{at:07d}.new":
                (folder / "model.safetensors").write_bytes(b"half")
                kill()

        engine.save_model = partly
    elif where == "state":
        rename = Path.rename

        def instead(source, target):
            if Path(target).name == f"step-{at:07d}":
                kill()
            return rename(source, target)

        Path.rename = instead
    elif where == "log":
        append = logs.append_row

        def torn(path, columns, values):
            append(path, columns, values)
            if int(values["step"]) == at:
                text = path.read_text()
                path.write_text(text[: -len(text.splitlines()[-1]) // 2 - 1])
                kill()

        logs.append_row = torn
    else:
        raise ValueError(where)


def main() -> None:
    from dnabert2_explore.training.pretrain import PretrainConfig, pretrain

    arguments = sys.argv[2:]
    for argument in arguments:
        if argument.startswith("kill="):
            where, at = argument.removeprefix("kill=").split(":")
            plant(where, int(at))
    config = PretrainConfig(**json.loads(Path(sys.argv[1]).read_text()))
    pretrain(config, resume="resume" in arguments)


if __name__ == "__main__":
    main()
