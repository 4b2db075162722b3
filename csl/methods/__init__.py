"""Ways to train an encoder: one class, one file a method, on the `Method` base."""

from csl.methods.all4one import All4One
from csl.methods.amdim import AMDIM
from csl.methods.barlow_twins import BarlowTwins
from csl.methods.base import Method
from csl.methods.byol import BYOL
from csl.methods.cmc import CMC
from csl.methods.cpc import CPC
from csl.methods.dcl import DCL
from csl.methods.dim import DIM
from csl.methods.dino import DINO
from csl.methods.dissl import DISSL
from csl.methods.empssl import EMPSSL
from csl.methods.exemplar_cnn import ExemplarCNN
from csl.methods.frozen import Frozen
from csl.methods.groups import Group
from csl.methods.lejepa import LeJEPA
from csl.methods.mae import MAE
from csl.methods.mmcr import MMCR
from csl.methods.moco import MoCo
from csl.methods.moco_v3 import MoCoV3
from csl.methods.nnclr import NNCLR
from csl.methods.npid import NPID
from csl.methods.optimization import Optimization
from csl.methods.simclr import SimCLR
from csl.methods.simdino import SimDINO
from csl.methods.simsiam import SimSiam
from csl.methods.spectral_contrastive import SpectralContrastive
from csl.methods.stages import Stage
from csl.methods.step import Step
from csl.methods.supcon import SupCon
from csl.methods.supervised import Supervised
from csl.methods.swav import SwAV
from csl.methods.t_simcne import TSimCNE
from csl.methods.tico import TiCo
from csl.methods.usual import Usual
from csl.methods.vicreg import VICReg
from csl.methods.wmse import WMSE

__all__ = [
    "AMDIM",
    "BYOL",
    "CMC",
    "CPC",
    "DCL",
    "DIM",
    "DINO",
    "DISSL",
    "EMPSSL",
    "MAE",
    "MMCR",
    "NNCLR",
    "NPID",
    "WMSE",
    "All4One",
    "BarlowTwins",
    "ExemplarCNN",
    "Frozen",
    "Group",
    "LeJEPA",
    "Method",
    "MoCo",
    "MoCoV3",
    "Optimization",
    "SimCLR",
    "SimDINO",
    "SimSiam",
    "SpectralContrastive",
    "Stage",
    "Step",
    "SupCon",
    "Supervised",
    "SwAV",
    "TSimCNE",
    "TiCo",
    "Usual",
    "VICReg",
]
