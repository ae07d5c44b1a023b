"""Synthetic voices of this machine, to judge hearing with: espeak-ng, flite and festival."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

VOICES = (
    ("espeak-ng", "en-us"),
    ("espeak-ng", "en-gb"),
    ("espeak-ng", "en-us+f3"),
    ("flite", "slt"),
    ("flite", "rms"),
    ("flite", "awb"),
    ("flite", "kal16"),
    ("festival", "kal_diphone"),
)
"""Program and voice; `program_of` says what has to be installed."""


def program_of(engine: str) -> str:
    return "text2wave" if engine == "festival" else engine


def voices() -> list[tuple[str, str]]:
    """Those whose program is there."""
    return [voice for voice in VOICES if shutil.which(program_of(voice[0]))]


def say(words: str, voice: tuple[str, str]) -> bytes:
    """A WAV file of the words (letters and spaces only). RuntimeError when the program fails."""
    engine, name = voice
    with TemporaryDirectory() as folder:
        out = Path(folder) / "said.wav"
        command = {
            "espeak-ng": ["espeak-ng", "-v", name, "-s", "150", "-w", str(out), words],
            "flite": ["flite", "-voice", name, "-t", words, "-o", str(out)],
            "festival": ["text2wave", "-o", str(out), "-eval", f"(voice_{name})"],
        }[engine]
        done = subprocess.run(command, input=words.encode(), capture_output=True, timeout=60)
        if done.returncode or not out.is_file():
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.decode(errors='replace')[:200]}")
        return out.read_bytes()
