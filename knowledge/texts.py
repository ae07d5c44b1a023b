"""Files of text -> Markdown: what is written in Markdown, plain text, HTML, PDF and DOCX."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from knowledge.rows import open_bytes, read_text
from knowledge.types import BadFeed

ENDINGS = {
    ".md": "Markdown", ".markdown": "Markdown", ".txt": "plain text", ".html": "HTML",
    ".htm": "HTML", ".pdf": "PDF", ".docx": "DOCX",
}  # fmt: skip
MOST = 100_000_000  # bytes of a file, unpacked
PAGES = 2_000  # of a PDF
LARGER = 1.15  # how much larger than most of a page the letters of a heading are
HEADING = 120  # characters of a heading at most
NOT_TEXT = (
    "script", "style", "noscript", "template", "nav", "footer", "svg", "iframe", "form", "button",
)  # fmt: skip
WRONG = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, OSError, RuntimeError,
    SyntaxError, TypeError, ValueError, struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What libraries raise on files that are not what they seem; RecursionError is one."""


def kind_of(path: Path, head: bytes) -> str:
    """What a file of text is: one of the values of ENDINGS, by its first bytes or its ending."""
    if head.startswith(b"%PDF-"):
        return "PDF"
    if head.startswith(b"PK\3\4"):
        return "DOCX"
    if re.match(
        rb"(\xef\xbb\xbf)?\s*(<!--.*?-->\s*)*<(!doctype html|html|head|body)\b", head, re.I
    ):
        return "HTML"
    return ENDINGS.get(path.suffix.lower(), "")


def markdown_of(path: Path, kind: str) -> str:
    """The text of a file as Markdown; of Markdown and plain text, every character as it is.

    Raises:
        BadFeed: The file is not what it seems, or too large.
    """
    if kind in ("Markdown", "plain text"):
        return read_text(path)
    with open_bytes(path) as file:
        data = file.read(MOST + 1)
    if len(data) > MOST:
        raise BadFeed(f"{path}: larger than {MOST // 1_000_000} MB")
    read = {"HTML": html_to_markdown, "PDF": _pdf, "DOCX": _docx}[kind]
    try:
        return read(data)
    except WRONG as error:
        raise BadFeed(f"{path}: cannot be read as {kind} ({str(error)[:120]})") from error


def html_to_markdown(data: bytes | str) -> str:
    """The text of a page, its headings and tables, without scripts, menus, links and pictures."""
    from bs4 import BeautifulSoup, Comment
    from markdownify import MarkdownConverter

    soup = BeautifulSoup(data, "lxml")
    for tag in soup([*NOT_TEXT, "head"]):
        tag.decompose()
    for comment in soup.find_all(string=lambda text: isinstance(text, Comment)):
        comment.extract()
    for question in soup(["summary", "dt"]):  # how pages write questions that open an answer
        question.name = "h3"
    converter = MarkdownConverter(
        heading_style="ATX", bullets="-", strip=["a", "img", "b", "strong", "i", "em"],
        escape_asterisks=False, escape_underscores=False, escape_misc=False,
        table_infer_header=True,
    )  # fmt: skip
    text = converter.convert_soup(soup.find("main") or soup.find("article") or soup)
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)).strip()


def _docx(data: bytes) -> str:
    from docx import Document
    from docx.opc.exceptions import OpcError
    from docx.table import Table

    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        if sum(part.file_size for part in packed.infolist()) > MOST:
            raise ValueError(f"unpacked, it is larger than {MOST // 1_000_000} MB")
    try:
        document = Document(io.BytesIO(data))
    except OpcError as error:
        raise ValueError(str(error)) from error
    parts = []
    for block in document.iter_inner_content():
        if isinstance(block, Table):
            parts.append("\n".join(_rows([c.text for c in row.cells] for row in block.rows)))
            continue
        style = (block.style.name if block.style else None) or ""
        text = block.text.strip()
        if level := re.fullmatch(r"Heading (\d)", style):
            text = text and f"{'#' * min(6, int(level[1]))} {text}"
        elif style == "Title":
            text = text and f"# {text}"
        elif style.startswith("List"):
            text = text and f"- {text}"
        parts.append(text)
    return "\n\n".join(filter(None, parts))


def _rows(rows: Iterator[list[str]]) -> Iterator[str]:
    """A table in Markdown; the first row is its head."""
    for number, cells in enumerate(rows):
        yield "| " + " | ".join(" ".join(c.replace("|", "/").split()) for c in cells) + " |"
        if not number:
            yield "|" + " --- |" * len(cells)


class _PdfLines:
    """Collects the lines of a PDF, each with the size of most of its letters."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, float]] = []
        self._said: list[str] = []
        self._sizes: Counter[float] = Counter()

    def hear(self, text: str, _: object, place: list[float], __: object, size: float) -> None:
        for part in re.split(r"(\n)", text):
            if part == "\n":
                self.end()
                continue
            self._said.append(part)
            if part.strip():
                self._sizes[round(abs(size * (place[3] or 1)), 1)] += len(part)

    def end(self) -> None:
        text = " ".join("".join(self._said).split())
        self.lines.append((text, self._sizes.most_common(1)[0][0] if text else 0.0))
        self._said.clear()
        self._sizes.clear()


def _pdf(data: bytes) -> str:
    """The lines of a PDF; those in larger letters are taken for headings."""
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    heard = _PdfLines()
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise ValueError("it wants a password")
        for page in reader.pages[:PAGES]:
            page.extract_text(visitor_text=heard.hear)
            heard.end()
            heard.end()
    except PyPdfError as error:
        raise ValueError(str(error)) from error
    usual = Counter[float]()
    for text, size in heard.lines:
        usual[size] += len(text)
    body = usual.most_common(1)[0][0] if usual else 0.0
    largest = max((size for _, size in heard.lines), default=0.0)
    text = "\n".join(_marked(text, size, body, largest) for text, size in heard.lines)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _marked(text: str, size: float, body: float, largest: float) -> str:
    if not text or size <= LARGER * body or len(text) > HEADING:
        return text
    return f"\n{'#' if size == largest else '##'} {text}\n"
