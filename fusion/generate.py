"""Text from a pretrained language model on this machine, piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Event, Thread
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    StoppingCriteria,
    StoppingCriteriaList,
    TextIteratorStreamer,
)

from fusion import hub
from fusion.cores import all_cores
from fusion.types import WeightsError

LONGEST = 400  # tokens of an answer


class _Left(StoppingCriteria):
    """Ends a generation that nobody reads any more."""

    def __init__(self) -> None:
        self.left = Event()

    def __call__(self, input_ids: torch.Tensor, scores: Any, **kwargs: Any) -> torch.Tensor:
        return torch.full((len(input_ids),), self.left.is_set(), device=input_ids.device)


def load_generator(
    spec: str,
) -> Callable[[Sequence[Mapping[str, str]], Sequence[Mapping[str, Any]]], Iterator[str]]:
    """A causal language model with its tokenizer ("hub:NAME" or a folder) as a function: messages
    (role, content) and tools (JSON schemas as OpenAI has them) -> the answer, piece by piece.

    Weights are read from safetensors only, and no code that comes with them is run. Raises
    WeightsError when the model is not there or not whole. The function raises ValueError when the
    messages do not fit the model's context.
    """
    folder = hub.find(spec) if spec.startswith("hub:") else Path(spec)
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model: Any = AutoModelForCausalLM.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, dtype="auto"
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise WeightsError(
            f"{spec} cannot be loaded as a language model: {error}. It needs the files that "
            "transformers saves: config.json, the tokenizer and *.safetensors. "
            "`deskhand models pull hub:NAME` fetches a whole one."
        ) from error
    model.eval().to("cuda" if torch.cuda.is_available() else "cpu")
    context = getattr(model.config, "max_position_embeddings", None) or 2**31

    def generate(
        messages: Sequence[Mapping[str, str]], tools: Sequence[Mapping[str, Any]]
    ) -> Iterator[str]:
        prompt = _prompt(tokenizer, messages, tools)
        inputs = tokenizer(prompt, return_tensors="pt", add_special_tokens=False)
        length = inputs["input_ids"].shape[1]
        if length + 1 > context:
            raise ValueError(f"{length} tokens do not fit the model's context of {context}")
        streamer = TextIteratorStreamer(tokenizer, skip_prompt=True, skip_special_tokens=True)
        left, failed = _Left(), []

        def run() -> None:
            try:
                with all_cores():
                    model.generate(
                        **inputs.to(model.device),
                        max_new_tokens=min(LONGEST, context - length),
                        do_sample=False,
                        streamer=streamer,
                        stopping_criteria=StoppingCriteriaList([left]),
                        pad_token_id=tokenizer.pad_token_id or tokenizer.eos_token_id,
                    )
            except Exception as error:  # raised where it is read
                failed.append(error)
                streamer.on_finalized_text("", stream_end=True)

        Thread(target=run, daemon=True).start()
        try:
            yield from filter(None, streamer)
        finally:
            left.left.set()
        if failed:
            raise failed[0]

    return generate


def _prompt(
    tokenizer: Any, messages: Sequence[Mapping[str, str]], tools: Sequence[Mapping[str, Any]]
) -> str:
    """By the model's own template; without one, a line a message."""
    if tokenizer.chat_template:
        return tokenizer.apply_chat_template(
            [dict(message) for message in messages],
            tools=[dict(tool) for tool in tools] or None,
            tokenize=False,
            add_generation_prompt=True,
        )
    lines = [f"{message['role']}: {message['content']}" for message in messages]
    return "\n".join([*lines, "assistant:"])
