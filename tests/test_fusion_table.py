"""The table of runs: means, intervals, who leads, and the files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusion.table import cells, half_width, markdown, plot, read_runs, write


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    values = {"ours": (0.9, 0.8, 0.7), "cca": (0.5, 0.4, 0.3), "late": (0.88, 0.83, 0.68)}
    for model, by_seed in values.items():
        for seed, value in enumerate(by_seed):
            folder = tmp_path / model / str(seed)
            folder.mkdir(parents=True)
            figures = {"shop": {"photo": {"R@1": value}}, "intents": {"ECE": 1 - value}, "ms": 2.0}
            (folder / "figures.json").write_text(json.dumps(figures))
    (tmp_path / "cca" / "2" / "figures.json").unlink()
    return tmp_path


def test_only_seeds_that_all_have_are_read(runs: Path) -> None:
    figures = read_runs(runs)
    assert figures["shop photo R@1"]["ours"].tolist() == [0.9, 0.8]
    assert set(figures) == {"shop photo R@1", "intents ECE", "ms"}


def test_the_interval_is_students() -> None:
    # mean 2, standard deviation 1, n 3: 4.303 / sqrt(3)
    assert half_width(np.array([1.0, 2.0, 3.0])) == pytest.approx(2.484, abs=1e-3)
    assert half_width(np.array([1.0])) == 0


def test_one_leads_when_no_other_is_surely_better_seed_by_seed(runs: Path) -> None:
    figures = read_runs(runs)
    best = cells("shop photo R@1", figures["shop photo R@1"])
    # the differences are what counts: cca is 0.4 worse in every seed, though seeds differ
    assert best["ours"].leads and best["late"].leads and not best["cca"].leads
    worst = cells("intents ECE", figures["intents ECE"])
    assert worst["ours"].leads and not worst["cca"].leads


def test_it_is_written_for_people_and_for_programs(runs: Path, tmp_path: Path) -> None:
    figures = read_runs(runs)
    said = markdown(figures, {"shop photo R@1": "photo", "ms": "ms"})
    assert said.splitlines()[0] == "| | photo | ms |"
    assert "| ours | **0.850 ± 0.635** | **2.0** |" in said
    assert "| cca | 0.450 ± 0.635 |" in said
    write(figures, tmp_path / "figures.json")
    told = json.loads((tmp_path / "figures.json").read_text())
    assert told["shop photo R@1"]["late"]["values"] == [0.88, 0.83]
    plot(figures, {"shop photo R@1": "photo"}, tmp_path / "plot.png")
    with Image.open(tmp_path / "plot.png") as picture:
        assert picture.width > 200


def test_a_folder_without_runs_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"figures\.json"):
        read_runs(tmp_path)
