"""The base of the probes that work on the similarity graph of all samples."""

import math
from abc import abstractmethod
from collections.abc import Sequence

from csl.graph import Backend, Propagation, check_backend, check_neighbors, propagation, similarity_graphs
from csl.probes.few_labels import check_label_share
from csl.probes.nodes import Nodes
from csl.probes.probe import Outcome, Probe
from csl.probes.task import Task


class GraphProbe(Probe):
    """A probe that sees which samples are near one another.

    Training and held-out samples together are the nodes of `csl.graph.similarity_graph`, symmetrically normalised
    with degrees of at least 1; each process owns a share of them. A subclass implements `classify_nodes`.

    With several temperatures there is a variant for each, `<name>_<T>`, and `fit_variants` fits them all on distances
    computed once.

    Args:
        temperature: T > 0 of the graph's weights, one or several.
        neighbors: Nearest neighbours k kept of each node, or None for the full graph.
        backend: Graph library: "dgl", "torch", or "auto", see `csl.graph.propagation`.
        memory_budget: Bytes that a process may store of a full graph, see `csl.graph.similarity_graph`.
        label_share: The share of each class's training labels that is ever shown (at least one of each).
        seed: Of that choice and of everything else that is random.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(
        self,
        temperature: float | Sequence[float] = 0.1,
        neighbors: int | None = 50,
        backend: Backend = "auto",
        memory_budget: int | None = None,
        label_share: float = 1.0,
        seed: int = 0,
    ) -> None:
        self.temperatures = _temperatures(temperature)
        check_neighbors(neighbors)
        check_backend(backend)
        check_label_share(label_share)
        self.neighbors = neighbors
        self.backend = backend
        self.memory_budget = memory_budget
        self.label_share = label_share
        self.seed = seed

    @abstractmethod
    def classify_nodes(self, nodes: Nodes, propagate: Propagation, task: Task) -> Outcome:
        """Predict the held-out nodes from the labelled ones on one graph."""

    @property
    def variant_names(self) -> tuple[str, ...]:
        """`<name>`, or `<name>_<T>` for each of several temperatures."""
        several = len(self.temperatures) > 1
        return tuple(f"{self.name}_{value:g}" if several else self.name for value in self.temperatures)

    def classify(self, task: Task) -> Outcome:
        """Build the graph of both sets and predict; for one temperature."""
        (outcome,) = self.variants(task).values()
        return outcome

    def variants(self, task: Task) -> dict[str, Outcome]:
        """Build the graphs of both sets, one a temperature, and predict on each."""
        nodes = Nodes.of(task)
        graphs = similarity_graphs(
            nodes.values, self.temperatures, self.neighbors, group=task.group, memory_budget=self.memory_budget
        )
        outcomes = {}
        for name in self.variant_names:
            # Taken from the list and unnamed, a graph as it was before normalisation is freed at once.
            propagate = propagation(graphs.pop(0).normalized(), self.backend)
            outcomes[name] = self.classify_nodes(nodes, propagate, task)
        return outcomes


def check_positive(**numbers: float) -> None:
    """Raise a ValueError for a number that is not positive and finite."""
    for name, value in numbers.items():
        if not (value > 0 and math.isfinite(value)):
            raise ValueError(f"{name}: expected a positive number, got {value}")


def check_counts(**counts: int) -> None:
    """Raise a ValueError for a count below 1."""
    for name, count in counts.items():
        if count < 1:
            raise ValueError(f"{name}: expected at least 1, got {count}")


def _temperatures(temperature: float | Sequence[float]) -> tuple[float, ...]:
    values = (temperature,) if isinstance(temperature, int | float) else tuple(temperature)
    if not values:
        raise ValueError("temperature: expected a positive number or several, got none")
    for value in values:
        check_positive(temperature=value)
    if len(set(values)) < len(values):
        raise ValueError(f"temperature: expected different ones, got {', '.join(map(str, values))}")
    return values
