"""Models of the Hugging Face hub: fetched once, on command, and found again without the network."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import scan_cache_dir, snapshot_download
from huggingface_hub.errors import (
    CacheNotFound,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import httpx

from fusion.types import WeightsError

WANTED = ["*.safetensors", "*.json", "*.txt", "*.model"]
"""Files of a model that are fetched: weights without pickles, configuration, tokenizer."""


def find(spec: str) -> Path:
    """The folder of `spec` ("hub:NAME" or "hub:NAME@REVISION") in the local cache.

    Never downloads. Raises WeightsError, naming the command that fetches it, when it is not there
    or not whole.
    """
    name, revision = _parts(spec)
    try:
        folder = snapshot_download(
            name, revision=revision, allow_patterns=WANTED, local_files_only=True
        )
    except (LocalEntryNotFoundError, HFValidationError) as error:
        raise WeightsError(
            f"The model {name!r} is not on this machine. Fetch it once with "
            f"`deskhand models pull {spec}`."
        ) from error
    return Path(folder)


def fetch(spec: str) -> Path:
    """Downloads what is missing of `spec` into the local cache and returns its folder.

    Shows a progress bar on stderr, and goes on where an earlier call was cut short. Raises
    WeightsError when there is no such model, no network, or no weights as safetensors.
    """
    name, revision = _parts(spec)
    try:
        folder = Path(snapshot_download(name, revision=revision, allow_patterns=WANTED))
    except (RepositoryNotFoundError, RevisionNotFoundError, HFValidationError) as error:
        raise WeightsError(
            f"The hub has no model {spec.removeprefix('hub:')!r}, or it is not public. Names look "
            "like hub:google/siglip2-base-patch16-224."
        ) from error
    except (LocalEntryNotFoundError, OfflineModeIsEnabled, httpx.TransportError) as error:
        raise WeightsError(
            f"The model {name!r} cannot be fetched: the hub cannot be reached. Try again with the "
            "network on and HF_HUB_OFFLINE unset; what was fetched so far is kept."
        ) from error
    except (HfHubHTTPError, OSError) as error:
        raise WeightsError(f"The model {name!r} cannot be fetched: {error}.") from error
    if not list(folder.glob("*.safetensors")):
        raise WeightsError(
            f"{name!r} has no weights as safetensors, and others are not loaded. Where another "
            f"revision has them, fetch it as `deskhand models pull hub:{name}@REVISION`."
        )
    return folder


def cached() -> dict[str, int]:
    """Size in bytes of every model in the local cache, by name."""
    try:
        repos = scan_cache_dir().repos
    except CacheNotFound:
        return {}
    return {r.repo_id: r.size_on_disk for r in repos if r.repo_type == "model"}


def _parts(spec: str) -> tuple[str, str | None]:
    name, _, revision = spec.removeprefix("hub:").partition("@")
    return name, revision or None
