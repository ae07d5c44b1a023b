"""The nouns of the knowledge floor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["product", "faq", "policy"]
Why = Literal["", "links", "orders", "style"]  # what says that products go together
KINDS: tuple[Kind, ...] = ("product", "faq", "policy")


class KnowledgeError(RuntimeError):
    """The index cannot be used. The message says why and names the command that mends it."""


class NoIndex(KnowledgeError):
    """There is no index yet: `deskhand index PATH...` makes one."""


class IndexMismatch(KnowledgeError):
    """The index was made with another encoder: `deskhand index --rebuild` makes it anew."""


class IndexDamaged(KnowledgeError):
    """The index cannot be read: `deskhand index --rebuild` makes it anew."""


class IndexBusy(KnowledgeError):
    """Another process has the index; the message says which."""


class BadFeed(ValueError):
    """A file of documents cannot be read at all; the message names the file, line and reason."""


@dataclass(frozen=True, slots=True)
class Document:
    """A product, an FAQ entry or a passage of a policy, as the shop wrote it."""

    id: str
    kind: Kind
    title: str
    text: str
    url: str = ""
    photos: tuple[str, ...] = ()  # absolute paths; the first is the one shown
    price: float | None = None  # in `currency`; None for anything that is not sold
    currency: str = ""  # ISO 4217
    stock: int | None = None  # pieces; None when unknown
    attributes: Mapping[str, str] = field(default_factory=dict)  # "color", "family", "sku", ...
    language: str = "en"
    updated_at: str = ""  # ISO 8601
    group: str = ""  # id of the product that this is a variant of
    links: tuple[str, ...] = ()  # ids of products that the shop says go with it, the nearest first

    @property
    def family(self) -> str:
        """What the variants of one product have in common; "" for what has no variants."""
        return self.group or self.attributes.get("family", "")


@dataclass(frozen=True, slots=True)
class Hit:
    """A document found, how sure we are and how it was found."""

    document: Document
    score: float  # in [0, 1]
    ranks: Mapping[str, int]  # place (1 is first) in each of "dense", "lexical", "photo" it is in
    start: int = 0  # the passage that matched: document.text[start:end]
    end: int = 0
    sure: float = 1.0  # in [0, 1]: how likely it answers, calibrated on the shop's own documents
    variants: tuple[str, ...] = ()  # ids of others of its family, when variants are grouped

    @property
    def passage(self) -> str:
        return self.document.text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something in a file that was left out, or kept without a part; the reason says which."""

    file: str
    line: int  # 1 is the first; 0 when it is about the whole file
    reason: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.reason}"


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What an update did, counted in documents."""

    added: int
    changed: int
    removed: int
    unchanged: int
    skipped: tuple[Skipped, ...]
    seconds: float
