"""All the wiring, in plain ifs: settings in, an agent that answers out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agent.agent import Agent
from agent.compose import BuiltinComposer
from agent.config import Settings
from agent.errors import SetupError
from agent.http_shop import HttpShop
from agent.orders import Shop
from agent.privacy import mask
from agent.rules import shipped_rules
from agent.shop import SqlShop
from agent.shop_file import read_shop
from agent.shop_language import said_of
from agent.space import encoder_name, fit_to_shop, keep_map, open_encoders, photo_embedder
from agent.store import Store
from agent.store.personal import forget_older
from fusion.cores import share_cores
from fusion.decoder import Decoder
from fusion.hub_vision import HubTower
from fusion.mood import load_moods
from fusion.perceive import Encoders
from fusion.photo import encode_photo
from fusion.shop_language import write_language
from fusion.types import BadInput
from fusion.understand import load_fusion
from knowledge.demo import folder as demo_folder
from knowledge.embed import Progress
from knowledge.feeds import FetchPhoto
from knowledge.fetch import NotFetched, fetch
from knowledge.index import IndexReport, Knowledge, empty, kept_documents, open_index
from knowledge.load import Guessed, files_at, read_documents
from knowledge.types import Document, Skipped

if TYPE_CHECKING:
    from agent.chat import Chat

ADDED = "added"  # attribute of a document that was written at the desk


def open_agent(settings: Settings) -> Agent:
    """Everything loaded and opened; the caller closes it.

    Raises one of OPERATOR_ERRORS, whose message names the fix.
    """
    prepare_home(settings.home)
    share_cores()
    with ExitStack() as opened:  # what was opened is closed again if the rest fails
        store = Store(settings.conversations)
        opened.callback(store.close)
        if settings.retention_days:
            forget_older(store, settings.retention_days)
        shop = open_shop(settings)
        opened.callback(shop.close)
        chat = open_chat(settings)
        fusion = load_fusion(settings.fusion)
        encoders = open_encoders(settings, settings.speech)
        space = encoder_name(encoders.text, encoders.vision)
        knowledge = open_index(settings.index_folder, space, language=encoders.text.words)
        opened.callback(knowledge.close)
        own = None
        if settings.intents:  # imported here: scikit-learn takes a second that few need
            from agent.own import FILE, OwnIntents, read_routes
            from fusion.intents import load_intents

            classifier = load_intents(settings.intents, encoders.text)
            own = OwnIntents(classifier, read_routes(settings.intents / FILE), knowledge)
        opened.pop_all()
    return Agent(
        knowledge,
        encoders,
        fusion,
        shop,
        store,
        BuiltinComposer(),
        load_moods(),
        settings.limits,
        settings.input_limits,
        own,
        chat,
    )


def open_chat(settings: Settings) -> Chat | None:
    """The chat model that is set. Raises SetupError or WeightsError when it cannot be had."""
    if settings.llm is None:
        return None
    # imported here: LangChain takes a second that the built-in composer does not need
    from agent.chat import Chat
    from agent.chat_guard import GuardedModel
    from agent.chat_models import load_chat_model

    seconds = settings.llm_seconds
    model = load_chat_model(settings.llm, settings.llm_url, settings.llm_key, seconds)
    return Chat(GuardedModel(model, seconds), partial(mask, region=settings.region))


def open_shop(settings: Settings) -> Shop:
    """Raises SetupError or ShopError when it cannot be reached."""
    if settings.orders.startswith(("http://", "https://")):
        return HttpShop(settings.orders, settings.shop_token)
    return SqlShop(settings.orders)


def index_paths(
    settings: Settings,
    encoders: Encoders,
    paths: Sequence[Path],
    progress: Progress = lambda doing, done, total: None,
    anew: bool = False,
    guessed: Guessed = lambda path, what: None,
) -> IndexReport:
    """Make the index hold what the shop wrote at `paths` and at its desk, and nothing else.

    `guessed` is told what each file was taken for. How many documents there will be is reckoned
    from how much of the files has been read.

    With `anew`, the index is emptied first, whichever encoder it was made with, and without paths
    it is refilled with its own documents.

    Raises BadFeed, SetupError or KnowledgeError; the index is then as it was, unless it was to be
    made anew.
    """
    prepare_home(settings.home)
    fetch_photo = photo_fetcher(settings, encoders.decoder) if settings.fetch_photos else None
    size = sum(file.stat().st_size for path in paths for file in files_at(path))
    read = 0

    def advanced(more: int) -> None:
        nonlocal read
        read += more

    def told(doing: str, done: int, total: int) -> None:
        if doing == "reading" and read:
            total = max(done, round(done * size / read))
        progress(doing, done, total)

    documents: Iterable[Document | Skipped] = chain.from_iterable(
        read_documents(path, fetch_photo, guessed, advanced, settings.currency, settings.site)
        for path in paths
    )
    if anew and not paths:
        documents = kept_documents(settings.index_folder)
    else:
        documents = _with_added(documents, settings.index_folder)
    for path in paths if anew else ():  # what cannot be read is found before anything is emptied
        for _ in read_documents(path, fetch_photo):
            pass
    return index_documents(settings, encoders, documents, told, anew)


def _with_added(
    documents: Iterable[Document | Skipped], folder: Path
) -> Iterator[Document | Skipped]:
    """The documents, and what the people of the shop added to the FAQ in the index in `folder`,
    where the documents have not taken it up."""
    # Read now: the index may be emptied before the documents are.
    added = [one for one in kept_documents(folder) if one.attributes.get(ADDED) == "desk"]

    def both() -> Iterator[Document | Skipped]:
        seen = set()
        for one in documents:
            if isinstance(one, Document):
                seen.add(one.id)
            yield one
        yield from (one for one in added if one.id not in seen)

    return both()


def index_documents(
    settings: Settings,
    encoders: Encoders,
    documents: Iterable[Document | Skipped],
    progress: Progress = lambda doing, done, total: None,
    anew: bool = False,
) -> IndexReport:
    """Make the index hold these documents; with `anew`, whichever encoder it was made with.

    A pretrained photo tower is fitted to the shop when the index is made or made anew, and keeps
    its map at later updates: with another one, every photo would have to be encoded again.
    """
    seen: dict[Path, np.ndarray] = {}
    if isinstance(encoders.vision, HubTower) and (anew or not has_index(settings)):
        documents = list(documents)
        encoders, seen = fit_to_shop(encoders, documents, settings.input_limits, progress)
    if anew:
        empty(settings.index_folder)
    if seen:
        keep_map(settings, encoders, len(seen))
    space = encoder_name(encoders.text, encoders.vision)
    words = encoders.text.words
    with open_index(settings.index_folder, space, create=True, language=words) as knowledge:
        photos = photo_embedder(encoders.vision, encoders.decoder, settings.input_limits, seen)
        report = knowledge.update(documents, encoders.embed, photos, progress)
        progress("calibrating", 0, 0)
        knowledge.calibrate(encoders.text.encode)
        keep_language(settings, knowledge)
    return report


def keep_language(settings: Settings, knowledge: Knowledge) -> None:
    """Write down for the recogniser how this shop speaks; it reads that when it is opened."""
    held = knowledge.documents()
    names = (document.title for document in held if document.kind == "product")
    write_language(said_of(held), names, settings.speech_folder)


def index_demo(
    settings: Settings,
    encoders: Encoders,
    progress: Progress = lambda doing, done, total: None,
    anew: bool = False,
) -> IndexReport:
    """The demo shop as index and orders."""
    prepare_home(settings.home)
    shop = SqlShop(settings.orders)
    try:
        shop.load(read_shop(demo_folder() / "orders.json"), shipped_rules("demo"))
    finally:
        shop.close()
    return index_paths(settings, encoders, [demo_folder()], progress, anew)


def photo_fetcher(
    settings: Settings, decoder: Decoder, fetch: Callable[[str], bytes] = fetch
) -> FetchPhoto:
    """Web addresses of photos -> where each is kept in the home, decoded and encoded anew.

    A photo that is there is not fetched again.
    """

    def fetched(url: str) -> str:
        path = settings.photo_folder / f"{blake2b(url.encode(), digest_size=20).hexdigest()}.jpg"
        if not path.is_file():
            try:
                photo = decoder.photo(fetch(url), settings.input_limits)
            except BadInput as error:
                raise NotFetched(str(error)) from error
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(encode_photo(photo))
        return str(path)

    return fetched


def has_index(settings: Settings) -> bool:
    return (settings.index_folder / "documents.sqlite").is_file()


def prepare_home(home: Path) -> None:
    """Make the folder of everything that is kept. Raises SetupError when that cannot be."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        (home / ".writable").touch()
        (home / ".writable").unlink()
    except OSError as error:
        raise SetupError(
            f"The folder {home} cannot be written ({error.strerror}). "
            "Set DESKHAND_HOME to a folder that can."
        ) from error
