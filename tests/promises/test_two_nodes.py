"""Two machines under torchrun: two agents on loopback with one process each fit, measure and end as one run."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from csl.runs import Run
from tests.commands.runs import SMALL

REPOSITORY = Path(__file__).parents[2]
FIT = [
    *("--trainer.max_epochs", "2", "--trainer.check_val_every_n_epoch", "2", "--trainer.accelerator", "cpu"),
    *("--trainer.callbacks", "[OrganizationMetrics]", "--data.batch_size", "256", "--trainer.precision", "32-true"),
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def agent(folder: Path, node: int, port: int) -> subprocess.Popen[str]:
    """One machine's torchrun."""
    run = [sys.executable, "-m", "torch.distributed.run", "--nnodes", "2", "--nproc_per_node", "1"]
    place = ["--node_rank", str(node), "--master_addr", "127.0.0.1", "--master_port", str(port)]
    fit = ["-m", "csl", "fit", "--trainer.num_nodes", "2", "--trainer.devices", "1", "--trainer.strategy", "ddp"]
    return subprocess.Popen(
        [*run, *place, *fit, *FIT, *SMALL],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="this torch has no gloo")
def test_two_nodes_make_one_run(tmp_path: Path) -> None:
    port = free_port()
    agents = [agent(tmp_path, node, port) for node in range(2)]
    try:
        printed = [each.communicate(timeout=600)[0] for each in agents]
    finally:
        for each in agents:
            each.kill()
    assert [each.returncode for each in agents] == [0, 0], "\n".join(printed)
    (folder,) = (tmp_path / "lightning_logs/simclr-digits").iterdir()
    run = Run(folder)
    assert run.progress.epoch == 2
    assert run.progress.step == 10  # 1,400 images make 5 batches of 256 an epoch, over both machines together
    scalars = run.last_scalars()
    assert 0 < scalars["val/rld_0.1"] < 1
    assert scalars["val/calinski_harabasz"] > 0
    assert "rld_0.1" in printed[0]
    assert "rld_0.1" not in printed[1], "the table is printed once"
