"""The classical baselines: one form for all, and each does what its paper says it does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from fusion.baselines import BASELINES, VIEWS, Baseline, Cca, build, card_name, correlation
from fusion.model import INTENTS, Inputs, collate
from fusion.pieces import BUCKETS
from fusion.types import DIM, MODALITIES, Encoded, Percept, WeightsError
from fusion.understand import load_fusion
from fusion.weights import save_weights

DOCUMENTS = F.normalize(torch.randn(6, DIM, generator=torch.Generator().manual_seed(0)), dim=-1)
WORDS = F.normalize(torch.randn(3, DIM, generator=torch.Generator().manual_seed(1)), dim=-1)


def encoded(vector: Tensor) -> Encoded:
    return Encoded(vector[None].numpy(), vector.numpy())


def turns(count: int, seed: int) -> tuple[Inputs, Tensor, Tensor]:
    """Turns whose words say the intent and whose photo shows the document; both numbers (count,)"""
    rng = torch.Generator().manual_seed(seed)
    intents = torch.randint(len(WORDS), (count,), generator=rng)
    documents = torch.randint(len(DOCUMENTS), (count,), generator=rng)

    def near(vectors: Tensor) -> Tensor:
        return F.normalize(vectors + 0.02 * torch.randn(count, DIM, generator=rng), dim=-1)

    percepts = [
        Percept("", "", None, (), {"text": encoded(words), "photo": encoded(photo)}, {})
        for words, photo in zip(near(WORDS[intents]), near(DOCUMENTS[documents]), strict=True)
    ]
    return collate(percepts), intents, documents


def learn(name: str, steps: int = 60) -> Baseline:
    """The model after a few steps with the trainer's seam, in small."""
    torch.manual_seed(0)
    model = build(name)
    assert isinstance(model, Baseline)
    inputs, intents, documents = turns(240, seed=2)
    if hasattr(model, "fit"):
        model.fit(inputs, DOCUMENTS[documents])
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(steps):
        out = model(inputs)
        loss = F.cross_entropy(out.intents, intents)
        loss = loss + F.cross_entropy(20 * out.vector @ DOCUMENTS.T, documents)
        if hasattr(model, "auxiliary"):
            loss = loss + model.auxiliary(inputs, out)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return model.eval()


@pytest.fixture(scope="module")
def trained() -> dict[str, Baseline]:
    return {name: learn(name) for name in BASELINES}


@pytest.mark.parametrize("name", BASELINES)
def test_it_learns_what_its_views_can_say(trained, name: str) -> None:
    inputs, intents, documents = turns(100, seed=3)
    out = trained[name](inputs)
    if name != "photo":
        assert (out.intents.argmax(1) == intents).float().mean() > 0.9
    if name != "text":
        assert ((out.vector @ DOCUMENTS.T).argmax(1) == documents).float().mean() > 0.9


@pytest.mark.parametrize("name", BASELINES)
def test_outputs_have_one_form(trained, name: str) -> None:
    vectors = {m: encoded(v) for m, v in zip(MODALITIES, DOCUMENTS, strict=False)}
    percepts = [Percept("", "", None, (), kept, {}) for kept in (vectors, {})]
    out = trained[name](collate(percepts))
    assert out.intents.shape == (2, len(INTENTS)) and out.out_of_scope.shape == (2,)
    assert out.vector.norm(dim=-1).tolist() == pytest.approx([1, 0], abs=1e-5)
    assert out.intents.isfinite().all()


@pytest.mark.parametrize("name", BASELINES)
def test_what_is_masked_is_not_there(trained, name: str) -> None:
    vectors = {m: encoded(v) for m, v in zip(MODALITIES, DOCUMENTS, strict=False)}
    kept = {"voice": vectors["voice"], "photo": vectors["photo"]}
    present = torch.tensor([[m in kept for m in MODALITIES]])
    masked = trained[name](collate([Percept("", "", None, (), vectors, {})]).masked(present))
    alone = trained[name](collate([Percept("", "", None, (), kept, {})]))
    assert torch.allclose(masked.intents, alone.intents, atol=1e-4)
    assert torch.allclose(masked.vector, alone.vector, atol=1e-4)


def correlated_pair(count: int = 3000) -> tuple[Tensor, Tensor]:
    """(count, 8) and (count, 5) of which two hidden directions correlate with 0.9 and 0.5."""
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(count, 8)), rng.normal(size=(count, 5))
    for column, known in enumerate((0.9, 0.5)):
        other[:, column] = known * one[:, column] + (1 - known**2) ** 0.5 * other[:, column]
    mixed = one @ rng.normal(size=(8, 8)), other @ rng.normal(size=(5, 5))
    return torch.from_numpy(mixed[0]), torch.from_numpy(mixed[1])


