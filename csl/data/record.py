"""What was read, as a record: the first lines of a run's log, and a part of what its folder keeps."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, NamedTuple, Self

import torch

from csl.data.images import ImageSet

PIXELS, FILES = "pixels and labels", "list of images and labels"
_EXAMPLES = 3
_NAMED = 10  # classes; more are counted


class PassedOver(NamedTuple):
    """What was not read, for one reason.

    Attributes:
        reason: Why.
        number: How many files, folders or rows.
        examples: The first of them.
    """

    reason: str
    number: int
    examples: tuple[str, ...]

    def __str__(self) -> str:
        more = ", …" if self.number > len(self.examples) else ""
        return f"{self.reason}: {self.number:,} ({', '.join(map(printable, self.examples))}{more})"


class Tally:
    """Counts what is passed over, by reason, and keeps the first examples of each.

    Example:
        >>> tally = Tally()
        >>> tally.add("hidden", "cat/.cache")
        >>> [str(entry) for entry in tally.entries()]
        ['hidden: 1 (cat/.cache)']
    """

    def __init__(self, entries: Iterable[PassedOver] = ()) -> None:
        self._found = {reason: (count, list(examples)) for reason, count, examples in entries}

    def add(self, reason: str, example: str, count: int = 1) -> None:
        """Count a thing, or `count` of them of which one is named."""
        before, examples = self._found.get(reason, (0, []))
        self._found[reason] = before + count, [*examples, example][:_EXAMPLES]

    def merge(self, entries: Iterable[PassedOver], prefix: str = "") -> None:
        """Add what another one has counted; `prefix` is written before its examples."""
        for reason, count, examples in entries:
            before, known = self._found.get(reason, (0, []))
            self._found[reason] = before + count, [*known, *(prefix + name for name in examples)][:_EXAMPLES]

    def entries(self) -> tuple[PassedOver, ...]:
        """One entry a reason, in the order in which they were met."""
        return tuple(PassedOver(reason, count, tuple(names)) for reason, (count, names) in self._found.items())


@dataclass(frozen=True)
class DataRecord:
    """What a source has read.

    Attributes:
        name: The source, and where it reads from.
        sets: How many images each set has: "train", "reference" where that is not the training set, "val", "test".
        unlabelled: How many images of a set have no label, for the sets that have such images.
        classes: How many images each class has, in the training set where that is labelled, else in the reference set.
        held_out: How the held-out set came about.
        passed_over: What was not read, and why.
        notes: What else a reader of the results should know.
        fingerprint: SHA-256 in hexadecimal digits. The same files give the same one wherever their folder lies.
        fingerprint_of: What it is made of: the list of files with their labels, or the pixels of sets that came as
            arrays.

    Example:
        >>> from csl.data import Digits
        >>> print(Digits().record())  # doctest: +ELLIPSIS
        Digits: 1,797 images, 10 classes: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 (in train smallest: 8, ...
          train 1,400, val 397 (held out: 397 images, the same share of every class, drawn with seed 0)
          sha256 of the pixels and labels: ...
    """

    name: str
    sets: dict[str, int]
    unlabelled: dict[str, int]
    classes: dict[str, int]
    held_out: str
    passed_over: tuple[PassedOver, ...]
    notes: tuple[str, ...]
    fingerprint: str
    fingerprint_of: str

    @classmethod
    def of(
        cls,
        name: str,
        sets: Mapping[str, ImageSet],
        class_names: tuple[str, ...],
        *,
        held_out: str = "",
        passed_over: tuple[PassedOver, ...] = (),
        notes: tuple[str, ...] = (),
    ) -> Self:
        """Count the sets: "train", "reference", "val" and perhaps "test"."""
        shown = sets["train"] if _is_labelled(sets["train"]) else sets["reference"]
        counts = torch.bincount(shown.labels[shown.labels >= 0], minlength=len(class_names)).tolist()
        told = {part: images for part, images in sets.items() if part != "reference" or images is not sets["train"]}
        return cls(
            name,
            {part: len(images) for part, images in told.items()},
            {part: number for part, images in told.items() if (number := int((images.labels < 0).sum()))},
            dict(zip(map(printable, class_names), counts, strict=True)),
            held_out,
            passed_over,
            notes,
            _fingerprint(told),
            PIXELS if all(images.in_memory for images in told.values()) else FILES,
        )

    def lines(self) -> list[str]:
        """The record as text, for people."""
        head = f"{printable(self.name)}: {sum(self.sets.values()):,} images, {self._classes()}"
        sets = [f"{part} {count:,}{self._without_labels(part)}" for part, count in self.sets.items()]
        held_out = f" (held out: {self.held_out})" if self.held_out else ""
        passed = "passed over: " + "; ".join(map(str, self.passed_over)) if self.passed_over else ""
        found = [
            ", ".join(sets) + held_out,
            passed,
            *self.notes,
            f"sha256 of the {self.fingerprint_of}: {self.fingerprint[:16]}",
        ]
        return [head, *(f"  {printable(line)}" for line in found if line)]

    def to_dict(self) -> dict[str, Any]:
        """The record as plain lists and dictionaries, for JSON and YAML."""
        content = asdict(self)
        content["notes"] = list(self.notes)
        content["passed_over"] = [
            {"reason": entry.reason, "number": entry.number, "examples": [printable(name) for name in entry.examples]}
            for entry in self.passed_over
        ]
        return content

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def _without_labels(self, part: str) -> str:
        number = self.unlabelled.get(part, 0)
        if not number or not self.classes:
            return ""
        return " without labels" if number == self.sets[part] else f" ({number:,} of them without labels)"

    def _classes(self) -> str:
        if not self.classes:
            return "none of them with a label"
        names = list(self.classes)
        listed = ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
        return f"{len(names):,} class{'es' * (len(names) > 1)}: {listed} ({self._sizes(names)})"

    def _sizes(self, names: list[str]) -> str:
        smallest, largest = (choose(names, key=self.classes.__getitem__) for choose in (min, max))
        if self.classes[smallest] == self.classes[largest]:
            return f"{self.classes[smallest]:,} images each in {self._counted}"
        least, most = self.classes[smallest], self.classes[largest]
        return f"in {self._counted} smallest: {smallest}, {least:,} images; largest: {largest}, {most:,}"

    @property
    def _counted(self) -> str:
        """The set whose classes are counted."""
        return (
            "reference" if "reference" in self.sets and self.unlabelled.get("train") == self.sets["train"] else "train"
        )


def printable(name: str) -> str:
    r"""A file's name as it can be printed: bytes that are not UTF-8 become `\x…`.

    Example:
        >>> print(printable("caf\udce9"))
        caf\udce9
    """
    return name.encode("utf-8", "backslashreplace").decode()


def _is_labelled(images: ImageSet) -> bool:
    return bool(len(images)) and int(images.labels.min()) >= 0


def _fingerprint(sets: Mapping[str, ImageSet]) -> str:
    total = sha256()
    for part, images in sets.items():
        total.update(f"{part} {len(images)}\n".encode())
        for content in images.contents():
            total.update(content)
    return total.hexdigest()
