import pytest
import torch

from csl.data.sampler import EvaluationSampler, TrainSampler


def batches(world_size: int, epoch: int = 0, num_images: int = 50, batch_size: int = 12) -> list[list[int]]:
    """Global batches, put together from every process's share."""
    shares = []
    for rank in range(world_size):
        sampler = TrainSampler(num_images, batch_size, seed=3, rank=rank, world_size=world_size)
        sampler.set_epoch(epoch)
        rows, size = list(sampler), batch_size // world_size
        assert len(rows) == len(sampler)
        shares.append([rows[i : i + size] for i in range(0, len(rows), size)])
    return [[row for share in parts for row in share] for parts in zip(*shares, strict=True)]


@pytest.mark.parametrize("world_size", [2, 3, 4])
def test_global_batches_do_not_depend_on_the_number_of_processes(world_size: int) -> None:
    assert batches(world_size) == batches(1)


def test_an_epoch_shows_each_image_once_and_drops_the_last_incomplete_batch() -> None:
    rows = [row for batch in batches(2) for row in batch]
    assert len(rows) == len(set(rows)) == 48
    assert set(rows) <= set(range(50))


def test_epochs_and_seeds_differ_and_repeat() -> None:
    assert batches(1, epoch=0) != batches(1, epoch=1)
    assert batches(1, epoch=1) == batches(1, epoch=1)
    assert list(TrainSampler(50, 10, seed=0)) != list(TrainSampler(50, 10, seed=1))


def test_position_is_read_when_iteration_starts() -> None:
    position = (4, 2)
    sampler = TrainSampler(50, 12, seed=3, position=lambda: position)
    rest = list(sampler)
    assert rest == [row for batch in batches(1, epoch=4)[2:] for row in batch]
    assert len(sampler) == 48
    position = (5, 0)
    assert list(sampler) == [row for batch in batches(1, epoch=5) for row in batch]


@pytest.mark.parametrize("world_size", [1, 2])
def test_images_that_are_read_together_come_together(world_size: int) -> None:
    groups = torch.arange(96) // 4
    samplers = [TrainSampler(96, 16, 3, rank, world_size, groups=groups) for rank in range(world_size)]
    shares = [torch.tensor(list(sampler)).view(6, -1) for sampler in samplers]
    batches = torch.cat(shares, dim=1)  # of four groups each
    assert sorted(batches.flatten().tolist()) == list(range(96))
    found = [groups[batch].tolist() for batch in batches]
    assert [len(set(numbers)) for numbers in found] == [4] * 6
    assert set(found[0]) != {0, 1, 2, 3}
    assert found[0] != sorted(found[0])


@pytest.mark.parametrize(("num_images", "world_size"), [(10, 1), (10, 3), (3, 3), (397, 8)])
def test_evaluation_shards_are_contiguous_and_whole(num_images: int, world_size: int) -> None:
    samplers = [EvaluationSampler(num_images, rank, world_size) for rank in range(world_size)]
    assert [row for sampler in samplers for row in sampler] == list(range(num_images))
    assert max(map(len, samplers)) - min(map(len, samplers)) <= 1
