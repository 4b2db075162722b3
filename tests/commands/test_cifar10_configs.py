from pathlib import Path

import pytest
import yaml

from tests.commands.runs import csl

CONFIGS = Path(__file__).parents[2] / "configs" / "cifar10"


@pytest.mark.parametrize("method", ["simclr", "moco", "byol", "supervised"])
def test_every_monitor_is_on_at_every_tenth_epoch(tmp_path: Path, method: str) -> None:
    printed = csl(tmp_path, "fit", "--config", str(CONFIGS / f"{method}.yaml"), "--print_config")
    trainer = yaml.safe_load(printed)["trainer"]
    monitors = {one["class_path"].rpartition(".")[2]: one["init_args"]["every_n"] for one in trainer["callbacks"]}
    assert monitors == {"OrganizationMetrics": 1, "ProbeMonitor": 1, "FeatureMap": 1, "ClassAffinityMap": 1}
    assert (trainer["check_val_every_n_epoch"], trainer["log_every_n_steps"]) == (10, 50)
