"""Weights & Biases and MLflow themselves, without a network; skipped where they are not installed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from csl.runs import CONFIG, RECORD
from tests.commands.runs import csl
from tests.commands.test_loggers import DEFAULT, LINE, PICTURE, names

STEPS = [0, 1, 2, 3]


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")


def twice_and_resumed(folder: Path, *logger: str, close: Callable[[], Any] = list) -> list[Path]:
    """Two runs, of which the second goes on for an epoch; `close` does what the end of a process would."""
    for _ in range(2):
        csl(folder, "fit", *LINE, *PICTURE, *logger)
        close()
    runs = [folder / DEFAULT / f"version_{number}" for number in range(2)]
    csl(folder, "fit", "--resume", str(runs[1]), "--trainer.max_epochs", "3")
    assert names(folder / DEFAULT) == ["version_0", "version_1"]
    for run in runs:
        assert {CONFIG, RECORD, "checkpoints", "pictures"} <= set(names(run))
    return runs


def test_weights_and_biases_offline(tmp_path: Path) -> None:
    wandb = pytest.importorskip("wandb", reason="wandb is not installed")
    logger = ["--trainer.logger", "lightning.pytorch.loggers.WandbLogger", "--trainer.logger.save_dir", "wb"]
    (tmp_path / "wb").mkdir()
    logger += ["--trainer.logger.offline", "true", "--trainer.logger.project", "csl"]
    runs = twice_and_resumed(tmp_path, *logger, close=wandb.finish)
    wandb.finish()
    ids = [yaml.safe_load((run / CONFIG).read_text())["trainer"]["logger"]["init_args"]["id"] for run in runs]
    kept = sorted(folder.name.rpartition("-")[2] for folder in (tmp_path / "wb" / "wandb").glob("offline-run-*"))
    assert len(set(ids)) == 2
    assert kept == sorted([*ids, ids[1]]), "the resumed leg has the id of its run"


def test_mlflow_with_files(tmp_path: Path) -> None:
    mlflow: Any = pytest.importorskip("mlflow", reason="mlflow is not installed")
    store = f"file:{tmp_path}/store"
    logger = ["--trainer.logger", "lightning.pytorch.loggers.MLFlowLogger", "--trainer.logger.tracking_uri", store]
    runs = twice_and_resumed(tmp_path, *logger)
    ids = [yaml.safe_load((run / CONFIG).read_text())["trainer"]["logger"]["init_args"]["run_id"] for run in runs]
    client = mlflow.tracking.MlflowClient(store)
    assert {
        run.info.run_id for run in client.search_runs([e.experiment_id for e in client.search_experiments()])
    } == set(ids)
    for run, steps in zip(ids, (STEPS, [*STEPS, 4, 5]), strict=True):
        assert [point.step for point in client.get_metric_history(run, "train/loss")] == steps
        assert {file.path.rpartition("/")[2] for file in client.list_artifacts(run, "pictures")} >= {
            "val_class_affinity_000001.png",
            "val_class_affinity_000003.png",
        }
    assert client.get_run(ids[0]).data.params["optimization/optimizer"] == "adamw"
