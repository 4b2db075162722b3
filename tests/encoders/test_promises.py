"""What every encoder promises; a new one is found by its line in csl/encoders/__init__.py."""

import copy
import io
import pickle
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from csl.encoders import Encoder, LabResNet
from tests.encoders.every import EVERY, NEEDS, images, small
from tests.two_processes import TwoProcesses

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


@pytest.fixture(params=EVERY, ids=lambda kind: kind.__name__)
def kind(request: Any) -> type[Encoder]:
    if package := NEEDS.get(request.param.__name__):
        pytest.importorskip(package)
    return request.param  # type: ignore[no-any-return]


def seen(encoder: Encoder, batch: Tensor) -> Tensor:
    """What the encoder's `forward` is given."""
    inputs: list[Tensor] = []
    handle = encoder.register_forward_pre_hook(lambda _, given: inputs.append(given[0].clone()))
    encoder(batch)
    handle.remove()
    return inputs[0]


def normalised(batch: Tensor, mean: Any = MEAN, std: Any = STD) -> Tensor:
    return (batch - torch.tensor(mean).view(-1, 1, 1)).div_(torch.tensor(std).view(-1, 1, 1))


def assert_given_normalised(found: Tensor, kind: type[Encoder], word: str, batch: Tensor) -> None:
    """What an encoder with a window gives is what one without gives for normalised images, bit for bit.

    One that needs the image's own colours brings them back: it gives the same with a window as without one.
    """
    if kind is LabResNet:
        torch.testing.assert_close(found, getattr(small(kind), word)(batch))
    else:
        assert torch.equal(found, getattr(small(kind), word)(normalised(batch)))


def saved(encoder: Encoder) -> Any:
    """Its weights, once through a file."""
    file = io.BytesIO()
    torch.save(encoder.state_dict(), file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def measurable(encoder: Encoder, batch: Tensor) -> dict[str, Tensor]:
    """Layers that give something that can be measured, and what they give."""
    given: dict[str, Tensor] = {}

    def keep(name: str) -> Any:
        def hook(_module: Any, _inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor) and output.ndim in (2, 3, 4) and len(output) == len(batch):
                given[name] = output.clone()

        return hook

    for name, part in encoder.named_modules():
        if name:
            part.register_forward_hook(keep(name))
    encoder(batch)
    given.pop("encoder", None)
    return given


def gives(encoder: Encoder, word: str) -> bool:
    """Whether an encoder has maps or tokens."""
    try:
        getattr(encoder, word)(images())
    except ValueError:
        return False
    return True


def test_there_is_more_than_one() -> None:
    assert {"Backbone", "ConvNet", "Pixels", "ResNet", "Timm", "ViT"} <= {kind.__name__ for kind in EVERY}


@pytest.mark.parametrize("in_channels", [1, 3])
@pytest.mark.parametrize("size", [8, 28, 32])
def test_features(kind: type[Encoder], in_channels: int, size: int) -> None:
    encoder = small(kind, in_channels)
    if encoder.image_size is not None:
        encoder = small(kind, in_channels, image_size=size)
    features = encoder(images(in_channels, size))
    assert (features.shape, features.dtype) == ((3, encoder.feature_dim), torch.float32)
    assert features.isfinite().all()


def test_other_channels_are_refused(kind: type[Encoder]) -> None:
    with pytest.raises(
        ValueError, match=rf"images: expected shape \[B, 3, H, W\] for {kind.__name__}\(in_channels=3\)"
    ):
        small(kind)(images(1))


def test_images_pass_unchanged_before_a_window_is_taken(kind: type[Encoder]) -> None:
    encoder, batch = small(kind), images()
    assert not encoder.has_window
    assert torch.equal(seen(encoder, batch), batch)


def test_images_are_normalised_once_bit_for_bit(kind: type[Encoder]) -> None:
    encoder, batch = small(kind), images()
    encoder.take_window(MEAN, STD)
    before = batch.clone()
    assert torch.equal(seen(encoder, batch), normalised(batch))
    assert torch.equal(batch, before)
    assert_given_normalised(encoder(batch), kind, "__call__", batch)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_images_keep_their_type(kind: type[Encoder], dtype: torch.dtype) -> None:
    encoder = small(kind).to(dtype)
    encoder.take_window(MEAN, STD)
    batch = images().to(dtype)
    assert seen(encoder, batch).dtype == encoder(batch).dtype == dtype


def test_a_stated_window_stays(kind: type[Encoder]) -> None:
    encoder = small(kind, mean=[0.5], std=[0.25])
    encoder.take_window(MEAN, STD)
    assert encoder.mean.tolist() == [0.5] * 3
    assert encoder.std.tolist() == [0.25] * 3


def test_the_first_window_stays(kind: type[Encoder]) -> None:
    encoder = small(kind)
    encoder.take_window(MEAN, STD)
    encoder.take_window([0.5], [0.5])
    assert torch.equal(encoder.mean, torch.tensor(MEAN))


def test_a_checkpoint_keeps_the_window_on_another_source(kind: type[Encoder]) -> None:
    trained = small(kind)
    trained.take_window(MEAN, STD)
    for before in (True, False):  # Lightning's order, and the other one
        encoder = small(kind)
        if before:
            encoder.take_window([0.1], [0.2])
        encoder.load_state_dict(saved(trained))
        encoder.take_window([0.1], [0.2])
        assert torch.equal(encoder(images()), trained(images()))
        assert torch.equal(encoder.std, torch.tensor(STD))


def test_weights_without_a_window_load_and_leave_it_open(kind: type[Encoder]) -> None:
    weights = {name: value for name, value in small(kind).state_dict().items() if name not in ("mean", "std")}
    encoder = small(kind)
    encoder.load_state_dict(weights)
    assert "mean" not in weights
    encoder.take_window(MEAN, STD)
    assert torch.equal(encoder.mean, torch.tensor(MEAN))


def test_gradients_reach_all_parameters(kind: type[Encoder]) -> None:
    encoder = small(kind).train()
    features = encoder(images())
    if not list(encoder.parameters()):
        assert not features.requires_grad
        return
    torch.autograd.backward((features * torch.randn_like(features)).sum())
    assert [name for name, parameter in encoder.named_parameters() if parameter.grad is None] == []


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda encoder: pickle.loads(pickle.dumps(encoder))])
def test_copies_are_whole(kind: type[Encoder], duplicate: Any) -> None:
    layers = list(measurable(small(kind), images()))[-1:]
    encoder = small(kind, layers=layers)
    encoder.take_window(MEAN, STD)
    encoder.outputs(images())
    copied = duplicate(encoder)
    assert (copied.has_window, copied.image_size, copied.layer_names) == (True, encoder.image_size, tuple(layers))
    assert torch.equal(copied(images()), encoder(images()))
    assert copied.mean.data_ptr() != encoder.mean.data_ptr()
    assert copied.state_dict().keys() == encoder.state_dict().keys() == small(kind).state_dict().keys()


