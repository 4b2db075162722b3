"""Training of the graph convolutional network on labels shown and hidden at random."""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Generator, Tensor
from torch.nn import Parameter, functional

from csl.distributed import Group, all_reduce
from csl.graph import GCN, Propagation
from csl.probes.nodes import Nodes

HIDDEN_SHARE = (0.05, 0.5)
SMOOTHING = 0.9


class GCNFit(NamedTuple):
    """A network trained on one graph.

    Attributes:
        logits: Of this process's nodes, by the chosen step's parameters, all training labels shown `[n, C]`.
        train_accuracy: Smoothed accuracy on hidden training nodes at the chosen step.
        best_val_accuracy: The best held-out accuracy over all steps, or None if it was not asked for.
        steps: Steps taken.
        parameters: The chosen step's, by name.
    """

    logits: Tensor
    train_accuracy: float
    best_val_accuracy: float | None
    steps: int
    parameters: dict[str, Tensor]


class HiddenAccuracy:
    """The accuracy on hidden training nodes, pooled over recent steps, and the step at which it was highest.

    One step hides between 5 % and 50 % of the nodes, so that its own accuracy is as much luck as merit, and a lucky
    early step would stop the training. Here a step's right answers and its number of hidden nodes each enter a sum in
    which every step counts `SMOOTHING` times the following one; the accuracy is the quotient.
    """

    def __init__(self) -> None:
        self._right = self._hidden = 0.0
        self.steps = 0
        self.best = -1.0
        self.best_step = 0

    def update(self, right: int, hidden: int) -> bool:
        """Enter a step; whether it is the best so far."""
        self.steps += 1
        self._right = SMOOTHING * self._right + right
        self._hidden = SMOOTHING * self._hidden + hidden
        if self._right / self._hidden <= self.best:
            return False
        self.best, self.best_step = self._right / self._hidden, self.steps
        return True

    @property
    def steps_since_best(self) -> int:
        """Steps entered after the best one."""
        return self.steps - self.best_step


class GCNTraining:
    """Full-batch training of a GCN on a graph of which each process owns some nodes.

    Every process has all parameters, computes its own nodes' share of the loss, and takes the same step by the sum of
    all gradients. All draw the same numbers and know which nodes are labelled, so that none has to ask what is hidden.

    Args:
        network: The network, the same on every process; trained in place.
        propagate: The product with the graph's normalised weights.
        nodes: This process's nodes.
        generator: A CPU generator, in the same state on every process, source of what is hidden.
        features: A further input of the network `[n, D]`, float64; None for labels alone.
    """

    def __init__(
        self,
        network: GCN,
        propagate: Propagation,
        nodes: Nodes,
        generator: Generator,
        features: Tensor | None = None,
    ) -> None:
        self.network = network
        self.propagate = propagate
        self.nodes = nodes
        self.generator = generator
        self.features = features
        self.group: Group = nodes.shard.group
        # All that is ever shown; the rest is "unknown".
        self.shown = nodes.classes.masked_fill(~nodes.labelled, network.num_classes)
        # Of the training nodes of all processes, on the CPU, where the draws are made.
        self._labelled = nodes.shard.gather(nodes.labelled.byte())[: nodes.num_train].bool().cpu()

    def fit(self, *, learning_rate: float, patience: int, max_steps: int, best_over_steps: bool = False) -> GCNFit:
        """Train until the accuracy on hidden training nodes has not improved for `patience` steps; keep the best step.

        Args:
            learning_rate: Of AdamW.
            patience: Steps.
            max_steps: At most so many steps.
            best_over_steps: Whether to record the held-out accuracy at each step, which influences nothing else.
        """
        optimizer = torch.optim.AdamW(self.network.parameters(), lr=learning_rate)
        progress, kept, best_val = HiddenAccuracy(), self._parameters(), 0.0
        for _ in range(max_steps):
            loss, right, hidden = self._hidden_loss()
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            right = sum_gradients(self.network.parameters(), right, self.group)
            if progress.update(int(right), hidden):
                kept = self._parameters()
            if best_over_steps:
                best_val = max(best_val, self._val_accuracy())
            if progress.steps_since_best >= patience:
                break
            optimizer.step()
        self.network.load_state_dict(kept)
        return GCNFit(
            logits=self._predict(),
            train_accuracy=progress.best,
            best_val_accuracy=best_val if best_over_steps else None,
            steps=progress.steps,
            parameters=kept,
        )

    def _hidden_loss(self) -> tuple[Tensor, Tensor, int]:
        """One draw of hidden nodes: this process's loss and right answers, and how many nodes are hidden in all.

        The loss is this process's share of the mean cross-entropy over all hidden nodes.
        """
        hidden, total = self._draw_hidden()
        logits = self._logits(self.shown.masked_fill(hidden, self.network.num_classes))[hidden]
        classes = self.nodes.classes[hidden]
        right = (logits.argmax(dim=1) == classes).sum()
        return functional.cross_entropy(logits, classes, reduction="sum") / total, right, total

    def _draw_hidden(self) -> tuple[Tensor, int]:
        """Which of this process's nodes to hide `[n]`, bool, and how many all processes hide.

        Each labelled one with a probability drawn for the step, and at least one of all.
        """
        low, high = HIDDEN_SHARE
        numbers = torch.rand(1 + self.nodes.num_train, generator=self.generator, dtype=torch.float64)
        share, draws = low + (high - low) * numbers[0], numbers[1:].masked_fill(~self._labelled, 2.0)
        hidden = draws <= torch.maximum(share, draws.amin())
        of_train = hidden[self.nodes.shard.own]
        own = torch.zeros(len(self.shown), dtype=torch.bool)
        own[: len(of_train)] = of_train
        return own.to(self.shown.device), int(hidden.sum())

    def _logits(self, shown: Tensor) -> Tensor:
        logits: Tensor = self.network(self.propagate, shown, self.features)
        return logits

    @torch.no_grad()
    def _predict(self) -> Tensor:
        """Logits of this process's nodes `[n, C]`, all training labels shown."""
        return self._logits(self.shown)

    def _val_accuracy(self) -> float:
        right = (self._predict().argmax(dim=1) == self.nodes.classes) & self.nodes.held_out
        correct, total = all_reduce(torch.stack([right.sum(), self.nodes.held_out.sum()]), self.group).tolist()
        return float(correct / total)

    def _parameters(self) -> dict[str, Tensor]:
        return {name: value.detach().clone() for name, value in self.network.state_dict().items()}


def sum_gradients(parameters: Iterable[Parameter], beside: Tensor, group: Group) -> Tensor:
    """Replace each parameter's gradient by the sum of all processes'; the sum of a scalar comes with them."""
    if group is None:
        return beside
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    own = torch.cat([gradient.flatten() for gradient in gradients] + [beside.to(gradients[0].dtype).view(1)])
    *sums, of_beside = torch.split(all_reduce(own, group), [*(g.numel() for g in gradients), 1])
    for gradient, summed in zip(gradients, sums, strict=True):
        gradient.copy_(summed.view_as(gradient))
    return of_beside
