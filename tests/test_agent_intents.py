"""A shop's own intents from files to replies: CSVs, the report, answers.yaml and the agent."""

from __future__ import annotations

import csv
from contextlib import closing
from pathlib import Path

import pytest
from test_fusion_intents import IN_SCOPE, OUT_OF_SCOPE, TAUGHT
from typer.testing import CliRunner

from agent.agent import Agent
from agent.build import open_agent
from agent.cli import app
from agent.config import Settings
from agent.errors import SetupError
from agent.intents import OUT_OF_SCOPE as OUT_LABELS
from agent.intents import Row, figures, read_examples, read_rows
from agent.own import FILE, read_routes
from agent.types import Answer, Ask, HandOff
from fusion.intents import Recognised
from fusion.types import BadInput, Turn

ANSWERS = """
opening_hours: {answer: "We are open from 9 to 18 o'clock, Monday to Saturday."}
gift_wrap: {faq: faq-returns-window}
voucher: {person: true}
engraving: {flow: cancel_order}
"""
NOT_MAPPED = (
    "does the shelf come assembled",
    "do I have to put the table together myself",
    "are screws and tools included",
    "where is the assembly manual",
    "how long does it take to assemble the bed",
)
ROWS = [(sentence, label) for label, some in TAUGHT.items() for sentence in some]
ROWS += [(sentence, "assembly") for sentence in NOT_MAPPED]


