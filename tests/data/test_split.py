import pytest
import torch

from csl.data.split import stratified


def test_each_class_gives_its_share() -> None:
    labels = torch.tensor([0] * 60 + [1] * 30 + [2] * 10)
    rest, chosen = stratified(labels, 20, seed=0)
    assert torch.bincount(labels[chosen]).tolist() == [12, 6, 2]
    assert sorted(torch.cat([rest, chosen]).tolist()) == list(range(100))


@pytest.mark.parametrize("count", range(3, 18))
def test_count_is_exact_and_every_class_is_on_both_sides(count: int) -> None:
    labels = torch.tensor([0] * 13 + [1] * 5 + [2] * 2)
    rest, chosen = stratified(labels, count, seed=count)
    assert len(chosen) == count
    assert set(labels[chosen].tolist()) == set(labels[rest].tolist()) == {0, 1, 2}


def test_seed_decides() -> None:
    labels = torch.arange(100) % 4
    first, again, other = (stratified(labels, 20, seed)[1].tolist() for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_the_whole_can_be_chosen_where_nothing_must_stay() -> None:
    assert len(stratified(torch.tensor([0, 1, 1]), 3, 0, keep_rest=False)[1]) == 3


@pytest.mark.parametrize(("labels", "count"), [([0, 0, 1], 2), ([0, 0, 1, 1], 1), ([0, 0, 1, 1], 3)])
def test_impossible_counts_are_refused(labels: list[int], count: int) -> None:
    with pytest.raises(ValueError, match=f"cannot choose {count} of {len(labels)} rows"):
        stratified(torch.tensor(labels), count, 0)
