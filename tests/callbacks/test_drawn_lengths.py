from collections.abc import Mapping
from typing import Any

import pytest
import torch
from matplotlib.figure import Figure

from csl.callbacks import ClassAffinityMap, FeatureMap, figures
from csl.callbacks.figures import FigureCallback
from csl.types import Features, Split


@pytest.mark.parametrize("kind", [FeatureMap, ClassAffinityMap])
@pytest.mark.parametrize("options", [{}, {"normalize": False}])
def test_features_are_drawn_with_length_1_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, kind: type[FigureCallback], options: Mapping[str, Any]
) -> None:
    rows = Features(5 * torch.ones(4, 3), torch.arange(4) % 2, torch.arange(4))
    drawn: list[Features] = []

    def draw(self: FigureCallback, rows: Features, *rest: Any) -> Figure:
        drawn.append(rows)
        return Figure()

    class Trainer:
        is_global_zero, datamodule = True, None

    monkeypatch.setattr(kind, "draw", draw)
    monkeypatch.setattr(figures, "epochs_of", lambda trainer: 1)
    monkeypatch.setattr(figures, "held_out_name", lambda trainer: "val")
    monkeypatch.setattr(figures, "show_figure", lambda trainer, tag, figure: None)
    callback: Any = kind(**options)
    callback.on_features(Trainer(), torch.nn.Identity(), {"encoder": Split(rows, rows)})
    length = 5 * 3**0.5 if options else 1
    assert drawn[0].values.norm(dim=1).tolist() == pytest.approx([length] * 4)
