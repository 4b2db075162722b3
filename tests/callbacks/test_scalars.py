from typing import Any

import pytest
import torch

from csl.callbacks import scalars
from csl.metrics import FeatureStd, undefined_scalars


class _Module:
    """Stands on a device of its own and notes where what it logs is."""

    device = torch.device("meta")

    def __init__(self) -> None:
        self.devices: dict[str, str] = {}

    def log(self, name: str, value: Any, **_: Any) -> None:
        self.devices[name] = value.device.type


@pytest.mark.parametrize(("group", "device"), [(object(), "meta"), (None, "cpu")])
def test_what_processes_share_is_where_they_can_send_it(
    monkeypatch: pytest.MonkeyPatch, group: object, device: str
) -> None:
    """NCCL takes nothing from the CPU, where an undefined metric's NaN would be."""
    monkeypatch.setattr(scalars, "world", lambda: group)
    module: Any = _Module()
    scalars.log_scalars(module, undefined_scalars(FeatureStd()), ())
    assert module.devices == {"feature_std": device}
