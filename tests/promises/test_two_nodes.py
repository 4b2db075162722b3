"""Two machines under torchrun, or as SLURM tells them who they are: on loopback, with one process each, one run."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
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


FIT_AMONG_TWO = ["csl", "fit", "--trainer.num_nodes", "2", "--trainer.devices", "1", "--trainer.strategy", "ddp"]


def torchruns(node: int, port: int) -> tuple[list[str], dict[str, str]]:
    """One machine's torchrun, and what its environment says."""
    run = ["-m", "torch.distributed.run", "--nnodes", "2", "--nproc_per_node", "1"]
    return [*run, "--node_rank", str(node), "--master_addr", "127.0.0.1", "--master_port", str(port), "-m"], {}


def sruns(node: int, port: int) -> tuple[list[str], dict[str, str]]:
    """One task of a job, and what srun puts into its environment."""
    return ["-m"], {
        **{"SLURM_JOB_ID": "4711", "SLURM_JOB_NAME": "csl", "SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "1"},
        **{"SLURM_NNODES": "2", "SLURM_NODELIST": "127.0.0.1", "SLURM_NODEID": str(node)},
        **{"SLURM_PROCID": str(node), "SLURM_LOCALID": "0", "MASTER_PORT": str(port)},
    }


Starter = Callable[[int, int], tuple[list[str], dict[str, str]]]


def started(folder: Path, node: int, port: int, starter: Starter) -> subprocess.Popen[str]:
    words, told = starter(node, port)
    # What a machine of a cluster says of itself is not what this test says.
    own = {name: value for name, value in os.environ.items() if not name.startswith("SLURM_")}
    ours = {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    return subprocess.Popen(
        [sys.executable, *words, *FIT_AMONG_TWO, *FIT, *SMALL],
        cwd=folder,
        env={**own, **ours, **told},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="this torch has no gloo")
@pytest.mark.parametrize("starter", [torchruns, sruns])
def test_two_nodes_make_one_run(tmp_path: Path, starter: Starter) -> None:
    port = free_port()
    nodes = [started(tmp_path, node, port, starter) for node in range(2)]
    try:
        printed = [each.communicate(timeout=600)[0] for each in nodes]
    finally:
        for each in nodes:
            each.kill()
    assert [each.returncode for each in nodes] == [0, 0], "\n".join(printed)
    (folder,) = (tmp_path / "lightning_logs/simclr-digits").iterdir()
    run = Run(folder)
    assert run.progress.epoch == 2
    assert run.progress.step == 10  # 1,400 images make 5 batches of 256 an epoch, over both machines together
    scalars = run.last_scalars()
    assert 0 < scalars["val/rld_0.1"] < 1
    assert scalars["val/calinski_harabasz"] > 0
    assert "rld_0.1" in printed[0]
    assert "rld_0.1" not in printed[1], "the table is printed once"
