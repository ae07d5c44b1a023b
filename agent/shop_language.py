"""What customers may say to a shop: sentences to estimate a recogniser's language from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle

from fusion.phrases import names, sentences
from knowledge.types import Document

FILLS = 4  # sentences made of each template that has slots
_SLOT = re.compile(r"\{(\w+)\}")
_SENTENCE = re.compile(r"[.!?:;\n]+\s*")


def said_of(documents: Sequence[Document], left_out: int | None = None) -> Iterator[str]:
    """Product names, questions, answers and policies of the shop, and our templates about them.

    Templates whose place in their file is `left_out` modulo 5 are not used.
    """
    fillings = {
        "title": [d.title for d in documents if d.kind == "product"],
        "name": [d.title.split(",")[0] for d in documents if d.kind == "product"],
        **{slot: _values(documents, slot) for slot in ("kind", "color", "material", "size")},
    }
    fillings["wish"] = fillings["color"] + fillings["material"] + fillings["size"]
    for document in documents:
        yield document.title
        yield from _SENTENCE.split(document.text)
    turning = {slot: cycle(values) for slot, values in fillings.items() if values}
    for name in names():
        for i, template in enumerate(sentences(name)):
            if i % 5 != left_out:
                yield from _filled(template, turning)


def _values(documents: Iterable[Document], attribute: str) -> list[str]:
    found = (document.attributes.get(attribute, "") for document in documents)
    return list(dict.fromkeys(filter(None, found)))


def _filled(template: str, turning: dict[str, cycle[str]]) -> Iterator[str]:
    slots = _SLOT.findall(template)
    if not set(slots) <= turning.keys():
        return
    for _ in range(FILLS if slots else 1):
        yield _SLOT.sub(lambda slot: next(turning[slot[1]]), template)
