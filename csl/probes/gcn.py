"""The GCN probe: a classifier that sees which samples are near one another, and nothing else of the features."""

from typing import ClassVar

import torch

from csl import distributed
from csl.graph import GCN, Backend, check_backend, check_neighbors, propagation, similarity_graph
from csl.probes.gcn_training import GCNFit, GCNTraining
from csl.probes.probe import Outcome, Probe
from csl.probes.replicate import agreed, own_rows, whole
from csl.probes.task import Task
from csl.randomness import derive_seed

MAX_STEPS = 1000


class GCNProbe(Probe):
    """Classify held-out samples by the labels of the training samples around them, with a graph convolutional network.

    Training and held-out samples together are the nodes of the similarity graph of `csl.graph.similarity_graph`,
    symmetrically normalised with degrees of at least 1. Inputs are labels alone, held-out ones always hidden. Each step
    of training hides a share of the training labels, drawn uniformly from 5–50 %, and lowers the cross-entropy on
    them; full batch, AdamW, float64, with random numbers of its own.

    Training stops when the accuracy on hidden training nodes, smoothed over about ten steps because the share is
    random, has not improved for `patience` steps. The parameters of its best step predict, all training labels shown;
    `val_accuracy` is theirs, and `train_accuracy` that smoothed accuracy. For 10 classes and width 16 there are 652
    parameters, whatever the features' width. Zhang, Lu and Xuan, "How Does Contrastive Learning Organize Images?",
    2024, arXiv 2305.10229.

    Args:
        temperature: T > 0 of the graph's weights.
        neighbors: Nearest neighbours k kept of each node, or None for the full graph.
        backend: Graph library: "dgl", "torch", or "auto", see `csl.graph.propagation`.
        width: Width of the label embedding and the hidden layer.
        learning_rate: Of AdamW.
        patience: Steps without a better training accuracy before training stops; at most 1,000 steps are taken.
        seed: Of the initial parameters and of the labels hidden.
        best_over_steps: Whether to record `best_val_accuracy`, which costs another pass a step.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> import torch
        >>> from csl.types import Features
        >>> labels = torch.arange(40) % 2
        >>> values = torch.randn(40, 3, generator=torch.Generator().manual_seed(0)) + 8 * labels.unsqueeze(1)
        >>> train, val = Features(values, labels, torch.arange(40)), Features(values + 0.1, labels, torch.arange(40))
        >>> GCNProbe(neighbors=5, backend="torch").fit(train, val).val_accuracy
        1.0
    """

    name: ClassVar[str] = "gcn"

    def __init__(
        self,
        temperature: float = 0.1,
        neighbors: int | None = 50,
        backend: Backend = "auto",
        width: int = 16,
        learning_rate: float = 0.1,
        patience: int = 50,
        seed: int = 0,
        best_over_steps: bool = False,
    ) -> None:
        for name, value in {"temperature": temperature, "learning_rate": learning_rate}.items():
            if not value > 0:
                raise ValueError(f"{name}: expected a positive number, got {value}")
        for name, count in {"width": width, "patience": patience}.items():
            if count < 1:
                raise ValueError(f"{name}: expected at least 1, got {count}")
        check_neighbors(neighbors)
        check_backend(backend)
        self.temperature = temperature
        self.neighbors = neighbors
        self.backend = backend
        self.width = width
        self.learning_rate = learning_rate
        self.patience = patience
        self.seed = seed
        self.best_over_steps = best_over_steps

    def classify(self, task: Task) -> Outcome:
        """Build the graph of both sets, train the network on it, and predict."""
        train, val = whole(task.train, task.group), whole(task.val, task.group)
        joint = torch.cat([train.values, val.values])
        # Cut anew, so that nodes are numbered, and numbers summed, as on one process.
        rows = joint[distributed.shard(len(joint), task.group)]
        # Unnamed, the graph as it was before normalisation is freed at once.
        graph = similarity_graph(rows, self.temperature, self.neighbors, group=task.group).normalized()
        propagate = propagation(graph, self.backend)
        generator = torch.Generator().manual_seed(derive_seed(self.seed, "gcn"))
        network = GCN(task.num_classes, generator, self.width).to(joint.device)
        fit = GCNTraining(network, propagate, train.classes, len(joint), generator).fit(
            learning_rate=self.learning_rate,
            patience=self.patience,
            max_steps=MAX_STEPS,
            val_classes=val.classes if self.best_over_steps else None,
        )
        return _outcome(fit, task)


def _outcome(fit: GCNFit, task: Task) -> Outcome:
    numbers = torch.tensor([fit.train_accuracy, fit.best_val_accuracy or 0.0, fit.steps], dtype=torch.float64)
    train_accuracy, best, steps = agreed(numbers.to(fit.logits.device), task.group).tolist()
    return Outcome(
        predictions=own_rows(agreed(fit.logits.argmax(dim=1), task.group), task),
        train_accuracy=train_accuracy,
        num_parameters=fit.num_parameters,
        best_val_accuracy=None if fit.best_val_accuracy is None else best,
        steps=int(steps),
    )
