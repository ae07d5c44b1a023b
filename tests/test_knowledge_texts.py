"""Texts -> passages: HTML, PDF and DOCX, tables kept whole, and offsets that hold."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from knowledge.load import read_documents
from knowledge.passages import PASSAGE, passages
from knowledge.texts import kind_of, markdown_of
from knowledge.types import BadFeed, Document, Skipped

FEEDS = Path(__file__).parent / "samples" / "feeds"


def read(path: Path) -> list[Document]:
    """The passages of a file, after a look that each stands where it says."""
    documents = list(read_documents(path))
    text = markdown_of(path, kind_of(path, path.read_bytes()))
    for document in documents:
        assert isinstance(document, Document)
        start, end = int(document.attributes["start"]), int(document.attributes["end"])
        assert text[start:end] == document.text
    return [document for document in documents if isinstance(document, Document)]


def test_html() -> None:
    first, costs, swap = read(FEEDS / "returns.html")
    assert (first.title, first.text) == ("Returns", "Send it back within 30 days.")
    assert costs.title == "Returns: What it costs"
    assert costs.text.splitlines() == [
        "| Parcel | Price |",
        "| --- | --- |",
        "| up to 2 kg | 4.90 EUR |",
        "| up to 20 kg | 9.90 EUR |",
    ]
    assert (swap.kind, swap.title, swap.text) == (
        "faq",
        "Can I swap a size?",
        "Yes, free of charge.",
    )


def test_pdf() -> None:
    first, covered = read(FEEDS / "warranty.pdf")
    assert (first.title, first.text) == ("Warranty", "Lamps are guaranteed for five years.")
    assert covered.title == "Warranty: What is covered"
    assert covered.text == "Faults of the switch and of the wood.\nBulbs are not covered."


def test_docx(tmp_path: Path) -> None:
    import docx

    written = docx.Document()
    written.add_heading("Delivery", level=1)
    written.add_paragraph("We send on weekdays.")
    written.add_heading("Costs", level=2)
    table = written.add_table(rows=0, cols=2)
    for row in (("Country", "Price"), ("Belgium", "4.90"), ("France", "7.90")):
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text
    written.add_paragraph("Islands cost more.", style="List Bullet")
    path = tmp_path / "delivery.docx"
    written.save(str(path))
    delivery, costs = read(path)
    assert (delivery.title, delivery.text) == ("Delivery", "We send on weekdays.")
    assert costs.title == "Delivery: Costs"
    assert "| France | 7.90 |\n\n- Islands cost more." in costs.text


def test_a_table_is_kept_whole(tmp_path: Path) -> None:
    rows = "".join(f"| Country number {i} | {i}.90 EUR | {i} days |\n" for i in range(60))
    table = f"| Country | Price | Time |\n|---|---:|---|\n{rows}"
    prose = " ".join(f"Sentence {i} says something of delivery." for i in range(40))
    text = f"# Delivery\n\n{prose}\n\n{table}\n{prose}\n\n"
    text += "## Small\n\nPrices:\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
    path = tmp_path / "delivery.md"
    path.write_text(text)
    found = read(path)
    assert len(table) > PASSAGE
    assert next(d for d in found if "|" in d.text).text == table.rstrip()
    assert found[-1].text == "Prices:\n\n| a | b |\n|---|---|\n| 1 | 2 |"
    assert all(len(d.text) <= PASSAGE for d in found if "|" not in d.text)


def test_scripts_and_comments_in_markdown_are_not_quoted() -> None:
    text = "# A\n\nBefore.\n\n<script>\n# steal()\n</script>\n\nAfter.\n\n<!-- #\n# too -->\n\nEnd."
    found = list(passages(text, "a.md", "a"))
    assert [document.text for document in found] == ["Before.", "After.", "End."]
    assert {document.title for document in found} == {"A"}


WRONG = {
    "a.pdf": b"%PDF-1.4\ngarbage",
    "a.docx": b"PK\3\4garbage",
    "deep.html": b"<html>" + b"<div>" * 50_000 + b"x",
}


@pytest.mark.parametrize("name", WRONG)
def test_files_that_are_not_what_they_seem(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(WRONG[name])
    (tmp_path / "good.md").write_text("Fine.")
    *_, good = found = list(read_documents(tmp_path))
    assert isinstance(good, Document) and good.text == "Fine."
    if name != "deep.html":  # the parser stops at some depth, and may find the text
        assert isinstance(found[0], Skipped) and "cannot be read as" in found[0].reason
        with pytest.raises(BadFeed, match=name):
            list(read_documents(tmp_path / name))


def test_a_folder_of_all_kinds(tmp_path: Path) -> None:
    for name in ("returns.html", "warranty.pdf", "merchant.txt"):
        shutil.copyfile(FEEDS / name, tmp_path / name)
    (tmp_path / "faq.csv").write_text("Question,Answer\nWhen?,Soon.\n")
    (tmp_path / "hours.txt").write_text("Open on Mondays.")
    documents = [d for d in read_documents(tmp_path) if isinstance(d, Document)]
    assert {d.kind for d in documents} == {"product", "faq", "policy"}
    assert "Open on Mondays." in [d.text for d in documents]
