import torch

from csl.losses import view_similarities


def test_cosines_and_masks_are_those_of_all_pairs_of_views() -> None:
    first, second = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))
    pairs = view_similarities(first, second)
    views = torch.cat([first, second])
    for i in range(6):
        for j in range(6):
            cosine = views[i] @ views[j] / (views[i].norm() * views[j].norm())
            torch.testing.assert_close(pairs.cosines[i, j], cosine)
            assert bool(pairs.is_itself[i, j]) == (i == j)
            assert bool(pairs.is_same_image[i, j]) == (i % 3 == j % 3)
