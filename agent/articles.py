"""The slots of articles: which lines of an order, and what each shall become."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent.orders import OrderItem, Variant, detailed, money, optioned
from agent.scene import NOTHING, Read, Scene
from agent.types import Choice
from agent.words import names_more, ordinal, pick_items, pick_variants, segment
from knowledge.codes import bare

VERBS = {"return": "return", "exchange": "exchange", "change_items": "change"}


def ask_items(scene: Scene) -> tuple[str, tuple[Choice, ...]]:
    lines = [line for line in scene.lines if not scene.narrowed or line.id in scene.narrowed]
    currency = scene.shop.rules.currency
    choices = [Choice(i.id, f"{detailed(i)}, {money(i.price, currency)}") for i in lines]
    if len(choices) > 1 and not scene.narrowed:
        choices.append(Choice("all", "All of them"))
    verb = VERBS.get(scene.wish.action, "change")
    which = "Which one exactly" if scene.narrowed else "Which articles"
    return f"{which} of order {scene.wish.order_id} do you want to {verb}?", tuple(choices)


def read_items(scene: Scene, words: str, picked: tuple[str, ...], asked: bool) -> Read:
    lines = scene.lines
    if "all" in picked:
        return _items(scene, lines)
    if picked and asked:
        found = pick_items(" ".join(picked), lines).items
        if found:
            return _items(scene, found)
    if len(lines) == 1 and not scene.wish.items:
        return _items(scene, lines)
    offered = tuple(line.id for line in lines) if asked else ()
    left = [line for line in lines if line.id in scene.narrowed] if asked else []
    got = pick_items(words, left or lines, offered)
    if got.items and (asked or not names_more(words, lines)):
        return _items(scene, got.items)
    if asked and got.unsure:
        return Read(narrowed=tuple(line.id for line in got.unsure), problem=" ")
    shown = [line for line in lines if {bare(line.id), bare(line.product)} & set(scene.wish.shown)]
    if len(shown) == 1 and not got.items and not names_more(words, lines):
        return _items(scene, shown)
    return NOTHING


def _items(scene: Scene, items: Sequence[OrderItem]) -> Read:
    ids = tuple(item.id for item in items)
    return Read() if ids == scene.wish.items else Read({"items": ids, "new_items": ()})


def available(scene: Scene, item: OrderItem) -> list[Variant]:
    """The variants that the line can become now."""
    product = scene.shop.product(item.product)
    variants = product.variants.values() if product else ()
    return [variant for variant in variants if variant.available and variant.id != item.id]


def ask_new(scene: Scene) -> tuple[str, tuple[Choice, ...]]:
    item = scene.item
    assert item is not None
    currency = scene.shop.rules.currency
    variants = [v for v in available(scene, item) if not scene.narrowed or v.id in scene.narrowed]
    choices = tuple(
        Choice(v.id, f"{optioned(v.options).strip(' ()') or item.name}, {money(v.price, currency)}")
        for v in sorted(variants, key=lambda v: v.price)
    )
    if not choices:
        return f"There is no other {item.name} available. Which other article shall I take?", ()
    return f"Which {item.name} would you like instead of {detailed(item)}?", choices


def read_new(scene: Scene, words: str, picked: tuple[str, ...], asked: bool) -> Read:
    wish, new = scene.wish, list(scene.wish.new_items)
    if not wish.items:
        return NOTHING
    if len(new) == len(wish.items):  # all are known: only a correction of the one that is named
        return _corrected(scene, words) if not picked else NOTHING
    left = list(picked) + re.findall(r"\b\d{8,}\b", words) if asked else list(picked)
    problem = ""
    narrowed: tuple[str, ...] = ()
    for n in range(len(new), len(wish.items)):
        item = next(i for i in scene.lines if i.id == wish.items[n])
        fitting = {variant.id for variant in available(scene, item)}
        if id := next((id for id in left if id in fitting), None):
            left.remove(id)
            new.append(id)
            continue
        single = asked and n == len(wish.new_items)
        chosen = [next(i for i in scene.lines if i.id == id) for id in wish.items]
        got, problem = _variants(scene, item, segment(words, item, chosen, single), single)
        if len(got) != 1:
            narrowed = tuple(variant.id for variant in got)
            break
        new.append(got[0].id)
    if len(new) > len(wish.new_items):
        return Read({"new_items": tuple(new)})
    return Read(problem=problem, narrowed=narrowed)


def _variants(
    scene: Scene, item: OrderItem, parts: Sequence[str], asked: bool
) -> tuple[list[Variant], str]:
    """The variants that the words can mean, and why there is none that can be had."""
    product = scene.shop.product(item.product)
    if product is None or not parts:
        return [], ""
    offered = sorted(available(scene, item), key=lambda v: v.price)
    offered = [v for v in offered if not scene.narrowed or v.id in scene.narrowed] or offered
    got = next((found for part in parts if (found := pick_variants(part, item, product))), [])
    if scene.narrowed and len(got) > 1:
        got = [variant for variant in got if variant.id in scene.narrowed] or got
    if got:
        return got, " " if len(got) > 1 else ""
    place = ordinal(parts[-1], len(offered)) if asked else None
    if place is not None:
        return [offered[place]], ""
    everything = {v.id: v.but(available=True) for v in product.variants.values()}
    wished = pick_variants(parts[0], item, product.but(variants=everything)) if asked else []
    return [], f"That {item.name} is not available. " if wished else ""


def _corrected(scene: Scene, words: str) -> Read:
    """Another variant of one of the chosen lines, when the words name exactly one."""
    new = list(scene.wish.new_items)
    lines = [next(i for i in scene.lines if i.id == id) for id in scene.wish.items]
    for n, item in enumerate(lines):
        product = scene.shop.product(item.product)
        parts = segment(words, item, lines, False)
        got = pick_variants(parts[0], item, product) if product and parts else []
        if len(got) == 1:
            new[n] = got[0].id
    return Read() if tuple(new) == scene.wish.new_items else Read({"new_items": tuple(new)})
