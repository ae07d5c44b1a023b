"""The index on disk: updates, interruptions, damage, and who may have it open."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from knowledge.embed import DIM
from knowledge.generation import fault
from knowledge.index import empty, kept_documents, open_index
from knowledge.load import read_documents
from knowledge.types import (
    Document,
    IndexBusy,
    IndexDamaged,
    IndexMismatch,
    KnowledgeError,
    NoIndex,
    Skipped,
)

ENCODER = "synthetic:1"


def vector(text: str) -> np.ndarray:
    """A unit vector that only this text has."""
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    drawn = np.random.default_rng(seed).standard_normal(DIM).astype(np.float32)
    return drawn / np.linalg.norm(drawn)


class Embedder:
    """Synthetic vectors, and what was asked of it."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.photos: list[Path] = []

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        self.texts += texts
        return np.stack([vector(text) for text in texts])

    def embed_photos(self, paths: Sequence[Path]) -> list[np.ndarray | None]:
        self.photos += paths
        read = [path.read_bytes().decode(errors="replace") for path in paths]
        return [None if text == "broken" else vector(text) for text in read]


def product(number: int, **changes) -> Document:
    document = Document(id=f"p{number}", kind="product", title=f"Product {number}", text="Nice.")
    return replace(document, **changes)


SHOP = [product(i) for i in range(200)]


def make(folder: Path, documents: Sequence[Document] = SHOP) -> Embedder:
    embedder = Embedder()
    with open_index(folder, ENCODER, create=True) as knowledge:
        knowledge.update(documents, embedder.embed, embedder.embed_photos)
    return embedder


def found(folder: Path, documents: Sequence[Document] = SHOP) -> list[str]:
    """Ids of the documents in the index, after a look that each can be found."""
    with open_index(folder, ENCODER) as knowledge:
        for document in knowledge.documents():
            near = knowledge.search("", vector(f"{document.title}\n{document.text}"), k=1)
            assert near[0].document == document
            assert near[0].score > 0.9
            words = knowledge.search(document.title.split()[-1], vector("else"), k=200)
            assert document.id in [hit.document.id for hit in words if "lexical" in hit.ranks]
        return sorted(document.id for document in knowledge.documents())


def test_an_update_embeds_only_what_is_new(tmp_path: Path) -> None:
    embedder = Embedder()
    progress: list[tuple[str, int, int]] = []
    with open_index(tmp_path / "index", ENCODER, create=True) as knowledge:

        def update(documents: Sequence[Document], complete: bool = True) -> tuple[int, ...]:
            embedder.texts.clear()
            report = knowledge.update(
                documents,
                embedder.embed,
                embedder.embed_photos,
                progress=lambda *said: progress.append(said),
                complete=complete,
            )
            counts = (report.added, report.changed, report.removed, report.unchanged)
            return (*counts, len(embedder.texts))

        assert update(SHOP) == (200, 0, 0, 0, 200)
        assert ("embedding", 200, 200) in progress
        assert update(SHOP) == (0, 0, 0, 200, 0)
        assert update([replace(SHOP[0], price=3.0), *SHOP[1:]]) == (0, 1, 0, 199, 0)
        assert knowledge.document("p0").price == 3.0
        assert update([replace(SHOP[0], text="New."), *SHOP[1:]]) == (0, 1, 0, 199, 1)
        assert knowledge.search("", vector("Product 0\nNew."), k=1)[0].document.id == "p0"
        assert update([product(300)], complete=False) == (1, 0, 0, 0, 1)
        assert update(SHOP[:50]) == (0, 1, 151, 49, 1)
        hits = knowledge.search("product", vector("Product 120\nNice."), k=100)
        assert len(hits) == knowledge.count("product") == 50
        assert knowledge.count("faq") == 0
    assert len(found(tmp_path / "index")) == 50


def test_skipped_things_are_in_the_report(tmp_path: Path) -> None:
    bad = Skipped("feed.jsonl", 3, "no title")
    with open_index(tmp_path, ENCODER, create=True) as knowledge:
        report = knowledge.update(
            [bad, SHOP[0], SHOP[0]], Embedder().embed, Embedder().embed_photos
        )
    assert report.added == 1
    assert report.skipped[0] == bad
    assert "second document" in report.skipped[1].reason


