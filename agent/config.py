"""Settings: the only reader of the environment. Only doors make one.

Every field is an environment variable: `DESKHAND_HOME`, `DESKHAND_LLM`, and for the groups of
limits with a double underscore, e.g. `DESKHAND_LIMITS__ANSWERABLE=0.4`,
`DESKHAND_INPUT_LIMITS__AUDIO_SECONDS=60` or `DESKHAND_RATES__ADDRESS_SOUND=600/hour`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

from limits import parse
from platformdirs import user_data_path
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from agent.errors import SetupError
from agent.types import Limits
from fusion.types import InputLimits

CALLERS = ("key", "customer", "address")


class Rates(BaseModel):
    """How much one key, one customer with a token, and one address without a key may ask: requests,
    photos (key frames of videos too), seconds of sound; as "COUNT/minute", "COUNT/hour", ... More
    is refused (429)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str = "1200/minute"
    customer: str = "60/minute"
    address: str = "240/minute"
    key_photos: str = "12000/hour"
    customer_photos: str = "300/hour"
    address_photos: str = "600/hour"
    key_sound: str = "36000/hour"
    customer_sound: str = "1800/hour"
    address_sound: str = "7200/hour"

    @field_validator("*")
    @classmethod
    def _a_rate(cls, rate: str) -> str:
        parse(rate)  # raises ValueError
        return rate


