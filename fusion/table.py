"""Runs of several models and seeds as one table with intervals: JSON, Markdown and a plot."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import t as student

Runs = Mapping[str, np.ndarray]
"""Model -> one value a seed, in the order of the seeds."""
LOWER_IS_BETTER = ("ECE", "ours rejected", "parameters", "ms", "ms explained")


@dataclass(frozen=True, slots=True)
class Cell:
    """A mean over seeds with half the width of its 95 % interval."""

    mean: float
    half: float
    leads: bool  # the best, or not told apart from the best by a paired interval


def half_width(values: np.ndarray) -> float:
    """Half the 95 % interval of the mean (Student, 1908); 0 for a single value."""
    if len(values) < 2:
        return 0.0
    spread = values.std(ddof=1) / len(values) ** 0.5
    return float(student.ppf(0.975, len(values) - 1) * spread)


def read_runs(folder: Path) -> dict[str, Runs]:
    """`folder`/MODEL/SEED/figures.json of all runs -> figure ("shop photo R@1") -> values.

    Only seeds that every model has are read, so that differences can be paired by seed.
    """
    found: dict[str, dict[str, dict[str, float]]] = {}
    for path in sorted(folder.glob("*/*/figures.json")):
        figures = _flat(json.loads(path.read_text(encoding="utf-8")))
        found.setdefault(path.parts[-3], {})[path.parts[-2]] = figures
    if not found:
        raise FileNotFoundError(f"There is no MODEL/SEED/figures.json in {folder}.")
    seeds = sorted(set.intersection(*(set(runs) for runs in found.values())))
    names = dict.fromkeys(n for runs in found.values() for s in seeds for n in runs[s])
    return {
        name: {model: np.array([runs[s][name] for s in seeds]) for model, runs in found.items()}
        for name in names
    }


def cells(name: str, runs: Runs) -> dict[str, Cell]:
    """One figure of every model. One leads when no other is surely better, seed by seed."""
    sign = -1 if name.removeprefix("intents ") in LOWER_IS_BETTER else 1
    best = max(runs.values(), key=lambda values: sign * values.mean())
    return {
        model: Cell(
            float(values.mean()),
            half_width(values),
            bool(sign * (best - values).mean() <= half_width(best - values)),
        )
        for model, values in runs.items()
    }


def markdown(figures: Mapping[str, Runs], columns: Mapping[str, str]) -> str:
    """Models down, `columns` (figure -> heading) across; what leads a column is bold."""
    chosen = {name: cells(name, figures[name]) for name in columns}
    lines = ["| | " + " | ".join(columns.values()) + " |", "|---" * (len(columns) + 1) + "|"]
    for model in next(iter(chosen.values())):
        row = [model]
        for name in columns:
            cell = chosen[name][model]
            said = _said(name, cell)
            row.append(f"**{said}**" if cell.leads else said)
        lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines)


def plot(figures: Mapping[str, Runs], columns: Mapping[str, str], path: Path) -> None:
    """One panel a column, one bar a model with its interval; written as PNG."""
    across = min(4, len(columns))
    down = -(-len(columns) // across)
    figure = Figure(figsize=(3.1 * across, 2.6 * down), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False, sharey=True)
    for panel in panels.flat[len(columns) :]:
        panel.set_axis_off()
    for panel, (name, heading) in zip(panels.flat, columns.items(), strict=False):
        row = cells(name, figures[name])
        models = list(row)
        panel.barh(
            models,
            [row[m].mean for m in models],
            xerr=[row[m].half for m in models],
            color=["#1f6f5c" if m == "ours" else "#b9c4c0" for m in models],
            error_kw={"ecolor": "#444444", "elinewidth": 1},
        )
        panel.set_title(heading, fontsize=10)
        panel.set_xlim(0, 1)
        panel.invert_yaxis()
        panel.spines[["top", "right"]].set_visible(False)
        panel.tick_params(labelsize=8)
    figure.savefig(path, dpi=110)


def write(figures: Mapping[str, Runs], path: Path) -> None:
    """Every figure of every model as JSON: mean, half interval, values by seed."""
    told = {
        name: {
            model: {"mean": cell.mean, "half": cell.half, "values": runs[model].tolist()}
            for model, cell in cells(name, runs).items()
        }
        for name, runs in figures.items()
    }
    path.write_text(json.dumps(told, indent=1), encoding="utf-8")


def _said(name: str, cell: Cell) -> str:
    if name == "parameters":
        return f"{cell.mean / 1e6:.2f} M"
    if name.startswith("ms"):
        return f"{cell.mean:.1f}"
    return f"{cell.mean:.3f}" + (f" ± {cell.half:.3f}" if cell.half else "")


def _flat(figures: Mapping[str, object], before: str = "") -> dict[str, float]:
    flat: dict[str, float] = {}
    for name, value in figures.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{before}{name} ")
        elif isinstance(value, int | float):
            flat[before + name] = float(value)
    return flat