def test_photos_are_found_by_their_vectors(tmp_path: Path) -> None:
    for name in ("front", "back", "broken"):
        (tmp_path / f"{name}.jpg").write_text(name)
    photos = tuple(str(tmp_path / f"{name}.jpg") for name in ("broken", "front", "back", "gone"))
    shop = [product(1, photos=photos), product(2), product(3, photos=photos[1:2])]
    embedder = Embedder()
    with open_index(tmp_path / "index", ENCODER, create=True) as knowledge:
        report = knowledge.update(shop, embedder.embed, embedder.embed_photos)
        assert sorted(Path(item.file).stem for item in report.skipped) == ["broken", "gone"]
        assert len(embedder.photos) == 3  # one photo that two products share is embedded once
        best, *others = knowledge.search("how much is this?", vector("back"))
        assert best.document.id == "p1"
        assert best.ranks["photo"] == 1
        assert best.score > 0.5 > 0.3 > others[0].score

        (tmp_path / "back.jpg").write_text("another")
        knowledge.update(shop, embedder.embed, embedder.embed_photos)
        assert knowledge.search("", vector("another"))[0].document.id == "p1"
        knowledge.update(shop[1:], embedder.embed, embedder.embed_photos)
        assert knowledge.search("", vector("front"))[0].document.id == "p3"
        assert knowledge.search("", vector("another"))[0].score < 0.3


def test_another_encoder_is_refused_until_the_index_is_made_anew(tmp_path: Path) -> None:
    make(tmp_path)
    with pytest.raises(IndexMismatch) as error:
        open_index(tmp_path, "other:2")
    for part in (ENCODER, "other:2", "deskhand index --rebuild"):
        assert part in str(error.value)
    documents = kept_documents(tmp_path)
    empty(tmp_path)
    assert sorted(d.id for d in documents) == sorted(d.id for d in SHOP)
    with open_index(tmp_path, "other:2", create=True) as knowledge:
        assert knowledge.count() == 0


