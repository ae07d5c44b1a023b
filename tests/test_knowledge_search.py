"""The ranking, with the real sentence encoder over the demo shop."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

import knowledge.demo
from knowledge.evaluate import (
    evaluate,
    load_judged,
    ndcg,
    recall,
    reciprocal_rank,
    table,
)
from knowledge.index import Knowledge, open_index
from knowledge.lexical import Lexical
from knowledge.load import read_documents
from knowledge.parse import parse_filters
from knowledge.search import NAMED, WINDOW, Signals, order, score, window
from knowledge.types import BadFeed, Document, Hit


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, text_encoder) -> Iterator[Knowledge]:
    with open_index(tmp_path_factory.mktemp("index"), text_encoder.name, create=True) as opened:
        documents = read_documents(knowledge.demo.folder())
        opened.update(documents, text_encoder.encode, lambda paths: [None] * len(paths))
        yield opened


@pytest.fixture(scope="module")
def ask(shop: Knowledge, text_encoder) -> Callable[..., list[Hit]]:
    def search(words: str, **options) -> list[Hit]:
        filters = parse_filters(words, shop.vocabulary)
        return shop.search(words, text_encoder.encode([words])[0], filters, **options)

    return search


@pytest.mark.parametrize(
    ("words", "prefix"),
    [
        ("blue coffee cup", "mug-aster-blue"),
        ("a pillow made of linen", "cushion-nappe"),
        ("terracota plantr", "planter-moss-terracotta"),
        ("yelow cushon", "cushion-nappe-yellow"),
        ("vases under 30 euros", "vase-fjord-blue-small"),
        ("storage jar, anything but glass", "storage-jar-cellar"),
        ("do you deliver to the UK?", "faq-delivery-outside-eu"),
        ("my order arrived broken", "faq-damaged-item"),
        ("is there lead in the glaze", "faq-glazes-lead-free"),
    ],
)
def test_the_best_hit(ask, words: str, prefix: str) -> None:
    assert ask(words)[0].document.id.startswith(prefix)


def test_other_words_for_a_thing_find_it_among_the_first(ask) -> None:
    hits = ask("something to sit on at the kitchen counter", kinds=["product"])[:3]
    assert any(hit.document.id.startswith("stool-pike") for hit in hits)


@pytest.mark.parametrize(
    "words", ["KL-1042", "is kl-1042 dishwasher safe?", "mug-aster-blue-small"]
)
def test_an_article_number_comes_first(ask, words: str) -> None:
    first, second = ask(words)[:2]
    assert first.document.id == "mug-aster-blue-small"
    assert first.score >= NAMED > second.score


def test_hits_are_in_order_and_quote_their_documents(ask) -> None:
    for words in ("how long do I have to send something back", "blue mug", "", "?", "日本語"):
        hits = ask(words, k=20)
        scores = [hit.score for hit in hits]
        assert scores == sorted(scores, reverse=True)
        assert all(0 <= value <= 1 for value in scores)
        for hit in hits:
            assert hit.passage in hit.document.text
            assert 0 < len(hit.passage) <= WINDOW
            assert hit.ranks["dense"] >= 1


def test_kinds_and_filters(ask, shop: Knowledge) -> None:
    assert {hit.document.kind for hit in ask("returns", kinds=["policy"])} == {"policy"}
    assert ask("returns", kinds=[]) == []
    cheap = ask("a present under 10 euros", kinds=["product"], k=200)
    assert {hit.document.id for hit in cheap} == {
        product.id for product in shop.documents("product") if product.price < 10
    }
    assert ask("a present under 1 euro", kinds=["product"]) == []
    assert {hit.document.kind for hit in ask("a present under 1 euro")} <= {"faq", "policy"}


def test_small_talk_leaves_the_ranking_to_the_vector(shop: Knowledge, text_encoder) -> None:
    seen = text_encoder.encode(["a red kettle"])[0]
    for words in ("how much is this?", "hello, do you have that please", "what is it?"):
        hits = shop.search(words, seen)
        assert hits[0].document.id == "kettle-bruno-red"
        assert "lexical" not in hits[0].ranks


def test_the_vocabulary_is_what_the_products_state(shop: Knowledge) -> None:
    assert {"blue", "terracotta"} <= shop.vocabulary["color"]
    assert {"glass and cork"} <= shop.vocabulary["material"]
    assert shop.vocabulary["currency"] == {"EUR"}


def test_the_weighted_sum_is_the_best_way(shop: Knowledge, text_encoder) -> None:
    judged = load_judged(knowledge.demo.folder() / "qrels.jsonl")
    assert len(judged) >= 60
    known = {document.id for document in shop.documents()}
    assert all(question.relevant <= known for question in judged)
    results = evaluate(shop, judged, text_encoder.encode)
    ours = results.pop("both, as searched")
    assert ours.ndcg_10 > max(result.ndcg_10 for result in results.values())
    assert ours.ndcg_10 > 0.82
    assert ours.recall_10 > 0.88
    assert f"{ours.ndcg_10:.3f}" in table({"both, as searched": ours})


def test_measures() -> None:
    assert ndcg(["a", "b"], {"a", "b"}, 10) == 1
    assert ndcg(["x", "a"], {"a"}, 10) == pytest.approx(1 / np.log2(3))
    assert ndcg(["x"], {"a"}, 10) == ndcg([], set(), 10) == 0
    assert recall(["a", "x", "b"], {"a", "b"}, 2) == 0.5
    assert recall(list("abcdef"), set("abcdefgh"), 5) == 1
    assert reciprocal_rank(["x", "a"], {"a"}) == 0.5
    assert reciprocal_rank(["x"], {"a"}) == 0


def test_judged_questions_are_checked(tmp_path) -> None:
    (tmp_path / "qrels.jsonl").write_text('{"query": "a", "relevant": ["b"]}\n{"query": "a"}\n')
    with pytest.raises(BadFeed, match=r"qrels.jsonl:2"):
        load_judged(tmp_path / "qrels.jsonl")


def test_scores() -> None:
    signals = Signals(
        dense={"text": 0.6, "words": 0.5, "photo": 0.1, "named": -0.2, "none": -0.5},
        photo={"photo": 0.9, "text": 0.2},
        lexical={"words": 0.9},
        named=frozenset({"named"}),
    )
    assert order(score(signals)) == ["named", "photo", "words", "text", "none"]
    assert score(signals)["none"] == 0


@pytest.mark.parametrize(
    ("text", "words", "passage"),
    [
        ("One. Two blue. Three.", "", "One. Two blue. Three."),
        ("A.\nB.", "", "A.\nB."),
        ("x" * 700, "", "x" * 300),
        ("", "blue", ""),
        (" \n ", "blue", ""),
        ("It costs 4.90 EUR. " + "Filler here. " * 40, "costs", "It costs 4.90 EUR. "),
        (
            "Filler here. " * 40 + "Refunds take 5 days! Done.",
            "refund",
            "Refunds take 5 days! Done.",
        ),
    ],
)
def test_the_passage_is_whole_sentences(text: str, words: str, passage: str) -> None:
    start, end = window(text, words)
    assert text[start:end].startswith(passage.strip() if passage else "")
    assert end - start <= WINDOW
    assert text[start:end].strip() == text[start:end]


def test_lexical_shares(tmp_path) -> None:
    documents = [
        Document("a", "product", "Blue mugs", "For tea.", attributes={"sku": "X-1", "safe": "no"}),
        Document("b", "faq", "Is tea safe?", "Yes."),
    ]
    lexical = Lexical.build(documents)
    lexical.save(tmp_path)
    for index in (lexical, Lexical.load(tmp_path)):
        assert index.shares("blue mug", 9)["a"] > 0.5
        assert index.shares("bleu mug", 9).keys() == {"a"}
        assert index.shares("blue mug for my uncle in Antwerp", 9)["a"] < 0.5
        assert index.shares("safe", 9).keys() == {"b"}
        assert index.shares("how much is this?", 9) == index.shares("zebra", 9) == {}
    Lexical.build([]).save(tmp_path / "empty")
    assert Lexical.load(tmp_path / "empty").shares("blue", 9) == {}
