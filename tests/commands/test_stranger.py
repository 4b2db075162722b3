"""A method of the user's own, in a file of the user's own, is a method like ours."""

from pathlib import Path

import pytest

from tests.commands.runs import SMALL, csl, curve
from tests.commands.test_training import SCALARS

SIMSIAM = '''
from lightly.models.modules.heads import SimSiamPredictionHead, SimSiamProjectionHead
from torch import Tensor
from torch.nn.functional import cosine_similarity

from csl.encoders import Encoder
from csl.methods import Method, Optimization
from csl.types import Batch


class SimSiam(Method):
    """Exploring Simple Siamese Representation Learning, 2020, arXiv 2011.10566."""

    def __init__(
        self,
        encoder: Encoder,
        hidden_dim: int = 2048,
        output_dim: int = 2048,
        optimization: Optimization = Optimization("sgd", lr=0.05),
    ) -> None:
        super().__init__(encoder, optimization)
        self.projection_head = SimSiamProjectionHead(encoder.feature_dim, hidden_dim, output_dim)
        self.prediction_head = SimSiamPredictionHead(output_dim, output_dim // 4, output_dim)

    def training_loss(self, batch: Batch) -> Tensor:
        first, second = (self.projection_head(self.encoder(view)) for view in batch.views)
        return (self._distance(first, second) + self._distance(second, first)) / 2

    def _distance(self, projection: Tensor, target: Tensor) -> Tensor:
        return -cosine_similarity(self.prediction_head(projection), target.detach()).mean()
'''


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "my_simsiam.py").write_text(SIMSIAM)
    csl(tmp_path, "fit", "--model", "my_simsiam.SimSiam", "--trainer.max_epochs", "2", *SMALL)
    return tmp_path / "lightning_logs" / "simsiam-digits" / "version_0"


def test_it_trains_with_every_monitor_and_is_measured_again_from_its_checkpoint(tmp_path: Path, run: Path) -> None:
    for name in SCALARS:
        assert list(curve(run, name)) == [4, 9], name
    losses = curve(run, "train/loss")
    assert all(-1 <= loss <= 1 for loss in losses.values())
    config, checkpoint = run / "config.yaml", run / "checkpoints" / "last.ckpt"
    assert "class_path: my_simsiam.SimSiam" in config.read_text()
    assert "hidden_dim: 16" in config.read_text()
    csl(tmp_path, "validate", "--config", str(config), "--ckpt_path", str(checkpoint))
    again = run.parent / "validate" / "version_0"
    (value,) = curve(again, "val/gcn_accuracy").values()
    assert value == pytest.approx(curve(run, "val/gcn_accuracy")[9], rel=1e-5)


def test_its_class_can_be_chosen_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "my_simsiam.py").write_text(SIMSIAM)
    (tmp_path / "experiment.yaml").write_text(
        "model:\n  class_path: my_simsiam.SimSiam\n  init_args:\n    encoder: ConvNet\n    output_dim: 32\n"
        "data:\n  source: Digits\n"
    )
    text = csl(tmp_path, "fit", "--config", "experiment.yaml", "--print_config")
    assert "output_dim: 32" in text
    assert "lr: 0.05" in text
