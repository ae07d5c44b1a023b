"""What other shop systems export -> Documents: variants, links, photos, prices and oddities."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from knowledge.load import read_documents
from knowledge.types import BadFeed, Document, Skipped

FEEDS = Path(__file__).parent / "samples" / "feeds"
MAGENTO = Path(__file__).resolve().parents[2] / "shared" / "data" / "magento"


def read(folder: Path, name: str) -> tuple[dict[str, Document], list[str], str]:
    """The documents of a sample by id, what was reported, and what it was taken for."""
    path = folder / name
    shutil.copyfile(FEEDS / name, path)
    said: list[str] = []
    items = list(read_documents(path, guessed=lambda _, what: said.append(what), currency="EUR"))
    reported = [str(item).replace(str(folder), "") for item in items if isinstance(item, Skipped)]
    return {item.id: item for item in items if isinstance(item, Document)}, reported, *said


def photo(folder: Path, name: str) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"photo")
    return str(path)


def test_shopify(tmp_path: Path) -> None:
    blue, back = photo(tmp_path, "photos/shirt-blue.jpg"), photo(tmp_path, "photos/shirt-back.jpg")
    found, reported, said = read(tmp_path, "shopify.csv")
    assert said == "a Shopify product export"
    assert list(found) == ["linen-shirt", "LS-BL-S", "LS-BL-M", "linen-shirt/Sand/M", "canvas-belt"]

    shirt = found["linen-shirt"]
    assert (shirt.title, shirt.text) == ("Linen shirt", "Cut loose, washed twice.")
    assert (shirt.price, shirt.stock, shirt.group) == (None, 6, "")  # variants differ in price
    assert shirt.attributes["prices"] == "49.00 to 55.00"
    assert shirt.photos == (blue, back)
    assert shirt.links == ("canvas-belt", "gift-card")
    assert shirt.url == "/products/linen-shirt"

    small, sand = found["LS-BL-S"], found["linen-shirt/Sand/M"]
    assert (small.title, small.price, small.stock) == ("Linen shirt - Blue / S", 49.0, 4)
    assert small.group == sand.group == "linen-shirt"
    assert (small.attributes["color"], small.attributes["size"]) == ("Blue", "S")
    assert small.attributes["barcode"] == "5400000000017"
    assert small.photos == (blue,)
    assert sand.attributes["regular_price"] == "60.00"

    belt = found["canvas-belt"]
    assert (belt.group, belt.price, belt.attributes["sku"]) == ("", 19.5, "BELT-1")
    assert belt.text == "110 cm Brass buckle"
    for document in found.values():  # what the shop paid is nobody's business
        assert not {"cost_per_item", "status", "published"} & document.attributes.keys()
    assert reported == [
        "/shopify.csv:2: photo 'photos/shirt-detail.jpg' of linen-shirt left out: "
        "not found in the feed's folder",
        "/shopify.csv:7: old-scarf is not on sale (draft)",
        "/shopify.csv:8: price is negative (broken-hat)",
        "/shopify.csv: 1 photos at web addresses left out; DESKHAND_FETCH_PHOTOS=true fetches them",
    ]


def test_woocommerce(tmp_path: Path) -> None:
    hoodie_photo = photo(tmp_path, "photos/hoodie.jpg")
    found, reported, said = read(tmp_path, "woocommerce.csv")
    assert said == "a WooCommerce product export"
    assert list(found) == ["HOOD", "HOOD-GR-S", "id:103", "id:104", "CAP"]
    hood, green, grey = found["HOOD"], found["HOOD-GR-S"], found["id:103"]
    assert (hood.price, hood.stock, hood.links) == (None, None, ("CAP", "id:104"))
    assert hood.attributes["color"] == "Green, Grey"
    assert hood.attributes["category"] == "Clothing > Hoodies, Winter"
    assert (green.price, green.stock, green.group) == (35.0, 3, "HOOD")
    assert green.attributes["regular_price"] == "45.00"
    assert (grey.stock, grey.group, grey.attributes["size"]) == (0, "HOOD", "M")
    assert green.text == hood.text == "Brushed inside. Wash at 30."
    assert green.photos == hood.photos == (hoodie_photo,)
    assert found["id:104"].price == 9.9  # the offer had a date
    assert found["CAP"].text == "Keeps the sun off."
    assert not any("secret" in name for d in found.values() for name in d.attributes)
    assert reported[0].startswith("/woocommerce.csv:6: photo 'photos/none.jpg' of CAP left out")
    assert reported[1] == "/woocommerce.csv:7: Draft cap is not published"


def test_magento(tmp_path: Path) -> None:
    main = photo(tmp_path, "pub/media/catalog/product/l/a/lamp-oak.jpg")
    found, reported, said = read(tmp_path, "magento.csv")
    assert said == "a Magento product export"
    assert list(found) == ["LAMP-OAK", "LAMP-ASH", "LAMP", "BULB"]
    oak, ash, lamp = found["LAMP-OAK"], found["LAMP-ASH"], found["LAMP"]
    assert (lamp.price, lamp.stock, lamp.group) == (80.0, 8, "")  # the offer had a date
    assert lamp.links == ("BULB", "SHADE")
    assert lamp.attributes["material"] == "Oak, Ash"
    assert (oak.group, oak.stock, oak.text) == ("LAMP", 3, "Turned oak.")
    assert oak.attributes == {
        "sku": "LAMP-OAK",
        "weight": "1.2",
        "category": "Light > Lamps",
        "color": "Oak",
        "care": "Dry cloth, no soap",
    }
    assert (ash.price, ash.attributes["regular_price"]) == (70.0, "80")
    assert oak.photos == lamp.photos == (main,)
    assert found["BULB"].stock == 0
    assert reported[1:] == [
        "/magento.csv:5: LAMP again, for another view of the store",
        "/magento.csv:7: GONE is not online",
    ]


def test_google_merchant_xml(tmp_path: Path) -> None:
    found, reported, said = read(tmp_path, "merchant.xml")
    assert said == "a Google Merchant feed"
    tent, stove = found["TENT-2"], found["STOVE"]
    assert (tent.title, tent.text) == ("Ridge tent, 2 people", "Light & dry.")
    assert (tent.price, tent.currency, tent.stock) == (249.0, "EUR", None)
    assert (tent.group, tent.url) == ("TENT", "https://shop.example/tent-2")
    assert tent.attributes == {
        "brand": "Northlight",
        "gtin": "5400000000031",
        "color": "Green",
        "shipping": "BE 4.90 EUR",
        "water_column": "3000 mm",
        "availability": "in stock",
        "regular_price": "299.00 EUR",
    }
    assert (stove.price, stove.currency, stove.stock) == (39.0, "JPY", 0)
    assert reported == [
        "/merchant.xml:35: no id",
        "/merchant.xml: 3 photos at web addresses left out; "
        "DESKHAND_FETCH_PHOTOS=true fetches them",
    ]


def test_google_merchant_as_atom_and_as_a_list(tmp_path: Path) -> None:
    found, reported, _ = read(tmp_path, "merchant-atom.xml")
    assert found["MAT"].title == "Schlafmatte, grün"
    assert found["MAT"].url == "https://shop.example/mat"
    assert not reported
    found, _, said = read(tmp_path, "merchant.txt")
    assert said == "a Google Merchant feed"
    assert found["CUP-S"].attributes["volume"] == "250 ml"
    assert (found["CUP-L"].price, found["CUP-L"].stock, found["CUP-L"].group) == (11.5, 0, "CUP")


BOMB = """<?xml version="1.0"?>
<!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c SYSTEM "file:///etc/passwd">]>
<rss><channel><item><id>a</id><title>&b;&c;</title></item></channel></rss>"""


def test_xml_with_entities_is_refused_and_cut_short_is_read_so_far(tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    path.write_text(BOMB)
    with pytest.raises(BadFeed, match="document type or entities"):
        list(read_documents(path))
    items = "".join(f"<item><id>{i}</id><title>Mug</title></item>\n" for i in range(9))
    path.write_text(f"<rss><channel>\n{items}<item><id>x</id><tit")
    *documents, skipped = read_documents(path)
    assert len(documents) == 9
    assert isinstance(skipped, Skipped) and skipped.line == 11
    assert "not XML from here on" in skipped.reason
    path.write_text("<rss><chan")
    with pytest.raises(BadFeed, match="not XML"):
        list(read_documents(path))


def test_tables_beside_a_feed_say_more_of_its_products(tmp_path: Path) -> None:
    back = photo(tmp_path, "product/m/mug-back.jpg")
    (tmp_path / "csv").mkdir()
    tables = {
        "products.csv": "sku,title,price\nMUG,Mug,9\nBOWL,Bowl,12\n",
        "related.csv": 'sku,linked_sku\nMUG,"BOWL\nJUG"\n',
        "images.csv": "sku,image\nMUG,/m/mug-back.jpg\n",
        "reviews.csv": "sku,rating_value,title,review\nMUG,4,Good,Good.\nMUG,5,Fine,Fine.\n",
        "pages.csv": 'title,identifier,content\nHelp,help,"<h2>Hours</h2><p>{{x}}From 9.</p>"\n',
    }
    for name, text in tables.items():
        (tmp_path / "csv" / name).write_text(text)
    page, mug, bowl = read_documents(tmp_path, currency="EUR")
    assert isinstance(page, Document) and isinstance(mug, Document) and isinstance(bowl, Document)
    assert (page.id, page.title, page.text) == ("help/hours", "Help: Hours", "From 9.")
    assert (mug.links, mug.photos, bowl.links) == (("BOWL", "JUG"), (back,), ())
    assert (mug.attributes["rating"], mug.attributes["reviews"]) == ("4.5", "2")


@pytest.mark.skipif(not MAGENTO.is_dir(), reason="the real Magento store is not here")
def test_a_real_magento_store() -> None:
    said: dict[str, str] = {}
    items = list(read_documents(MAGENTO, guessed=lambda p, what: said.update({p.name: what})))
    documents = {item.id: item for item in items if isinstance(item, Document)}
    feed = MAGENTO / "ConfigurableSampleData" / "fixtures" / "products.csv"
    with feed.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["sku"] for row in rows} <= documents.keys()
    variants = [row for row in rows if row["product_type"] == "simple"]
    assert sum(bool(document.group) for document in documents.values()) == len(variants)
    for row in rows:
        document = documents[row["sku"]]
        assert document.price == float(row["price"])
        assert document.photos and "<" not in document.text + "".join(document.attributes.values())
        if row["configurable_variations"]:
            assert document.stock == 100 * row["configurable_variations"].count("sku=")
    assert "WP06" in documents["WH01"].links and "24-UG06" in documents["WH01"].links
    assert documents["24-MB01"].attributes["rating"] == "2.5"
    delivery = documents["customer-service/shipping-and-delivery-2"].text
    assert delivery.startswith("| Merchandise total * |")
    assert "| Over $1000.00 | $34 | $44 | $51 |" in delivery
    assert said["products.csv"] == "a Magento product export"
