"""Ways to train an encoder: one class, one file a method, on the `Method` base."""

from csl.methods.barlow_twins import BarlowTwins
from csl.methods.base import Method
from csl.methods.byol import BYOL
from csl.methods.dcl import DCL
from csl.methods.frozen import Frozen
from csl.methods.groups import Group
from csl.methods.mmcr import MMCR
from csl.methods.moco import MoCo
from csl.methods.nnclr import NNCLR
from csl.methods.optimization import Optimization
from csl.methods.simclr import SimCLR
from csl.methods.simsiam import SimSiam
from csl.methods.spectral_contrastive import SpectralContrastive
from csl.methods.step import Step
from csl.methods.supcon import SupCon
from csl.methods.supervised import Supervised
from csl.methods.tico import TiCo
from csl.methods.vicreg import VICReg

__all__ = [
    "BYOL",
    "DCL",
    "MMCR",
    "NNCLR",
    "BarlowTwins",
    "Frozen",
    "Group",
    "Method",
    "MoCo",
    "Optimization",
    "SimCLR",
    "SimSiam",
    "SpectralContrastive",
    "Step",
    "SupCon",
    "Supervised",
    "TiCo",
    "VICReg",
]
