"""Settings come from the environment, and a wrong one is named in a sentence."""

from pathlib import Path

import pytest

from agent.config import Settings
from agent.errors import SetupError


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    import os

    for name in [name for name in os.environ if name.startswith("DESKHAND_")]:
        monkeypatch.delenv(name)


def test_defaults_need_no_environment():
    settings = Settings.read()
    assert settings.host == "127.0.0.1" and settings.port == 7860
    assert settings.llm is None and not settings.fetch_photos
    assert settings.home.is_absolute()


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("DESKHAND_HOME", "/tmp/elsewhere", lambda s: s.home == Path("/tmp/elsewhere")),
        ("DESKHAND_PORT", "8001", lambda s: s.port == 8001),
        ("DESKHAND_LLM", "openai:small", lambda s: s.llm == "openai:small"),
        ("DESKHAND_SPEECH", "off", lambda s: s.speech == "off"),
        ("DESKHAND_FETCH_PHOTOS", "true", lambda s: s.fetch_photos),
        ("DESKHAND_LIMITS__ANSWERABLE", "0.7", lambda s: s.limits.answerable == 0.7),
        ("DESKHAND_CURRENCY", "EUR", lambda s: s.currency == "EUR"),
        ("DESKHAND_SITE", "https://shop.example", lambda s: s.site == "https://shop.example"),
        ("DESKHAND_INPUT_LIMITS__PHOTOS", "2", lambda s: s.input_limits.photos == 2),
    ],
)
def test_every_setting_is_an_environment_variable(monkeypatch, name, value, read):
    monkeypatch.setenv(name, value)
    assert read(Settings.read())


def test_what_a_door_gives_stands_above_the_environment(monkeypatch):
    monkeypatch.setenv("DESKHAND_PORT", "8001")
    assert Settings.read(port=8002).port == 8002
    assert Settings.read(port=None).port == 8001


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DESKHAND_PORT", "eighty"),
        ("DESKHAND_PORT", "0"),
        ("DESKHAND_LIMITS__ANSWERABLE", "high"),
        ("DESKHAND_LIMITS__ANSWERABEL", "0.5"),
        ("DESKHAND_LOG_LEVEL", "LOUD"),
        ("DESKHAND_SITE", "javascript:alert(1)"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(SetupError, match=name) as raised:
        Settings.read()
    assert value in str(raised.value)


def test_everything_is_kept_under_home(tmp_path):
    settings = Settings.read(home=tmp_path)
    assert settings.index_folder.parent == tmp_path
    assert settings.conversations == f"sqlite:///{tmp_path}/conversations.db"
    assert settings.orders == f"sqlite:///{tmp_path}/orders.db"


def test_orders_may_live_in_the_shops_own_database(tmp_path):
    settings = Settings.read(home=tmp_path, shop_url="postgresql://shop/orders")
    assert settings.orders == "postgresql://shop/orders"
