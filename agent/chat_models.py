"""From the setting DESKHAND_LLM to a chat model: a service, or weights on this machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from langchain.chat_models import init_chat_model
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool

from agent.chat_guard import TIMEOUT
from agent.errors import SetupError

TEMPERATURE = 0.2
OLLAMA = "http://127.0.0.1:11434/v1"  # Ollama speaks OpenAI's protocol there

Generate = Callable[[Sequence[Mapping[str, str]], Sequence[Mapping[str, Any]]], Iterator[str]]
"""Messages (role: system, user or assistant; content) and tools (JSON schemas as OpenAI has them)
-> the answer, piece by piece."""

ROLES = {"system": "system", "human": "user", "ai": "assistant"}


def load_chat_model(
    name: str, url: str | None = None, key: str | None = None, timeout: float = TIMEOUT
) -> BaseChatModel:
    """A model by its setting: "openai:gpt-5-mini" or another of LangChain's providers,
    "ollama:llama3.2", "hub:NAME", or the folder of one that transformers can load.

    `url`: where it is served, if not where its provider serves it ("openai:..." is the protocol
    then); `key`: what is sent there, if not what the provider's own variable says; `timeout`:
    seconds without a sign of it. Raises SetupError when the provider is unknown, not installed or
    has no key, and WeightsError when the weights are not there or not whole.
    """
    if name.startswith("hub:") or (name and Path(name).is_dir()):
        from fusion.generate import load_generator  # torch is there anyway, the weights are large

        return LocalChatModel(generate_text=load_generator(name))
    provider, _, model = name.partition(":")
    if not model:
        raise SetupError(
            f'DESKHAND_LLM={name} names no model: give PROVIDER:MODEL, e.g. "openai:gpt-5-mini", '
            "hub:NAME, or the folder of a model."
        )
    given: dict[str, Any] = {}
    if provider == "ollama":
        provider, url = "openai", url or OLLAMA
    if url:  # the provider's key is not for other addresses
        given["base_url"] = url
        if provider == "openai":
            given["api_key"] = "none"
    if key:
        given["api_key"] = key
    try:
        return init_chat_model(
            f"{provider}:{model}", temperature=TEMPERATURE, timeout=timeout, max_retries=0, **given
        )
    except ImportError as error:
        raise SetupError(
            f"DESKHAND_LLM={name} needs a package that is not installed: {error}"
        ) from error
    except Exception as error:  # what a provider raises without its key is its own
        raise SetupError(
            f"DESKHAND_LLM={name} cannot be used; is the provider's key set? {error}"
        ) from error


class LocalChatModel(BaseChatModel):
    """A plain `Generate` as LangChain has chat models.

    Tools are told to the model by its own chat template; a call is any JSON object in the answer
    with the name of a tool and its arguments, which is how most open models write one.
    """

    generate_text: Generate

    @property
    def _llm_type(self) -> str:
        return "local"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        tools: Sequence[Mapping[str, Any]] = (),
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        told = [{"role": ROLES[m.type], "content": m.text} for m in messages]
        pieces = self.generate_text(told, tools)
        if tools:
            said = "".join(pieces)
            calls = tool_calls(said, {tool["function"]["name"] for tool in tools})
            message = AIMessageChunk(content=said, tool_call_chunks=calls)
            yield ChatGenerationChunk(message=message)
            return
        for piece in pieces:
            yield ChatGenerationChunk(message=AIMessageChunk(content=piece))

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        said = "".join(chunk.text for chunk in self._stream(messages, stop, **kwargs))
        return ChatResult(generations=[ChatGeneration(message=AIMessage(said))])


def tool_calls(text: str, names: set[str]) -> list[Any]:
    """The calls in a model's words, as LangChain's chunks."""
    calls: list[Any] = []
    at, decoder = 0, json.JSONDecoder()
    while (start := text.find("{", at)) >= 0:
        try:
            found, at = decoder.raw_decode(text, start)
        except ValueError:
            at = start + 1
            continue
        arguments = found.get("arguments", found.get("parameters"))
        if found.get("name") in names and isinstance(arguments, dict):
            calls.append(
                {
                    "name": found["name"],
                    "args": json.dumps(arguments),
                    "id": f"call-{len(calls)}",
                    "index": len(calls),
                    "type": "tool_call_chunk",
                }
            )
    return calls
