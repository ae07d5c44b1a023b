"""Photos and videos: every picture a phone sends comes out upright RGB; the rest is refused."""

import io
import struct
import zlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image, ImageFilter

from fusion.photo import decode_photo, decode_video
from fusion.types import BadInput, InputLimits

LIMITS = InputLimits()
CLIPS = Path(__file__).parent / "samples" / "audio"
RED, BLUE, GREEN, WHITE = (200, 30, 30), (30, 30, 200), (30, 160, 30), (255, 255, 255)
rng = np.random.default_rng(0)


def saved(image: Image.Image, kind: str, **options) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def halves(size=(64, 48)) -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", size, RED)
    image.paste(BLUE, (size[0] // 2, 0, *size))
    return image


def near(pixel: np.ndarray, color: tuple[int, int, int]) -> bool:
    return bool(np.abs(pixel.astype(int) - color).max() < 30)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_every_format(kind):
    photo = decode_photo(saved(halves(), kind), LIMITS)
    assert photo.shape == (48, 64, 3) and photo.dtype == np.uint8
    assert near(photo[24, 5], RED) and near(photo[24, 60], BLUE)


def test_a_large_photo_is_made_smaller():
    photo = decode_photo(saved(halves((4000, 1000)), "JPEG"), LIMITS)
    assert photo.shape == (400, 1600, 3)
    assert near(photo[200, 100], RED) and near(photo[200, 1500], BLUE)


@pytest.mark.parametrize("size", [(1, 1), (3000, 1), (1, 3000)])
def test_thin_photos(size):
    assert max(decode_photo(saved(halves(size), "PNG"), LIMITS).shape[:2]) == min(1600, max(size))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_applied(orientation):
    back = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    image = halves()
    if orientation in back:
        image = image.transpose(back[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = decode_photo(saved(image, "JPEG", exif=exif), LIMITS)
    assert photo.shape == (48, 64, 3)
    assert near(photo[24, 5], RED) and near(photo[24, 60], BLUE)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame(kind):
    first, second = halves(), Image.new("RGB", (64, 48), GREEN)
    data = saved(first, kind, save_all=True, append_images=[second], duration=100)
    assert near(decode_photo(data, LIMITS)[24, 5], RED)


def test_cmyk():
    photo = decode_photo(saved(halves().convert("CMYK"), "JPEG"), LIMITS)
    assert near(photo[24, 5], RED) and near(photo[24, 60], BLUE)


def test_16_bits_of_grey():
    grey = Image.fromarray(np.full((20, 20), 128 * 257, np.uint16))
    photo = decode_photo(saved(grey, "PNG"), LIMITS)
    assert photo.shape == (20, 20, 3) and np.unique(photo).tolist() == [128]


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA"])
def test_other_modes(mode):
    image = Image.new("L", (20, 20), 255).convert(mode)
    assert (decode_photo(saved(image, "PNG"), LIMITS) == 255).all()


def test_transparency_is_white():
    image = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    image.paste((*RED, 255), (0, 0, 10, 20))
    for data in (
        saved(image, "PNG"),
        saved(image, "WEBP"),
        saved(image, "GIF"),
        saved(halves((20, 20)).quantize(4), "PNG", transparency=0),
    ):
        photo = decode_photo(data, LIMITS)
        colors = [tuple(photo[10, 2]), tuple(photo[10, 17])]
        assert WHITE in colors and any(
            near(np.array(c), RED) or near(np.array(c), BLUE) for c in colors
        )


def huge_png(side: int) -> bytes:
    """A real PNG of `side` x `side` one-bit pixels, whose body is tiny."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    body = zlib.compress(bytes((side // 8 + 1) * 100))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


JPEG = saved(halves((640, 480)), "JPEG")
NOISE = Image.fromarray(rng.integers(0, 255, (200, 200, 3), dtype=np.uint8))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "empty"),
        (b"hello", "do not know"),
        (b"\0\0\0\x18ftypheic" + bytes(50), "the file is HEIC.*JPEG, PNG"),
        (b"\0\0\0\x18ftypmif1" + bytes(50), "the file is HEIC"),
        (b"\0\0\0\x18ftypavif" + bytes(50), "the file is AVIF"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "the file is SVG"),
        (b"%PDF-1.4\n", "the file is PDF"),
        (saved(halves(), "TIFF"), "the file is TIFF"),
        (saved(halves(), "BMP"), "the file is BMP"),
        ((CLIPS / "jfk.m4a").read_bytes(), "the file is MP4"),
        ((CLIPS / "jfk.wav").read_bytes(), "the file is WAV"),
        (JPEG[: len(JPEG) // 2], "damaged or incomplete"),
        (JPEG[:30], "damaged or incomplete"),
        (saved(NOISE, "PNG")[:5000], "damaged or incomplete"),
        (saved(NOISE, "WEBP")[:5000], "damaged or incomplete"),
        (saved(NOISE, "GIF")[:5000], "damaged or incomplete"),
        (b"\x89PNG\r\n\x1a\n" + rng.bytes(200), "damaged or incomplete"),
        (b"\xff\xd8\xff" + rng.bytes(200), "damaged or incomplete"),
        (b"GIF89a" + rng.bytes(5), "damaged or incomplete"),
        (b"RIFF\x10\0\0\0WEBP" + rng.bytes(50), "damaged or incomplete"),
        (huge_png(30_000), "pixels; at most 50 million|too many pixels; at most 50 million"),
        (huge_png(10_000), "10000 x 10000 pixels; at most 50 million"),
    ],
)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_what_is_no_photo_is_refused(data, sentence):
    before = Image.MAX_IMAGE_PIXELS
    with pytest.raises(BadInput, match=sentence) as caught:
        decode_photo(data, LIMITS)
    assert str(caught.value).endswith(".")
    assert before == Image.MAX_IMAGE_PIXELS


def test_too_many_bytes():
    with pytest.raises(BadInput, match="at most 1 kB"):
        decode_photo(JPEG, InputLimits(photo_bytes=1000))


def video(
    scenes: list[Image.Image], seconds: float, kind="mp4", codec="mpeg4", sound=True
) -> bytes:
    """Each scene for `seconds`, blurred but for its middle frame; 10 frames a second."""
    out = io.BytesIO()
    with av.open(out, "w", format=kind) as file:
        pictures = file.add_stream(codec, rate=10)
        (pictures.width, pictures.height), pictures.pix_fmt = scenes[0].size, "yuv420p"
        pictures.bit_rate = 2_000_000
        track = file.add_stream("libopus" if kind == "webm" else "aac", rate=48_000, layout="mono")
        each = round(seconds * 10)
        for scene in scenes:
            for i in range(each):
                look = scene if i == each // 2 else scene.filter(ImageFilter.GaussianBlur(4))
                file.mux(pictures.encode(av.VideoFrame.from_image(look)))
        file.mux(pictures.encode(None))
        if sound:
            samples = np.zeros((1, round(len(scenes) * seconds * 48_000)), np.float32)
            frame = av.AudioFrame.from_ndarray(samples, "fltp", "mono")
            frame.rate = 48_000
            resampler = av.AudioResampler(track.codec_context.format.name, "mono", 48_000)
            for part in resampler.resample(frame):
                file.mux(track.encode(part))
            file.mux(track.encode(None))
    return out.getvalue()


def scene(color: tuple[int, int, int]) -> Image.Image:
    image = Image.new("RGB", (160, 120), color)
    image.paste(NOISE.convert("L").resize((40, 40)), (60, 40))
    return image


SCENES = [scene(c) for c in (RED, BLUE, GREEN)]


@pytest.mark.parametrize(
    ("kind", "codec"), [("mp4", "mpeg4"), ("webm", "libvpx"), ("mov", "mpeg4")]
)
def test_one_sharp_frame_a_scene(kind, codec):
    seen = decode_video(video(SCENES, 1.0, kind, codec), LIMITS)
    assert len(seen.frames) == 3
    for frame, color in zip(seen.frames, (RED, BLUE, GREEN), strict=True):
        assert frame.shape == (120, 160, 3) and frame.dtype == np.uint8
        assert near(frame[10, 10], color)
    assert seen.wave is not None and len(seen.wave) == pytest.approx(48_000, abs=3200)


QUARTERS = {  # of a turn clockwise -> the first two rows of the display matrix
    0: (1, 0, 0, 0, 1, 0),
    1: (0, 1, 0, -1, 0, 0),
    2: (-1, 0, 0, 0, -1, 0),
    3: (0, -1, 0, 1, 0, 0),
}


@pytest.mark.parametrize("quarters", QUARTERS)
def test_a_video_is_seen_the_way_the_phone_was_held(quarters):
    upright = Image.new("RGB", (160, 120), "blue")
    upright.paste("red", (0, 0, 160, 60))
    filmed = upright.rotate(90 * quarters, expand=True)
    clip = video([filmed.resize((160, 120))], 0.5, sound=False)
    matrix = clip.index(b"tkhd") + 44
    turn = struct.pack(">6i", *(part << 16 for part in QUARTERS[quarters]))
    (frame,) = decode_video(clip[:matrix] + turn + clip[matrix + len(turn) :], LIMITS).frames
    h, w = frame.shape[:2]
    assert (w > h) == (quarters % 2 == 0)
    assert near(frame[h // 4, w // 2], (255, 0, 0)) and near(frame[3 * h // 4, w // 2], (0, 0, 255))


def test_a_4k_video():
    (frame,) = decode_video(video([halves((3840, 2160))], 0.2, sound=False), LIMITS).frames
    assert frame.shape == (900, 1600, 3)


def test_at_most_eight_frames():
    grounds = [RED, BLUE, GREEN, WHITE] * 3
    assert len(decode_video(video([scene(c) for c in grounds], 0.5), LIMITS).frames) == 8


def test_a_video_without_sound():
    data = video(SCENES[:1], 0.5, sound=False)
    seen = decode_video(data, LIMITS)
    assert len(seen.frames) == 1 and (seen.wave is None or not len(seen.wave))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "empty"),
        (JPEG, "the file is JPEG.*MP4 or WebM"),
        ((CLIPS / "jfk.m4a").read_bytes(), "no pictures in the video"),
        (video(SCENES, 1.0)[:4000], "damaged"),
        (b"\0\0\0\x18ftypisom" + rng.bytes(3000), "damaged"),
        (video(SCENES[:1] * 16, 2.0), "longer than 30 seconds"),
    ],
)
def test_what_is_no_video_is_refused(data, sentence):
    with pytest.raises(BadInput, match=sentence):
        decode_video(data, LIMITS)


def test_a_video_over_its_limits():
    data = video(SCENES[:1], 0.5)
    with pytest.raises(BadInput, match="at most 1 kB"):
        decode_video(data, InputLimits(video_bytes=1000))
    with pytest.raises(BadInput, match="160 x 120 pixels"):
        decode_video(data, InputLimits(photo_pixels=10_000))


def timed(frames: list[tuple[Image.Image, float]]) -> bytes:
    """A silent MP4 that shows each frame from its own second on."""
    out, beat = io.BytesIO(), Fraction(1, 1000)
    with av.open(out, "w", format="mp4") as file:
        pictures = file.add_stream("mpeg4", rate=10)
        pictures.width, pictures.height, pictures.pix_fmt = 160, 120, "yuv420p"
        pictures.codec_context.time_base = pictures.time_base = beat
        for look, second in frames:
            frame = av.VideoFrame.from_image(look)
            frame.pts, frame.time_base = round(second * 1000), beat
            file.mux(pictures.encode(frame))
        file.mux(pictures.encode(None))
    return out.getvalue()


def test_frames_need_not_be_evenly_spaced():
    seconds = [0, 0.03, 0.06, 2, 2.5, 3, 7, 7.1, 12]
    frames = decode_video(
        timed([(SCENES[i // 3], second) for i, second in enumerate(seconds)]), LIMITS
    ).frames
    assert len(frames) == 3
    assert all(near(frame[10, 10], c) for frame, c in zip(frames, (RED, BLUE, GREEN), strict=True))


def test_a_clip_that_starts_late_is_as_long_as_it_lasts():
    late = [(SCENES[0], 8 + i / 2) for i in range(50)]  # from second 8 to second 32.5
    assert len(decode_video(timed(late), LIMITS).frames) == 1


def test_a_fade_is_no_scene_a_frame():
    fade = [Image.blend(SCENES[0], SCENES[1], min(1, max(0, (i - 10) / 20))) for i in range(40)]
    frames = decode_video(timed([(look, i / 10) for i, look in enumerate(fade)]), LIMITS).frames
    assert 2 <= len(frames) <= 6 and near(frames[-1][10, 10], BLUE)
