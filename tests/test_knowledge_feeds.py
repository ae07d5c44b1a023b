"""Files -> Documents: what a shop may send us, and what nobody should."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from knowledge.load import read_documents
from knowledge.passages import PASSAGE
from knowledge.plain import plain
from knowledge.types import BadFeed, Document, Skipped


def read(path: Path) -> tuple[list[Document], list[Skipped]]:
    items = list(read_documents(path, currency="EUR"))
    return (
        [item for item in items if isinstance(item, Document)],
        [item for item in items if isinstance(item, Skipped)],
    )


def feed(folder: Path, *rows: object) -> Path:
    path = folder / "products.jsonl"
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_the_demo_shop_is_read_whole() -> None:
    import knowledge.demo

    documents, skipped = read(knowledge.demo.folder())
    assert sum(document.kind == "product" for document in documents) == 105
    assert all(document.kind == "product" or document.text for document in documents)
    assert not [item for item in skipped if "photo" not in item.reason]


def test_a_product_keeps_every_column(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/a.jpg").write_bytes(b"photo")
    row = {
        "id": 7, "sku": "KL-7", "title": "Mug", "description": "A mug.", "price": 16.9,
        "currency": "eur", "stock": 4, "url": "/mug", "photos": ["photos/a.jpg"], "Colour": "blue",
        "attributes": {"rating": 4.0, "dishwasher_safe": True, "tags": ["a", "b"], "x": None},
    }  # fmt: skip
    (mug,), skipped = read(feed(tmp_path, row))
    assert not skipped
    assert (mug.id, mug.price, mug.currency, mug.stock, mug.url) == ("7", 16.9, "EUR", 4, "/mug")
    assert mug.photos == (str(tmp_path / "photos/a.jpg"),)
    assert mug.attributes == {
        "sku": "KL-7", "color": "blue", "rating": "4", "dishwasher_safe": "yes", "tags": "a, b",
    }  # fmt: skip


HOSTILE = [
    ('{"id": "a", "title"', "not JSON"),
    ("[1, 2]", "not a JSON object"),
    ("[" * 100_000, "not JSON"),
    ({"id": "a"}, "no title"),
    ({"title": "Mug"}, "no id"),
    ({"id": "a", "title": "<b></b> \u0000"}, "no title"),
    ({"id": "a", "title": "Mug", "price": -1}, "negative"),
    ('{"id": "a", "title": "Mug", "price": NaN}', "not a number"),
    ('{"id": "a", "title": "Mug", "price": 1e999}', "not a number"),
    ({"id": "a", "title": "Mug", "price": "cheap"}, "not a number"),
    ({"id": "a", "title": "Mug", "price": 10**400}, "not a number"),
    ({"id": "a", "title": "Mug", "price": True}, "not a number"),
    ({"id": "a" * 500, "title": "Mug"}, "longer than"),
]


@pytest.mark.parametrize(("row", "reason"), HOSTILE, ids=[reason for _, reason in HOSTILE])
def test_a_bad_row_is_reported_and_the_rest_read(tmp_path: Path, row: object, reason: str) -> None:
    documents, (skipped,) = read(feed(tmp_path, {"id": "ok", "title": "Bowl"}, row))
    assert [document.id for document in documents] == ["ok"]
    assert skipped.line == 2
    assert reason in skipped.reason


KEPT = [
    ({"photos": ["../secret.jpg"]}, "photo"),
    ({"photos": ["/etc/passwd"]}, "photo"),
    ({"photos": ["missing.jpg"]}, "photo"),
    ({"photos": ["a\u0000b.jpg", "x" * 5000][:1]}, "photo"),
    ({"url": "javascript:alert(1)"}, "address"),
    ({"url": "//evil.example/x"}, "address"),
    ({"stock": "many"}, "stock"),
    ({"description": "x " * 20_000}, "cut after"),
]


@pytest.mark.parametrize(("field", "reason"), KEPT)
def test_a_bad_field_is_left_out_and_the_product_kept(
    tmp_path: Path, field: dict, reason: str
) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    path = feed(tmp_path / "shop", {"id": "a", "title": "Mug", **field})
    (mug,), (skipped,) = read(path)
    assert (mug.photos, mug.url, mug.stock) == ((), "", None)
    assert reason in skipped.reason


def test_a_link_does_not_lead_photos_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (tmp_path / "shop/a.jpg").symlink_to(tmp_path / "secret.jpg")
    (mug,), (skipped,) = read(feed(tmp_path / "shop", {"id": "a", "title": "M", "photos": "a.jpg"}))
    assert mug.photos == ()
    assert "not found in the feed's folder" in skipped.reason


def test_of_two_documents_with_one_id_the_first_is_kept(tmp_path: Path) -> None:
    path = feed(tmp_path, {"id": "a", "title": "First"}, {"id": "a", "title": "Second"})
    (kept,), (skipped,) = read(path)
    assert kept.title == "First"
    assert str(skipped) == f"{path}:2: second document with id 'a'; the first was kept"


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("<p>A <b>blue</b> mug</p><p>Nice</p>", "A blue mug Nice"),
        ("Mug<script>steal()</script>!", "Mug!"),
        ("Mug<script>steal()", "Mug"),
        ("<style>p{}</style>Salt &amp; pepper", "Salt & pepper"),
        ("<img src=x onerror=alert(1)>Mug", "Mug"),
        ("5 < 6 and AT&T", "5 < 6 and AT&T"),
        ("A\u0000B\u001b[31m\u200bC", "A B [31mC"),
        ("Jane &amp; Joe", "Jane & Joe"),
    ],
)
def test_markup_becomes_text(field: str, text: str) -> None:
    assert plain(field) == text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_in_any_encoding(tmp_path: Path, encoding: str, delimiter: str) -> None:
    rows = [
        ["SKU", "Title", "Price", "Stock", "Glaze"],
        ["KL-1", '"Café-Tasse, blau"', '"16,90 €"', "-2", "glänzend"],
        ["KL-2", '"Two\nlines"', "20", "3", ""],
        ["KL-3", "Bowl", "x", "1", ""],
    ]
    path = tmp_path / "products.csv"
    path.write_bytes("\r\n".join(map(delimiter.join, rows)).encode(encoding))
    (cup, two), (skipped,) = read(path)
    assert (cup.id, cup.title, cup.price, cup.currency) == ("KL-1", "Café-Tasse, blau", 16.9, "EUR")
    assert cup.stock == 0
    assert cup.attributes == {"sku": "KL-1", "glaze": "glänzend"}
    assert two.title == "Two lines"
    assert skipped.line == 5


def test_faqs(tmp_path: Path) -> None:
    (tmp_path / "faq.csv").write_text("Question,Answer\nWhen?,Soon.\nWhy?,\n")
    (faq,), (skipped,) = read(tmp_path)
    assert (faq.kind, faq.title, faq.text) == ("faq", "When?", "Soon.")
    assert (skipped.line, skipped.reason) == (3, "no answer")


def test_policies_are_split_by_heading_word_for_word(tmp_path: Path) -> None:
    long = " ".join(f"Sentence number {i} says something." for i in range(80))
    text = (
        "# Returns policy\r\n\r\nAll of it.\r\n\r\n## Refunds\r\n\r\nWithin **5** days.\r\n"
        "```\r\n# not a heading\r\n```\r\n\r\n"
        f"## Exchanges #\r\n\r\n{long}\r\n\r\n## Refunds\r\nAgain."
    )
    path = tmp_path / "returns.md"
    path.write_bytes(text.encode())
    documents, skipped = read(path)
    assert not skipped
    assert [d.title for d in documents[:3]] == [
        "Returns policy",
        "Returns policy: Refunds",
        "Returns policy: Exchanges",
    ]
    assert len({d.id for d in documents}) == len(documents)
    assert documents[0].text == "All of it."
    assert "# not a heading" in documents[1].text
    exchanges = [d for d in documents if d.title.endswith("Exchanges")]
    assert len(exchanges) > 1
    for document in documents:
        start, end = int(document.attributes["start"]), int(document.attributes["end"])
        assert text[start:end] == document.text
        assert len(document.text) <= PASSAGE
    assert "".join(d.text for d in exchanges).replace(" ", "") == long.replace(" ", "")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("Fine.")
    (tmp_path / "b.jsonl").write_bytes(b"\x00\x01\x02")
    (tmp_path / "c.csv").write_text("x,y\n1,2\n")
    (tmp_path / "d.txt").write_text("  \n")
    (tmp_path / "e.jpg").write_bytes(b"photo")
    (tmp_path / ".hidden.md").write_text("Hidden.")
    documents, skipped = read(tmp_path)
    assert [document.text for document in documents] == ["Fine."]
    assert [(Path(item.file).name, item.reason) for item in skipped] == [
        ("b.jsonl", "is not a text file"),
        ("c.csv", "has neither title nor question in its columns (x, y)"),
        ("d.txt", "has no text"),
    ]
    for name in ("b.jsonl", "c.csv", "e.jpg", "missing.jsonl"):
        with pytest.raises(BadFeed, match=name):
            read(tmp_path / name)


# --- Files in other ways than they should be -----------------------------------------------------


def test_what_is_not_utf8_is_read_all_the_same_and_said(tmp_path: Path) -> None:
    """Some lines of an export in UTF-8, some pasted in from Windows."""
    path = tmp_path / "mixed.csv"
    path.write_bytes("id,title\n1,Größe\n".encode() + "2,Café\n".encode("cp1252"))
    said: list[str] = []
    documents = list(read_documents(path, guessed=lambda _, what: said.append(what)))
    assert [d.title for d in documents if isinstance(d, Document)] == ["Größe", "Café"]
    assert said == ["products, one a row (in Windows-1252)"]


def test_a_quote_that_is_never_closed_costs_one_row(tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    rows = [f"{i},Mug {i},Nice." for i in range(50)]
    rows[10] = '10,"Mug 10,Nice.'
    path.write_text("\n".join(["id,title,description", *rows]), encoding="utf-8")
    documents, (skipped,) = read(path)
    assert [d.id for d in documents] == [str(i) for i in range(50) if i != 10]
    assert str(skipped) == f"{path}:12: a quote that is opened in this row is never closed"

    rows += [f"{i},{'x' * 1000},Nice." for i in range(50, 250)]  # longer than a field may be
    path.write_text("\n".join(["id,title,description", *rows]), encoding="utf-8")
    documents, (skipped,) = read(path)
    assert len(documents) == 249
    assert "field larger than field limit" in skipped.reason


def test_a_line_without_end_is_reported_and_the_rest_read(tmp_path: Path) -> None:
    path = tmp_path / "shop.jsonl"
    long = json.dumps({"id": "long", "title": "x" * 5_000_000})
    path.write_text(f'{long}\n{{"id": "a", "title": "Mug"}}\n', encoding="utf-8")
    (mug,), (skipped,) = read(path)
    assert mug.id == "a"
    assert (skipped.line, skipped.reason) == (1, "longer than 4,000,000 characters")


@pytest.mark.parametrize(
    "written",
    [
        [{"question": "When?", "answer": "Soon."}],
        {"faqs": [{"q": "When?", "a": "Soon."}]},
        {"When?": "Soon."},
    ],
)
def test_questions_in_json(tmp_path: Path, written: object) -> None:
    (tmp_path / "faq.json").write_text(json.dumps(written))
    (faq,), skipped = read(tmp_path)
    assert (faq.kind, faq.title, faq.text, skipped) == ("faq", "When?", "Soon.", [])


def test_a_file_is_known_by_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('{"id": "a", "title": "Mug"}\n')
    (tmp_path / "b.jsonl").write_text("id;title\nb;Bowl\n")
    (tmp_path / "c.txt").write_text("<!doctype html><p>Open on Mondays.</p>")
    (tmp_path / "orders.json").write_text('{"orders": [{"id": 1}], "products": [{"id": 2}]}')
    (tmp_path / "LICENSE.txt").write_text("Permission is granted.")
    said: dict[str, str] = {}
    documents = list(
        read_documents(tmp_path, guessed=lambda path, what: said.update({path.name: what}))
    )
    assert [d.text or d.title for d in documents if isinstance(d, Document)] == [
        "Mug",
        "Open on Mondays.",
    ]
    assert said["c.txt"] == "a text in HTML"
    assert said["orders.json"] == said["LICENSE.txt"] == "nothing to index; passed over"


MARKUP = (
    "<b onclick=alert(1)>Mug</b><script>steal()</script>",
    "Mug<style>p{}</style><!-- <script>steal()</script> -->",
    "&lt;script&gt;steal()&lt;/script&gt;Mug",
    "&amp;lt;b&amp;gt;Mug",
)


@pytest.mark.parametrize("markup", MARKUP)
def test_html_and_scripts_in_every_field_become_plain_text(tmp_path: Path, markup: str) -> None:
    names = ("id", "title", "description", "group", "links", "glaze", "language", "updated_at")
    row = {**dict.fromkeys(names, markup), "attributes": {"care": markup, markup: markup}}
    (mug,), _ = read(feed(tmp_path, row))
    said = json.dumps([mug.id, mug.title, mug.text, mug.group, mug.links, mug.language])
    said += json.dumps([mug.updated_at, dict(mug.attributes)])
    assert mug.title == mug.text == mug.attributes["care"] == mug.attributes["glaze"] == "Mug"
    for trace in ("<", ">", "&lt", "alert", "steal()"):
        assert trace not in said.replace(json.dumps(markup), ""), trace


def test_links_and_groups_of_our_own_feed(tmp_path: Path) -> None:
    row = {"id": "a", "title": "Mug", "group": "mugs", "goes with": "b; c, a;b"}
    (mug,), skipped = read(feed(tmp_path, row))
    assert (mug.group, mug.links, skipped) == ("mugs", ("b", "c"), [])


def test_a_price_without_a_currency_takes_the_one_given(tmp_path: Path) -> None:
    path = tmp_path / "products.csv"
    path.write_text("id,title,price\n1,Mug,9\n2,Bowl,$ 12\n3,Gift card,\n")
    mug, bowl, card = read_documents(path, currency="EUR")
    assert (mug.currency, bowl.currency, card.currency) == ("EUR", "USD", "")
    mug, *_, reported = read_documents(path)
    assert mug.currency == "" and str(reported).endswith(
        "1 prices name no currency; DESKHAND_CURRENCY=EUR would say which"
    )


@pytest.mark.parametrize(
    ("address", "site", "url"),
    [
        ("/products/mug", "https://shop.example", "https://shop.example/products/mug"),
        ("/products/mug", "https://shop.example/en/", "https://shop.example/products/mug"),
        ("https://other.example/mug", "https://shop.example", "https://other.example/mug"),
        ("//evil.example/mug", "https://shop.example", ""),
        ("javascript:alert(1)", "https://shop.example", ""),
        ("/products/mug", "", "/products/mug"),
        ("", "https://shop.example", ""),
    ],
)
def test_paths_of_pages_belong_to_the_shops_site(
    tmp_path: Path, address: str, site: str, url: str
) -> None:
    rows = [
        {"id": "1", "title": "Mug", "url": address},
        {"id": "2", "question": "How?", "answer": "So.", "url": address},
    ]
    read = list(read_documents(feed(tmp_path, *rows), site=site))
    assert [one.url for one in read if isinstance(one, Document)] == [url, url]


def test_parquet(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from decimal import Decimal

    from pyarrow import parquet

    rows = [
        {"id": i, "title": f"Mug {i}", "price": Decimal("9.90"), "tags": ["a", "b"], "stock": 3.0}
        for i in range(1200)
    ]
    rows[700]["title"] = ""
    path = tmp_path / "shop.parquet"
    parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    documents, (skipped,) = read(path)
    assert len(documents) == 1199
    assert (documents[0].price, documents[0].stock) == (9.9, 3)
    assert documents[0].attributes == {"tags": "a, b"}
    assert (skipped.line, skipped.reason) == (701, "no title (700)")
    path.write_bytes(b"PAR1" + b"garbage" * 50)
    with pytest.raises(BadFeed, match="not Parquet"):
        read(path)


BIG = """
import resource, sys
from pathlib import Path
from knowledge.load import read_documents
path, rows = Path(sys.argv[1]), int(sys.argv[2])
list(read_documents(path.with_name("small" + path.suffix)))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
count = sum(1 for _ in read_documents(path))
assert count == rows, count
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".xml"])
def test_two_hundred_megabytes_are_read_in_bounded_memory(tmp_path: Path, suffix: str) -> None:
    text = "A mug of stoneware with a thick lip. " * 100

    def row(number: int) -> str:
        values = {"id": f"p{number}", "title": f"Mug {number}", "description": text}
        if suffix == ".csv":
            return ",".join(values.values()) + "\n"
        if suffix == ".jsonl":
            return json.dumps(values) + "\n"
        return "<item>" + "".join(f"<{n}>{v}</{n}>" for n, v in values.items()) + "</item>\n"

    start = {".csv": "id,title,description\n", ".xml": "<rss>\n"}.get(suffix, "")
    end = "</rss>" if suffix == ".xml" else ""
    (tmp_path / f"small{suffix}").write_text(start + row(0) + end)
    path, rows = tmp_path / f"big{suffix}", 0
    with path.open("w") as file:
        file.write(start)
        while file.tell() < 200_000_000:
            file.write("".join(map(row, range(rows, rows + 1000))))
            rows += 1000
        file.write(end)
    read = [sys.executable, "-c", BIG, str(path), str(rows)]
    done = subprocess.run(read, capture_output=True, text=True, cwd=Path(__file__).parent.parent)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 50  # megabytes more than for one row; the ids are kept
