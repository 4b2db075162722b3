"""Small classifiers on frozen features: what an encoder's organization of images makes easy."""

from csl.probes.gcn import GCNProbe
from csl.probes.graph_probe import GraphProbe
from csl.probes.knn import KNNProbe
from csl.probes.label_propagation import LabelPropagationProbe
from csl.probes.linear import LinearProbe
from csl.probes.nodes import Nodes
from csl.probes.panel import default_probes, fit_probes
from csl.probes.probe import Outcome, Probe
from csl.probes.result import ProbeResult
from csl.probes.task import Samples, Task

__all__ = [
    "GCNProbe",
    "GraphProbe",
    "KNNProbe",
    "LabelPropagationProbe",
    "LinearProbe",
    "Nodes",
    "Outcome",
    "Probe",
    "ProbeResult",
    "Samples",
    "Task",
    "default_probes",
    "fit_probes",
]
