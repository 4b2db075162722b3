"""Losses: one file each, with a typed function and a module that a method, or a YAML file, can exchange."""

from csl.losses.all4one_loss import All4OneLoss, all4one_loss
from csl.losses.amdim_loss import AMDIMLoss, amdim_loss
from csl.losses.barlow_twins_loss import BarlowTwinsLoss, barlow_twins_loss
from csl.losses.byol_loss import BYOLLoss, byol_loss
from csl.losses.cmc_loss import CMCLoss, cmc_loss
from csl.losses.cpc_loss import CPCLoss, cpc_loss
from csl.losses.dcl_loss import DCLLoss, dcl_loss
from csl.losses.dim_loss import DIMLoss, dim_loss
from csl.losses.dino_loss import DINOLoss, dino_loss
from csl.losses.dissl_loss import DISSLLoss, dissl_loss
from csl.losses.empssl_loss import EMPSSLLoss, empssl_loss
from csl.losses.exchange import loss_or
from csl.losses.exemplar_loss import ExemplarLoss, exemplar_loss
from csl.losses.info_nce_loss import InfoNCELoss, info_nce_loss
from csl.losses.lejepa_loss import LeJEPALoss, lejepa_loss
from csl.losses.mae_loss import MAELoss, mae_loss
from csl.losses.mmcr_loss import MMCRLoss, mmcr_loss
from csl.losses.moco_v3_loss import MoCoV3Loss, moco_v3_loss
from csl.losses.nnclr_loss import NNCLRLoss, nnclr_loss
from csl.losses.npid_loss import NPIDLoss, npid_loss, npid_normalizer, npid_proximity, npid_sampled_loss
from csl.losses.nt_xent_loss import NTXentLoss, nt_xent_loss
from csl.losses.precision import in_full_precision
from csl.losses.simdino_loss import SimDINOLoss, simdino_loss
from csl.losses.similarities import Similarities, view_similarities
from csl.losses.simsiam_loss import SimSiamLoss, simsiam_loss
from csl.losses.spectral_contrastive_loss import SpectralContrastiveLoss, spectral_contrastive_loss
from csl.losses.supcon_loss import SupConLoss, supcon_loss
from csl.losses.swav_loss import SwAVLoss, swav_loss
from csl.losses.t_simcne_loss import TSimCNELoss, t_simcne_loss
from csl.losses.tico_loss import TiCoLoss, moved_covariance, tico_loss
from csl.losses.vicreg_loss import VICRegLoss, vicreg_loss
from csl.losses.wmse_loss import WMSELoss, wmse_loss

__all__ = [
    "AMDIMLoss",
    "All4OneLoss",
    "BYOLLoss",
    "BarlowTwinsLoss",
    "CMCLoss",
    "CPCLoss",
    "DCLLoss",
    "DIMLoss",
    "DINOLoss",
    "DISSLLoss",
    "EMPSSLLoss",
    "ExemplarLoss",
    "InfoNCELoss",
    "LeJEPALoss",
    "MAELoss",
    "MMCRLoss",
    "MoCoV3Loss",
    "NNCLRLoss",
    "NPIDLoss",
    "NTXentLoss",
    "SimDINOLoss",
    "SimSiamLoss",
    "Similarities",
    "SpectralContrastiveLoss",
    "SupConLoss",
    "SwAVLoss",
    "TSimCNELoss",
    "TiCoLoss",
    "VICRegLoss",
    "WMSELoss",
    "all4one_loss",
    "amdim_loss",
    "barlow_twins_loss",
    "byol_loss",
    "cmc_loss",
    "cpc_loss",
    "dcl_loss",
    "dim_loss",
    "dino_loss",
    "dissl_loss",
    "empssl_loss",
    "exemplar_loss",
    "in_full_precision",
    "info_nce_loss",
    "lejepa_loss",
    "loss_or",
    "mae_loss",
    "mmcr_loss",
    "moco_v3_loss",
    "moved_covariance",
    "nnclr_loss",
    "npid_loss",
    "npid_normalizer",
    "npid_proximity",
    "npid_sampled_loss",
    "nt_xent_loss",
    "simdino_loss",
    "simsiam_loss",
    "spectral_contrastive_loss",
    "supcon_loss",
    "swav_loss",
    "t_simcne_loss",
    "tico_loss",
    "vicreg_loss",
    "view_similarities",
    "wmse_loss",
]
