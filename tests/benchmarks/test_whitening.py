import torch

from benchmarks.whitening import spectrum


def test_components_are_those_of_the_covariance_the_largest_first() -> None:
    torch.manual_seed(0)
    values = torch.randn(200, 4, dtype=torch.float64) * torch.tensor([1.0, 5.0, 2.0, 0.5]) + 3.0
    variance, directions = spectrum(values)
    covariance = torch.cov(values.T, correction=0)
    torch.testing.assert_close(directions @ variance.diag() @ directions.T, covariance)
    assert variance.tolist() == sorted(variance.tolist(), reverse=True)
    assert directions[:, 0].abs().argmax() == 1
