from pathlib import Path

import pytest
import torch
import yaml

from csl.commands import precision
from csl.commands.precision import automatic_precision
from tests.commands.runs import SMALL, csl

SHORT = ["--trainer.max_epochs", "1", "--trainer.limit_val_batches", "0", *SMALL]


def pretend(
    monkeypatch: pytest.MonkeyPatch, capability: str | None = None, gpu: bool = False, bf16: bool = False
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {capability: True} if capability else {}, raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: bf16 and not including_emulation)


@pytest.mark.parametrize(
    ("capability", "expected"), [("amx_bf16", "bf16-mixed"), ("avx512_bf16", "32-true"), ("avx2", "32-true")]
)
@pytest.mark.parametrize("accelerator", ["cpu", "auto"])
def test_processors_with_a_unit_for_bfloat16_use_it(
    monkeypatch: pytest.MonkeyPatch, accelerator: str, capability: str, expected: str
) -> None:
    pretend(monkeypatch, capability)
    assert automatic_precision(accelerator)[0] == expected


@pytest.mark.parametrize("has_amx", [True, False])
def test_an_older_torch_is_asked_for_tiles(monkeypatch: pytest.MonkeyPatch, has_amx: bool) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: has_amx, raising=False)
    assert precision.cpu_has_amx() == has_amx


@pytest.mark.parametrize("accelerator", ["gpu", "cuda", "auto"])
@pytest.mark.parametrize(("bf16", "expected"), [(True, "bf16-mixed"), (False, "32-true")])
def test_gpus_use_bfloat16_unless_they_would_emulate_it(
    monkeypatch: pytest.MonkeyPatch, accelerator: str, bf16: bool, expected: str
) -> None:
    pretend(monkeypatch, "amx_bf16", gpu=True, bf16=bf16)
    assert automatic_precision(accelerator)[0] == expected
    assert automatic_precision("cpu")[0] == "bf16-mixed"


def test_a_device_we_do_not_know_stays_in_float32() -> None:
    assert automatic_precision("tpu")[0] == "32-true"


def test_a_run_trains_in_the_automatic_precision_and_its_file_leaves_it_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[torch.dtype] = []
    monkeypatch.setattr(precision, "cpu_has_amx", lambda: True)
    monkeypatch.setattr("csl.methods.SimCLR.training_loss", watched(seen))
    csl(tmp_path, "fit", "--trainer.accelerator", "cpu", *SHORT)
    assert set(seen) == {torch.bfloat16}
    saved = tmp_path / "lightning_logs" / "simclr-digits" / "version_0" / "config.yaml"
    assert yaml.safe_load(saved.read_text())["trainer"]["precision"] is None


def test_a_precision_on_the_line_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[torch.dtype] = []
    monkeypatch.setattr(precision, "cpu_has_amx", lambda: True)
    monkeypatch.setattr("csl.methods.SimCLR.training_loss", watched(seen))
    csl(tmp_path, "fit", "--trainer.accelerator", "cpu", "--trainer.precision", "32-true", *SHORT)
    assert set(seen) == {torch.float32}


def watched(seen: list[torch.dtype]) -> object:
    """A training loss that notes what the encoder computes in."""

    def training_loss(self: torch.nn.Module, batch: object) -> torch.Tensor:
        features = self.encoder(batch.views[0])  # type: ignore[operator, attr-defined]
        seen.append(features.dtype)
        return features.float().square().mean()  # type: ignore[no-any-return]

    return training_loss