class Helpdesk(BaseModel):
    """One helpdesk: `secrets` sign what it sends (two while one replaces the other), `token` lets
    us in at `url`, where it is reached; `account` is who writes there (Intercom's admin)."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    secrets: tuple[str, ...] = Field(min_length=1, max_length=2)
    url: str = Field(pattern="^https?://")
    token: str = ""
    account: str = ""

    @field_validator("secrets")
    @classmethod
    def _long_enough(cls, secrets: tuple[str, ...]) -> tuple[str, ...]:
        if any(len(secret) < 16 for secret in secrets):
            raise ValueError("a secret has at least 16 characters")
        return secrets


HELPDESKS = ("webhook", "chatwoot", "slack", "telegram", "zendesk", "intercom")


SECRETS = ("SECRET", "TOKEN", "LLM_KEY", "HELPDESKS", "_URL")
"""Parts of the names of settings whose values are never shown."""


class Settings(BaseSettings):
    """How this installation runs. Use `Settings.read()`, which says what is wrong in a sentence."""

    model_config = SettingsConfigDict(
        env_prefix="DESKHAND_", env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    home: Path = Field(default_factory=lambda: user_data_path("deskhand", appauthor=False))
    """Folder of the index, the conversations and the orders."""
    text: str = "minilm"
    """Sentence encoder: minilm | hub:NAME | a folder. Another one needs another index."""
    vision: str = "shipped"
    """Photo encoder: shipped | the path of another trained tower | a pretrained CLIP or SigLIP as
    hub:NAME (`deskhand models pull hub:NAME`) or a folder. Another one needs another index
    (`deskhand index --rebuild`), which fits a pretrained one to the shop's photos, and a fusion
    module trained on it (`deskhand train fusion --shop DIR`)."""
    fusion: str = "shipped"
    """How modalities are fused: shipped | concat | autoencoder | cca | dcca | attention | late |
    text | photo (the classical ways, to compare), or weights of `deskhand train fusion`."""
    speech: str = "auto"
    """Recogniser: auto | pocketsphinx | whisper:NAME | whisper:/file.pt | off."""
    speech_language: str | None = Field(default=None, pattern="^[a-z]{2,3}$")
    """ISO 639 code of what customers speak, e.g. "fr"; None: Whisper tells."""
    speech_translate: bool = False
    """Whether Whisper writes English, whatever is spoken."""
    llm: str | None = None
    """Chat model: "openai:gpt-5-mini" (or another provider of LangChain's), "ollama:llama3.2",
    "hub:NAME" or the folder of a model that transformers loads; None: the built-in composer."""
    region: str = Field(default="BE", pattern="^[A-Z]{2}$")
    """Country (ISO 3166) of telephone numbers without a country's code, to mask them."""
    retention_days: int | None = Field(default=None, ge=1)
    """Conversations without a word for so many days are erased, at the start and daily; None:
    they are kept until `deskhand privacy erase`."""
    customer_secrets: tuple[str, ...] = ()
    """Secrets (32 characters or more, JSON list; two while one replaces the other) by which the
    shop signs its customers' tokens (HS256, `sub` the customer's id, `aud` "deskhand", `exp`)."""
    origins: tuple[str, ...] = ()
    """Origins whose pages may call the HTTP interface and show the chat page in a frame, as a JSON
    list: ["https://shop.example"]."""
    docs: bool = False
    """Whether /docs shows the HTTP interface; its scripts come from a public host."""
    rates: Rates = Rates()
    helpdesks: dict[str, Helpdesk] = {}
    """Helpdesks that deliver to /v1/helpdesks/NAME, as JSON: {"chatwoot": {"secrets": [...],
    "url": "https://...", "token": "..."}}."""
    llm_url: str | None = Field(default=None, pattern="^https?://")
    """Address of a service that speaks OpenAI's protocol, e.g. "http://127.0.0.1:8000/v1"."""
    llm_key: str | None = None
    """Sent to the chat model's service; None: the provider's own variable, nothing to `llm_url`."""
    llm_seconds: float = Field(default=30.0, gt=0)
    """Time for a whole answer of the chat model; then the built-in composer answers."""
    intents: Path | None = None
    """Folder of the shop's own intents (`deskhand intents fit`) with their answers.yaml."""
    shop_url: str | None = None
    """Where customers and orders are: a database as SQLAlchemy names it, or the http(s) address of
    a shop (agent/shops/openapi.yaml); None: a file under `home`."""
    shop_token: str | None = None
    """Sent to a shop behind http(s) with every request."""
    traces: str | None = Field(default=None, pattern="^https?://")
    """Address of an OpenTelemetry collector, "http://127.0.0.1:4318/v1/traces": every turn goes
    there with its stages, without a word that was said. Needs the extra `traces`."""
    fetch_photos: bool = False
    """Whether indexing may fetch a feed's photos from public http(s) addresses."""
    currency: str = Field(default="", pattern="^([A-Z]{3})?$")
    """Of prices in feeds that name none, ISO 4217."""
    site: str = Field(default="", pattern=r"^(https?://[^\s/]\S*)?$")
    """Address of the shop's own pages, "https://shop.example": what a feed calls "/products/mug" is
    indexed with its whole address, and is a link wherever it is named."""
    database_url: str | None = Field(default=None, pattern=r"^(postgresql\+psycopg|sqlite)://")
    """Database of conversations, as SQLAlchemy names it: "postgresql+psycopg://user:password@host/
    name" (install deskhand[postgres]); None: a file under `home`."""
    title: str = "Deskhand"
    """Name of the shop, at the head of the chat page."""
    host: str = "127.0.0.1"
    port: int = Field(default=7860, ge=1, le=65535)
    log_format: Literal["text", "json"] = "text"
    """Lines for a terminal, or one JSON object a line."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "WARNING"
    limits: Limits = Limits()
    input_limits: InputLimits = InputLimits()

    @classmethod
    def read(cls, **given: Any) -> Self:
        """The environment, with `given` (None: not given) above it. Raises SetupError."""
        try:
            return cls(**{name: value for name, value in given.items() if value is not None})
        except ValidationError as error:
            first = error.errors()[0]
            name = "__".join(str(part) for part in first["loc"]).upper()
            is_secret = any(part in name for part in SECRETS)
            value = "" if is_secret else f" (it is {first['input']!r})"
            raise SetupError(
                f"The setting DESKHAND_{name} cannot be used: {first['msg']}{value}. "
                "Change it or unset it."
            ) from error

    @field_validator("home")
    @classmethod
    def _whole_path(cls, home: Path) -> Path:
        return home.expanduser().absolute()

    @field_validator("helpdesks")
    @classmethod
    def _known(cls, helpdesks: dict[str, Helpdesk]) -> dict[str, Helpdesk]:
        if not helpdesks.keys() <= set(HELPDESKS):
            raise ValueError(f"helpdesks are {', '.join(HELPDESKS)}")
        return helpdesks

    @field_validator("customer_secrets")
    @classmethod
    def _long_enough(cls, secrets: tuple[str, ...]) -> tuple[str, ...]:
        if any(len(secret) < 32 for secret in secrets) or len(secrets) > 2:
            raise ValueError("at most two secrets of at least 32 characters each")
        return secrets

    @property
    def index_folder(self) -> Path:
        return self.home / "index"

    @property
    def speech_folder(self) -> Path:
        """What recognisers are told of the shop: trigrams, pronunciations, names."""
        return self.home / "speech"

    @property
    def photo_folder(self) -> Path:
        """Photos that were fetched, named by a digest of their address."""
        return self.home / "photos"

    @property
    def conversations(self) -> str:
        """Address of the database of conversations and hand-offs."""
        return self.database_url or f"sqlite:///{self.home / 'conversations.db'}"

    @property
    def orders(self) -> str:
        """Address of the database of customers and orders."""
        return self.shop_url or f"sqlite:///{self.home / 'orders.db'}"
