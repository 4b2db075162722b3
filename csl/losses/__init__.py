"""Losses: one file each, with a typed function and a module that a method, or a YAML file, can exchange."""

from csl.losses.barlow_twins_loss import BarlowTwinsLoss, barlow_twins_loss
from csl.losses.byol_loss import BYOLLoss, byol_loss
from csl.losses.dcl_loss import DCLLoss, dcl_loss
from csl.losses.info_nce_loss import InfoNCELoss, info_nce_loss
from csl.losses.mmcr_loss import MMCRLoss, mmcr_loss
from csl.losses.nnclr_loss import NNCLRLoss, nnclr_loss
from csl.losses.nt_xent_loss import NTXentLoss, nt_xent_loss
from csl.losses.precision import in_full_precision
from csl.losses.similarities import Similarities, view_similarities
from csl.losses.simsiam_loss import SimSiamLoss, simsiam_loss
from csl.losses.spectral_contrastive_loss import SpectralContrastiveLoss, spectral_contrastive_loss
from csl.losses.supcon_loss import SupConLoss, supcon_loss
from csl.losses.tico_loss import TiCoLoss, moved_covariance, tico_loss
from csl.losses.vicreg_loss import VICRegLoss, vicreg_loss

__all__ = [
    "BYOLLoss",
    "BarlowTwinsLoss",
    "DCLLoss",
    "InfoNCELoss",
    "MMCRLoss",
    "NNCLRLoss",
    "NTXentLoss",
    "SimSiamLoss",
    "Similarities",
    "SpectralContrastiveLoss",
    "SupConLoss",
    "TiCoLoss",
    "VICRegLoss",
    "barlow_twins_loss",
    "byol_loss",
    "dcl_loss",
    "in_full_precision",
    "info_nce_loss",
    "mmcr_loss",
    "moved_covariance",
    "nnclr_loss",
    "nt_xent_loss",
    "simsiam_loss",
    "spectral_contrastive_loss",
    "supcon_loss",
    "tico_loss",
    "vicreg_loss",
    "view_similarities",
]
