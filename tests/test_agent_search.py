"""Searching with a file of questions, as a program would."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from agent import cli

SAMPLES = Path(__file__).parent / "samples"


@pytest.fixture
def search(new_home: Path, monkeypatch, capsys):
    """`deskhand search --queries FILE`; exit code, printed lines, and what was complained of."""

    def run(queries: Path, *more: str) -> tuple[object, list[str], str]:
        monkeypatch.setenv("DESKHAND_HOME", str(new_home))
        monkeypatch.setattr(
            sys, "argv", ["deskhand", "search", "--queries", str(queries), "--json", *more]
        )
        with pytest.raises(SystemExit) as left:
            cli.main()
        captured = capsys.readouterr()
        return left.value.code, captured.out.splitlines(), captured.err

    return run


def test_one_line_a_question_in_order(search, tmp_path: Path) -> None:
    questions = ["blue coffee cup", "how long may I return something?", "", "KL-1042"]
    (tmp_path / "questions.txt").write_text("\n".join(questions) + "\n", encoding="utf-8")
    code, lines, _ = search(tmp_path / "questions.txt", "--k", "3")
    answers = [json.loads(line) for line in lines]
    assert not code and [answer["query"] for answer in answers] == questions
    blue, returns, nothing, coded = (answer["hits"] for answer in answers)
    assert len(blue) == 3 and blue[0]["id"].startswith("mug-aster-blue")
    assert {"id", "kind", "title", "score"} <= blue[0].keys() and 0 < blue[0]["score"] <= 1
    assert any(hit["kind"] != "product" for hit in returns)
    assert nothing == [] and coded[0]["score"] > 0.9


@pytest.mark.parametrize("separator", ["\u2028", "\x85"])
def test_a_separator_within_a_question_is_no_new_line(search, tmp_path: Path, separator) -> None:
    question = f"blue{separator}coffee cup"
    (tmp_path / "questions.txt").write_text(f"{question}\nKL-1042\n", encoding="utf-8")
    row = json.dumps({"text": question}, ensure_ascii=False)
    (tmp_path / "rows.jsonl").write_text(row, encoding="utf-8")
    code, lines, _ = search(tmp_path / "questions.txt", "--k", "1")
    assert not code and [json.loads(line)["query"] for line in lines] == [question, "KL-1042"]
    code, lines, _ = search(tmp_path / "rows.jsonl", "--k", "1")
    assert not code and [json.loads(line)["query"] for line in lines] == [{"text": question}]


def test_rows_with_words_a_photo_or_both(search, tmp_path: Path) -> None:
    shutil.copy(SAMPLES / "photos/customer/kettle-bruno-red_3.jpg", tmp_path / "seen.jpg")
    rows = [{"text": "a pillow made of linen"}, {"photo": "seen.jpg"}]
    rows.append({"text": "how much is this?", "photo": "seen.jpg"})
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    code, lines, _ = search(tmp_path / "rows.jsonl")
    answers = [json.loads(line) for line in lines]
    assert not code and [answer["query"] for answer in answers] == rows
    ids = [answer["hits"][0]["id"] for answer in answers]
    assert ids[0].startswith("cushion-nappe")
    assert all(id.startswith("kettle-bruno") for id in ids[1:])


@pytest.mark.parametrize(
    ("name", "written", "sentence"),
    [
        ("rows.jsonl", b'{"text": "mug"}\n[1]', "rows.jsonl:2 is not a row"),
        ("rows.jsonl", b'{"photo": "nowhere.jpg"}', "cannot be read"),
        ("questions.txt", b"\xff\xfe\x00", "cannot be read as UTF-8"),
    ],
)
def test_a_bad_file_is_one_sentence(search, tmp_path: Path, name, written, sentence) -> None:
    (tmp_path / name).write_bytes(written)
    code, _, complained = search(tmp_path / name)
    assert code == 1 and sentence in complained and "Traceback" not in complained