def test_no_index(tmp_path: Path) -> None:
    with pytest.raises(NoIndex, match="deskhand index PATH"):
        open_index(tmp_path / "none", ENCODER)
    assert not (tmp_path / "none").exists()


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KnowledgeError, match="cannot be used"):
        open_index(tmp_path / "file" / "index", ENCODER, create=True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    make(tmp_path / "index")
    (tmp_path / "index").chmod(0o500)
    with pytest.raises(KnowledgeError, match="Permission denied"):
        open_index(tmp_path / "index", ENCODER)


def test_vectors_of_the_wrong_kind_are_refused(tmp_path: Path) -> None:
    with open_index(tmp_path, ENCODER, create=True) as knowledge:
        for wrong in (np.zeros((1, DIM)), np.ones((1, 512)), np.full((1, DIM), np.nan)):
            with pytest.raises(KnowledgeError, match="encoder gives vectors"):
                knowledge.update(SHOP[:1], lambda texts, w=wrong: w, Embedder().embed_photos)
        for wrong in (np.ones(3), np.full(DIM, np.nan)):
            with pytest.raises(ValueError, match="finite vector"):
                knowledge.search("", wrong)
        assert knowledge.search("anything", vector("anything")) == []


# --- Other processes ------------------------------------------------------------------------------

PREAMBLE = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import test_knowledge_index as t
folder = Path({folder!r})
die = lambda *args, **kwargs: os.kill(os.getpid(), signal.SIGKILL)
"""


def run(folder: Path, script: str) -> subprocess.Popen[str]:
    preamble = PREAMBLE.format(tests=str(Path(__file__).parent), folder=str(folder))
    return subprocess.Popen(
        [sys.executable, "-c", preamble + textwrap.dedent(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
    )


def test_a_second_writer_is_told_who_writes_and_readers_go_on(tmp_path: Path) -> None:
    make(tmp_path)
    writer = run(
        tmp_path,
        """
        e = t.Embedder()
        def embed(texts):
            print("writing", flush=True)
            sys.stdin.read()
            return e.embed(texts)
        with t.open_index(folder, t.ENCODER) as k:
            k.update([*t.SHOP, t.product(900)], embed, e.embed_photos)
        """,
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == "writing\n"
    with open_index(tmp_path, ENCODER) as knowledge:
        with pytest.raises(IndexBusy, match=f"process {writer.pid}, since 20"):
            knowledge.update(SHOP, Embedder().embed, Embedder().embed_photos)
        with pytest.raises(IndexBusy):
            empty(tmp_path)
        wanted = vector("Product 900\nNice.")
        assert knowledge.search("", wanted, k=1)[0].document.id != "p900"
        assert knowledge.count() == 200
        _, errors = writer.communicate()
        assert writer.returncode == 0, errors
        assert knowledge.search("", wanted, k=1)[0].document.id == "p900"  # without opening anew
        assert knowledge.count() == 201


@pytest.mark.slow
def test_many_readers_leave_the_vectors_as_they_are(tmp_path: Path) -> None:
    make(tmp_path, [product(i) for i in range(1200)])

    def graph() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in (tmp_path / "derived").rglob("*.bin")}

    before = graph()
    reader = """
    with t.open_index(folder, t.ENCODER) as k:
        for i in range(1200):
            if i % 12 == 0:
                (hit,) = k.search("", t.vector(f"Product {i}\\nNice."), k=1)
                assert hit.document.id == f"p{i}", hit
    """
    for process in [run(tmp_path, reader) for _ in range(3)]:
        _, errors = process.communicate()
        assert process.returncode == 0, errors
    assert before and graph() == before


def test_a_process_that_was_killed_does_not_keep_the_index(tmp_path: Path) -> None:
    make(tmp_path)
    run(
        tmp_path, "k = t.open_index(folder, t.ENCODER); k.update(t.SHOP[:9], die, None); die()"
    ).communicate()
    make(tmp_path, SHOP[:50])
    assert len(found(tmp_path, SHOP[:50])) == 50


MOMENTS = {
    "while embedding": "em.BATCH = 64; e.embed = lambda x: die() if e.texts else old(x); update()",
    "before the revision": "k._records.commit = die; update()",
    "after the revision": "ix.make = die; update()",
    "while Chroma follows": "ge.Neighbours.drop = die; update()",
    "between the derived parts": "ge.Lexical.save = die; update()",
    "before it is named": "ge._point = die; update()",
    "after it is named": "ix.tidy = die; update()",
}
OLD = sorted(document.id for document in SHOP)
NEW = sorted([*OLD[1:], *(f"p{i}" for i in range(500, 600))])
NEXT = [d for d in SHOP if d.id != OLD[0]] + [product(i) for i in range(500, 600)]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An index for each moment, after a process was killed at it while updating."""
    first = tmp_path_factory.mktemp("index")
    make(first)
    folders = {moment: tmp_path_factory.mktemp("index") for moment in MOMENTS}
    processes = []
    for moment, folder in folders.items():
        shutil.copytree(first, folder, dirs_exist_ok=True)
        script = f"""
        import knowledge.embed as em, knowledge.generation as ge, knowledge.index as ix
        e = t.Embedder()
        old = e.embed
        new = t.NEXT
        k = t.open_index(folder, t.ENCODER)
        update = lambda: k.update(new, e.embed, e.embed_photos)
        {MOMENTS[moment]}
        """
        processes.append(run(folder, script))
    for process in processes:
        _, errors = process.communicate()
        assert process.returncode == -signal.SIGKILL, errors
    return folders


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_in_an_update(killed: dict[str, Path], moment: str) -> None:
    folder = killed[moment]
    assert found(folder) == (NEW if moment == "after it is named" else OLD)

    embedder = Embedder()
    with open_index(folder, ENCODER) as knowledge:
        knowledge.update(NEXT, embedder.embed, embedder.embed_photos)
    kept = moment != "while embedding"
    assert len(embedder.texts) == (0 if kept else 36)  # the first 64 of 100 had been kept
    assert found(folder) == NEW
    generations = [path for path in (folder / "derived").iterdir() if path.is_dir()]
    assert len(generations) <= 2


@pytest.mark.slow
def test_killed_at_fifty_random_moments(tmp_path: Path) -> None:
    make(tmp_path)
    shops = {tuple(OLD), tuple(NEW)}
    drawn = np.random.default_rng(6)
    for turn in range(50):
        shop = "t.NEXT" if turn % 2 == 0 else "t.SHOP"
        script = f"""
        k = t.open_index(folder, t.ENCODER)
        e = t.Embedder()
        print("go", flush=True)
        k.update({shop}, e.embed, e.embed_photos)
        """
        process = run(tmp_path, script)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(float(drawn.uniform(0, 0.6)))
        process.kill()
        process.communicate()
        with open_index(tmp_path, ENCODER) as knowledge:
            assert tuple(d.id for d in knowledge.documents()) in shops
            best = knowledge.search("", vector("Product 7\nNice."), k=1)[0]
            assert best.document.id == "p7"
    make(tmp_path)
    assert found(tmp_path) == OLD


# --- No room ----------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of ten megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=10m", "tmpfs", str(disk)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_leaves_the_index_as_it_was(small_disk: Path) -> None:
    make(small_disk, SHOP[:20])
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(1_000_000))
    many = [product(i) for i in range(6000)]
    with open_index(small_disk, ENCODER) as knowledge:
        with pytest.raises(KnowledgeError, match=r"full|space"):
            knowledge.update(many, Embedder().embed, Embedder().embed_photos)
        assert knowledge.count() == 20
        assert knowledge.search("", vector("Product 7\nNice."), k=1)[0].document.id == "p7"
    ballast.unlink()  # Chroma needs a little room even to be opened
    assert len(found(small_disk, SHOP[:20])) == 20


# --- Damage ---------------------------------------------------------------------------------------


