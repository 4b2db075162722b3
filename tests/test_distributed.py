"""What travels between processes."""

from typing import Any

import pytest
import torch

from csl import distributed
from csl.distributed import all_reduce, gather_rows, rank, ring, size, world


def test_one_process_meets_itself_alone() -> None:
    own = (torch.arange(3), torch.ones(3, 2))
    ((owner, tensors),) = ring(own)
    assert owner == 0
    assert tensors is own


def met(steps: int | None) -> Any:
    """Owner, first and last number of everybody's rows, of which the first process has 3 and the second 200,000."""
    group = world()
    me = rank(group)
    own = torch.full((3, 2) if me == 0 else (200_000, 2), float(me + 1))
    found = []
    for owner, (values, halves) in ring((own, own[:, 0] / 2), group, steps):
        found.append((owner, len(values), float(values[0, 1]), float(values[-1, 0]), float(halves[-1])))
    return size(group), found


@pytest.mark.parametrize("steps", [None, 1, 2])
def test_shards_come_round_the_ring(two_processes: Any, steps: int | None) -> None:
    first, second = (0, 3, 1.0, 1.0, 0.5), (1, 200_000, 2.0, 2.0, 1.0)
    (count, top), (_, bottom) = two_processes(met, steps)
    assert count == 2
    assert top == [first, second][:steps]
    assert bottom == [second, first][:steps]


@pytest.mark.parametrize("function", [gather_rows, all_reduce])
def test_a_tensor_crosses_on_the_groups_device_and_comes_back(monkeypatch: pytest.MonkeyPatch, function: Any) -> None:
    """As NCCL's must be on the GPU, here on the meta device: it has no values, so that nothing can come back."""
    crossed = []
    monkeypatch.setattr(distributed, "_device_of", lambda group: torch.device("meta"))
    monkeypatch.setattr(distributed, "row_counts", lambda count, group: [count, count])
    monkeypatch.setattr(torch.distributed, "all_gather", lambda parts, sent, group: crossed.append((*parts, sent)))
    monkeypatch.setattr(torch.distributed, "all_reduce", lambda sent, op, group: crossed.append((sent,)))
    group: Any = object()
    with pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor"):
        function(torch.zeros(3, 2), group)
    assert [tensor.device.type for tensor in crossed[0]] == ["meta"] * len(crossed[0])
