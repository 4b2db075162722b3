import pytest
import torch
from torch import Tensor

from csl.encoders import ConvNet, Encoder
from csl.encoders.window import Window


@pytest.mark.parametrize(
    ("channels", "mean", "std", "message"),
    [
        (3, [0.5], None, r"mean, std: expected both or neither, got mean=\[0.5\] and std=None"),
        (3, None, [0.5], r"mean, std: expected both or neither, got mean=None and std=\[0.5\]"),
        (4, [0.5] * 3, [0.5] * 3, "mean: expected one number for each of in_channels=4 channels, got 3"),
        (3, [0.5] * 3, [0.5] * 2, "std: expected one number for each of in_channels=3 channels, got 2"),
        (1, [], [], "mean: expected one number for each of in_channels=1 channels, got 0"),
        (
            3,
            [0.5, 127.0, 0.5],
            [0.5] * 3,
            r"mean: expected numbers from 0 to 1, as images are in \[0, 1\], got \[0.5, 1",
        ),
        (3, [0.5] * 3, [0.5, 0.0, 0.5], r"std: expected positive numbers, got \[0.5, 0.0, 0.5\]"),
        (3, [0.5] * 3, [0.5, float("nan"), 0.5], "std: expected positive numbers, got"),
    ],
)
def test_wrong_windows_are_named(
    channels: int, mean: list[float] | None, std: list[float] | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Window(channels, mean, std)


def test_a_wrong_source_is_named_and_changes_nothing() -> None:
    window = Window(3)
    with pytest.raises(ValueError, match="std: expected one number for each of in_channels=3 channels, got 2"):
        window.take_window([0.5] * 3, [0.5] * 2)
    assert not window.has_window
    assert window.mean.tolist() == [0.0] * 3


def test_colour_statistics_of_grey_images_are_averaged() -> None:
    window = Window(1, [0.1, 0.2, 0.6], [0.2, 0.2, 0.5])
    torch.testing.assert_close(window.mean, torch.tensor([0.3]))
    torch.testing.assert_close(window.std, torch.tensor([0.3]))


def test_one_number_is_every_channels() -> None:
    assert Window(4, [0.5], [0.25]).std.tolist() == [0.25] * 4


def test_tensors_are_sequences_of_floats() -> None:
    window = Window(2)
    window.take_window(torch.tensor([0.5, 0.25]).tolist(), (1.0, 2.0))
    assert window.mean.tolist() == [0.5, 0.25]


def test_it_is_saved_under_its_name_and_moves_with_the_module() -> None:
    window = Window(2, [0.5], [0.25]).double()
    assert list(window.state_dict()) == ["mean", "std"]
    assert window.mean.dtype == torch.float64
    assert list(window.parameters()) == []


def test_half_of_a_window_in_a_checkpoint_settles_nothing() -> None:
    window = Window(2)
    window.load_state_dict({"mean": torch.ones(2)})
    assert not window.has_window


class _Outer(Encoder):
    def __init__(self) -> None:
        super().__init__(feature_dim=16)
        self.inner = ConvNet(width=2)

    def forward(self, images: Tensor) -> Tensor:
        return self.inner(images)


def test_an_encoder_inside_another_does_not_normalise_again() -> None:
    outer = _Outer().eval()
    for part in outer.modules():
        if isinstance(part, Encoder):
            part.take_window([0.5], [0.5])
    images = torch.rand(2, 3, 8, 8)
    assert outer.inner.mean.tolist() == [0.0] * 3
    assert torch.equal(outer(images), outer.inner.forward((images - 0.5) / 0.5))
