"""Label propagation: what the similarity graph alone makes of the labels, with nothing trained."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from csl.distributed import all_reduce
from csl.graph import Backend, Propagation
from csl.probes.graph_probe import GraphProbe, check_counts
from csl.probes.nodes import Nodes
from csl.probes.probe import Outcome, accuracy
from csl.probes.task import Task
from csl.randomness import derive_generator

_HIDDEN = 0.2


class Spread(NamedTuple):
    """What label propagation came to.

    Attributes:
        scores: Of each class at each of this process's nodes `[n, C]`.
        steps: Products with the graph.
    """

    scores: Tensor
    steps: int


class LabelPropagationProbe(GraphProbe):
    """Let the training labels spread over the similarity graph: the baseline of the GCN probe, without parameters.

    `F ← alpha S F + (1 − alpha) Y` from F = Y until no entry moves by more than `tolerance`, with S the symmetrically
    normalised weights and Y the shown labels one-hot; a held-out sample gets the class of its largest score.
    Zhou, Bousquet, Lal, Weston and Schölkopf, "Learning with Local and Global Consistency", 2003.

    `train_accuracy` is that on a fifth of the training labels, hidden in a second run for it.

    Args:
        temperature: T > 0 of the graph's weights; of several, each is a variant `label_propagation_<T>`.
        neighbors: Nearest neighbours k kept of each node, or None for the full graph.
        alpha: How far labels spread, 0 < alpha < 1.
        tolerance: Where to stop, in units of a shown label's score of 1.
        max_steps: At most so many products with the graph.
        backend: Graph library: "dgl", "torch", or "auto", see `csl.graph.propagation`.
        label_share: The share of each class's training labels that is shown (at least one of each).
        seed: Of the choice of few labels and of those hidden for `train_accuracy`.
        memory_budget: Bytes that a process may store of a full graph.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> from csl.types import Features
        >>> values = torch.tensor([[0.0], [0.1], [5.0], [5.1], [5.2]])
        >>> features = Features(values, torch.tensor([1, 1, 4, 4, 4]), torch.arange(5))
        >>> LabelPropagationProbe(neighbors=2).fit(features, features).val_accuracy
        1.0
    """

    name = "label_propagation"

    def __init__(
        self,
        temperature: float | Sequence[float] = 0.1,
        neighbors: int | None = 50,
        alpha: float = 0.9,
        tolerance: float = 1e-6,
        max_steps: int = 1000,
        backend: Backend = "auto",
        label_share: float = 1.0,
        seed: int = 0,
        memory_budget: int | None = None,
    ) -> None:
        super().__init__(temperature, neighbors, backend, memory_budget, label_share, seed)
        if not 0 < alpha < 1:
            raise ValueError(f"alpha: expected a number between 0 and 1, got {alpha}")
        if not tolerance >= 0:
            raise ValueError(f"tolerance: expected 0 or more, got {tolerance}")
        check_counts(max_steps=max_steps)
        self.alpha = alpha
        self.tolerance = tolerance
        self.max_steps = max_steps

    def classify_nodes(self, nodes: Nodes, propagate: Propagation, task: Task) -> Outcome:
        """Spread the labels; then once more with some of them hidden."""
        spread = self._spread(nodes, propagate, nodes.labelled, task.num_classes)
        hidden = self._hidden(nodes)
        partial = self._spread(nodes, propagate, nodes.labelled & ~hidden, task.num_classes)
        return Outcome(
            predictions=nodes.back(spread.scores.argmax(dim=1), task),
            train_accuracy=accuracy(partial.scores[hidden].argmax(dim=1), nodes.classes[hidden], task.group),
            num_parameters=0,
            steps=spread.steps,
        )

    @torch.no_grad()
    def _spread(self, nodes: Nodes, propagate: Propagation, shown: Tensor, num_classes: int) -> Spread:
        source = torch.zeros(len(shown), num_classes, dtype=torch.float64, device=shown.device)
        source[shown, nodes.classes[shown]] = 1.0
        scores, steps = source, 0
        for steps in range(1, self.max_steps + 1):  # noqa: B007, how many it were is the result
            following = self.alpha * propagate(scores) + (1 - self.alpha) * source
            moved = (following - scores).abs().amax() if len(scores) else scores.new_zeros(())
            scores = following
            if float(all_reduce(moved, nodes.shard.group, "max")) <= self.tolerance:
                break
        return Spread(scores, steps)

    def _hidden(self, nodes: Nodes) -> Tensor:
        """Which of this process's labelled nodes to hide `[n]`, bool: about a fifth, and at least one of all."""
        generator = derive_generator(self.seed, self.name)
        numbers = torch.rand(nodes.num_train, generator=generator, dtype=torch.float64)[nodes.shard.own]
        draws = torch.full(nodes.labelled.shape, 2.0, dtype=torch.float64)
        draws[: len(numbers)] = numbers
        draws = draws.to(nodes.labelled.device).masked_fill(~nodes.labelled, 2.0)
        least = draws.amin() if len(draws) else draws.new_tensor(2.0)
        return draws <= all_reduce(least, nodes.shard.group, "min").clamp(min=_HIDDEN)
