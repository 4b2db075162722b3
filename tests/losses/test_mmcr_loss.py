import pytest
import torch
from lightly.loss.mmcr_loss import MMCRLoss as LightlysLoss
from torch import Tensor
from torch.nn.functional import normalize

from csl.losses import MMCRLoss, in_full_precision
from tests.losses.parity import assert_it_is, outcome, random_views
from tests.two_processes import TwoProcesses


def _nuclear_norm(matrix: Tensor) -> Tensor:
    """The trace of the root of the Gram matrix."""
    gram = matrix @ matrix.T if len(matrix) < matrix.shape[1] else matrix.T @ matrix
    singular_values: Tensor = torch.linalg.eigvalsh(gram).sqrt()
    return singular_values.sum()


def _reference(*views: Tensor) -> Tensor:
    z = torch.stack([view / view.norm(dim=1, keepdim=True) for view in views], dim=1)
    own = torch.stack([_nuclear_norm(image) for image in z]).mean()
    return 0.3 * own - _nuclear_norm(z.mean(dim=1))


@pytest.mark.parametrize("count", [2, 3])
def test_value_and_gradient_are_the_papers(two_processes: TwoProcesses, count: int) -> None:
    assert_it_is(_reference, MMCRLoss(local_weight=0.3), two_processes, random_views(count))


def test_it_is_lightlys() -> None:
    views, lightlys = random_views(), LightlysLoss(lmda=0.01)
    stacked = lambda one, other: lightlys(normalize(one, dim=1)[:, None], normalize(other, dim=1)[:, None])  # noqa: E731
    torch.testing.assert_close(outcome(MMCRLoss(local_weight=0.01), views), outcome(stacked, views))


def test_it_is_computed_in_float32_under_autocast() -> None:
    views = random_views(dtype=torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = in_full_precision(MMCRLoss(), *views.bfloat16())
    torch.testing.assert_close(found, MMCRLoss()(*views), rtol=0.01, atol=0)
    assert found.dtype == torch.float32


def test_weight_must_not_be_negative() -> None:
    with pytest.raises(ValueError, match="local_weight: expected a number at least 0 and finite, got -1"):
        MMCRLoss(local_weight=-1.0)
