"""Files of a shop's own intents: labelled sentences in, a report, predictions and figures out."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fusion.intents import Recognised, Validation
from fusion.reject import auroc
from fusion.types import BadInput

OUT_OF_SCOPE = frozenset({"oos", "out_of_scope", "out-of-scope", "out of scope"})
"""Labels, in any case, that say a sentence is none of the shop's; in a test an empty one too."""

COLUMNS = ("sentence", "label", "score", "out_of_scope")
MOST_ROWS = 100_000
MOST_BYTES = 100_000_000
FEW = 5  # examples of a label below which it is named in the report
SHOWN = 20  # lines of each part of the report
OVERLAP = 0.1  # share of a label's rows taken for one other label: the two overlap
UNLIKELY, LIKELY = 0.1, 0.6  # of the label given and of the one guessed: looks mislabelled


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file of sentences."""

    line: int  # 1 is the header
    sentence: str
    label: str  # "" when there is none

    @property
    def outside(self) -> bool:
        return not self.label or self.label.lower() in OUT_OF_SCOPE


@dataclass(frozen=True, slots=True)
class Examples:
    """What a classifier is fitted on, and what was noticed on the way."""

    rows: tuple[Row, ...]  # in scope, each with a label
    outside: tuple[str, ...]  # sentences out of scope
    warnings: tuple[str, ...]


def read_rows(path: Path, labelled: bool) -> list[Row]:
    """The rows of a CSV with a column `sentence`, and `label` when `labelled`, in their order.

    Comma, semicolon or tab separates. Raises BadInput when the file cannot be read, is not UTF-8,
    is too large or lacks a column.
    """
    header, *lines = _table(path)
    names = [name.strip().lower() for name in header]
    wanted = ("sentence", "label") if labelled else ("sentence",)
    if missing := [name for name in wanted if name not in names]:
        raise BadInput(
            f"{path} has no column {' and no column '.join(missing)}; its columns are "
            f"{', '.join(header)}. The first line must name the columns {', '.join(wanted)}."
        )
    at = [names.index(name) for name in wanted]
    cells = [[(line[i] if i < len(line) else "").strip() for i in at] for line in lines]
    return [Row(n, c[0], c[1] if labelled else "") for n, c in enumerate(cells, start=2)]


def read_examples(path: Path, out_of_scope: Path | None = None) -> Examples:
    """The examples of a training file, and of a file of sentences that are out of scope.

    The latter is a CSV with a column `sentence`, or plain text with a sentence a line. Raises
    BadInput as `read_rows` does, and when nothing is left.
    """
    rows = read_rows(path, labelled=True)
    warnings = []
    if empty := [row.line for row in rows if not row.sentence]:
        warnings.append(f"Rows without a sentence were left out: line {_listed(empty)}.")
    if bare := [row.line for row in rows if row.sentence and not row.label]:
        warnings.append(f"Rows without a label were left out: line {_listed(bare)}.")
    rows = [row for row in rows if row.sentence and row.label]
    first: dict[tuple[str, str], Row] = {}
    for row in rows:
        first.setdefault((row.sentence.casefold(), row.label), row)
    if len(first) < len(rows):
        warnings.append(f"{len(rows) - len(first)} repeated rows were counted once.")
    inside = tuple(row for row in first.values() if not row.outside)
    outside = [row.sentence for row in first.values() if row.outside]
    if out_of_scope:
        outside += _sentences(out_of_scope)
    if not inside:
        raise BadInput(f"{path} has no row with a sentence and a label.")
    labels_of: dict[str, set[str]] = {}
    for row in inside:
        labels_of.setdefault(row.sentence.casefold(), set()).add(row.label)
    warnings += [
        f"“{sentence}” has {len(labels)} labels: {', '.join(sorted(labels))}."
        for sentence, labels in labels_of.items()
        if len(labels) > 1
    ]
    counts = Counter(row.label for row in inside)
    if rare := [f"{label} ({n})" for label, n in sorted(counts.items()) if n < FEW]:
        warnings.append(f"Labels with fewer than {FEW} examples: {', '.join(rare)}.")
    return Examples(inside, tuple(outside), tuple(warnings))


def report(examples: Examples, labels: Sequence[str], validation: Validation) -> str:
    """What cross-validation says of the examples, as Markdown."""
    place = {label: i for i, label in enumerate(labels)}
    given = np.array([place[row.label] for row in examples.rows])
    likely = validation.probabilities
    guessed = likely.argmax(1)
    counts = np.bincount(given, minlength=len(labels))
    right = np.bincount(given[given == guessed], minlength=len(labels))
    confused = Counter(zip(given[given != guessed], guessed[given != guessed], strict=True))
    overlaps: dict[tuple[int, int], int] = {}
    for (a, b), n in confused.items():
        if n >= 2 and n / counts[a] >= OVERLAP:
            pair = (min(a, b), max(a, b))
            overlaps[pair] = confused[pair] + confused[pair[1], pair[0]]
    rows = np.arange(len(given))
    doubtful = np.flatnonzero((likely[rows, given] < UNLIKELY) & (likely.max(1) > LIKELY))
    doubtful = doubtful[np.argsort(-likely[doubtful].max(1))]
    missed = [i for i in range(len(labels)) if right[i] < counts[i]]
    weakest = sorted(missed, key=lambda i: right[i] / counts[i])
    parts = {
        "Noticed in the file": examples.warnings,
        "Labels most often missed": [
            f"{labels[i]}: {right[i]} of {counts[i]} right" for i in weakest
        ],
        "Confusions": [
            f"{labels[a]} taken for {labels[b]}: {n}" for (a, b), n in confused.most_common()
        ],
        "Labels that overlap (merge them, or tell them apart by more examples)": [
            f"{labels[a]} and {labels[b]}: {n} rows cross over"
            for (a, b), n in sorted(overlaps.items(), key=lambda item: -item[1])
        ],
        "Rows that look mislabelled": [
            f"line {examples.rows[i].line}: “{examples.rows[i].sentence}” is labelled "
            f"{labels[given[i]]}, looks like {labels[guessed[i]]}"
            for i in doubtful
        ],
    }
    lines = [
        "# A shop's own intents",
        "",
        f"{len(given)} sentences, {len(labels)} labels, {len(examples.outside)} out of scope.",
        f"Cross-validated accuracy: {right.sum() / len(given):.3f} (the linear judges alone; the "
        "trained layers add to it).",
    ]
    for title, part in parts.items():
        if part:
            more = [f"and {len(part) - SHOWN} more"] if len(part) > SHOWN else []
            lines += ["", f"## {title}", "", *(f"- {line}" for line in [*part[:SHOWN], *more])]
    return "\n".join(lines) + "\n"


def write_predictions(path: Path, rows: Sequence[Row], found: Sequence[Recognised]) -> None:
    """A CSV of COLUMNS, a row a sentence. Raises BadInput when it cannot be written."""
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            out = csv.writer(file)
            out.writerow(COLUMNS)
            for row, one in zip(rows, found, strict=True):
                out.writerow(
                    (row.sentence, one.label, f"{one.score:.4f}", f"{one.out_of_scope:.4f}")
                )
    except OSError as error:
        raise BadInput(f"{path} cannot be written ({error.strerror}).") from error


def figures(rows: Sequence[Row], found: Sequence[Recognised]) -> dict[str, float]:
    """How good predictions are, each in [0, 1]; only the figures that the rows allow.

    The right label counts whether the row was turned away or not; in the accuracy of all, a row in
    scope is right when it has its label and was not turned away, any other when it was.
    """
    inside = np.array([not row.outside for row in rows])
    right = np.array([row.label == one.label for row, one in zip(rows, found, strict=True)])
    strange = np.array([one.out_of_scope for one in found])
    turned_away = strange >= 0.5
    result = {}
    if inside.any():
        result["in scope: right label"] = float(right[inside].mean())
        result["in scope: turned away"] = float(turned_away[inside].mean())
    if not inside.all():
        result["out of scope: turned away"] = float(turned_away[~inside].mean())
        result["accuracy of all, turning away included"] = float(
            np.where(inside, right & ~turned_away, turned_away).mean()
        )
    if inside.any() and not inside.all():
        limit = np.quantile(strange[inside], 0.95)
        result["out of scope: turned away, were 5 % in scope"] = float(
            (strange[~inside] > limit).mean()
        )
        result["AUROC of out_of_scope"] = auroc(strange[inside], strange[~inside])
    return result


def _table(path: Path) -> list[list[str]]:
    text = _text(path)
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    rows = []
    try:
        for row in csv.reader(text.splitlines(keepends=True), delimiter=delimiter):
            rows.append(row)
            if len(rows) > MOST_ROWS + 1:
                raise BadInput(f"{path} has more than {MOST_ROWS:,} rows. Take a sample of it.")
    except csv.Error as error:
        raise BadInput(f"{path} is not a CSV (line {len(rows) + 1}: {error}).") from error
    if len(rows) < 2:
        raise BadInput(f"{path} has no rows under a first line that names the columns.")
    return rows


def _sentences(path: Path) -> list[str]:
    if path.suffix.lower() == ".csv":
        return [row.sentence for row in read_rows(path, labelled=False) if row.sentence]
    return [line.strip() for line in _text(path).splitlines() if line.strip()]


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadInput(f"{path} is larger than {MOST_BYTES // 1_000_000} MB.")
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{path} is not UTF-8 (byte {error.start + 1}). Save it again as UTF-8."
        ) from error


def _listed(lines: Sequence[int]) -> str:
    return ", ".join(map(str, lines[:SHOWN])) + (", ..." if len(lines) > SHOWN else "")
