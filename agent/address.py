"""A postal address in a customer's words -> its fields."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from pydantic import ValidationError

from agent.orders import Address

CHARS = range(10, 301)  # lengths that a written address may have

_STATES = """
AL Alabama|AK Alaska|AZ Arizona|AR Arkansas|CA California|CO Colorado|CT Connecticut|DE Delaware|
FL Florida|GA Georgia|HI Hawaii|ID Idaho|IL Illinois|IN Indiana|IA Iowa|KS Kansas|KY Kentucky|
LA Louisiana|ME Maine|MD Maryland|MA Massachusetts|MI Michigan|MN Minnesota|MS Mississippi|
MO Missouri|MT Montana|NE Nebraska|NV Nevada|NH New Hampshire|NJ New Jersey|NM New Mexico|
NY New York|NC North Carolina|ND North Dakota|OH Ohio|OK Oklahoma|OR Oregon|PA Pennsylvania|
RI Rhode Island|SC South Carolina|SD South Dakota|TN Tennessee|TX Texas|UT Utah|VT Vermont|
VA Virginia|WA Washington|WV West Virginia|WI Wisconsin|WY Wyoming|DC District of Columbia
"""
STATES = {
    name.strip().lower(): code
    for code, name in (entry.strip().split(" ", 1) for entry in _STATES.split("|"))
}
_CODES = set(STATES.values())
_USA = re.compile(r"\W*(?:u\.?s\.?a?\.?|united states(?: of america)?)\W*", re.I)
_US_ZIP = re.compile(r"(?<!\d)(\d{5})(?:-\d{4})?$")
_ZIP_TOWN = re.compile(r"(\d{3,5}(?:[ -]?\d{2,3})?(?: ?[A-Z]{2})?)\s+(\D{2,})")
_STREET_ZIP_TOWN = re.compile(r"(.*\d.*?)\s+(\d{4,5}(?: ?[A-Z]{2})?\s+\D{2,})")
_UNIT = re.compile(r"(?:,|\s)\s*((?:suite|ste|apt|apartment|unit|floor|fl|room|#)\.?\s*\w+)$", re.I)
_LEAD = re.compile(
    r"^.*?\b(?:address (?:is|to|should be|would be)|it'?s|it is|(?:ship|send|deliver) (?:it )?to|"
    r"to)[\s:]+(?=[^,]*\d)",
    re.I | re.S,
)
_END = re.compile(r"(?<=[\w)])[.!?;] (?=(?:I|And|Also|Please|Then|Could|Can|My|Thanks|Thank)\b)")
_POLITE = re.compile(r"[\s,.!]*\b(?:please|thanks|thank you|instead)\b[\s.!]*$", re.I)
_FIELDS = ("address1", "address2", "city", "state", "country", "zip")
WANTED = {
    "address1": "street and number",
    "city": "town",
    "state": "state",
    "country": "country",
    "zip": "zip",
}


def parse_address(words: str, country: str = "") -> Address | None:
    """The address that the words give, as fields; None when they give none.

    Read are: the fields as JSON, "street, suite, town, state, country, zip" in this order or as a
    letter has it ("..., Austin, TX 78701, USA"), and "street, zip town". `country` is filled in
    when none is named.
    """
    words = _END.split(" ".join(words.split()), maxsplit=1)[0]
    words = _POLITE.sub("", words).strip(" .!;")
    if words.startswith("{"):
        try:
            given = json.loads(words)
            return Address.model_validate({k: str(given.get(k) or "") for k in _FIELDS})
        except (ValueError, ValidationError):
            return None
    if "@" in words or len(words) not in CHARS or not re.search(r"\d", words):
        return None
    if match := _LEAD.match(words):
        words = words[match.end() :]
    parts = [part.strip(" .") for part in words.split(",") if part.strip(" .")]
    if not re.search(r"\d", parts[0]) or not re.search(r"[^\W\d]{2}", parts[0]):
        return None
    if match := _STREET_ZIP_TOWN.fullmatch(parts[0]):  # the comma was left out
        parts[:1] = match.groups()
    street, rest = parts[0], parts[1:]
    found, kept = {"address1": street, "country": country}, []
    for part in rest:
        if _USA.fullmatch(part):
            found["country"] = "USA"
        elif not _UNIT.fullmatch(f",{part}") and (zip := _US_ZIP.search(part)):
            found["zip"] = zip[1]
            if left := part[: zip.start()].strip():
                kept.append(left)
        elif town := _ZIP_TOWN.fullmatch(part):
            found |= {"zip": town[1], "city": town[2].strip()}
        else:
            kept.append(part)
    found["state"], kept = _without_state(kept)
    return _placed(found, kept)


def is_written_out(words: str) -> bool:
    """Whether the words give an address with its zip and town."""
    given = parse_address(words)
    return given is not None and bool(given.zip and given.city)


def _without_state(parts: list[str]) -> tuple[str, list[str]]:
    """The state's code and the parts without it; the last is taken: a town may have its name."""
    for n in reversed(range(len(parts))):
        if code := _state(parts[n]):
            return code, parts[:n] + parts[n + 1 :]
        town, _, last = parts[n].rpartition(" ")
        if town and last in _CODES:
            return last, [*parts[:n], town, *parts[n + 1 :]]
    return "", parts


def _state(part: str) -> str:
    """The code of a part that is a state: "TX", "Texas"; "" for anything else."""
    return part.upper() if part.upper() in _CODES else STATES.get(part.lower(), "")


def _placed(found: dict[str, str], kept: list[str]) -> Address:
    """What is left: the town is last, unless it was found with its zip; the rest is a unit."""
    if "city" not in found and kept:
        found["city"] = kept.pop()
    elif kept and not found.get("country"):
        found["country"] = kept.pop()
    found["address2"] = ", ".join(kept)
    if not kept and (unit := _UNIT.search(found["address1"])):
        found["address2"] = unit[1]
        found["address1"] = found["address1"][: unit.start()].strip(" ,")
    return Address.model_validate({name: found.get(name, "") for name in _FIELDS})


def incomplete(address: Address, required: Sequence[str]) -> str:
    """What a shop that needs these fields misses, in one sentence; "" when it is whole."""
    missing = [WANTED[name] for name in required if not getattr(address, name).strip()]
    if not missing and len(str(address)) in CHARS:
        return ""
    return f"That is not a whole address: I need {', '.join(WANTED[n] for n in required)}."
