"""What the chat page says itself, in the language of whoever reads it.

The English words are the ids, as in the replies' catalogues, where they have the context "page".
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from babel import Locale

from agent.catalogue import catalogued, say
from agent.evidence import money
from fusion.languages import LANGUAGES

NAMES = {one: str(Locale(one).get_display_name(one)).capitalize() for one in LANGUAGES}
"""The languages of the page, each as it calls itself."""


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one language; called with an English one, it says it."""

    language: str = "en"

    def __call__(self, english: str, **values: object) -> str:
        """As it is where the catalogue lacks it, as gettext does."""
        own = catalogued(self.language)
        said = own.on_page(english) if own else english
        return said % values if values else said

    def html(self, english: str, **values: object) -> str:
        return escape(self(english, **values))

    def sentence(self, english: str) -> str:
        """What the agent or its shop said in English; as it is if no catalogue has it."""
        return say(english, self.language)

    def value(self, english: str) -> str:
        """What a product is, such as "blue, small", with its figures as they are written here."""
        own = catalogued(self.language)
        return ", ".join(map(own.value, english.split(", "))) if own else english

    def wish(self, english: str) -> str:
        """A wish, such as "under 40.00 EUR"."""
        own = catalogued(self.language)
        return own.wish(english) if own else english

    def money(self, price: float, currency: str) -> str:
        own = catalogued(self.language)
        return own.money(price, currency) if own else money(price, currency)


ENGLISH = Texts()
