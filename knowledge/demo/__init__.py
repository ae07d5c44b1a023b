"""Kiln & Linen, a small shop to try Deskhand with: products, photos, FAQs, policies, orders."""

from pathlib import Path


def folder() -> Path:
    """Where the files of the demo shop are."""
    return Path(__file__).parent
