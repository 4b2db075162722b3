"""Float32 products and convolutions, in full or in TF32, whichever settings the torch at hand has."""

from typing import Any

import pytest
import torch

from csl.pairwise import fp32
from csl.pairwise.fp32 import exact_convolutions, products_in


class Part:
    def __init__(self, value: str) -> None:
        self.fp32_precision = value


class Backends:
    """The settings of torch 2.9 and later."""

    def __init__(self) -> None:
        self.cuda = type("Cuda", (), {"matmul": Part("tf32")})
        self.cudnn = type("Cudnn", (), {"conv": Part("tf32")})
        self.mkldnn = type("Mkldnn", (), {"matmul": Part("bf16"), "conv": Part("bf16")})

    def values(self) -> tuple[str, ...]:
        parts: list[Any] = [self.cuda.matmul, self.mkldnn.matmul, self.cudnn.conv, self.mkldnn.conv]  # type: ignore[attr-defined]
        return tuple(part.fp32_precision for part in parts)


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch) -> Backends:
    backends = Backends()
    monkeypatch.setattr(torch, "backends", backends)
    monkeypatch.setattr(fp32, "_BY_LIBRARY", True)
    return backends


def test_products_have_a_setting_in_each_library_and_get_it_back(newer: Backends) -> None:
    for precision in ("ieee", "tf32"):
        with products_in(precision):
            assert newer.values() == (precision, "ieee", "tf32", "bf16")
        assert newer.values() == ("tf32", "bf16", "tf32", "bf16")


def test_convolutions_have_a_setting_in_each_library_and_get_it_back(newer: Backends) -> None:
    with exact_convolutions():
        assert newer.values() == ("tf32", "bf16", "ieee", "ieee")
    assert newer.values() == ("tf32", "bf16", "tf32", "bf16")


@pytest.fixture
def older(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    state = {"products": "medium"}
    monkeypatch.setattr(fp32, "_BY_LIBRARY", False)
    monkeypatch.setattr(torch, "get_float32_matmul_precision", lambda: state["products"])
    monkeypatch.setattr(torch, "set_float32_matmul_precision", lambda value: state.update(products=value))
    return state


@pytest.mark.parametrize(("precision", "expected"), [("ieee", "highest"), ("tf32", "high")])
def test_before_torch_2_9_one_setting_serves_all_products(older: dict[str, str], precision: Any, expected: str) -> None:
    with products_in(precision):
        assert older["products"] == expected
    assert older["products"] == "medium"


def test_settings_come_back_after_an_error(newer: Backends) -> None:
    with pytest.raises(ZeroDivisionError), products_in("ieee"), exact_convolutions():
        1 / 0  # noqa: B018
    assert newer.values() == ("tf32", "bf16", "tf32", "bf16")


def test_before_torch_2_9_convolutions_have_a_switch_for_tf32(
    older: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cudnn = type("Cudnn", (), {"allow_tf32": True})
    monkeypatch.setattr(torch.backends, "cudnn", cudnn)
    with exact_convolutions():
        assert not cudnn.allow_tf32  # type: ignore[attr-defined]
    assert cudnn.allow_tf32  # type: ignore[attr-defined]
