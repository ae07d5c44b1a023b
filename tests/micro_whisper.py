"""A Whisper of the real architecture, trained here on a handful of recordings until it knows them.

`python -m tests.micro_whisper OUT.pt` writes the checkpoint. To be quick, its encoder keeps its
random weights (over so few recordings the decoder alone can learn what is said in them), and the
decoder is trained on the few tokens that occur, all others sharing one row of the embedding.
"""

from __future__ import annotations

import dataclasses
import sys
from math import log
from pathlib import Path

import numpy as np
import torch
from whisper.audio import N_FRAMES, N_SAMPLES, SAMPLE_RATE, log_mel_spectrogram, pad_or_trim
from whisper.model import ModelDimensions, Whisper
from whisper.tokenizer import get_tokenizer

from fusion.audio import decode_audio, spoken_part
from fusion.types import InputLimits
from fusion.whisper_speech import NUMBER_PROMPT

CLIPS = Path(__file__).parent / "samples" / "audio"
SAID = {
    "where_is_my_order.ogg": " Where is my order?",
    "how_long_does_delivery_take.ogg": " How long does delivery take?",
    "i_want_to_return_my_order.ogg": " I want to return my order.",
}
PROMPTS = ("", NUMBER_PROMPT)
DIMS = ModelDimensions(
    n_mels=80,
    n_audio_ctx=1500,
    n_audio_state=32,
    n_audio_head=2,
    n_audio_layer=1,
    n_vocab=51865,
    n_text_ctx=96,
    n_text_state=32,
    n_text_head=2,
    n_text_layer=2,
)
STEPS, ENOUGH = 1500, 0.005  # steps at most; mean loss of a token at which it knows them


def sound(name: str) -> np.ndarray:
    """The speech in a clip, as a recogniser gets it."""
    part = spoken_part(decode_audio((CLIPS / name).read_bytes(), InputLimits()))
    assert part is not None
    return part.wave


def train(out: Path, seed: int = 0) -> float:
    """Write the checkpoint; the last loss."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    whole = Whisper(DIMS)
    with torch.no_grad():
        whole.encoder.conv2.weight *= 8  # louder than the encoding of positions
    tokenizer = get_tokenizer(multilingual=True, language="en", task="transcribe")
    waves, rows = [], []
    for i, (name, said) in enumerate(SAID.items()):
        waves.append(sound(name))
        rows += _rows(tokenizer, i, said, len(waves[-1]) / SAMPLE_RATE)
    for kind in (0.0, 0.003, 0.03):
        waves.append(rng.normal(0, kind, 2 * SAMPLE_RATE).astype(np.float32))
        for prompt in PROMPTS:
            before = _prompt(tokenizer, prompt)
            rows.append((len(waves) - 1, [*before, tokenizer.sot], [tokenizer.no_speech]))
    with torch.no_grad():
        mels = [log_mel_spectrogram(wave, padding=N_SAMPLES)[:, :-N_FRAMES] for wave in waves]
        heard = whole.encoder(torch.stack([pad_or_trim(mel, N_FRAMES) for mel in mels]))
    longest = max(len(given) + len(wanted) for _, given, wanted in rows) - 1
    tokens = torch.full((len(rows), longest), tokenizer.eot)
    targets = torch.full((len(rows), longest), -100)
    for row, (_, given, wanted) in enumerate(rows):
        line = torch.tensor([*given, *wanted])
        tokens[row, : len(line) - 1] = line[:-1]
        targets[row, len(given) - 1 : len(line) - 1] = line[len(given) :]
    audio = heard[[row[0] for row in rows]]
    used = torch.cat([tokens.unique(), targets[targets >= 0].unique()]).unique()
    model = Whisper(dataclasses.replace(DIMS, n_vocab=len(used) + 1)).decoder
    for weights in (model.positional_embedding, model.token_embedding.weight):
        torch.nn.init.normal_(weights, std=0.3)
    known = targets >= 0
    wanted_ids = torch.searchsorted(used, targets[known])
    given_ids = torch.searchsorted(used, tokens)
    others = torch.zeros(len(used) + 1)
    others[-1] = log(DIMS.n_vocab - len(used))  # so many share the last row
    optimiser = torch.optim.Adam(model.parameters(), lr=5e-3)
    loss = torch.tensor(0.0)
    for _ in range(STEPS):
        logits = model(given_ids, audio)[known] + others
        loss = torch.nn.functional.cross_entropy(logits, wanted_ids)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if loss < ENOUGH:
            break
    rows_of_all = model.token_embedding.weight.detach()[-1].repeat(DIMS.n_vocab, 1)
    rows_of_all[used] = model.token_embedding.weight.detach()[:-1]
    learnt = {f"decoder.{name}": value for name, value in model.state_dict().items()}
    state = {**whole.state_dict(), **learnt, "decoder.token_embedding.weight": rows_of_all}
    torch.save({"dims": dataclasses.asdict(DIMS), "model_state_dict": state}, out)
    return loss.item()


def _rows(tokenizer, clip: int, said: str, seconds: float) -> list[tuple[int, list, list]]:
    """What is given and what is wanted: with times and without, behind every prompt."""
    begin, text = tokenizer.timestamp_begin, tokenizer.encode(said)
    end = begin + round(seconds / 0.02)
    language, task = tokenizer.sot_sequence[1:]
    rows = []
    for prompt in PROMPTS:
        given = [*_prompt(tokenizer, prompt), tokenizer.sot]
        rows.append((clip, given, [language, task, begin, *text, end, tokenizer.eot]))
        given = [*given, language, task, tokenizer.no_timestamps]
        rows.append((clip, given, [*text, tokenizer.eot]))
    return rows


def _prompt(tokenizer, prompt: str) -> list[int]:
    return [tokenizer.sot_prev, *tokenizer.encode(f" {prompt}")] if prompt else []


if __name__ == "__main__":
    print(f"loss {train(Path(sys.argv[1])):.4f}")
