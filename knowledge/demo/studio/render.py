"""Render the demo shop's photos.

Run it as `python -m knowledge.demo.studio.render --set catalogue --out DIR`.

Sets: catalogue (one clean photo a product), customer (as phones take them), foreign (things the
shop does not sell), train (small, many, both styles, listed in DIR/train.jsonl) and damage (every
scene twice, whole and damaged, with a mask of what changed, listed in DIR/damage.jsonl). Files that
exist are kept, so a broken-off run goes on where it stopped. Needs Blender's module: pip install
bpy==4.2.0.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import json
import multiprocessing
import os
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from knowledge.demo.studio import degrade, rooms, scene
from knowledge.demo.studio.damage import DAMAGES, View
from knowledge.demo.studio.pieces import Piece, read_pieces
from knowledge.demo.studio.props import FOREIGN
from knowledge.demo.studio.shapes import SHAPES


@dataclass(frozen=True)
class Plan:
    """How one set is taken: pixels a side, rays a pixel, photos a product, JPEG quality."""

    size: int
    samples: int
    per_product: int
    quality: int


PLANS = {
    "catalogue": Plan(size=320, samples=12, per_product=1, quality=88),
    "customer": Plan(size=320, samples=8, per_product=3, quality=86),
    "foreign": Plan(size=320, samples=8, per_product=1, quality=86),
    "train": Plan(size=224, samples=8, per_product=9, quality=88),
    "damage": Plan(size=224, samples=8, per_product=6, quality=90),
}
ON_FLOOR = {"football", "bicycle-wheel", "dumbbell", "traffic-cone", "guitar"}


@dataclass(frozen=True)
class Job:
    """One photo. A piece of None means a foreign object of that name."""

    kind: str
    name: str
    number: int
    path: Path
    seed: int
    quality: int
    piece: Piece | None

    def dice(self) -> np.random.Generator:
        """Seeded by the set's own name too, so that no two sets ever share a scene."""
        words = f"{self.kind}/{self.name}/{self.number}/{self.seed}"
        return np.random.default_rng(int.from_bytes(hashlib.sha256(words.encode()).digest()[:8]))


def plan_jobs(kind: str, out: Path, per_product: int, only: str | None, seed: int) -> list[Job]:
    """Every photo of a set, round by round, so that a broken-off run still has every product."""
    things: list[tuple[str, Piece | None]] = [(piece.id, piece) for piece in read_pieces()]
    if kind == "foreign":
        things = [(name, None) for name in FOREIGN]
    jobs = []
    for number in range(per_product):
        for name, piece in things:
            if only and only != name:
                continue
            stem = name if kind in ("catalogue", "foreign") else f"{name}_{number + 1}"
            file = f"{stem}.{'jsonl' if kind == 'damage' else 'jpg'}"
            jobs.append(Job(kind, name, number, out / file, seed, PLANS[kind].quality, piece))
    return jobs


def take(job: Job) -> Path:
    """Build the scene, render it, and save it as the set wants it."""
    dice = job.dice()
    scene.clear()
    subject = _subject(job, dice)
    if job.kind == "damage":
        return _take_twice(job, subject, dice)
    clean = job.kind == "catalogue" or (job.kind == "train" and job.number % 5 == 4)
    if clean:
        scene.studio(subject, dice if job.kind == "train" else None)
    else:
        rooms.room(subject, "train" if job.kind == "train" else "customer", dice)
    photo = _shot()
    if not clean:
        photo = degrade.phone_photo(photo, dice)
    _save(photo, job.path, job.quality)
    return job.path


def _shot() -> Image.Image:
    raw = Path(tempfile.gettempdir()) / f"studio-{os.getpid()}.png"
    scene.shoot(str(raw))
    return Image.open(raw).convert("RGB")


def _save(photo: Image.Image, path: Path, quality: int) -> None:
    draft = path.with_suffix(".part")
    photo.save(draft, "JPEG", quality=quality)
    draft.replace(path)


CHANGED = 22  # grey levels by which a pixel shows the damage
LEAST, MOST = 40, 9000  # such pixels of 224 x 224: fewer nobody sees, more is another light


