"""What the shop knows, as a LangChain retriever."""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict

from knowledge.embed import Embed
from knowledge.index import Knowledge
from knowledge.parse import parse_filters
from knowledge.types import Hit


class KnowledgeRetriever(BaseRetriever):
    """Finds the k best documents for a question; wishes in its words are obeyed.

    `page_content` is the document's text; `metadata` holds its id, kind, title, url, price,
    currency, stock and attributes, its score in [0, 1] and the passage that matched.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    knowledge: Knowledge
    embed: Embed
    """Texts -> (n, DIM) float32, unit norm, in the space of the index."""
    k: int = 10

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        wishes = parse_filters(query, self.knowledge.vocabulary)
        hits = self.knowledge.search(query, self.embed([query])[0], wishes or None, self.k)
        return [
            Document(hit.document.text, id=hit.document.id, metadata=_about(hit)) for hit in hits
        ]


def _about(hit: Hit) -> dict[str, Any]:
    document = hit.document
    names = ("id", "kind", "title", "url", "price", "currency", "stock")
    return {
        **{name: getattr(document, name) for name in names},
        "attributes": dict(document.attributes),
        "score": hit.score,
        "passage": hit.passage,
    }
