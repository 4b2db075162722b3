"""Each method's step, mixed precision, compilation, resuming and augmentation on every device."""

from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback

from csl.callbacks import Compilation, NaNGuard
from csl.data import Augmentation
from csl.data.recipes import Recipe, large, small, tiny
from csl.methods import Method
from csl.randomness import seeded
from tests.data.test_augmentation import images
from tests.methods.toy import METHODS, QUICK, ToyData, toy_method, toy_trainer, weights
from tests.promises.test_half_precision import Losses
from tests.promises.test_resume import _SaveAfter


def fitted(name: str, device: str, *callbacks: Callback, epochs: int = 1, **options: Any) -> tuple[Method, list[float]]:
    """A method after some epochs on a device, and the loss of each step."""
    checkpoint = options.pop("ckpt_path", None)
    method, losses = toy_method(name, dropout=options.pop("dropout", False)), Losses()
    trainer = toy_trainer(
        accelerator="cpu" if device == "cpu" else "gpu",
        max_epochs=epochs,
        callbacks=[losses, NaNGuard(), *callbacks],
        **options,
    )
    trainer.fit(method, datamodule=ToyData(method.views), ckpt_path=checkpoint)
    return method, losses.seen


@pytest.mark.parametrize("name", METHODS)
def test_the_first_steps_are_those_in_double_precision_on_the_cpu(name: str, device: str) -> None:
    _, exact = fitted(name, "cpu", precision="64-true", max_steps=1)
    _, losses = fitted(name, device, max_steps=1)
    # LeJEPA draws its directions in the precision of the step: others, for the same distribution.
    assert losses == pytest.approx(exact, rel=2e-2 if name == "LeJEPA" else 1e-3, abs=1e-4)


@pytest.mark.parametrize("name", METHODS)
def test_bfloat16_trains(name: str, device: str) -> None:
    method, losses = fitted(name, device, precision="bf16-mixed")
    assert len(losses) == 4
    assert all(torch.tensor(losses).isfinite())
    changed = [key for key, value in weights(method).items() if not torch.equal(value.cpu(), toy(name)[key])]
    assert any("encoder" in key for key in changed)


def toy(name: str) -> dict[str, torch.Tensor]:
    return weights(toy_method(name))


def test_a_compiled_step_is_the_plain_one(device: str) -> None:
    torch._dynamo.reset()
    _, compiled = fitted("SimCLR", device, Compilation("eager"))
    _, plain = fitted("SimCLR", device)
    assert compiled == pytest.approx(plain, rel=1e-5)


def test_a_resumed_run_goes_on_where_it_was_stopped(device: str, tmp_path: Path) -> None:
    path = tmp_path / "step.ckpt"
    _, whole = fitted("MoCo", device, _SaveAfter(4, path), epochs=2, dropout=True)
    torch.manual_seed(123)
    _, rest = fitted("MoCo", device, epochs=2, dropout=True, ckpt_path=path)
    assert len(whole) == 8
    assert rest == pytest.approx(whole[4:], rel=1e-4)


@pytest.mark.parametrize("recipe", [tiny(32), small(), large(32)], ids=["tiny", "small", "large"])
def test_views_are_those_of_the_cpu_in_double_precision(recipe: Recipe, device: str) -> None:
    """The draws are the same on every device; the pixels may differ by rounding."""
    augmentation = Augmentation(blur_probability=0.5, solarize_probability=0.0, erase_probability=0.5).follow(recipe)
    with seeded(1):
        exact = augmentation(images(64), dtype=torch.float64)
    with seeded(1):
        views = augmentation(images(64).to(device))
    assert views.device.type == device
    torch.testing.assert_close(views.cpu().double(), exact, atol=1e-4, rtol=0)


def test_the_optimizer_moves_weights_on_every_device(device: str) -> None:
    before = toy("SimCLR")
    method, _ = fitted("SimCLR", device, max_steps=2)
    assert QUICK.optimizer == "sgd"
    moved = [key for key, value in weights(method).items() if not torch.equal(value.cpu(), before[key])]
    assert any(key.endswith("weight") for key in moved)
