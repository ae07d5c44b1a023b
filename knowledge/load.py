"""Files and folders of a shop -> Documents: product feeds, FAQs, and texts split by heading."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Set
from itertools import chain
from pathlib import Path

from knowledge import magento, merchant, shopify, woocommerce
from knowledge.beside import kind_of as kind_beside
from knowledge.beside import read_beside
from knowledge.feeds import FetchPhoto, Reading, read_product, whole
from knowledge.passages import passages, slug
from knowledge.plain import text_of
from knowledge.rows import PARQUET, Advanced, Row, Rows, encoding_of, head_of, read_rows, unheard
from knowledge.texts import ENDINGS, html_to_markdown, markdown_of
from knowledge.texts import kind_of as kind_of_text
from knowledge.types import BadFeed, Document, Skipped

TABLES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".xml", ".rss", ".atom")
KNOWN = (*TABLES, *ENDINGS)
ASKED = {"q": "question", "a": "answer"}
JUDGED = {"query", "relevant"}
PASSED_OVER = "nothing to index; passed over"
NOT_THEIRS = re.compile(r"(licen[cs]e|copying|notice|readme|changelog)(?![a-z])", re.IGNORECASE)
"""Names of files about a folder, in which the shop does not speak to its customers."""

Guessed = Callable[[Path, str], None]
"""Told what a file was taken for, as the end of a sentence: "a Shopify product export"."""

Item = tuple[Path, int, Document | Skipped]


def read_documents(
    path: Path,
    fetch_photo: FetchPhoto | None = None,
    guessed: Guessed = lambda path, what: None,
    advanced: Advanced = unheard,
    currency: str = "",
    site: str = "",
) -> Iterator[Document | Skipped]:
    """Everything the shop wrote at `path`, a file or a folder, in order of file names.

    The format is told from what is in a file. What cannot be used comes as `Skipped`; so does the
    second of two documents with one id. In a folder, files that are no documents (photos, for
    example) and hidden ones are passed over. Photos at web addresses are left out unless
    `fetch_photo` brings them. Prices that name no currency are in `currency`; addresses that are
    paths belong to `site`.

    Raises:
        BadFeed: There is nothing at `path`, or it is one file that cannot be read at all.
    """
    root = (path if path.is_dir() else path.parent).resolve()
    seen: set[str] = set()
    reading = Reading(root, fetch_photo, guessed, advanced, currency, site)
    for file, line, item in _read(path, reading):
        if isinstance(item, Document):
            if item.id in seen:
                reason = f"second document with id {item.id!r}; the first was kept"
                yield Skipped(str(file), line, reason)
                continue
            seen.add(item.id)
        yield item


def files_at(path: Path) -> list[Path]:
    """The files that `read_documents` reads, in their order."""
    if not path.is_dir():
        return [path] if path.is_file() else []
    return [
        file
        for file in sorted(path.rglob("*"))
        if not any(part.startswith(".") for part in file.relative_to(path).parts)
        and file.suffix.lower() in KNOWN
        and file.is_file()
    ]


def _read(path: Path, reading: Reading) -> Iterator[Item]:
    if path.is_file():
        yield from _read_file(path, reading)
        return
    if not path.is_dir():
        raise BadFeed(f"{path}: there is no such file or folder")
    files = files_at(path)
    reading.beside = read_beside(f for f in files if f.suffix.lower() in (".csv", ".tsv"))
    for file in files:
        if about := reading.beside.files.get(file) or (NOT_THEIRS.match(file.stem) and PASSED_OVER):
            reading.guessed(file, about)
            continue
        try:
            yield from _read_file(file, reading)
        except BadFeed as error:
            yield file, 0, Skipped(str(file), 0, str(error).removeprefix(f"{file}: "))


def _read_file(path: Path, reading: Reading) -> Iterator[Item]:
    """What is in a file, whose kind is told from its first bytes, then from its ending."""
    head = head_of(path)
    text = kind_of_text(path, head)
    markup = re.match(rb"(\xef\xbb\xbf|\xff\xfe|\xfe\xff)?[\s\0]*<", head)
    if text == "HTML" or (text and not markup and not _is_table(path, head)):
        yield from _texts(path, text, reading)
    elif markup:
        reading.guessed(path, merchant.NAME)
        yield from _products(path, merchant.translate(merchant.read_xml(path, reading.advanced)),
                             reading)  # fmt: skip
    elif path.suffix.lower() in TABLES or _is_table(path, head):
        yield from _table(path, reading)
    else:
        raise BadFeed(f"{path}: unknown kind of file; known are {', '.join(KNOWN)}")


def _is_table(path: Path, head: bytes) -> bool:
    """Whether a file with another ending holds rows: Google's lists are often .txt."""
    first = head.partition(b"\n")[0].lower()
    return head.startswith(PARQUET) or (
        path.suffix.lower() == ".txt" and first.count(b"\t") > 1 and b"id" in first
    )


