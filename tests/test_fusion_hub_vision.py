"""Pretrained photo towers: tiny random ones of the real classes, in a real index of real photos."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import (
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
    SiglipConfig,
    SiglipImageProcessorPil,
    SiglipModel,
)

from agent.build import index_documents
from agent.config import Settings
from agent.errors import SetupError
from agent.photos import read_photo
from agent.search import open_lookup
from agent.space import MAP, encoder_name, open_encoders, open_vision
from fusion.hub_vision import fit_map, load_hub_tower, load_map
from fusion.types import Turn, WeightsError
from fusion.vision import load_vision
from knowledge.demo import folder
from knowledge.index import open_index
from knowledge.load import read_documents
from knowledge.types import Document, IndexMismatch

VISION = {
    "hidden_size": 48,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 64,
    "patch_size": 8,
}
WORDS = {
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "vocab_size": 50,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "pad_token_id": 1,
}


def clip(path: Path, seed: int = 0) -> Path:
    torch.manual_seed(seed)
    config = CLIPConfig(text_config=WORDS, vision_config=VISION, projection_dim=32)
    CLIPModel(config).save_pretrained(path)
    size, crop = {"shortest_edge": 64}, {"height": 64, "width": 64}
    CLIPImageProcessorPil(size=size, crop_size=crop).save_pretrained(path)
    return path


def siglip(path: Path, seed: int = 0) -> Path:
    torch.manual_seed(seed)
    SiglipModel(SiglipConfig(text_config=WORDS, vision_config=VISION)).save_pretrained(path)
    SiglipImageProcessorPil(size={"height": 64, "width": 64}).save_pretrained(path)
    return path


def shop() -> list[Document]:
    """Twelve products with photos."""
    documents = [d for d in read_documents(folder()) if isinstance(d, Document)]
    return [d for d in documents if d.photos][::8][:12]


@pytest.fixture(scope="module")
def indexed(tmp_path_factory) -> Settings:
    """An index made with a tiny CLIP."""
    return index_with(clip, tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="module")
def indexed_siglip(tmp_path_factory) -> Settings:
    return index_with(siglip, tmp_path_factory.mktemp("siglip"))


def index_with(make: Callable[[Path], Path], home: Path) -> Settings:
    tower = make(home / "tower")
    settings = Settings(home=home / "home", vision=str(tower), speech="off")
    settings.home.mkdir()
    report = index_documents(settings, open_encoders(settings), shop())
    assert report.added == 12 and not report.skipped
    return settings


@pytest.mark.parametrize("made", ["indexed", "indexed_siglip"])
def test_the_map_is_recorded_and_every_photo_finds_its_product(request, made: str) -> None:
    indexed: Settings = request.getfixturevalue(made)
    vision = open_vision(indexed)
    fitted = load_map(indexed.index_folder / MAP)
    assert fitted and vision.name.endswith(f">map:{fitted.name}")
    card = json.loads((indexed.index_folder / MAP).with_suffix(".card.json").read_text())
    assert card["tower"] + f">map:{fitted.name}" == vision.name and card["photos"] >= 12
    encoders = open_encoders(indexed)
    with open_index(indexed.index_folder, encoder_name(encoders.text, vision)) as knowledge:
        assert vision.name in knowledge.encoder
        for product in shop():
            states = vision.states(read_photo(Path(product.photos[0])))
            assert states.tokens.shape == (49, 384) and states.tokens.dtype == np.float32
            mean = states.tokens.mean(0)
            assert mean / np.linalg.norm(mean) == pytest.approx(states.vector, abs=1e-4)
            hits = knowledge.search("", states.vector, k=1, kinds=["product"])
            assert hits[0].document.id == product.id


@pytest.mark.slow
def test_another_process_searches_with_the_same_map(indexed: Settings) -> None:
    product = shop()[3]
    code = (
        "import sys; from agent.cli import main;"
        f"sys.argv = ['deskhand', 'search', '--photo', {product.photos[0]!r}, '--json']; main()"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={
            **os.environ,
            "DESKHAND_HOME": str(indexed.home),
            "DESKHAND_VISION": indexed.vision,
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert product.id in [hit["document"]["id"] for hit in json.loads(found.stdout)]


def test_later_updates_keep_the_map(indexed: Settings, tmp_path: Path) -> None:
    home = shutil.copytree(indexed.home, tmp_path / "home")
    settings = indexed.model_copy(update={"home": home})
    before = (settings.index_folder / MAP).read_bytes()
    changed = [replace(shop()[0], title="Something else"), *shop()[1:6]]
    report = index_documents(settings, open_encoders(settings), changed)
    assert report.changed == 1 and report.removed == 6
    assert (settings.index_folder / MAP).read_bytes() == before


def test_another_checkpoint_is_refused(indexed: Settings, tmp_path: Path) -> None:
    other = indexed.model_copy(update={"vision": str(clip(tmp_path / "other", seed=1))})
    with pytest.raises(IndexMismatch, match="deskhand index --rebuild"):
        open_lookup(other)
    with pytest.raises(IndexMismatch, match="deskhand index --rebuild"):
        index_documents(other, open_encoders(other), shop())


def test_a_lost_or_damaged_map_names_the_fix(indexed: Settings, tmp_path: Path) -> None:
    home = shutil.copytree(indexed.home, tmp_path / "home")
    settings = indexed.model_copy(update={"home": home})
    path = settings.index_folder / MAP
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(WeightsError, match=r"damaged.*deskhand index --rebuild"):
        open_lookup(settings)
    path.unlink()
    with pytest.raises(IndexMismatch, match="deskhand index --rebuild"):
        open_lookup(settings)


@pytest.mark.slow
def test_a_reader_refuses_an_index_made_anew_with_another_map(
    indexed: Settings, tmp_path: Path
) -> None:
    home = shutil.copytree(indexed.home, tmp_path / "home")
    settings = indexed.model_copy(update={"home": home})
    lookup = open_lookup(settings)
    photo = Turn(photos=(Path(shop()[0].photos[0]).read_bytes(),))
    assert lookup.search(photo, 1)[0]
    index_documents(settings, open_encoders(settings), shop()[:8], anew=True)
    with pytest.raises(IndexMismatch, match="Start Deskhand again"):
        lookup.search(photo, 1)
    lookup.close()
    again = open_lookup(settings)
    assert again.knowledge.count() == 8 and again.search(photo, 1)[0]
    again.close()


def test_a_shop_without_photos_is_told_so_and_loses_nothing(
    indexed: Settings, tmp_path: Path
) -> None:
    home = shutil.copytree(indexed.home, tmp_path / "home")
    settings = indexed.model_copy(update={"home": home})
    bare = [replace(product, photos=()) for product in shop()]
    with pytest.raises(SetupError, match=r"no photo of theirs.*unset DESKHAND_VISION"):
        index_documents(settings, open_encoders(settings), bare, anew=True)
    lookup = open_lookup(settings)
    assert lookup.knowledge.count() == 12
    lookup.close()


def test_the_map_learns_what_can_be_learnt() -> None:
    """Products left out are mapped near their texts, even with noise in most of the features."""
    rng = np.random.default_rng(0)
    meaning = rng.standard_normal((90, 6))
    lift, words = rng.standard_normal((6, 40)), rng.standard_normal((6, 384))
    products = np.repeat(np.arange(90), 2)
    photos = meaning[products] @ lift + rng.standard_normal((180, 40))
    texts = (meaning @ words)[products]
    fitted = fit_map(photos[:120], texts[:120], products[:120])
    found = fitted(photos[120:])
    cosines = (found * texts[120:]).sum(1) / (
        np.linalg.norm(found, axis=1) * np.linalg.norm(texts[120:], axis=1)
    )
    assert cosines.mean() > 0.9 and fitted.left_out_error < 0.3
    noise = fit_map(rng.standard_normal((120, 40)), texts[:120], products[:120])
    assert noise.left_out_error > 0.9


def test_every_refusal_names_the_fix(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="deskhand models pull hub:someone/absent"):
        load_vision("hub:someone/absent")
    tower = clip(tmp_path / "tower")
    with pytest.raises(WeightsError, match=r"no map.*deskhand index PATH"):
        load_hub_tower(str(tower)).encode([np.zeros((9, 9, 3), np.uint8)])
    config = json.loads((tower / "config.json").read_text())
    config["vision_config"]["num_hidden_layers"] = 3
    (tower / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match="lack 16 tensors"):
        load_hub_tower(str(tower))
    config["model_type"] = "bert"
    (tower / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match="type 'bert'"):
        load_hub_tower(str(tower))
    (tower / "model.safetensors").rename(tower / "pytorch_model.bin")
    with pytest.raises(WeightsError, match="no safetensors"):
        load_hub_tower(str(tower))
