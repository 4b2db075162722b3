import pytest
import torch
from torch.nn.functional import normalize

from csl.distributed import rank, world
from csl.modules import FeatureBank
from tests.two_processes import TwoProcesses

INDEX, ROWS = torch.tensor([5, 0, 2, 3]), torch.arange(12.0).reshape(4, 3) - 4


def test_entries_move_by_the_momentum_and_stay_unit_vectors() -> None:
    bank = FeatureBank(6, 3)
    before = bank.features.clone()
    bank.update(INDEX, ROWS, momentum=0.25)
    for image, row in zip(INDEX, ROWS, strict=True):
        moved = 0.25 * before[image] + 0.75 * row / row.norm()
        torch.testing.assert_close(bank.features[image], moved / moved.norm())
    others = torch.tensor([1, 4])
    torch.testing.assert_close(bank.features[others], before[others], rtol=0, atol=0)


def _updated() -> torch.Tensor:
    bank, own = FeatureBank(6, 3), slice(3 * rank(world()), 3 + rank(world()))
    bank.update(INDEX[own], ROWS[own], group=world())
    return bank.features


def test_every_process_moves_the_entries_of_all(two_processes: TwoProcesses) -> None:
    bank = FeatureBank(6, 3)
    bank.update(INDEX, ROWS)
    for found in two_processes(_updated):
        torch.testing.assert_close(found, bank.features, rtol=0, atol=0)


def test_another_number_of_images_begins_anew_and_the_same_one_goes_on() -> None:
    bank = FeatureBank(0, 3)
    bank.resize(6)
    torch.testing.assert_close(bank.features, FeatureBank(6, 3).features, rtol=0, atol=0)
    torch.testing.assert_close(bank.features, normalize(bank.features, dim=1))
    bank.update(INDEX, ROWS)
    before = bank.features.clone()
    bank.resize(6)
    torch.testing.assert_close(bank.features, before, rtol=0, atol=0)


def test_wrong_sizes_are_named() -> None:
    with pytest.raises(ValueError, match="size: expected a number at least 0 and finite, got -1"):
        FeatureBank(-1, 3)
    with pytest.raises(ValueError, match="dim: expected a positive number, got 0"):
        FeatureBank(1, 0)
