"""Passages that answer a question once no product is named in it."""

from __future__ import annotations

import pytest

from agent.find import with_rules
from agent.types import Limits
from knowledge.index import open_index
from knowledge.types import Document

ENGLISH = Document("returns", "faq", "Can I return something that I used?", "No, only unused.")
GERMAN = Document(
    "returns-de", "faq", "Kann ich Benutztes zurückgeben?", "Nein, nur Unbenutztes.",
    attributes={"translation_of": "returns"}, language="de",
)  # fmt: skip
MUG = Document(
    "mug", "product", "Aster mug", "A mug that can be used every day.", price=9.0,
    currency="EUR", attributes={"kind": "mug"},
)  # fmt: skip


@pytest.mark.parametrize(("language", "answer"), [("en", "returns"), ("de", "returns-de")])
def test_a_rule_is_found_once_in_the_customers_language(
    tmp_path, text_encoder, language: str, answer: str
) -> None:
    words = "can I return a mug that I used?"
    vector = text_encoder.encode([words])[0]
    with open_index(tmp_path, text_encoder.name, create=True) as knowledge:
        documents = [ENGLISH, GERMAN, MUG]
        knowledge.update(documents, text_encoder.encode, lambda paths: [None] * len(paths))
        found = knowledge.search(words, vector, kinds=("product",))
        hits = with_rules(
            found, "return", words, words, knowledge, Limits(), text_encoder.encode, language
        )
    assert [hit.document.id for hit in hits if hit.document.kind == "faq"] == [answer]
    assert [hit.document.id for hit in hits if hit.document.kind == "product"] == ["mug"]