def _texts(path: Path, kind: str, reading: Reading) -> Iterator[Item]:
    reading.guessed(path, f"a text in {kind}")
    reading.advanced(path.stat().st_size)
    found = False
    for passage in passages(markdown_of(path, kind), path.name, path.stem):
        found = True
        yield path, 0, passage
    if not found:
        scan = "; a scan must be made into text first" if kind == "PDF" else ""
        yield path, 0, Skipped(str(path), 0, f"has no text{scan}")


def _table(path: Path, reading: Reading) -> Iterator[Item]:
    rows = read_rows(path, reading.advanced)
    begin: list[tuple[int, Row | str]] = []
    columns: Set[str] = set()
    for line, row in rows:
        begin.append((line, row))
        if not isinstance(row, str):
            columns = row.keys()
            break
    kind = _kind_of_rows(columns)
    if kind is None and begin and columns:
        found = ", ".join(columns)[:200]
        raise BadFeed(f"{path}: has neither title nor question in its columns ({found})")
    reading.guessed(path, (kind or PASSED_OVER) + _written(path))
    if columns >= JUDGED:  # for `deskhand evaluate`: about the documents, not one of them
        return
    rows = chain(begin, rows)
    if kind == PAGES:
        yield from _pages(path, rows)
    elif kind == FAQS:
        for line, row in rows:
            yield path, line, _faq(row, path, line, reading)
    else:
        yield from _products(path, _translated(kind, rows, path), reading)


PRODUCTS, FAQS = "products, one a row", "questions and answers"
PAGES = "pages of text"


def _kind_of_rows(columns: Set[str]) -> str | None:
    """What rows with these columns are; None for what is no document."""
    if columns >= JUDGED:
        return "judged questions, passed over"
    if {ASKED.get(name, name) for name in columns} >= {"question", "answer"}:
        return FAQS
    for shop in (shopify, woocommerce, magento):
        if shop.is_it(columns):
            return shop.NAME
    if merchant.is_it(merchant.bare(columns)):
        return merchant.NAME
    if kind_beside(columns):
        return None
    if columns & {"id", "sku"} or ("title" in columns and "content" not in columns):
        return PRODUCTS
    return PAGES if {"title", "content"} <= columns else None


def _translated(kind: str | None, rows: Rows, path: Path) -> Rows:
    if kind == shopify.NAME:
        return shopify.translate(rows)
    if kind == woocommerce.NAME:
        return woocommerce.translate(rows)
    if kind == magento.NAME:
        return magento.translate(lambda: read_rows(path), rows)
    return merchant.translate(rows) if kind == merchant.NAME else rows


def _written(path: Path) -> str:
    """How the text of a table is written, where that is worth saying."""
    if head_of(path).startswith(PARQUET):
        return " (Parquet)"
    encoding = encoding_of(path)
    return "" if encoding == "utf-8-sig" else f" (in {encoding.capitalize().replace('Utf', 'UTF')})"


def _products(path: Path, rows: Rows, reading: Reading) -> Iterator[Item]:
    reading.elsewhere = reading.bare = 0
    for line, row in rows:
        if isinstance(row, str):
            yield path, line, Skipped(str(path), line, row)
        elif {"question", "answer"} <= row.keys():
            yield path, line, _faq(row, path, line, reading)
        else:
            for item in read_product(row, path, line, reading):
                yield path, line, item
    if reading.elsewhere:
        reason = (
            f"{reading.elsewhere} photos at web addresses left out; "
            "DESKHAND_FETCH_PHOTOS=true fetches them"
        )
        yield path, 0, Skipped(str(path), 0, reason)
    if reading.bare:
        reason = f"{reading.bare} prices name no currency; DESKHAND_CURRENCY=EUR would say which"
        yield path, 0, Skipped(str(path), 0, reason)


def _faq(row: Row | str, path: Path, line: int, reading: Reading) -> Document | Skipped:
    if isinstance(row, str):
        return Skipped(str(path), line, row)
    row = {ASKED.get(name, name): value for name, value in row.items()}
    question, answer = text_of(row.get("question")), text_of(row.get("answer"))
    if not question or not answer:
        return Skipped(str(path), line, "no question" if answer else "no answer")
    name = text_of(row.get("id")) or "faq-" + hashlib.sha256(question.encode()).hexdigest()[:12]
    topic = text_of(row.get("topic"))
    return Document(
        id=name,
        kind="faq",
        title=question,
        text=answer,
        url=whole(text_of(row.get("url")), reading.site),
        attributes={"topic": topic} if topic else {},
        language=text_of(row.get("language")) or "en",
        updated_at=text_of(row.get("updated_at")),
    )


def _pages(path: Path, rows: Rows) -> Iterator[Item]:
    """The pages of a shop's own, as its system exports them: a title, and HTML."""
    for line, row in rows:
        if isinstance(row, str):
            yield path, line, Skipped(str(path), line, row)
            continue
        title = text_of(row["title"])
        name = text_of(row.get("identifier") or row.get("slug")) or slug(title)
        text = html_to_markdown(magento.DIRECTIVE.sub("", str(row.get("content") or "")))
        found = False
        for passage in passages(text, f"{path.name}:{line}", name, title):
            found = True
            yield path, line, passage
        if not found:
            yield path, line, Skipped(str(path), line, f"page {title!r} has no text")
