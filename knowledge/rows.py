"""Files of rows -> rows, a few in memory at a time: CSV, TSV, JSON, JSON lines and Parquet."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from knowledge.plain import plain
from knowledge.types import BadFeed

Row = Mapping[str, Any]

Rows = Iterator[tuple[int, Row | str]]
"""(line, row) with names of columns in lower case, or (line, why it cannot be read)."""

Advanced = Callable[[int], None]
"""Told how many bytes more were read."""

PARQUET = b"PAR1"
HEAD = 65_536  # bytes from which the kind of a file is told
MOST = 4_000_000  # characters of one line; a longer one is reported
MOST_JSON = 50_000_000  # bytes of a .json file, which is read whole
BATCH = 500  # rows of a Parquet file in memory
LISTS = ("products", "items", "faqs", "faq", "questions", "documents")  # where rows may be in JSON
DELIMITERS = ",;\t|"


def unheard(size: int) -> None:
    """An `Advanced` that nobody listens to."""


class _Counted(io.FileIO):
    """A file that tells how much of it was read."""

    def __init__(self, path: Path, advanced: Advanced):
        super().__init__(path)
        self._advanced = advanced

    def readinto(self, buffer: Any) -> int | None:
        size = super().readinto(buffer)
        self._advanced(size or 0)
        return size


def open_bytes(path: Path, advanced: Advanced = unheard) -> BinaryIO:
    """Raises BadFeed when the file cannot be opened."""
    try:
        return io.BufferedReader(_Counted(path, advanced))
    except OSError as error:
        raise BadFeed(f"{path}: cannot be read ({error.strerror})") from error


def head_of(path: Path) -> bytes:
    """The first bytes. Raises BadFeed when the file cannot be opened."""
    with open_bytes(path) as file:
        return file.read(HEAD)


def encoding_of(path: Path) -> str:
    """How a text file is written: "utf-8-sig", "utf-16", or "windows-1252" for what is not UTF-8.

    Raises:
        BadFeed: The file cannot be opened or is not text.
    """
    with open_bytes(path) as file:
        part = file.read(HEAD)
        if part.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        if b"\0" in part:
            raise BadFeed(f"{path}: is not a text file")
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while part:
                decoder.decode(part)
                part = file.read(1 << 20)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "windows-1252"
    return "utf-8-sig"


def open_text(path: Path, advanced: Advanced = unheard, encoding: str = "") -> TextIO:
    """The characters of a text file, ends of lines as they are; its own encoding unless given.

    In a file that is not UTF-8, what is UTF-8 all the same is read as such, the rest as
    Windows-1252: exports are often pasted together from both.
    """
    encoding = encoding or encoding_of(path)
    mended = encoding == "windows-1252"
    return io.TextIOWrapper(
        open_bytes(path, advanced),
        encoding="utf-8-sig" if mended else encoding,
        errors="windows-1252" if mended else "replace",
        newline="",
    )


def _as_windows(error: UnicodeError) -> tuple[str, int]:
    """Bytes that are not UTF-8 as Windows-1252."""
    assert isinstance(error, UnicodeDecodeError)
    wrong = error.object[error.start : error.end]
    return wrong.decode("windows-1252", errors="replace"), error.end


codecs.register_error("windows-1252", _as_windows)


def read_text(path: Path) -> str:
    """All characters of a text file. Raises BadFeed as `encoding_of` does."""
    with open_text(path) as file:
        return file.read()


def column(name: str) -> str:
    """The name of a column in lower case, words joined by "_": "Variant SKU" is "variant_sku"."""
    name = re.sub(r"\s*\(product\.metafields\..*\)$", "", plain(name))
    name = re.sub(r"\W+", "_", name.lower()).strip("_")
    return {"colour": "color", "photo": "photos"}.get(name, name)[:60]


def read_rows(path: Path, advanced: Advanced = unheard) -> Rows:
    """The rows of a file, whose kind is told from its first characters and, for JSON, its ending.

    Raises:
        BadFeed: It cannot be read at all.
    """
    if head_of(path).startswith(PARQUET):
        yield from _parquet_rows(path, advanced)
        return
    if path.suffix.lower() == ".json":
        yield from _json_rows(path, advanced)
        return
    with open_text(path) as file:
        first = file.read(HEAD)
    with open_text(path, advanced) as file:
        json_lines = path.suffix.lower() in (".jsonl", ".ndjson") or first.lstrip()[:1] in "{["
        yield from _json_line_rows(file) if json_lines else _csv_rows(file, first)


def _lines(file: TextIO) -> Iterator[tuple[int, str]]:
    """(number, line with its end); "" for a line that is too long."""
    number = 0
    while line := file.readline(MOST):
        number += 1
        long = len(line) == MOST and not line.endswith(("\n", "\r"))
        yield number, "" if long else line
        while long and (rest := file.readline(MOST)):
            long = not rest.endswith(("\n", "\r"))


TOO_LONG = f"longer than {MOST:,} characters"


def _json_line_rows(file: TextIO) -> Rows:
    for number, line in _lines(file):
        if not line:
            yield number, TOO_LONG
        elif line.strip():
            try:
                yield number, _row(json.loads(line))
            except (ValueError, RecursionError) as error:
                yield number, _why(error)


def _json_rows(path: Path, advanced: Advanced) -> Rows:
    """Objects in a list, questions with their answers, or a list of objects by one of LISTS."""
    if path.stat().st_size > MOST_JSON:
        raise BadFeed(
            f"{path}: larger than {MOST_JSON // 1_000_000} MB; write it as JSON lines (.jsonl)"
        )
    with open_text(path, advanced) as file:
        try:
            found = json.load(file)
        except (ValueError, RecursionError) as error:
            raise BadFeed(f"{path}: {_why(error)}") from error
    if isinstance(found, dict) and not found.keys() & {"orders", "users"}:
        lists = [found[name] for name in LISTS if isinstance(found.get(name), list)]
        if lists:
            found = lists[0]
        elif all(isinstance(answer, str) for answer in found.values()):
            found = [{"question": asked, "answer": answer} for asked, answer in found.items()]
    for number, item in enumerate(found if isinstance(found, list) else (), start=1):
        yield number, _row(item)


def _row(item: Any) -> Row | str:
    if not isinstance(item, dict):
        return "not a JSON object"
    return {column(name): value for name, value in item.items()}


def _why(error: Exception) -> str:
    why = error.msg if isinstance(error, json.JSONDecodeError) else "too deep or too long"
    return f"not JSON: {why}"


def _parquet_rows(path: Path, advanced: Advanced) -> Rows:
    try:
        import pyarrow
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise BadFeed(
            f"{path}: is a Parquet file; `pip install deskhand[parquet]` to read it"
        ) from error
    number = 0
    with open_bytes(path, advanced) as file:
        try:
            for batch in ParquetFile(file).iter_batches(batch_size=BATCH):
                for item in batch.to_pylist():
                    number += 1
                    yield number, _row(item)
        except (pyarrow.ArrowException, OSError, ValueError) as error:
            reason = f"not Parquet: {str(error).splitlines()[0][:200]}"
            if not number:
                raise BadFeed(f"{path}: {reason}") from error
            yield number + 1, reason


def _csv_rows(file: TextIO, first: str) -> Rows:
    head = first.lstrip("\r\n").splitlines()[:1]
    delimiter = max(DELIMITERS, key=(head or [""])[0].count)
    lines = _Lines(file)
    reader = csv.reader(lines, delimiter=delimiter)
    names: list[str] | None = None
    while True:
        lines.taken.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield lines.start, f"not CSV: {error}"
            lines.back()
            reader = csv.reader(lines, delimiter=delimiter)
            continue
        if "" in lines.text():
            yield lines.start, TOO_LONG
        elif lines.unfinished(delimiter):
            yield lines.start, "a quote that is opened in this row is never closed"
            lines.back()
            reader = csv.reader(lines, delimiter=delimiter)
        elif not any(cell.strip() for cell in cells):
            continue
        elif names is None:
            names = [column(name) for name in cells]
        elif len(cells) > len(names) and any(cell.strip() for cell in cells[len(names) :]):
            reason = f"{len(cells)} cells, but the first line names {len(names)} columns"
            yield lines.start, reason
        else:
            cells += [""] * (len(names) - len(cells))
            yield lines.start, {n: c for n, c in zip(names, cells, strict=False) if n}


class _Lines:
    """Lines of CSV, of which those after the first of a row can be given back.

    A quote that is never closed would otherwise take everything after it into one row.
    """

    def __init__(self, file: TextIO):
        self._lines = _lines(file)
        self._given_back: list[tuple[int, str]] = []
        self.taken: list[tuple[int, str]] = []
        self._ended = False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        try:
            taken = self._given_back.pop() if self._given_back else next(self._lines)
        except StopIteration:
            self._ended = True
            raise
        self.taken.append(taken)
        return taken[1]

    @property
    def start(self) -> int:
        return self.taken[0][0]

    def text(self) -> list[str]:
        return [line for _, line in self.taken]

    def back(self) -> None:
        self._given_back += reversed(self.taken[1:])

    def unfinished(self, delimiter: str) -> bool:
        """Whether the file has ended within quotes."""
        if not self._ended or len(self.taken) < 2:
            return False
        try:
            list(csv.reader(self.text(), delimiter=delimiter, strict=True))
        except csv.Error as error:
            return "unexpected end" in str(error)
        return False
