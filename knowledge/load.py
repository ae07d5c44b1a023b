"""Files and folders of a shop -> Documents: product feeds, FAQs, and policies split by heading."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from langchain_text_splitters import RecursiveCharacterTextSplitter

from knowledge.feeds import FetchPhoto, Row, plain, read_product, read_rows, read_text, text_of
from knowledge.types import BadFeed, Document, Skipped

TABLES = (".jsonl", ".ndjson", ".csv", ".tsv")
TEXTS = (".md", ".markdown", ".txt")
PASSAGE = 900  # characters at most in one passage of a policy
HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*\r?$", re.MULTILINE)
FENCE = re.compile(r"^ {0,3}(```|~~~).*?^ {0,3}\1", re.MULTILINE | re.DOTALL)


def read_documents(
    path: Path, fetch_photo: FetchPhoto | None = None
) -> Iterator[Document | Skipped]:
    """Everything the shop wrote at `path`, a file or a folder, in order of file names.

    The format is told from the file's ending and columns. What cannot be used comes as `Skipped`;
    so does the second of two documents with one id. In a folder, files that are no documents
    (photos, for example) and hidden ones are passed over. Photos at web addresses are left out
    unless `fetch_photo` brings them.

    Raises:
        BadFeed: There is nothing at `path`, or it is one file that cannot be read at all.
    """
    seen: set[str] = set()
    for file, line, item in _read(path, fetch_photo):
        if isinstance(item, Document):
            if item.id in seen:
                reason = f"second document with id {item.id!r}; the first was kept"
                yield Skipped(str(file), line, reason)
                continue
            seen.add(item.id)
        yield item


def _read(
    path: Path, fetch_photo: FetchPhoto | None
) -> Iterator[tuple[Path, int, Document | Skipped]]:
    if path.is_file():
        yield from _read_file(path, fetch_photo)
        return
    if not path.is_dir():
        raise BadFeed(f"{path}: there is no such file or folder")
    for file in sorted(path.rglob("*")):
        hidden = any(part.startswith(".") for part in file.relative_to(path).parts)
        if hidden or file.suffix.lower() not in TABLES + TEXTS or not file.is_file():
            continue
        try:
            yield from _read_file(file, fetch_photo)
        except BadFeed as error:
            yield file, 0, Skipped(str(file), 0, str(error).removeprefix(f"{file}: "))


def _read_file(
    path: Path, fetch_photo: FetchPhoto | None
) -> Iterator[tuple[Path, int, Document | Skipped]]:
    suffix = path.suffix.lower()
    if suffix in TEXTS:
        for passage in _policy(path):
            yield path, 0, passage
    elif suffix in TABLES:
        for line, item in _table(path, fetch_photo):
            yield path, line, item
    else:
        raise BadFeed(f"{path}: unknown kind of file; known are {', '.join(TABLES + TEXTS)}")


def _table(path: Path, fetch_photo: FetchPhoto | None) -> Iterator[tuple[int, Document | Skipped]]:
    for line, row in read_rows(path):
        if isinstance(row, Skipped):
            yield line, row
        elif {"question", "answer"} <= row.keys():
            yield line, _faq(row, path, line)
        elif {"query", "relevant"} <= row.keys():
            return  # judged queries for `deskhand evaluate`: about the documents, not one of them
        elif row.keys() & {"id", "sku", "title"}:
            for item in read_product(row, path, line, fetch_photo):
                yield line, item
        else:
            found = ", ".join(row)[:200]
            raise BadFeed(f"{path}: has neither title nor question in its columns ({found})")


def _faq(row: Row, path: Path, line: int) -> Document | Skipped:
    question, answer = text_of(row["question"]), text_of(row["answer"])
    if not question or not answer:
        return Skipped(str(path), line, "no question" if answer else "no answer")
    name = text_of(row.get("id")) or "faq-" + hashlib.sha256(question.encode()).hexdigest()[:12]
    topic = text_of(row.get("topic"))
    return Document(
        id=name,
        kind="faq",
        title=question,
        text=answer,
        url=text_of(row.get("url")),
        attributes={"topic": topic} if topic else {},
        language=text_of(row.get("language")) or "en",
        updated_at=text_of(row.get("updated_at")),
    )


def _policy(path: Path) -> Iterator[Document | Skipped]:
    """A Document for each headed section: "Returns policy: Refunds".

    `text` is text_of_file[start:end], word for word; file, start and end are attributes.
    """
    text = read_text(path)
    fenced = [match.span() for match in FENCE.finditer(text)]
    headings = [
        match
        for match in HEADING.finditer(text)
        if not any(start <= match.start() < end for start, end in fenced)
    ]
    policy = path.stem.replace("-", " ").replace("_", " ").capitalize()
    if headings and len(headings[0][1]) == 1:
        policy = plain(headings[0][2])
    taken: dict[str, int] = {}
    found = False
    for start, end, section in _sections(text, headings):
        name = "/".join(filter(None, [_slug(path.stem), _slug(section)]))
        title = f"{policy}: {section}" if section else policy
        for a, b in _passages(text, start, end):
            taken[name] = taken.get(name, 0) + 1
            found = True
            yield Document(
                id=name if taken[name] == 1 else f"{name}-{taken[name]}",
                kind="policy",
                title=title,
                text=text[a:b],
                attributes={"file": path.name, "start": str(a), "end": str(b)},
            )
    if not found:
        yield Skipped(str(path), 0, "has no text")


def _sections(text: str, headings: list[re.Match[str]]) -> Iterator[tuple[int, int, str]]:
    """(start, end, title) between headings; the first heading of all is the policy's own."""
    yield 0, headings[0].start() if headings else len(text), ""
    for i, heading in enumerate(headings):
        end = headings[i + 1].start() if i + 1 < len(headings) else len(text)
        own = i == 0 and len(heading[1]) == 1
        yield heading.end(), end, "" if own else plain(heading[2])


def _passages(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Spans of at most PASSAGE characters, cut between paragraphs, else sentences, else words."""
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


def _slug(text: str) -> str:
    return re.sub(r"[\W_]+", "-", text.lower()).strip("-")[:80]