def test_maps_and_tokens_are_normalised_or_refused(kind: type[Encoder]) -> None:
    encoder, batch = small(kind), images()
    encoder.take_window(MEAN, STD)
    for word in ("maps", "tokens"):
        refused = pytest.raises(ValueError, match=f"encoder: expected one with {word}, such as")
        with nullcontext() if gives(encoder, word) else refused:
            found = getattr(encoder, word)(batch)
            assert (len(found), found.ndim) == (3, 4 if word == "maps" else 3)
            assert_given_normalised(found, kind, word, batch)


def test_layers_are_measured_in_one_pass(kind: type[Encoder]) -> None:
    given = measurable(small(kind), images())
    layers = list(given)[:1] + list(given)[-1:]
    encoder = small(kind, layers=layers)
    passes: list[int] = []
    for part in encoder.children():
        part.register_forward_hook(lambda *_: passes.append(1))
    encoder(images())
    once = len(passes)
    outputs = encoder.outputs(images())
    assert len(passes) == 2 * once
    assert list(outputs) == ["encoder", *encoder.layer_names]
    assert torch.equal(outputs["encoder"], small(kind)(images()))
    for name in encoder.layer_names:
        assert torch.equal(outputs[name], encoder.layer_vectors(name, given[name]))
        assert outputs[name].ndim == 2


def test_local_layers_give_maps_beside_the_features(kind: type[Encoder]) -> None:
    encoder = small(kind)
    features, maps = encoder.features_and_maps(images(), encoder.local_layers)
    assert torch.equal(features, encoder(images()))
    sides = [one.shape[2] for one in maps]
    assert sides == sorted(sides), "from larger parts of an image to smaller ones"
    assert min(sides, default=2) > 1


def test_an_unknown_layer_is_an_error_at_construction(kind: type[Encoder]) -> None:
    with pytest.raises(ValueError, match=rf"layers: expected names of submodules of {kind.__name__}, got 'layr3'; "):
        small(kind, layers=["layr3"])


def test_compiled_features_are_the_same(kind: type[Encoder]) -> None:
    layers = list(measurable(small(kind), images()))[-1:]
    encoder, plain = small(kind, layers=layers), small(kind, layers=layers)
    encoder.compile(backend="eager")
    for each in (encoder, plain):
        each.take_window(MEAN, STD)
    torch.testing.assert_close(encoder(images()), plain(images()))
    torch.testing.assert_close(encoder.outputs(images()), plain.outputs(images()))
    assert encoder.state_dict().keys() == plain.state_dict().keys()


def test_autocast_gives_half_precision_at_most(kind: type[Encoder]) -> None:
    encoder = small(kind)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        features = encoder(images())
    assert features.dtype in (torch.bfloat16, torch.float32)
    torch.testing.assert_close(features.float(), encoder(images()), rtol=0.1, atol=0.1)


def _trained_in_parallel(kind: type[Encoder]) -> dict[str, Tensor]:
    """The features of one step of two processes, each on images of its own."""
    layers = list(measurable(small(kind), images()))[-1:]
    encoder = small(kind, layers=layers)
    encoder.take_window(MEAN, STD)
    parallel = DistributedDataParallel(encoder)
    parallel(images() * (torch.distributed.get_rank() + 1) / 2).square().mean().backward()
    gradient = next(encoder.parameters()).grad
    assert gradient is not None
    return {"gradient": gradient} | {name: values.detach() for name, values in encoder.outputs(images()).items()}


def test_two_processes(kind: type[Encoder], two_processes: TwoProcesses) -> None:
    if not list(small(kind).parameters()):
        return
    first, second = two_processes(_trained_in_parallel, kind)
    torch.testing.assert_close(first, second, rtol=0, atol=0)
