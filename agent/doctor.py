"""What is active on this installation, what state it is in, and what would be better."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from agent.build import has_index, open_chat, open_shop, prepare_home
from agent.config import Settings
from agent.errors import OPERATOR_ERRORS
from agent.space import encoder_name, open_vision, speech_options
from agent.store import Store
from agent.store.boxes import counts
from agent.store.keys import list_keys
from fusion.hub_vision import HubTower
from fusion.speech import load_speech
from fusion.text import load_text
from fusion.understand import load_fusion
from fusion.weights import SHIPPED, read_card
from knowledge.generation import fault
from knowledge.index import open_index
from knowledge.types import KINDS

PACKAGES = ("deskhand", "torch", "transformers", "chromadb", "gradio", "langchain")
WHISPER = "`deskhand models pull whisper:base` fetches a better one, once"
LLM = (
    "set DESKHAND_LLM (openai:MODEL, ollama:MODEL, any service that speaks OpenAI's protocol with "
    "DESKHAND_LLM_URL, or a folder) for freer wording, checked against the same evidence"
)

RETRAIN = (
    "`deskhand train fusion --shop DIR` trains the fusion module, which only knows the shipped "
    "photo encoder, on this one"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One part of the installation. `better`: how to get more out of it; "" when nothing is."""

    part: str
    state: Literal["good", "could be better", "broken"]
    detail: str
    better: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Try every part the settings name. Nothing is written but the folder itself, if missing."""
    return [
        Finding("python", "good", platform.python_version()),
        Finding("packages", "good", ", ".join(map(_version, PACKAGES))),
        _tried("folder", lambda: _folder(settings)),
        _tried("text", lambda: Finding("text", "good", load_text(settings.text).name)),
        _tried("photos", lambda: _photos(settings)),
        _tried("speech", lambda: _speech(settings)),
        _tried("fusion", lambda: Finding("fusion", "good", load_fusion(settings.fusion).name)),
        _tried("weights", _weights),
        _tried("composer", lambda: _composer(settings)),
        _tried("index", lambda: _index(settings)),
        _tried("databases", lambda: _databases(settings)),
        _tried("access", lambda: _access(settings)),
        _tried("helpdesks", lambda: _helpdesks(settings)),
    ]


def _tried(part: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except OPERATOR_ERRORS as error:
        return Finding(part, "broken", str(error))


def _version(name: str) -> str:
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:  # run from a checkout
        return f"{name} (not installed)"


def _folder(settings: Settings) -> Finding:
    prepare_home(settings.home)
    return Finding("folder", "good", str(settings.home))


def _speech(settings: Settings) -> Finding:
    recogniser = load_speech(settings.speech, speech_options(settings))
    if recogniser is None:
        return Finding("speech", "could be better", "off", "set DESKHAND_SPEECH=auto to listen")
    if recogniser.engine == "pocketsphinx":
        return Finding("speech", "could be better", recogniser.engine, WHISPER)
    return Finding("speech", "good", recogniser.engine)


def _photos(settings: Settings) -> Finding:
    vision = open_vision(settings)
    if isinstance(vision, HubTower) and settings.fusion == "shipped":
        return Finding("photos", "could be better", vision.name, RETRAIN)
    return Finding("photos", "good", vision.name)


def _weights() -> Finding:
    cards = {name: read_card(SHIPPED / f"{name}.safetensors") for name in ("vision", "fusion")}
    hashes = ", ".join(f"{name} sha256 {card['sha256']}" for name, card in cards.items())
    return Finding("weights", "good", hashes)


def _composer(settings: Settings) -> Finding:
    if settings.llm is None:
        return Finding("composer", "could be better", "built-in", LLM)
    open_chat(settings)
    return Finding("composer", "good", f"{settings.llm}, checked against the evidence")


def _index(settings: Settings) -> Finding:
    if not has_index(settings):
        fix = "`deskhand index PATH...` makes one of your shop, `deskhand index --demo` of the demo"
        return Finding("index", "broken", f"there is none in {settings.index_folder}", fix)
    if wrong := fault(settings.index_folder / "derived"):
        detail = f"what searches use, made from the documents, is damaged ({wrong})"
        fix = "the next search makes it anew; `deskhand index --rebuild` the whole index"
        return Finding("index", "broken", detail, fix)
    towers = load_text(settings.text), open_vision(settings)
    with open_index(settings.index_folder, encoder_name(*towers)) as knowledge:
        knowledge.check()
        counts = ", ".join(f"{knowledge.count(kind)} {kind}" for kind in KINDS)
        return Finding("index", "good", f"{counts}; made with {knowledge.encoder}")


def _databases(settings: Settings) -> Finding:
    store = Store(settings.conversations)
    try:
        waiting = len(store.waiting())
    finally:
        store.close()
    open_shop(settings).close()
    return Finding("databases", "good", f"open; {waiting} conversations wait for a person")


def _access(settings: Settings) -> Finding:
    store = Store(settings.conversations)
    try:
        opening = sum(not key.revoked_at for key in list_keys(store))
    finally:
        store.close()
    if opening:
        return Finding("access", "good", f"{opening} keys open; served at {settings.host}")
    fix = "`deskhand keys create NAME --scope chat` lets programs elsewhere in"
    return Finding("access", "could be better", "no key: only this machine gets in", fix)


def _helpdesks(settings: Settings) -> Finding:
    store = Store(settings.conversations)
    try:
        found = counts(store)
    finally:
        store.close()
    dead = sum(count for (_, state), count in found.items() if state == "dead")
    waiting = sum(count for (_, state), count in found.items() if state == "waiting")
    named = ", ".join(settings.helpdesks) or "none"
    detail = f"{named}; {waiting} messages wait, {dead} are dead"
    if dead:
        fix = "`deskhand outbox list` tells why (with --inbox: of those that came)"
        return Finding("helpdesks", "could be better", detail, fix)
    return Finding("helpdesks", "good", detail)
