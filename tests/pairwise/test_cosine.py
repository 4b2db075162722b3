import pytest
import torch
from torch import Tensor

from csl.pairwise import top_cosine
from tests.pairwise.hard_data import CASES, ordinary
from tests.two_processes import TwoProcesses


def _expected(queries: Tensor, keys: Tensor) -> Tensor:
    q, k = queries.double(), keys.double()
    return torch.nn.functional.cosine_similarity(q[:, None], k[None], dim=2)


@pytest.mark.parametrize("k", [1, 5, 400])
def test_equals_dense_cosine(k: int) -> None:
    queries, keys = ordinary(50).flip(1), ordinary()
    similarity, rows = top_cosine(queries, keys, k, tile_side=32)
    expected = _expected(queries, keys)
    torch.testing.assert_close(similarity.double(), expected.topk(k, dim=1).values, rtol=0, atol=1e-6)
    torch.testing.assert_close(expected.gather(1, rows), similarity.double(), rtol=0, atol=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_ranks_similarities_that_are_all_nearly_one(case: str) -> None:
    rows = CASES[case]()
    similarity, found = top_cosine(rows, rows, 5, exclude=torch.arange(len(rows)))
    expected = _expected(rows, rows).fill_diagonal_(-1)
    chosen, best = expected.gather(1, found), expected.topk(5, dim=1).values
    torch.testing.assert_close(1 - chosen, 1 - best, rtol=0.02, atol=1e-14)
    torch.testing.assert_close(similarity.double(), best, rtol=0, atol=1e-6)


def test_leaves_out_what_it_is_told_to() -> None:
    keys = ordinary()
    _, rows = top_cosine(keys, keys, 399, exclude=torch.arange(400))
    assert not (rows == torch.arange(400)[:, None]).any()
    with pytest.raises(ValueError, match="expected 1 to 399, the number of other samples"):
        top_cosine(keys, keys, 400, exclude=torch.arange(400))


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_length_does_not_matter(scale: float) -> None:
    keys = ordinary()
    assert torch.equal(top_cosine(keys[:9] * scale, keys, 3)[1], top_cosine(keys[:9], keys, 3)[1])


def test_equal_keys_come_in_order_and_zeros_have_similarity_zero() -> None:
    keys = torch.ones(9, 3).double()
    assert top_cosine(keys[:1], keys, 4)[1].tolist() == [[0, 1, 2, 3]]
    assert top_cosine(torch.zeros(1, 3), keys, 4)[0].tolist() == [[0.0] * 4]
    rows = torch.tensor([[1.0, 0.0], [0.0, 0.0], [-1.0, 0.5], [0.0, 0.0]])
    similarity, columns = top_cosine(rows, rows, 3, exclude=torch.arange(4))
    assert columns.tolist() == [[1, 3, 2], [0, 2, 3], [1, 3, 0], [0, 1, 2]]
    assert similarity[1].tolist() == [0.0] * 3


def test_two_processes_equal_one(two_processes: TwoProcesses) -> None:
    queries, keys = ordinary(7).flip(1), ordinary(31)
    similarity, rows = (
        torch.cat(part) for part in zip(*two_processes.sharded(top_cosine, [queries, keys], 3), strict=True)
    )
    expected = top_cosine(queries, keys, 3)
    torch.testing.assert_close(similarity, expected[0])
    assert torch.equal(rows, expected[1])
