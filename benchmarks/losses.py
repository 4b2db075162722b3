"""Are the gradients of two processes those of one? Every loss of csl, and lightly's where it has one.

The same images are on one process, and half of them on each of two, whose gradients are averaged as DDP does. In
float64, so that what remains is no rounding. lightly's losses gather where they offer it (`gather_distributed=True`).
"""

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import lightly.loss as lightly
import torch
import torch.multiprocessing as mp
from torch import Tensor
from torch.nn.functional import normalize

from benchmarks.machine import report
from csl import distributed, losses
from csl.table import Table

PROCESSES, VIEWS, IMAGES, DIM = 2, 4, 64, 16
Loss = Callable[[Tensor], Tensor]  # of views [4, B, D]: the images of this process


def main() -> None:
    """Compare, print and write the table."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    alone = {name: gradient(loss) for name, loss in {**ours(), **lightlys()}.items()}
    shared = on_processes()
    apart = {name: distance(shared[name], alone[name]) for name in alone}
    cells = [[name, f"{apart[name]:.0e}", cell(apart, f"lightly's {name}")] for name in ours()]
    note = (
        f"Largest difference of a gradient, as a share of the largest gradient; {IMAGES} images of {VIEWS} views, D = "
        f"{DIM}, float64. Empty: lightly has no loss of that kind. Of lightly's, EMPSSL, MMCR and WMSE have no option "
        "to gather, BarlowTwins and DCLW gather but in part, and SwAV counts the queue once for each process."
    )
    table = Table(["loss", "csl", "lightly"], cells).markdown()
    report("losses", "Gradients of one process and of two", "python -m benchmarks.losses", f"{table}\n\n{note}")


def ours() -> dict[str, Loss]:
    """Every loss of csl, as a function of this process's images."""
    centre, bank = random(DIM, seed=1), normalize(random(32, DIM, seed=2), dim=1)
    queued, nothing = random(2, 32, DIM, seed=3).tanh(), torch.zeros(DIM, DIM, dtype=torch.float64)
    return {
        "All4One": lambda v: losses.All4OneLoss()(v[:2], v[2:], v[1:3], v[2:], v[:2], v[2:]),
        "AMDIM": lambda v: losses.AMDIMLoss()(v[0], v[1:].transpose(0, 1)),
        "BarlowTwins": lambda v: losses.BarlowTwinsLoss()(*v[:2]),
        "BYOL": lambda v: losses.BYOLLoss()(*v[:2]),
        "CMC": lambda v: losses.CMCLoss()(*v[:2]),
        "CPC": lambda v: losses.CPCLoss()(v[:2].transpose(0, 1), v[2:].transpose(0, 1), torch.tensor([0, 1])),
        "DCL": lambda v: losses.DCLLoss()(*v[:2]),
        "DCLW": lambda v: losses.DCLLoss(sigma=0.5)(*v[:2]),
        "DIM": lambda v: losses.DIMLoss()(v[0], v[1:].transpose(0, 1)),
        "DINO": lambda v: losses.DINOLoss()(v, v[:2], centre),
        "DISSL": lambda v: losses.DISSLLoss()(v[:2], v[2:]),
        "EMPSSL": lambda v: losses.EMPSSLLoss()(v),
        "Exemplar": lambda v: losses.ExemplarLoss()(v[0], labels()),
        "InfoNCE": lambda v: losses.InfoNCELoss()(*v[:2], bank),
        "LeJEPA": lambda v: losses.LeJEPALoss(full_views=2)(v, directions()),
        "MAE": lambda v: losses.MAELoss()(v[:2].transpose(0, 1), v[2:].transpose(0, 1)),
        "MMCR": lambda v: losses.MMCRLoss(0.005)(*v),
        "MoCoV3": lambda v: losses.MoCoV3Loss()(*v[:2]),
        "NNCLR": lambda v: losses.NNCLRLoss()(*v[:2]),
        "NPID": lambda v: losses.NPIDLoss()(v[0], bank, labels()),
        "NTXent": lambda v: losses.NTXentLoss(0.5)(*v[:2]),
        "SimDINO": lambda v: losses.SimDINOLoss()(v, v[:2]),
        "SimSiam": lambda v: losses.SimSiamLoss()(*v[:2]),
        "SpectralContrastive": lambda v: losses.SpectralContrastiveLoss()(*v[:2]),
        "SupCon": lambda v: losses.SupConLoss()(*v[:2], labels()),
        "SwAV": lambda v: losses.SwAVLoss()(v.tanh(), queued),
        "TiCo": lambda v: losses.TiCoLoss()(*v[:2], losses.moved_covariance(nothing, v[0], 0.9, distributed.world())),
        "TSimCNE": lambda v: losses.TSimCNELoss()(*v[:2]),
        "VICReg": lambda v: losses.VICRegLoss()(*v[:2]),
        "WMSE": lambda v: losses.WMSELoss()(*v[:2]),
    }


