"""Losses: one file each, with a typed function and a module that a method, or a YAML file, can exchange."""

from csl.losses.all4one_loss import All4OneLoss, all4one_loss
from csl.losses.byol_loss import BYOLLoss, byol_loss
from csl.losses.empssl_loss import EMPSSLLoss, empssl_loss
from csl.losses.info_nce_loss import InfoNCELoss, info_nce_loss
from csl.losses.lejepa_loss import LeJEPALoss, lejepa_loss
from csl.losses.moco_v3_loss import MoCoV3Loss, moco_v3_loss
from csl.losses.nt_xent_loss import NTXentLoss, nt_xent_loss
from csl.losses.precision import in_full_precision
from csl.losses.simdino_loss import SimDINOLoss, simdino_loss
from csl.losses.t_simcne_loss import TSimCNELoss, t_simcne_loss
from csl.losses.wmse_loss import WMSELoss, wmse_loss

__all__ = [
    "All4OneLoss",
    "BYOLLoss",
    "EMPSSLLoss",
    "InfoNCELoss",
    "LeJEPALoss",
    "MoCoV3Loss",
    "NTXentLoss",
    "SimDINOLoss",
    "TSimCNELoss",
    "WMSELoss",
    "all4one_loss",
    "byol_loss",
    "empssl_loss",
    "in_full_precision",
    "info_nce_loss",
    "lejepa_loss",
    "moco_v3_loss",
    "nt_xent_loss",
    "simdino_loss",
    "t_simcne_loss",
    "wmse_loss",
]
