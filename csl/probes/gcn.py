"""The GCN probe: a classifier that sees which samples are near one another, and nothing else of the features."""

from collections.abc import Sequence

import torch

from csl.graph import GCN, Backend, Propagation
from csl.probes.gcn_training import GCNTraining
from csl.probes.graph_probe import GraphProbe, check_counts, check_positive
from csl.probes.nodes import Nodes
from csl.probes.probe import Outcome
from csl.probes.standardisation import standardisation
from csl.probes.task import Task
from csl.randomness import derive_generator

MAX_STEPS = 1000


class GCNProbe(GraphProbe):
    """Classify held-out samples by the labels of the training samples around them, with a graph convolutional network.

    Training and held-out samples together are the nodes of the similarity graph of `csl.graph.similarity_graph`,
    symmetrically normalised with degrees of at least 1. Inputs are labels alone, held-out ones always hidden. Each step
    of training hides a share of the training labels, drawn uniformly from 5–50 %, and lowers the cross-entropy on
    them; full batch, AdamW, float64, with random numbers of its own. Where several processes share the samples, each
    owns rows of the graph and their part of the work; the parameters are those of one process.

    Training stops when the accuracy on hidden training nodes, smoothed over about ten steps because the share is
    random, has not improved for `patience` steps. The parameters of its best step predict, all training labels shown;
    `val_accuracy` is theirs, and `train_accuracy` that smoothed accuracy. For 10 classes and width 16 there are 652
    parameters, whatever the features' width. Zhang, Lu and Xuan, "How Does Contrastive Learning Organize Images?",
    2024, arXiv 2305.10229.

    Args:
        temperature: T > 0 of the graph's weights; each of several is a variant `gcn_<T>`; they share the distances.
        neighbors: Nearest neighbours k kept of each node, or None for the full graph.
        backend: Graph library: "dgl", "torch", or "auto", see `csl.graph.propagation`.
        width: Width of the label embedding and the hidden layers.
        learning_rate: Of AdamW.
        patience: Steps without a better training accuracy before training stops; at most 1,000 steps are taken.
        seed: Of the initial parameters, of the labels hidden, and of the choice of few labels.
        best_over_steps: Whether to record `best_val_accuracy_over_steps`, which costs another pass a step.
        depth: Number of convolutions.
        features: Whether the standardised features are an input beside the labels, with D × width more parameters.
        self_loop: The weight of a node on itself where it is fixed; None learns it, as the paper does.
        label_share: The share of each class's training labels that is ever shown (at least one of each); the other
            training samples are nodes of unknown label.
        memory_budget: Bytes that a process may store of a full graph; None for 2 GiB, on CUDA half of the device.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> from csl.types import Features
        >>> labels = torch.arange(40) % 2
        >>> values = torch.randn(40, 3, generator=torch.Generator().manual_seed(0)) + 8 * labels.unsqueeze(1)
        >>> train, val = Features(values, labels, torch.arange(40)), Features(values + 0.1, labels, torch.arange(40))
        >>> GCNProbe(neighbors=5, backend="torch").fit(train, val).val_accuracy
        1.0
        >>> list(GCNProbe([0.2, 0.1], neighbors=5, backend="torch").fit_variants(train, val))
        ['gcn_0.2', 'gcn_0.1']
    """

    name = "gcn"

    def __init__(
        self,
        temperature: float | Sequence[float] = 0.1,
        neighbors: int | None = 50,
        backend: Backend = "auto",
        width: int = 16,
        learning_rate: float = 0.1,
        patience: int = 50,
        seed: int = 0,
        best_over_steps: bool = False,
        depth: int = 2,
        features: bool = False,
        self_loop: float | None = None,
        label_share: float = 1.0,
        memory_budget: int | None = None,
    ) -> None:
        super().__init__(temperature, neighbors, backend, memory_budget, label_share, seed)
        check_positive(learning_rate=learning_rate)
        check_counts(width=width, patience=patience, depth=depth)
        self.width = width
        self.learning_rate = learning_rate
        self.patience = patience
        self.best_over_steps = best_over_steps
        self.depth = depth
        self.features = features
        self.self_loop = self_loop

    def classify_nodes(self, nodes: Nodes, propagate: Propagation, task: Task) -> Outcome:
        """Train the network on the graph, and predict."""
        generator = derive_generator(self.seed, "gcn")
        num_features = nodes.values.shape[1] if self.features else 0
        network = GCN(
            task.num_classes, generator, self.width, self.depth, num_features, self.self_loop, group=task.group
        ).to(nodes.values.device)
        fit = GCNTraining(network, propagate, nodes, generator, self._inputs(nodes)).fit(
            learning_rate=self.learning_rate,
            patience=self.patience,
            max_steps=MAX_STEPS,
            best_over_steps=self.best_over_steps,
        )
        return Outcome(
            predictions=nodes.back(fit.logits.argmax(dim=1), task),
            train_accuracy=fit.train_accuracy,
            num_parameters=sum(parameter.numel() for parameter in network.parameters()),
            best_val_accuracy_over_steps=fit.best_val_accuracy,
            steps=fit.steps,
            parameters=fit.parameters,
        )

    def _inputs(self, nodes: Nodes) -> torch.Tensor | None:
        """This process's nodes' features, standardised by the training samples, float64 `[n, D]`; None without."""
        if not self.features:
            return None
        shift, scale = standardisation(nodes.values[~nodes.held_out], nodes.shard.group)
        return (nodes.values.double() - shift) / scale
