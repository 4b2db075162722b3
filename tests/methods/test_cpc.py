import math
import sys
from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy

from csl.encoders import ConvNet, PatchResNet
from csl.methods import CPC
from csl.methods.run import run_seed
from csl.modules import DRAWS, changed_patches
from csl.randomness import derive_generator, noise_of
from csl.types import Batch
from tests.methods.toy import ONE, toy_batch, toy_method

MODULE = sys.modules["csl.methods.cpc"]
# Down, up, right, left: what lies one step further on.
STEPS = ((1, 0), (-1, 0), (0, 1), (0, -1))


def _encoder(size: int = 16, **options: Any) -> PatchResNet:
    return PatchResNet(**({"depth": 10, "width": 2, "patch_size": 4, "image_size": size} | options))


def _batch(size: int = 16, count: int = 3) -> Batch:
    images = torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return Batch((images,), torch.zeros(count).long(), torch.tensor([7, 2, 31, 5])[:count])


def _maps(method: Any, batch: Batch) -> torch.Tensor:
    patches = method.encoder.cut(batch.views[0])
    noise = noise_of(batch.index, DRAWS * patches.shape[1] * patches.shape[2], "patches", run_seed(), 0)
    found: torch.Tensor = method.encoder.maps_of(changed_patches(patches, noise, 0.4, 0.5))
    return found


def _reference(method: Any, batch: Batch) -> torch.Tensor:
    """Place by place: each context predicts what lies so many steps further on."""
    maps = _maps(method, batch)
    side = maps.shape[2]
    drawn = list(range(len(maps) * side**2))
    if 0 < method.negatives < len(drawn):
        generator = derive_generator("negatives", run_seed(), 0)
        drawn = torch.randperm(len(drawn), generator=generator)[: method.negatives].tolist()
    targets = method.target_head(maps.permute(0, 2, 3, 1)).flatten(0, 2)  # by image, row and column
    terms = []
    for predictor, (down, right) in zip(method.predictors, STEPS, strict=False):
        turned = maps if down else maps.transpose(2, 3)
        turned = turned.flip(2) if down + right < 0 else turned
        context = predictor.context(turned)
        context = context.flip(2) if down + right < 0 else context
        context = context if down else context.transpose(2, 3)
        for image, row, column in torch.cartesian_prod(*map(torch.arange, (len(maps), side, side))).tolist():
            for distance, step in zip(method.distances, predictor.steps, strict=True):
                there = row + distance * down, column + distance * right
                if min(there) >= 0 and max(there) < side:
                    logits = 0.1 * targets @ step(context[image, :, row, column])
                    own = image * side**2 + there[0] * side + there[1]
                    logits[[number for number in range(len(logits)) if number not in {*drawn, own}]] = -math.inf
                    terms.append(cross_entropy(logits, torch.tensor(own)))
    return torch.stack(terms).mean()


@pytest.mark.parametrize(("directions", "negatives"), [(1, 0), (4, 1024), (4, 20)])  # all, as few as there are, few
def test_loss_and_gradients_are_those_of_each_prediction(directions: int, negatives: int) -> None:
    torch.manual_seed(0)
    method: Any = CPC(
        _encoder(), directions=directions, hidden_dim=4, output_dim=3, context_depth=2, negatives=negatives
    ).double()
    loss, expected = method.training_loss(_batch()), _reference(method, _batch())
    torch.testing.assert_close(loss, expected, rtol=1e-10, atol=0)
    parameters = list(method.parameters())
    grads = [torch.autograd.grad(value, parameters) for value in (loss, expected)]
    torch.testing.assert_close(*grads, rtol=1e-8, atol=1e-12)


def test_negatives_are_drawn_anew_for_each_step_among_the_patches_of_all_processes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    method: Any = CPC(_encoder(), negatives=20)
    targets = torch.zeros(3, 49, 64)
    drawn = method._drawn(targets)
    assert (len(drawn.unique()), int(drawn.max()) < 3 * 49) == (20, True)
    monkeypatch.setattr(MODULE, "size", lambda group: 8)
    assert 3 * 49 < int(method._drawn(targets).max()) < 8 * 3 * 49
    monkeypatch.setattr(CPC, "global_step", 1)
    first = method._drawn(targets)
    monkeypatch.setattr(CPC, "global_step", 2)
    assert not torch.equal(first, method._drawn(targets))


def test_no_prediction_sees_what_it_predicts() -> None:
    torch.manual_seed(0)
    method: Any = CPC(_encoder(), first_step=1, steps=1, hidden_dim=4, output_dim=3).double()
    maps = torch.randn(1, method.encoder.feature_dim, 7, 7, dtype=torch.float64, requires_grad=True)
    for predictor in method.predictors:
        (found,) = predictor(maps)
        for number, place in enumerate(found.places.tolist()):
            (slope,) = torch.autograd.grad(found.values[0, number].sum(), maps, retain_graph=True)
            assert slope.flatten(2)[0, :, place].abs().max() == 0


@pytest.mark.parametrize(
    ("first", "steps", "distances"), [(2, 3, (2, 3, 4)), (1, 2, (1, 2)), (2, 99, (2, 3, 4, 5, 6)), (6, 3, (6,))]
)
def test_distances_are_those_that_the_grid_has(first: int, steps: int, distances: tuple[int, ...]) -> None:
    assert CPC(_encoder(), first_step=first, steps=steps).distances == distances


def test_every_parameter_has_a_gradient() -> None:
    method: Any = toy_method("CPC")
    method.training_loss(toy_batch(list(range(4)), ONE)).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in method.parameters())


@pytest.mark.parametrize(
    ("encoder", "options", "message"),
    [
        (ConvNet(width=2), {}, "encoder: expected a PatchResNet for CPC, got ConvNet"),
        (_encoder(), {"first_step": 7}, "first_step: expected less than the 7 rows of patches, got 7"),
        (_encoder(), {"first_step": 0}, "first_step: expected a positive number, got 0"),
        (_encoder(), {"steps": 0}, "steps: expected a positive number, got 0"),
        (_encoder(), {"directions": 5}, "directions: expected a number above 0 and below 5, got 5"),
        (_encoder(), {"patch_jitter": 1.5}, "patch_jitter: expected a number from 0 to 1, got 1.5"),
        (_encoder(), {"color_drop": -0.5}, "color_drop: expected a number from 0 to 1, got -0.5"),
        (_encoder(), {"context_depth": 0}, "context_depth: expected a positive number, got 0"),
        (_encoder(), {"negatives": -1}, "negatives: expected a number at least 0 and finite, got -1"),
        (_encoder(), {"output_dim": 0}, "output_dim: expected a positive number, got 0"),
        (_encoder(), {"scale": 0.0}, "scale: expected a number above 0 and finite, got 0.0"),
        (_encoder(), {"scale": 1.0, "loss": torch.nn.Identity()}, "scale: expected none beside a loss that is given"),
    ],
)
def test_wrong_options_are_named(encoder: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CPC(encoder, **options)