def _take_twice(job: Job, subject: scene.Subject, dice: np.random.Generator) -> Path:
    """The same photo whole and damaged; the row in a JSON file that says how is written last.

    A damage the piece cannot have, or that nobody would see, leaves an empty row.
    """
    assert job.piece is not None
    parts = rooms.room(subject, "train", dice)
    whole = _shot()
    first = job.number + int(dice.integers(len(DAMAGES)))
    kinds = [list(DAMAGES)[(first + i) % len(DAMAGES)] for i in range(2)]
    kind = next((k for k in kinds if DAMAGES[k](job.piece, View(parts), dice)), None)
    rows: list[dict] = []
    if kind is not None:
        damaged = _shot()
        apart = np.abs(np.asarray(whole, np.int16) - np.asarray(damaged, np.int16)).max(2)
        mask = apart > CHANGED
        if LEAST <= mask.sum() <= MOST:
            seed, stem = int(dice.integers(2**63)), job.path.stem
            for photo, what in ((whole, "whole"), (damaged, kind)):
                row = {"id": job.name, "kind": what, "file": f"{stem}_{what}.jpg"}
                seen = degrade.phone_photo(photo, np.random.default_rng(seed))
                _save(seen, job.path.with_name(row["file"]), job.quality)
                rows.append(row)
            rows[1]["mask"] = f"{stem}_mask.png"
            Image.fromarray(mask).save(job.path.with_name(rows[1]["mask"]))
    job.path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return job.path


def _subject(job: Job, dice: np.random.Generator) -> scene.Subject:
    if job.piece is None:
        place = "floor" if job.name in ON_FLOOR else "table"
        return scene.Subject(functools.partial(FOREIGN[job.name], dice), job.name, place)
    build = functools.partial(SHAPES[job.piece.family], job.piece)
    pale = job.piece.colour in ("white", "clear")
    return scene.Subject(build, job.piece.kind, job.piece.place, pale)


def open_worker(size: int, samples: int, threads: int) -> None:
    """Ready one process; Blender's own chatter is dropped, its errors are not."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    scene.open_studio(size, samples, threads)


def list_training(jobs: list[Job], out: Path) -> None:
    rows = [
        json.dumps({"photo": job.path.name, "id": job.name}) for job in jobs if job.path.exists()
    ]
    (out / "train.jsonl").write_text("\n".join(rows) + "\n", "utf-8")


def list_damage(jobs: list[Job], out: Path) -> None:
    rows = [job.path.read_text("utf-8") for job in jobs if job.path.exists()]
    (out / "damage.jsonl").write_text("".join(rows), "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", dest="kind", choices=sorted(PLANS), required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--per-product", type=int, help="photos a product")
    parser.add_argument("--size", type=int, help="pixels a side")
    parser.add_argument("--samples", type=int, help="rays a pixel")
    parser.add_argument("--only", help="one product id or foreign name")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    args = parser.parse_args()

    plan = PLANS[args.kind]
    args.out.mkdir(parents=True, exist_ok=True)
    per_product = args.per_product or plan.per_product
    jobs = plan_jobs(args.kind, args.out, per_product, args.only, args.seed)
    missing = [job for job in jobs if not job.path.exists()]
    print(f"{args.kind}: {len(jobs)} photos, {len(missing)} to take", flush=True)
    threads = max(1, (os.cpu_count() or 1) // args.workers)
    settings = (args.size or plan.size, args.samples or plan.samples, threads)
    # Building a scene keeps one core busy, so processes of one thread beat one of many threads.
    # They are forked because a spawned one would not find Blender's built-in module again.
    with ProcessPoolExecutor(
        args.workers,
        mp_context=multiprocessing.get_context("fork"),
        initializer=open_worker,
        initargs=settings,
    ) as pool:
        start = time.monotonic()
        for done, path in enumerate(pool.map(take, missing), 1):
            pace = (time.monotonic() - start) / done
            left = pace * (len(missing) - done) / 60
            print(
                f"{done}/{len(missing)} {path.name} {pace:.2f} s each, {left:.1f} min left",
                flush=True,
            )
    if args.kind in ("train", "damage"):
        # The list is of all products, even where only one was retaken.
        listed = list_training if args.kind == "train" else list_damage
        listed(plan_jobs(args.kind, args.out, per_product, None, args.seed), args.out)


if __name__ == "__main__":
    main()
