"""Nothing in a step waits for the device but at log steps: no value is read, no shape depends on one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from lightly.loss.ntx_ent_loss import NTXentLoss

from csl.data import Augmentation
from csl.losses import nt_xent_loss
from csl.methods.lars import LARS
from tests.methods.toy import METHODS
from tests.promises.waits import Waits, steps_that_wait, watched


@pytest.mark.full
@pytest.mark.parametrize("has_bar", [False, True])
@pytest.mark.parametrize("name", METHODS)
def test_only_log_steps_read_a_value(
    name: str, has_bar: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert steps_that_wait(name, tmp_path, has_bar) == {3, 6}
    assert ("train/loss=" in capsys.readouterr().out) == has_bar


def test_the_mode_sees_what_makes_a_device_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    waits, x = Waits(), torch.arange(4.0)
    reads: list[Callable[[], Any]] = [
        lambda: x[0].item(),
        lambda: bool((x > 1).any()),
        lambda: x.tolist(),
        lambda: x[x > 1],
        lambda: x.nonzero(),
    ]
    with watched(waits, monkeypatch):
        for step, read in enumerate(reads):
            waits.step = step
            read()
    assert set(waits.found) == set(range(5))


def test_no_shape_of_simclrs_loss_depends_on_a_value() -> None:
    """Tensors of the meta device have no values: whatever asks for one fails."""
    first, second = (torch.empty(4, 8, device="meta", requires_grad=True) for _ in range(2))
    nt_xent_loss(first, second, 0.2).backward()  # type: ignore[no-untyped-call]
    LARS([first, second], lr=0.1, clip=True).step()
    with pytest.raises(NotImplementedError):
        NTXentLoss()(first, second)


def test_no_shape_of_an_augmentation_depends_on_a_value_on_the_device() -> None:
    view = Augmentation(image_size=16, blur_probability=0.5, solarize_probability=0.5, erase_probability=0.5)
    assert view(torch.empty(8, 3, 16, 16, dtype=torch.uint8, device="meta")).device.type == "meta"
