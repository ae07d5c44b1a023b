"""What is kept of a photo is its pixels: no place, no time, nothing hidden."""

import io
from contextlib import closing

import pytest
from PIL import Image

from agent.build import photo_fetcher
from agent.config import Settings
from fusion.decoder import Decoder
from fusion.photo import encode_photo
from fusion.types import InputLimits
from knowledge.fetch import NotFetched

HIDDEN = b"<script>hidden</script>"


def located() -> bytes:
    """A JPEG that says where it was taken, with something hidden behind it."""
    exif = Image.Exif()
    place = exif.get_ifd(0x8825)
    place[1], place[2], place[3], place[4] = "N", (48.0, 8.0, 0.0), "E", (11.0, 34.0, 0.0)
    exif[0x010F] = "Camera maker"
    out = io.BytesIO()
    image = Image.new("RGB", (64, 48), (200, 30, 30))
    image.save(out, "JPEG", exif=exif, icc_profile=b"a profile" * 9, comment=b"at home")
    with Image.open(io.BytesIO(out.getvalue())) as sent:
        assert sent.getexif().get_ifd(0x8825)  # the place is really there
    return out.getvalue() + HIDDEN


def assert_bare(data: bytes) -> None:
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "JPEG" and image.size == (64, 48)
        assert not image.getexif() and not image.info.keys() & {"exif", "icc_profile", "comment"}
    assert not any(trace in data for trace in (HIDDEN, b"Exif", b"Camera maker", b"at home"))


def test_a_photo_encoded_anew_says_no_place():
    with closing(Decoder()) as decoder:
        assert_bare(encode_photo(decoder.photo(located(), InputLimits())))


def test_a_fetched_photo_is_kept_without_its_place_and_fetched_once(tmp_path):
    asked = []

    def fetch(url: str) -> bytes:
        asked.append(url)
        return located() if url.endswith("mug.jpg") else b"<html>no photo</html>"

    settings = Settings(home=tmp_path)
    with closing(Decoder()) as decoder:
        fetched = photo_fetcher(settings, decoder, fetch)
        paths = {fetched("https://shop.example/mug.jpg") for _ in range(2)}
        with pytest.raises(NotFetched, match="could not be read"):
            fetched("https://shop.example/other.jpg")
    assert len(asked) == 2
    (kept,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert paths == {str(kept)}
    assert_bare(kept.read_bytes())