def write(path: Path, rows: list[tuple[str, ...]], header: tuple[str, ...]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of `deskhand intents fit` with its answers.yaml."""
    home = tmp_path_factory.mktemp("intents")
    train = write(home / "train.csv", ROWS, ("sentence", "label"))
    said = run("intents", "fit", train, "--out", home / "own")
    assert "25 sentences, 5 labels" in said and "Cross-validated accuracy" in said
    (home / "own" / FILE).write_text(ANSWERS)
    return home / "own"


@pytest.fixture(scope="module")
def own_agent(new_home: Path, fitted: Path):
    settings = Settings(home=new_home, speech="off", intents=fitted)
    with closing(open_agent(settings)) as agent:
        yield agent


def ask(agent: Agent, words: str, conversation: str = ""):
    conversation = conversation or agent.store.new_conversation()
    with closing(agent.reply(Turn(words), conversation)) as events:
        return next(event.reply for event in events if event.kind == "done")


def test_predictions_are_a_csv_of_four_columns(fitted: Path, tmp_path: Path) -> None:
    sentences = [*IN_SCOPE, *OUT_OF_SCOPE]
    test = write(tmp_path / "test.csv", [(sentence,) for sentence in sentences], ("sentence",))
    run("intents", "predict", fitted, test, "--out", tmp_path / "pred.csv")
    with (tmp_path / "pred.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["sentence", "label", "score", "out_of_scope"]
    assert [row["sentence"] for row in rows] == sentences
    assert [row["label"] for row in rows[: len(IN_SCOPE)]] == list(IN_SCOPE.values())
    assert all(float(row["out_of_scope"]) >= 0.5 for row in rows[len(IN_SCOPE) :])


def test_evaluation_counts_empty_labels_as_out_of_scope(fitted: Path, tmp_path: Path) -> None:
    rows = [*IN_SCOPE.items(), (OUT_OF_SCOPE[0], ""), (OUT_OF_SCOPE[1], "OOS")]
    said = run(
        "intents", "evaluate", fitted, write(tmp_path / "t.csv", rows, ("sentence", "label"))
    )
    assert f"{len(rows)} rows, 2 of them out of scope" in said
    assert "right label" in said and "AUROC" in said and "milliseconds" in said


def test_figures_are_what_they_say() -> None:
    rows = [Row(2, "a", "x"), Row(3, "b", "x"), Row(4, "c", "oos"), Row(5, "d", "")]
    found = [
        Recognised("x", 0.9, 0.1),
        Recognised("y", 0.9, 0.6),
        Recognised("x", 0.9, 0.7),
        Recognised("x", 0.9, 0.4),
    ]
    got = figures(rows, found)
    assert got["in scope: right label"] == 0.5 and got["in scope: turned away"] == 0.5
    assert got["out of scope: turned away"] == 0.5
    assert got["accuracy of all, turning away included"] == 0.5
    assert got["AUROC of out_of_scope"] == 0.75


def test_what_is_odd_in_a_training_file_is_named(tmp_path: Path) -> None:
    rows = [
        ("open today?", "hours"),
        ("open today?", "hours"),
        ("Open today?", "gifts"),
        ("", "hours"),
        ("wrap it", ""),
        ("tell me a joke", "oos"),
    ]
    examples = read_examples(write(tmp_path / "t.csv", rows, ("Sentence", "Label")))
    assert [row.label for row in examples.rows] == ["hours", "gifts"]
    assert examples.outside == ("tell me a joke",) and "oos" in OUT_LABELS
    said = "\n".join(examples.warnings)
    for part in ("without a sentence", "line 5", "without a label", "line 6", "1 repeated"):
        assert part in said
    assert "“open today?” has 2 labels: gifts, hours" in said
    assert "fewer than 5 examples: gifts (1), hours (1)" in said


def test_mislabelled_rows_are_pointed_out(fitted: Path, tmp_path: Path) -> None:
    rows = [(s, "voucher" if s == "I want initials engraved" else label) for s, label in ROWS]
    train = write(tmp_path / "t.csv", rows, ("sentence", "label"))
    run("intents", "fit", train, "--out", tmp_path / "out")
    said = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert "engraving and voucher" in said or "voucher taken for engraving: 1" in said


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"text,category\nhello,x\n", "no column sentence and no column label"),
        (b"sentence,label\n", "has no rows"),
        (b"", "has no rows"),
        (b"sentence,label\ncaf\xe9,x\n", "not UTF-8"),
        (b"sentence,label\n,\n", "no row with a sentence and a label"),
    ],
)
def test_files_that_cannot_be_used_are_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(BadInput, match=message):
        read_examples(tmp_path / "t.csv")


def test_other_separators_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes('\ufeffsentence;label\r\n"a; b";x\r\n'.encode())
    assert read_rows(tmp_path / "t.csv", labelled=True) == [Row(2, "a; b", "x")]
    with pytest.raises(BadInput, match="cannot be read"):
        read_rows(tmp_path / "none.csv", labelled=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: {answer: x, faq: y}", "exactly one"),
        ("a: {}", "exactly one"),
        ("a: {flow: dance}", "order_status"),
        ("a: {person: false}", "exactly one"),
        ("a: {reply: x}", "reply"),
        ("- a", "answers.yaml"),
        ("a: [", "cannot be read"),
    ],
)
def test_a_map_that_makes_no_sense_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(SetupError, match=message):
        read_routes(tmp_path / FILE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("parking: {person: true}", "not taught: parking"),
        ("voucher: {faq: no}", "not in the index"),
    ],
)
def test_a_map_to_what_is_not_there_is_refused(
    fitted: Path, new_home: Path, text: str, message: str
) -> None:
    (fitted / FILE).write_text(text)
    try:
        with pytest.raises(SetupError, match=message):
            open_agent(Settings(home=new_home, speech="off", intents=fitted))
    finally:
        (fitted / FILE).write_text(ANSWERS)


def test_labels_that_yaml_takes_for_something_else_are_labels(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("no: {person: true}\n12: {answer: yes}\n")
    routes = read_routes(tmp_path / FILE)
    assert routes["no"].person and routes["12"].answer == "yes"


def test_the_agent_says_the_shops_own_answer(own_agent: Agent) -> None:
    reply = ask(own_agent, "are you open on Saturday?")
    assert reply.text == "We are open from 9 to 18 o'clock, Monday to Saturday."
    assert [cited.document for cited in reply.citations] == ["intent:opening_hours"]


def test_the_agent_cites_the_faq_of_a_label(own_agent: Agent) -> None:
    reply = ask(own_agent, "could it be gift wrapped")
    assert [cited.document for cited in reply.citations] == ["faq-returns-window"]


def test_the_agent_hands_over_where_the_shop_says_so(own_agent: Agent) -> None:
    assert isinstance(ask(own_agent, "my gift card code does not work").decision, HandOff)


@pytest.mark.parametrize(
    "words", ["is a manual for the assembly included", "what is the capital of Peru"]
)
def test_what_is_not_mapped_or_not_in_scope_goes_on_as_before(own_agent: Agent, words: str) -> None:
    decision = ask(own_agent, words).decision
    own = isinstance(decision, Answer) and any("own" in hit.ranks for hit in decision.hits)
    assert not own


def test_a_label_starts_a_flow_and_its_open_question_is_not_taken_over(own_agent: Agent) -> None:
    conversation = own_agent.store.new_conversation()
    asked = ask(own_agent, "I want initials engraved", conversation).decision
    assert isinstance(asked, Ask) and asked.slot == "email"
    assert "9 to 18" not in ask(own_agent, "are you open on Sundays", conversation).text
