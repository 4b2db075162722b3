from typing import Any

import pytest
import torch
from torch import Tensor

from csl.encoders import ConvNet, LocalNet, Pixels
from csl.losses import amdim_loss
from csl.methods import AMDIM
from csl.methods.run import run_seed
from csl.randomness import noise_of
from tests.methods.toy import toy_batch, toy_method


def test_loss_is_of_three_pairs_of_scales_both_ways() -> None:
    method: Any = toy_method("AMDIM", clip=3.0, penalty=0.2).double()
    batch = toy_batch([7, 2, 31, 5])
    batch = batch._replace(views=tuple(view.double() for view in batch.views))
    vectors: list[Tensor] = []
    coarse: list[Tensor] = []
    fine: list[Tensor] = []
    for view in batch.views:
        small = method.encoder.fine(view)
        large = method.encoder.coarse(small)
        vectors.append(method.global_head(method.encoder.whole(large)))
        for places, maps, head in zip((coarse, fine), (large, small), method.local_heads, strict=True):
            side = maps.shape[2]
            places.append(torch.stack([head(maps[:, :, i, j]) for i in range(side) for j in range(side)], dim=1))
    drawn = noise_of(batch.index, 2, "place", run_seed(), 0) % 16
    one_place = [torch.stack([coarse[v][i, drawn[i, v]] for i in range(4)]) for v in range(2)]
    pairs = [
        (source, target)
        for here, there in ((0, 1), (1, 0))
        for source, target in (
            (vectors[here], coarse[there]),
            (vectors[here], fine[there]),
            (one_place[here], coarse[there]),
        )
    ]
    expected = sum(amdim_loss(source, target, 3.0, 0.2) for source, target in pairs) / 2
    loss = method.training_loss(batch)
    torch.testing.assert_close(loss, expected, rtol=1e-10, atol=0)
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in method.parameters())


def test_places_are_drawn_anew_for_every_image_and_view() -> None:
    drawn = noise_of(torch.arange(100), 2, "place", run_seed(), 0) % 25
    assert set(drawn.flatten().tolist()) == set(range(25))
    assert (drawn[:, 0] != drawn[:, 1]).any()


def test_one_scale_is_enough() -> None:
    method: Any = AMDIM(ConvNet(width=2), local_layers=["layers.1"], output_dim=8)
    assert (method.local_layers, len(method.local_heads)) == (("layers.1",), 1)
    assert method.training_loss(toy_batch([0, 1, 2])).isfinite()


@pytest.mark.parametrize(
    ("encoder", "options", "message"),
    [
        (LocalNet(width=2), {"clip": 0.0}, "clip: expected a positive number, got 0.0"),
        (LocalNet(width=2), {"penalty": -1.0}, "penalty: expected a number at least 0 and finite, got -1.0"),
        (LocalNet(width=2), {"hidden_dim": 0}, "hidden_dim: expected a positive number, got 0"),
        (
            LocalNet(width=2),
            {"local_layers": ["fines"]},
            "layers: expected names of submodules of LocalNet, got 'fines'",
        ),
        (LocalNet(width=2), {"clip": 5.0, "loss": torch.nn.Identity()}, "clip: expected none beside a loss that is"),
        (Pixels(8, 3), {}, "encoder: expected one that names layers with maps, such as LocalNet, or their names"),
    ],
)
def test_wrong_options_are_named(encoder: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AMDIM(encoder, **options)
