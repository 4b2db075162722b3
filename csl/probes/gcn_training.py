"""Training of the graph convolutional network on labels shown and hidden at random."""

from typing import NamedTuple

import torch
from torch import Generator, Tensor
from torch.nn import functional

from csl.graph import GCN, Propagation

HIDDEN_SHARE = (0.05, 0.5)
SMOOTHING = 0.9


class GCNFit(NamedTuple):
    """A network trained on one graph.

    Attributes:
        logits: Of the held-out nodes, by the chosen step's parameters, all training labels shown `[M, C]`.
        train_accuracy: Smoothed accuracy on hidden training nodes at the chosen step.
        best_val_accuracy: The best held-out accuracy over all steps, or None if no held-out classes were given.
        steps: Steps taken.
        num_parameters: Trained parameters.
    """

    logits: Tensor
    train_accuracy: float
    best_val_accuracy: float | None
    steps: int
    num_parameters: int


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
    """Full-batch training of a GCN on a graph whose first nodes are the training samples, the others held out.

    Args:
        network: The network; trained in place.
        propagate: The product with the graph's normalised weights.
        classes: Class numbers of the training nodes `[N]`.
        num_nodes: All nodes, N + M.
        generator: A CPU generator, source of what is hidden.
    """

    def __init__(
        self, network: GCN, propagate: Propagation, classes: Tensor, num_nodes: int, generator: Generator
    ) -> None:
        self.network = network
        self.propagate = propagate
        self.classes = classes
        self.generator = generator
        self.unknown = network.num_classes
        self.held_out = classes.new_full((num_nodes - len(classes),), self.unknown)

    def fit(self, *, learning_rate: float, patience: int, max_steps: int, val_classes: Tensor | None = None) -> GCNFit:
        """Train until the accuracy on hidden training nodes has not improved for `patience` steps; keep the best step.

        Args:
            learning_rate: Of AdamW.
            patience: Steps.
            max_steps: At most so many steps.
            val_classes: Class numbers of the held-out nodes `[M]`; given, they record `best_val_accuracy` and
                influence nothing else.
        """
        optimizer = torch.optim.AdamW(self.network.parameters(), lr=learning_rate)
        progress, kept, best_val = HiddenAccuracy(), self._parameters(), 0.0
        for _ in range(max_steps):
            loss, right, hidden = self._hidden_loss()
            if progress.update(right, hidden):
                kept = self._parameters()
            if val_classes is not None:
                best_val = max(best_val, float((self._predict().argmax(dim=1) == val_classes).double().mean()))
            if progress.steps_since_best >= patience:
                break
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
        self.network.load_state_dict(kept)
        return GCNFit(
            logits=self._predict(),
            train_accuracy=progress.best,
            best_val_accuracy=None if val_classes is None else best_val,
            steps=progress.steps,
            num_parameters=sum(parameter.numel() for parameter in self.network.parameters()),
        )

    def _hidden_loss(self) -> tuple[Tensor, int, int]:
        """Cross-entropy on the training nodes hidden this time, how many of them are right, how many they are."""
        hidden = self._draw_hidden()
        shown = torch.cat([self.classes.masked_fill(hidden, self.unknown), self.held_out])
        nodes = hidden.nonzero().squeeze(1)
        logits, classes = self.network(self.propagate, shown)[nodes], self.classes[nodes]
        right = int((logits.argmax(dim=1) == classes).sum())
        return functional.cross_entropy(logits, classes), right, len(nodes)

    def _draw_hidden(self) -> Tensor:
        """Which training nodes to hide `[N]`, bool: each with a probability drawn for the step, and at least one."""
        low, high = HIDDEN_SHARE
        draws = torch.rand(1 + len(self.classes), generator=self.generator, dtype=torch.float64)
        share, draws = low + (high - low) * draws[0], draws[1:]
        return (draws <= torch.maximum(share, draws.min())).to(self.classes.device)

    @torch.no_grad()
    def _predict(self) -> Tensor:
        """Logits of the held-out nodes `[M, C]`, all training labels shown."""
        logits: Tensor = self.network(self.propagate, torch.cat([self.classes, self.held_out]))
        return logits[len(self.classes) :]

    def _parameters(self) -> dict[str, Tensor]:
        return {name: value.detach().clone() for name, value in self.network.state_dict().items()}
