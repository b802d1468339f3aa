from __future__ import annotations


def pytest_configure(config) -> None:
    # What transformers puts on its own tests (test_transformers_own.py).
    for name in (
        "accelerate_tests",
        "flash_attn_test",
        "flash_attn_3_test",
        "flash_attn_4_test",
        "generate",
        "slow",
        "torch_compile_test",
    ):
        config.addinivalue_line("markers", f"{name}: transformers' own")
