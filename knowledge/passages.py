"""Texts -> passages: one Document for each headed section, cut where it is long."""

from __future__ import annotations

import re
from collections.abc import Iterator

from langchain_text_splitters import RecursiveCharacterTextSplitter

from knowledge.plain import plain
from knowledge.types import Document

PASSAGE = 900  # characters at most in one passage
TABLE = 6000  # characters of a table that is kept whole
HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*\r?$", re.MULTILINE)
FENCE = re.compile(r"^ {0,3}(```|~~~).*?^ {0,3}\1", re.MULTILINE | re.DOTALL)
ROWS = re.compile(
    r"^[^\n]*\|[^\n]*\n[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-*:?[ \t]*)*\r?\n"
    r"(?:[^\n]*\|[^\n]*(?:\n|\Z))*",
    re.MULTILINE,
)
UNSEEN = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)", re.DOTALL | re.I)


def passages(text: str, file: str, name: str, title: str = "") -> Iterator[Document]:
    """The sections of a text in Markdown: "Returns policy: Refunds".

    `document.text` is text[start:end], word for word; `file`, start and end are attributes. A
    section whose heading is a question is a FAQ with that question as its title. Scripts and
    comments are left out.

    Args:
        name: Begins the id of each.
        title: Begins the title of each, unless the text has a heading of its own.
    """
    hidden = [match.span() for match in FENCE.finditer(text)]
    hidden += [match.span() for match in UNSEEN.finditer(text)]
    headings = [
        match
        for match in HEADING.finditer(text)
        if not any(start <= match.start() < end for start, end in hidden)
    ]
    policy = title or name.replace("-", " ").replace("_", " ").capitalize()
    if headings and len(headings[0][1]) == 1:
        policy = plain(headings[0][2])
    taken: dict[str, int] = {}
    for start, end, section in _sections(text, headings):
        id = "/".join(filter(None, [slug(name), slug(section)]))
        asked = section.endswith(("?", "？"))
        for a, b in _spans(text, start, end):
            taken[id] = taken.get(id, 0) + 1
            yield Document(
                id=id if taken[id] == 1 else f"{id}-{taken[id]}",
                kind="faq" if asked else "policy",
                title=section if asked else f"{policy}: {section}" if section else policy,
                text=text[a:b],
                attributes={"file": file, "start": str(a), "end": str(b)},
            )


def _sections(text: str, headings: list[re.Match[str]]) -> Iterator[tuple[int, int, str]]:
    """(start, end, title) between headings; the first heading of all is the policy's own."""
    yield 0, headings[0].start() if headings else len(text), ""
    for i, heading in enumerate(headings):
        end = headings[i + 1].start() if i + 1 < len(headings) else len(text)
        own = i == 0 and len(heading[1]) == 1
        yield heading.end(), end, "" if own else plain(heading[2])


def _spans(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Spans of at most PASSAGE characters; a table is whole, with what fits of its neighbours."""
    held: tuple[int, int] | None = None
    table = False
    for a, b, is_table in _parts(text, start, end):
        if held and (table or is_table) and b - held[0] <= PASSAGE and not _cut(text, held[1], a):
            held, table = (held[0], b), is_table
            continue
        if held:
            yield held
        held, table = (a, b), is_table
    if held:
        yield held


def _cut(text: str, start: int, end: int) -> bool:
    """Whether something that is left out stands between."""
    return bool(text[start:end].strip())


def _parts(text: str, start: int, end: int) -> Iterator[tuple[int, int, bool]]:
    """(start, end, whether it is a table) of pieces of prose and of tables."""
    whole = [(*match.span(), True) for match in ROWS.finditer(text, start, end)]
    whole = [(a, b, True) for a, b, _ in whole if b - a <= TABLE]
    unseen = [(*match.span(), False) for match in UNSEEN.finditer(text, start, end)]
    for a, b, is_table in sorted([*whole, *unseen]):
        if a < start:
            continue
        yield from ((*span, False) for span in _prose(text, start, a))
        if is_table:
            yield a, a + len(text[a:b].rstrip()), True
        start = b
    yield from ((*span, False) for span in _prose(text, start, end))


def _prose(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Spans cut between paragraphs, else sentences, else words."""
    splitter = RecursiveCharacterTextSplitter(
        chunk_size=PASSAGE,
        chunk_overlap=0,
        separators=["\r\n\r\n", "\n\n", "\n", ". ", " ", ""],
        keep_separator="end",
    )
    for piece in splitter.split_text(text[start:end]):
        a = text.index(piece, start, end)
        start = a + len(piece)
        yield a, start


def slug(text: str) -> str:
    return re.sub(r"[\W_]+", "-", text.lower()).strip("-")[:80]