def spoil(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(b"garbage" * 30 + data[210 : len(data) // 2])


def test_damaged_documents_are_reported_and_the_index_made_anew(tmp_path: Path) -> None:
    make(tmp_path)
    spoil(tmp_path / "documents.sqlite")
    with pytest.raises(IndexDamaged, match="deskhand index --rebuild"):
        open_index(tmp_path, ENCODER)
    assert kept_documents(tmp_path) == []
    empty(tmp_path)
    make(tmp_path)
    assert len(found(tmp_path)) == 200


def test_an_index_of_another_format_is_refused(tmp_path: Path) -> None:
    make(tmp_path)
    with sqlite3.connect(tmp_path / "documents.sqlite") as db:
        db.execute("update meta set value = '99' where key = 'format'")
    db.close()
    with pytest.raises(IndexDamaged, match="format 99"):
        open_index(tmp_path, ENCODER)


@pytest.mark.parametrize(
    "part", ["*/chroma/*.sqlite3", "*/chroma/*/*.bin", "*/bm25/*", "*/facts.json", "*.json"]
)
def test_damaged_derived_parts_are_made_anew_without_embedding(tmp_path: Path, part: str) -> None:
    make(tmp_path, [product(i) for i in range(1200)])  # so many that Chroma writes its graph
    files = sorted((tmp_path / "derived").glob(part))
    assert files
    for file in files:
        spoil(file)
    with open_index(tmp_path, ENCODER) as knowledge:
        assert knowledge.search("", vector("Product 7\nNice."), k=1)[0].document.id == "p7"
        hits = knowledge.search("1199", vector("else"), k=1200)
        assert [hit.document.id for hit in hits if hit.ranks.get("lexical") == 1] == ["p1199"]


def test_lost_derived_parts_are_made_anew(tmp_path: Path) -> None:
    make(tmp_path)
    shutil.rmtree(tmp_path / "derived")
    assert len(found(tmp_path)) == 200


@pytest.mark.parametrize(
    ("part", "count"),
    [("chroma/*.sqlite3", 20), ("chroma/*/data_level0.bin", 1200), ("facts.json", 20)],
)
def test_damage_is_told_before_it_is_mended(tmp_path: Path, part: str, count: int) -> None:
    make(tmp_path, [product(i) for i in range(count)])
    assert fault(tmp_path / "derived") == ""
    with open_index(tmp_path, ENCODER) as knowledge:
        knowledge.search("product 7", vector("Product 7\nNice."))
    assert fault(tmp_path / "derived") == ""  # asking has changed nothing
    for file in (tmp_path / "derived").glob(f"*/{part}"):
        spoil(file)
    assert fault(tmp_path / "derived")
    documents = kept_documents(tmp_path)
    empty(tmp_path)
    make(tmp_path, documents)
    assert fault(tmp_path / "derived") == ""


def test_one_wrong_byte_among_the_vectors_is_told(tmp_path: Path) -> None:
    make(tmp_path, [product(i) for i in range(1200)])
    (file,) = (tmp_path / "derived").glob("*/chroma/*/data_level0.bin")
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0xFF
    file.write_bytes(data)
    assert "not the one that was written" in fault(tmp_path / "derived")


# --- Many -----------------------------------------------------------------------------------------


def feed(folder: Path, count: int) -> Path:
    path = folder / "shop.csv"
    rows = (f"p{i},Product {i},Nice.,KL-{i},{i % 90}.90" for i in range(count))
    path.write_text("\n".join(["id,title,description,sku,price", *rows]), encoding="utf-8")
    return path


def test_an_unchanged_feed_embeds_nothing_and_what_it_lacks_is_removed(tmp_path: Path) -> None:
    with open_index(tmp_path / "index", ENCODER, create=True) as knowledge:
        embedder = Embedder()

        def update(count: int) -> tuple[int, int, int]:
            embedder.texts.clear()
            documents = read_documents(feed(tmp_path, count))
            report = knowledge.update(documents, embedder.embed, embedder.embed_photos)
            return len(embedder.texts), report.unchanged, report.removed

        assert update(300) == (300, 0, 0)
        assert update(300) == (0, 300, 0)
        assert update(200) == (0, 200, 100)
        assert knowledge.document("p250") is None


ROWS = int(os.environ.get("ROWS", "20000"))  # the full measure takes ten minutes: ROWS=100000


@pytest.mark.slow
def test_many_unchanged_rows_embed_nothing(tmp_path: Path) -> None:
    path = feed(tmp_path, ROWS)
    asked = 0

    def embed(texts: Sequence[str]) -> np.ndarray:
        nonlocal asked
        asked += len(texts)
        drawn = np.random.default_rng(asked).standard_normal((len(texts), DIM)).astype(np.float32)
        return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)

    with open_index(tmp_path / "index", ENCODER, create=True) as knowledge:
        first = knowledge.update(read_documents(path), embed, Embedder().embed_photos)
        assert (asked, first.added) == (ROWS, ROWS)
        asked = 0
        again = knowledge.update(read_documents(path), embed, Embedder().embed_photos)
    assert (asked, again.unchanged) == (0, ROWS)
