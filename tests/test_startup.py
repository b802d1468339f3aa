"""What a command loads before its first result: nothing that it does not use."""

from __future__ import annotations

import subprocess
import sys

#: Installed beside the package, slow to load, and of no use to `embed`. What transformers' base
#: class of models loads (the second line) was half of the time to the first vector.
HEAVY = {
    *("transformers.modeling_utils", "torch._dynamo", "accelerate", "scipy", "sympy"),
    *("IPython", "anndata", "anywidget", "captum", "dask", "datasets", "distributed", "h5py"),
    *("ipywidgets", "jupyterlab", "logomaker", "matplotlib", "modiscolite", "numba", "onnx"),
    *("onnxruntime", "pandas", "peft", "plotly", "pyarrow", "pyfaidx", "pysam", "sklearn"),
    *("tensorboard", "torchvision", "umap", "zarr"),
    *("dnabert2_explore.bench", "dnabert2_explore.figures"),
    *("dnabert2_explore.network.export", "dnabert2_explore.training", "dnabert2_explore.widgets"),
}

#: Of the analyses, the two small tables that the options of `attribute` are made of.
TABLES = {"dnabert2_explore.analysis." + name for name in ("methods", "settings")}


def test_embed_loads_nothing_that_it_does_not_use(tmp_path) -> None:
    (tmp_path / "one.fa").write_text(">one\nACGTAGCATCGGATCTATCTATCGACACTTGG\n")
    code = (
        "import sys; from dnabert2_explore.cli import main\n"
        "try: main()\n"
        f"finally: print(*({HEAVY!r} & set(sys.modules)), *(one for one in sys.modules "
        f"if one.startswith('dnabert2_explore.analysis.') and one not in {TABLES!r}))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, "embed", tmp_path / "one.fa", "-o", tmp_path / "one.npz"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (tmp_path / "one.npz").is_file()
    assert said.stdout.split() == []


def test_the_workbench_loads_without_the_base_class_of_transformers() -> None:
    code = (
        "import sys, dnabert2_explore as dx; import dnabert2_explore.widgets.workbench\n"
        "dx.load('pocket', cache=False)\n"
        "print(*({'transformers.modeling_utils', 'torch._dynamo'} & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split() == []


def test_forks_of_a_warm_kernel_share_what_an_untrained_twin_takes() -> None:
    """Imported in every fork, it was seven minutes of thirty visitors' opening, and 4 GB."""
    code = (
        "import importlib, sys; from dnabert2_explore.cli.look import warm\n"
        "for name in warm._IMPORTED: importlib.import_module(name)\n"
        "before = set(sys.modules)\n"
        "import dnabert2_explore as dx; dx.random_twin(dx.load('pocket', cache=False))\n"
        "print(*{name.split('.')[0] for name in set(sys.modules) - before})"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"transformers", "sympy", "accelerate", "torch"} & set(said.stdout.split())
