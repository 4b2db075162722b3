"""A step that memory cannot hold is refused before training."""

from pathlib import Path

import pytest
import torch

from csl.callbacks import memory_guard
from csl.callbacks.memory_guard import kept_bytes, step_bytes
from csl.encoders import ConvNet, Encoder, ResNet, ViT
from tests.commands.runs import SMALL_TRAINER, csl, failure

LINE = "fit", "--trainer.max_epochs", "1", "--trainer.callbacks", "[OrganizationMetrics]", *SMALL_TRAINER


def really_kept(encoder: Encoder, size: int, count: int = 4) -> float:
    """What autograd keeps of real images."""
    found: dict[int, int] = {}
    weights = {tensor.untyped_storage()._cdata for tensor in [*encoder.parameters(), *encoder.buffers()]}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.untyped_storage()._cdata not in weights:
            found[tensor.untyped_storage()._cdata] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        features = encoder(torch.rand(count, encoder.in_channels, size, size))
    assert features.requires_grad
    return sum(found.values()) / count


@pytest.mark.parametrize(
    "encoder",
    [
        ResNet(10, width=8),
        ConvNet(width=8),
        ViT(image_size=16, patch_size=4, depth=2, heads=2, width=32, mlp_width=64),
    ],
    ids=lambda encoder: type(encoder).__name__,
)
def test_the_estimate_is_near_what_is_kept(encoder: Encoder) -> None:
    assert kept_bytes(encoder, 16) == pytest.approx(really_kept(encoder, 16), rel=0.5)


def test_an_estimate_changes_nothing() -> None:
    encoder = ResNet(10, width=8)
    before, state = torch.get_rng_state(), {name: value.clone() for name, value in encoder.state_dict().items()}
    kept_bytes(encoder, 16)
    assert torch.equal(torch.get_rng_state(), before)
    for name, value in encoder.state_dict().items():
        assert torch.equal(value, state[name]), name
        assert type(value) is torch.Tensor


def test_an_encoder_that_looks_at_its_images_gets_no_estimate() -> None:
    class Curious(Encoder):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images.mean(dim=(2, 3)) if images.sum().item() >= 0 else images.amax(dim=(2, 3))

    assert step_bytes(Curious(3), {32: 8}) == 0.0


def test_images_of_4000_pixels_are_refused(tmp_path: Path) -> None:
    status, message = failure(tmp_path, *LINE, "--data.image_size", "4000")
    assert status == 1
    assert "memory: a step of 128 images in 2 views of up to 4000 x 4000 pixels needs about " in message
    assert "choose a smaller --data.image_size or --data.batch_size, or a smaller encoder" in message


def test_too_little_at_the_moment_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_guard, "memory_of", lambda device: (1e6, 1e12))
    with pytest.warns(UserWarning, match=r"needs about .* GB with this ConvNet, and 0\.0 GB of cpu are free"):
        csl(tmp_path, *LINE)
