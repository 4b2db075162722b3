"""Ways to train an encoder: one class, one file a method, on the `Method` base."""

from csl.methods.all4one import All4One
from csl.methods.base import Method
from csl.methods.byol import BYOL
from csl.methods.empssl import EMPSSL
from csl.methods.groups import Group
from csl.methods.lejepa import LeJEPA
from csl.methods.moco import MoCo
from csl.methods.moco_v3 import MoCoV3
from csl.methods.optimization import Optimization
from csl.methods.simclr import SimCLR
from csl.methods.simdino import SimDINO
from csl.methods.step import Step
from csl.methods.supervised import Supervised
from csl.methods.t_simcne import TSimCNE
from csl.methods.wmse import WMSE

__all__ = [
    "BYOL",
    "EMPSSL",
    "WMSE",
    "All4One",
    "Group",
    "LeJEPA",
    "Method",
    "MoCo",
    "MoCoV3",
    "Optimization",
    "SimCLR",
    "SimDINO",
    "Step",
    "Supervised",
    "TSimCNE",
]
