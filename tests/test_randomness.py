from collections import Counter

import torch

from csl.randomness import noise_of

INDEX = torch.arange(4000)


def test_numbers_of_an_image_depend_on_the_image_and_the_parts_alone() -> None:
    everything = noise_of(INDEX, 6, "mask", 3)
    torch.testing.assert_close(noise_of(INDEX[[9, 2]], 6, "mask", 3), everything[[9, 2]], rtol=0, atol=0)
    torch.testing.assert_close(noise_of(INDEX, 4, "mask", 3), everything[:, :4], rtol=0, atol=0)
    assert (noise_of(INDEX, 6, "mask", 4) != everything).float().mean() > 0.999


def test_every_order_of_an_images_numbers_is_about_as_frequent() -> None:
    orders = noise_of(INDEX, 4, "mask", 0).argsort(dim=1)
    counts = torch.tensor(list(Counter(map(tuple, orders.tolist())).values()))
    assert len(counts) == 24
    expected = len(INDEX) / 24
    assert ((counts - expected).square() / expected).sum() < 50  # chi squared, 23 degrees of freedom: p = 0.001


def test_neighbouring_images_places_and_steps_are_not_alike() -> None:
    here = [noise_of(INDEX, 8, "mask", step).double() / 2**32 for step in (0, 1)]
    assert 0 <= here[0].min() < 0.01 < 0.99 < here[0].max() < 1
    pairs = [(here[0][1:], here[0][:-1]), (here[0][:, 1:], here[0][:, :-1]), (here[0], here[1])]
    for one, other in pairs:
        assert torch.stack([one.flatten(), other.flatten()]).corrcoef()[0, 1].abs() < 0.02
