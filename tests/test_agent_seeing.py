"""What is not sold, through the real agent; the figures of seeing and the sheet to look at."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from agent import cli
from agent.seeing import Seen, judge_shop, judge_unsold, markdown, write
from agent.types import Answer, Decline
from fusion.types import Turn
from fusion.unsold import FEATURES, fit

SAMPLES = Path(__file__).parent / "samples" / "photos"


@pytest.fixture(scope="module")
def few(customer_photos) -> dict[str, list[Path]]:
    """One photo of every seventh product."""
    if not customer_photos:
        pytest.skip("tests/samples/photos/customer is not in this copy")
    return {id: paths[:1] for id, paths in list(customer_photos.items())[::7]}


def asked(agent, words: str, path: Path):
    events = list(
        agent.reply(Turn(words, photos=(path.read_bytes(),)), agent.store.new_conversation())
    )
    return events[-1].reply


def test_the_threshold_turns_away_few_of_those_it_was_fitted_on() -> None:
    rng = np.random.default_rng(0)
    rows = np.concatenate([rng.normal(1, 1, (500, FEATURES)), rng.normal(-1, 1, (500, FEATURES))])
    sold = np.arange(1000) < 500
    told = fit([(rows, sold)])(rows)
    assert (told[sold] >= 0.5).mean() == pytest.approx(0.04, abs=0.005)
    assert (told[~sold] >= 0.5).mean() > 0.8
    nearer = rows + 0.5  # a shop whose photos all come nearer to its texts
    both = fit([(rows, sold), (nearer, sold)])
    assert all((both(seen)[sold] >= 0.5).mean() <= 0.045 for seen in (rows, nearer))


@pytest.mark.slow
def test_what_is_not_sold_is_said_and_the_nearest_are_shown(agent) -> None:
    replies = [
        asked(agent, "how much is this?", path) for path in sorted((SAMPLES / "foreign").glob("*"))
    ]
    told = [r for r in replies if r.decision == Decline("not_sold")]
    assert len(told) >= len(replies) / 2  # `deskhand evaluate seeing` prints the figure
    for reply in told:
        assert "we sell" in reply.text and reply.products
        assert all(product.title in reply.text for product in reply.products)


@pytest.mark.slow
def test_what_is_sold_is_hardly_ever_turned_away(agent, few) -> None:
    replies = [asked(agent, "how much is this?", path) for (path,) in few.values()]
    assert sum(r.decision == Decline("not_sold") for r in replies) <= len(replies) * 0.15
    assert sum(isinstance(r.decision, Answer) for r in replies) >= len(replies) * 0.6


def test_words_that_name_a_product_win_over_a_strange_photo(agent) -> None:
    reply = asked(agent, "do you have the Tove mug in blue?", SAMPLES / "foreign" / "guitar.jpg")
    assert reply.decision != Decline("not_sold")
    assert reply.products[0].id.startswith("mug-tove")


@pytest.mark.slow
def test_figures_are_shares_and_name_what_was_seen(agent, few) -> None:
    vision, text = agent.encoders.vision, agent.encoders.text
    documents = agent.knowledge.documents("product")
    figures, seen = judge_shop(vision, text, documents, few)
    assert figures["photos"] == len(few) == len(seen)
    assert figures["catalogue picture R@1"] <= figures["catalogue picture R@5"]
    right = sum(one.shows == one.taken_for for one in seen) / len(seen)
    assert figures["catalogue picture R@1"] == pytest.approx(right, abs=1e-6)
    foreign = sorted((SAMPLES / "foreign").glob("*"))[:3]
    strange = judge_unsold(vision, text, agent.encoders.unsold, documents, few, foreign)
    assert all(0 <= value <= 1 for value in strange.values())
    assert "AUROC" in markdown({"not sold": strange})


def test_the_sheet_shows_successes_and_failures(tmp_path, few) -> None:
    paths = [path for (path,) in few.values()]
    seen = [Seen(path, f"thing {i}", f"thing {i - i % 2}") for i, path in enumerate(paths)]
    write({"a": {"b": 0.5}}, seen, tmp_path)
    assert json.loads((tmp_path / "seeing.json").read_text()) == {"a": {"b": 0.5}}
    assert "| a | b | 0.500 |" in (tmp_path / "seeing.md").read_text()
    with Image.open(tmp_path / "seeing.jpg") as sheet:
        assert sheet.width == 1200 and sheet.height > 400
        assert np.asarray(sheet).std() > 30  # there are pictures on it


@pytest.mark.slow
def test_the_command_writes_all_figures(tmp_path, new_home, few, monkeypatch, capsys) -> None:
    for name, paths in (("customer", [p for (p,) in few.values()]), ("foreign", [])):
        (tmp_path / name).mkdir()
        for path in paths or sorted((SAMPLES / "foreign").glob("*")):
            shutil.copy(path, tmp_path / name)
    out = tmp_path / "out"
    monkeypatch.setenv("DESKHAND_HOME", str(new_home))
    command = ["evaluate", "seeing", "--out", str(out), "--samples", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["deskhand", *command])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert not left.value.code
    figures = json.loads((out / "seeing.json").read_text())
    assert {"not sold", "print", "photos to be taken again", "cost"} <= figures.keys()
    assert "photos to be taken again" in capsys.readouterr().out