def test_correlation_of_a_known_pair() -> None:
    one, other = correlated_pair(30_000)  # so that the other three directions hardly correlate
    assert float(correlation(one, other, ridge=1e-6)) == pytest.approx(0.9 + 0.5, abs=0.1)
    assert float(correlation(one, one, ridge=1e-6)) == pytest.approx(8, abs=0.01)


def test_cca_recovers_a_known_correlation() -> None:
    one, other = correlated_pair()
    vectors = torch.zeros(len(one), len(MODALITIES), DIM)
    vectors[:, MODALITIES.index("photo"), :8] = one.float()
    none = torch.zeros(len(one), 0, dtype=torch.long)
    unsaid = torch.zeros(len(one), 2, BUCKETS)
    there = vectors.abs().sum(-1) > 0
    inputs = Inputs(torch.zeros(len(one), 0, DIM), none, none, vectors, there, vectors, unsaid)
    model = Cca(directions=5, ridge=1e-6)
    model.fit(inputs, F.pad(other, (0, DIM - 5)).float())
    assert model.correlations.tolist()[:2] == pytest.approx([0.9, 0.5], abs=0.04)
    assert model.correlations[2:].max() < 0.1
    # a direction that hardly correlates is hardly used: the map back is the least-squares one
    explained = model.back.norm(dim=1)
    assert model.back.shape == (5, DIM) and explained[0] > 5 * explained[2]


def test_dcca_finds_a_correlation_that_is_not_linear() -> None:
    torch.manual_seed(0)
    inputs, _, documents = turns(240, seed=4)
    model = build("dcca")
    with pytest.raises(RuntimeError, match="fit"):
        model.auxiliary(inputs, model(inputs))
    # two documents share every target, so that only what they are together can correlate
    model.fit(inputs, DOCUMENTS[documents // 2])
    before = float(model.auxiliary(inputs, model(inputs)))
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(30):
        loss = model.auxiliary(inputs, model(inputs))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert float(loss) < before


def test_the_autoencoder_rebuilds_one_view_from_another() -> None:
    torch.manual_seed(0)
    photos = DOCUMENTS.repeat(20, 1)
    words = DOCUMENTS.roll(1, 0).repeat(20, 1)  # what is said goes with what is shown
    both = collate(
        [
            Percept("", "", None, (), {"text": encoded(w), "photo": encoded(p)}, {})
            for w, p in zip(words, photos, strict=True)
        ]
    )
    model = build("autoencoder")
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(60):
        loss = model.auxiliary(both, model(both))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    only_words = both.masked(torch.tensor([[m == "text" for m in MODALITIES]]).expand(120, -1))
    seen = torch.zeros(120, len(VIEWS), DIM)
    seen[:, 0] = only_words.vectors[:, MODALITIES.index("text")]
    rebuilt = model.decode[VIEWS.index("photo")](model.code(seen))
    assert F.cosine_similarity(rebuilt, photos).mean() > 0.9


@pytest.mark.parametrize("name", BASELINES)
def test_weights_come_back_as_the_model_they_were(trained, name: str, tmp_path: Path) -> None:
    path = tmp_path / "fusion.safetensors"
    save_weights(path, trained[name].state_dict(), {"model": card_name(name)})
    module = load_fusion(str(path))
    assert type(module.model) is type(trained[name]) and module.name.startswith(card_name(name))
    inputs, _, _ = turns(20, seed=5)
    with torch.inference_mode():
        before, after = trained[name](inputs), module.model(inputs)
    assert torch.allclose(before.vector, after.vector, atol=5e-3)  # in half precision
    assert torch.allclose(before.intents, after.intents, atol=0.05)
    fused = module(Percept("", "", None, (), {"text": encoded(WORDS[0])}, {}))
    assert sum(fused.intents.values()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("name", BASELINES)
def test_every_baseline_is_shipped_trained(name: str) -> None:
    module = load_fusion(name)
    assert isinstance(module.model, Baseline) and module.name.startswith(card_name(name))


def test_missing_weights_name_what_there_is() -> None:
    with pytest.raises(WeightsError, match="expected shipped, concat"):
        load_fusion("nowhere.safetensors")


def test_an_unknown_model_is_named() -> None:
    with pytest.raises(ValueError, match="expected ours, concat"):
        build("magic")