def lightlys() -> dict[str, Loss]:
    """The losses of lightly, by the names of ours."""
    queued = random(2, 32, DIM, seed=3).tanh()
    found: dict[str, Loss] = {
        "BarlowTwins": lambda v: lightly.BarlowTwinsLoss(gather_distributed=True)(*v[:2]),
        "BYOL": lambda v: lightly.NegativeCosineSimilarity()(v[0], v[1].detach()),
        "DCL": lambda v: lightly.DCLLoss(gather_distributed=True)(*v[:2]),
        "DCLW": lambda v: lightly.DCLWLoss(gather_distributed=True)(*v[:2]),
        "DINO": lambda v: lightly.DINOLoss(DIM).double()(list(v[:2].detach()), list(v)),
        "EMPSSL": lambda v: lightly.EMPSSLLoss()(list(v)),
        "LeJEPA": _lejepa,
        "MMCR": lambda v: lightly.MMCRLoss()(normalize(v[0], dim=1)[:, None], normalize(v[1], dim=1)[:, None]),
        "NTXent": lambda v: lightly.NTXentLoss(gather_distributed=True)(*v[:2]),
        "SimSiam": lambda v: lightly.NegativeCosineSimilarity()(v[0], v[1].detach()),
        "SwAV": lambda v: lightly.SwaVLoss(sinkhorn_gather_distributed=True)(
            list(v[:2].tanh()), list(v[2:].tanh()), list(queued)
        ),
        "TiCo": lambda v: lightly.TiCoLoss(gather_distributed=True)(*v[:2]),
        "VICReg": lambda v: lightly.VICRegLoss(gather_distributed=True)(*v[:2]),
        "WMSE": lambda v: lightly.WMSELoss(DIM, w_size=v.shape[1], track_running_stats=False)(torch.cat([v[0], v[1]])),
    }
    return {f"lightly's {name}": loss for name, loss in found.items()}


def _lejepa(views: Tensor) -> Tensor:
    loss = lightly.LeJEPALoss(gather_distributed=True).double()
    with patch.object(loss.sigreg, "_generate_unit_vectors", return_value=directions()):
        value: Tensor = loss(local_proj=views[2:], global_proj=views[:2])
        return value


def random(*shape: int, seed: int = 0) -> Tensor:
    """Normal numbers, the same on every process."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def directions() -> Tensor:
    """Unit vectors of the sketches `[D, 8]`."""
    return normalize(random(DIM, 8, seed=4), dim=0)


def labels() -> Tensor:
    """The classes of this process's images."""
    return (torch.arange(IMAGES) % 5)[distributed.shard(IMAGES, distributed.world())]


def gradient(loss: Loss) -> Tensor:
    """The gradient for all images `[4, N, D]`: that of the mean of all processes' losses."""
    group = distributed.world()
    common = random(1, IMAGES, DIM, seed=5)
    views = (common + 0.7 * random(VIEWS, IMAGES, DIM))[:, distributed.shard(IMAGES, group)].requires_grad_()
    (own,) = torch.autograd.grad(loss(views).squeeze(), views)
    rows = distributed.gather_rows(own.transpose(0, 1).contiguous(), group)
    return rows.transpose(0, 1) / distributed.size(group)


def on_processes() -> dict[str, Tensor]:
    """The gradients of two processes."""
    with tempfile.TemporaryDirectory() as folder:
        mp.spawn(_process, (folder,), nprocs=PROCESSES)  # type: ignore[attr-defined, no-untyped-call]
        found: dict[str, Tensor] = torch.load(Path(folder) / "gradients.pt", weights_only=True)
        return found


def _process(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    store = f"file://{folder}/store"
    torch.distributed.init_process_group("gloo", init_method=store, rank=rank, world_size=PROCESSES)
    found = {name: gradient(loss) for name, loss in {**ours(), **lightlys()}.items()}
    if rank == 0:
        torch.save(found, Path(folder) / "gradients.pt")
    torch.distributed.destroy_process_group()


def distance(found: Tensor, expected: Tensor) -> float:
    """The largest difference, as a share of the largest expected value.

    Example:
        >>> distance(torch.tensor([1.0, 4.0]), torch.tensor([2.0, 4.0]))
        0.25
    """
    return float((found - expected).abs().max() / expected.abs().max())


def cell(apart: dict[str, float], name: str) -> str:
    """A number where there is one."""
    return f"{apart[name]:.0e}" if name in apart else ""


if __name__ == "__main__":
    main()
