"""Who gets in by HTTP, where to, and how often."""

from __future__ import annotations

import time
from asyncio import CancelledError
from pathlib import Path

import jwt
import pytest
from fastapi import HTTPException
from fastapi.testclient import TestClient
from test_agent_api import Scripted, heard, here
from test_agent_api import agent as agent

from agent import api
from agent.api.budget import Budgets
from agent.config import CALLERS, Rates, Settings
from agent.errors import Busy, NotFound, SetupError
from agent.store.keys import create_key, find_key, list_keys, revoke_key
from fusion.types import InputLimits, Transcript, Turn

SECRETS = ("x" * 32, "y" * 32)


def opened(agent: Scripted, home: Path, secret: str = "", **settings) -> TestClient:
    app = api.create_app(agent, Settings(home=home, **settings))  # type: ignore[arg-type]
    return here(app, **({"Authorization": f"Bearer {secret}"} if secret else {}))


def token(secret: str = SECRETS[0], **claims) -> str:
    usual = {"sub": "c1", "aud": "deskhand", "exp": time.time() + 60}
    claims = {name: value for name, value in (usual | claims).items() if value is not None}
    return jwt.encode(claims, secret, "HS256")


# --- Without a key ----------------------------------------------------------------------------


def test_without_a_key_only_programs_on_this_machine(agent: Scripted, tmp_path: Path) -> None:
    client = opened(agent, tmp_path)
    assert client.get("/v1/handoffs").status_code == 200
    for headers in (
        {"X-Forwarded-For": "127.0.0.1"},  # a proxy's
        {"Origin": "https://elsewhere.example"},  # any page could ask, in a browser here
        {"Host": "elsewhere.example"},  # a page whose name was made to mean this machine
        {"Host": "elsewhere.example:7860"},
    ):
        assert client.get("/v1/handoffs", headers=headers).status_code == 403
    away = TestClient(client.app, client=("192.0.2.7", 5), base_url="http://127.0.0.1")
    assert away.post("/v1/conversations").status_code == 403
    assert away.get("/healthz").status_code == 200
    assert away.get("/metrics").status_code == 403


# --- Keys -------------------------------------------------------------------------------------


def test_a_key_is_kept_as_a_digest_and_can_be_revoked(agent: Scripted, tmp_path: Path) -> None:
    secret = create_key(agent.store, "the shop", ["chat", "knowledge"])
    found = find_key(agent.store, secret)
    assert found and found.name == "the shop" and found.scopes == {"chat", "knowledge"}
    files = b"".join(file.read_bytes() for file in tmp_path.glob("conversations.db*"))
    assert secret.split("_", 2)[2].encode() not in files and found.id.encode() in files
    for wrong in ("", "dh_", secret[:-1], secret + "x", secret.upper(), "dh_é_\ud800"):
        assert find_key(agent.store, wrong) is None
    revoke_key(agent.store, found.id)
    assert find_key(agent.store, secret) is None
    assert list_keys(agent.store)[0].revoked_at
    with pytest.raises(NotFound):
        revoke_key(agent.store, found.id)


@pytest.mark.parametrize(
    ("scopes", "statuses"),
    [
        (["chat"], [201, 403, 422, 403]),
        (["knowledge"], [403, 403, 422, 422]),
        (["desk"], [403, 200, 422, 403]),
        (["admin"], [201, 200, 422, 422]),
    ],
)
def test_a_key_opens_what_its_scopes_say(
    agent: Scripted, tmp_path: Path, scopes: list, statuses: list[int]
) -> None:
    client = opened(agent, tmp_path, create_key(agent.store, "one", scopes))
    answered = [
        client.post("/v1/conversations"),
        client.get("/v1/handoffs"),
        client.get("/v1/search"),
        client.post("/v1/documents", json=[]),
    ]
    assert [one.status_code for one in answered] == statuses
    without = opened(agent, tmp_path).get("/v1/handoffs")
    assert without.status_code == 401 and without.headers["www-authenticate"] == "Bearer"
    assert opened(agent, tmp_path, "dh_wrong_key").get("/v1/handoffs").status_code == 401


def test_a_chat_key_may_ask_for_a_person_and_not_be_one(agent: Scripted, tmp_path: Path) -> None:
    client = opened(agent, tmp_path, create_key(agent.store, "shop", ["chat"]))
    at = f"/v1/conversations/{agent.store.new_conversation()}/handoff"
    assert client.post(at, json={"person": "Eve"}).status_code == 403
    assert client.post(at, json={}).json()["state"] == "open"
    assert client.get(at).status_code == 403  # the transcript is for the people of the shop


def test_insights_are_for_the_desk(agent: Scripted, tmp_path: Path) -> None:
    chat = opened(agent, tmp_path, create_key(agent.store, "shop", ["chat"]))
    assert chat.get("/v1/insights").status_code == 403
    desk = opened(agent, tmp_path, create_key(agent.store, "Ann", ["desk"]))
    found = desk.get("/v1/insights?since=2026-11-01&until=2026-11-25").json()
    assert (found["since"], found["until"]) == ("2026-11-01", "2026-11-25")
    assert found["conversations"] == 0 and found["containment"] is None and found["unmet"] == []
    table = desk.get("/v1/insights?until=9999-12-31", headers={"Accept": "text/csv"})
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert table.text.splitlines()[0] == "section,name,value,detail"
    assert desk.get("/v1/insights?since=today").status_code == 422


# --- Customers' tokens ------------------------------------------------------------------------


def test_a_customer_with_a_token_is_known_and_alone(agent: Scripted, tmp_path: Path) -> None:
    client = opened(agent, tmp_path, token(), customer_secrets=SECRETS)
    id = client.post("/v1/conversations").json()["id"]
    customer = agent.store.flow(id).customer
    assert customer and customer.email == "mia@example.org"  # never asked for
    assert client.get(f"/v1/conversations/{id}").status_code == 200
    assert client.get("/v1/handoffs").status_code == 403
    other = opened(agent, tmp_path, token(sub="c2"), customer_secrets=SECRETS)
    assert other.get(f"/v1/conversations/{id}").status_code == 404
    assert other.post(f"/v1/conversations/{id}/turns", json={"text": "Hi"}).status_code == 404
    assert other.post("/v1/conversations").status_code == 401  # the shop does not know c2


def test_a_customer_who_signs_in_takes_an_unknown_conversation_along(
    agent: Scripted, tmp_path: Path
) -> None:
    secret = create_key(agent.store, "back end", ["chat"])
    client = opened(agent, tmp_path, secret, customer_secrets=SECRETS)
    id = client.post("/v1/conversations").json()["id"]
    at, headers = f"/v1/conversations/{id}", {"X-Customer-Token": token()}
    assert client.post(f"{at}/turns", json={"text": "Hi"}, headers=headers).status_code == 200
    assert agent.store.flow(id).customer is not None


@pytest.mark.parametrize(
    "sent",
    [
        token("z" * 32),
        token(exp=time.time() - 60),
        token(exp=None),
        token(aud="another"),
        token(sub=None),
        jwt.encode({"sub": "c1", "aud": "deskhand", "exp": 9e9}, "", "none"),
        "eyJ.eyJ.x",
    ],
)
def test_a_token_must_be_the_shops_own(agent: Scripted, tmp_path: Path, sent: str) -> None:
    client = opened(agent, tmp_path, sent, customer_secrets=SECRETS)
    assert client.post("/v1/conversations").status_code == 401


def test_two_secrets_while_one_replaces_the_other(agent: Scripted, tmp_path: Path) -> None:
    for secret in SECRETS:
        client = opened(agent, tmp_path, token(secret), customer_secrets=SECRETS)
        assert client.post("/v1/conversations").status_code == 201


def test_a_short_secret_is_refused_and_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESKHAND_CUSTOMER_SECRETS", '["hunter2"]')
    with pytest.raises(SetupError, match="CUSTOMER_SECRETS") as refused:
        Settings.read()
    assert "hunter2" not in str(refused.value)


# --- How much ---------------------------------------------------------------------------------


@pytest.mark.parametrize("counted", ["key", "address", "customer"])
def test_who_asks_too_often_is_told_when_to_come_again(
    agent: Scripted, tmp_path: Path, counted: str
) -> None:
    rates = Rates(**{counted: "2/minute"})
    secret = token() if counted == "address" else create_key(agent.store, "one", ["chat"])
    client = opened(agent, tmp_path, secret, rates=rates, customer_secrets=SECRETS)
    client.headers["X-Customer-Token"] = token()
    for _ in range(2):
        assert client.post("/v1/conversations").status_code == 201
    refused = client.post("/v1/conversations")
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["content-type"] == "application/problem+json"


def test_guessing_keys_is_counted_too(agent: Scripted, tmp_path: Path) -> None:
    create_key(agent.store, "one", ["chat"])
    client = opened(agent, tmp_path, "dh_a_b", rates=Rates(address="2/minute"))
    assert [client.get("/metrics").status_code for _ in range(3)] == [401, 401, 429]


def test_a_key_is_counted_and_not_the_address_of_a_back_end(
    agent: Scripted, tmp_path: Path
) -> None:
    secret = create_key(agent.store, "one", ["chat"])
    client = opened(agent, tmp_path, secret, rates=Rates(address="2/minute"))
    assert [client.post("/v1/conversations").status_code for _ in range(4)] == [201] * 4


def begun(client: TestClient) -> str:
    return f"/v1/conversations/{client.post('/v1/conversations').json()['id']}/turns"


@pytest.mark.parametrize("counted", CALLERS)
def test_photos_have_a_budget(agent: Scripted, tmp_path: Path, counted: str) -> None:
    secret = token() if counted == "address" else create_key(agent.store, "one", ["chat"])
    rates = Rates(**{f"{counted}_photos": "3/hour"})
    client = opened(agent, tmp_path, secret, rates=rates, customer_secrets=SECRETS)
    client.headers["X-Customer-Token"] = token()
    turns, photos = begun(client), {"photos": ["b25l", "dHdv"]}
    agent.heard = heard(photos=2)
    assert client.post(turns, json=photos).status_code == 200
    refused = client.post(turns, json=photos)
    assert refused.status_code == 429 and "3 per 1 hour" in refused.json()["detail"]
    assert 3590 <= int(refused.headers["retry-after"]) <= 3600
    assert refused.headers["content-type"] == "application/problem+json"
    assert client.post(turns, json={"text": "Hi"}).status_code == 200


@pytest.mark.parametrize("counted", CALLERS)
def test_sound_has_a_budget_in_seconds(agent: Scripted, tmp_path: Path, counted: str) -> None:
    secret = token() if counted == "address" else create_key(agent.store, "one", ["chat"])
    rates = Rates(**{f"{counted}_sound": "10/minute"})
    client = opened(agent, tmp_path, secret, rates=rates, customer_secrets=SECRETS)
    client.headers["X-Customer-Token"] = token()
    turns, spoken = begun(client), {"audio": "b25l"}
    for seconds in (4.0, 0.0, 5.5):  # the second cannot be decoded
        agent.heard = heard(sound=seconds)
        assert client.post(turns, json=spoken).status_code == 200
    streamed = client.post(turns, json=spoken, headers={"Accept": "text/event-stream"})
    for refused in (streamed, client.post(turns, json=spoken)):  # half a second is left
        assert refused.status_code == 429 and "seconds of sound" in refused.json()["detail"]
        assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert client.post(turns, json={"text": "Hi"}).status_code == 200


def test_what_was_not_decoded_is_not_spent(agent: Scripted, tmp_path: Path) -> None:
    secret = create_key(agent.store, "one", ["chat"])
    client = opened(agent, tmp_path, secret, rates=Rates(key_sound="10/minute"))
    turns, spoken = begun(client), {"audio": "b25l"}
    assert client.post(turns, json=spoken).status_code == 200  # as a reply that is told again
    agent.error = Busy("One moment.")
    assert client.post(turns, json=spoken).status_code == 409
    unknown = client.post("/v1/conversations/none/turns", json=spoken)
    assert unknown.status_code == 404
    agent.error = None
    assert client.post(turns, json=spoken).status_code == 200


def test_recordings_at_the_same_time_share_one_budget() -> None:
    budgets, names = Budgets(Rates(key_sound="150/hour"), InputLimits()), {"key": "one"}
    turn = Turn(audio=b"one")  # of up to 120 seconds: that much is held until it is known
    with budgets.spending(names, turn) as first, budgets.spending(names, turn):
        with pytest.raises(HTTPException) as refused, budgets.spending(names, turn):
            pass
        assert refused.value.status_code == 429
        first(0, 3.0)
    for seconds in (70.0, 70.0, 8.0):  # the last goes over by less than its own length
        with budgets.spending(names, turn) as told:
            told(0, seconds)
    with pytest.raises(HTTPException), budgets.spending(names, Turn(video=b"two")):
        pass
    checked = Turn(audio=b"one", transcript=Transcript("hi", "en", 1.0, "whisper", 0.0, 70.0))
    with budgets.spending(names, checked) as told:  # it was counted when it was heard
        told(0, 70.0)


def test_who_leaves_before_it_is_known_has_spent_what_was_held() -> None:
    budgets, names = Budgets(Rates(key_sound="120/hour"), InputLimits()), {"key": "one"}
    with pytest.raises(CancelledError), budgets.spending(names, Turn(audio=b"one")):
        raise CancelledError
    with pytest.raises(HTTPException), budgets.spending(names, Turn(audio=b"one")):
        pass


# --- What every answer carries ----------------------------------------------------------------


def test_answers_are_harmless_in_a_browser(agent: Scripted, tmp_path: Path) -> None:
    client = opened(agent, tmp_path, origins=("https://shop.example",))
    answered = client.get("/v1/handoffs")
    assert answered.headers["x-content-type-options"] == "nosniff"
    assert answered.headers["content-security-policy"].startswith("default-src 'none'")
    assert answered.headers["cache-control"] == "no-store"
    photo = client.get("/photos/mug%2Fblue").headers["content-security-policy"]
    assert photo == "frame-ancestors 'self' https://shop.example"
    asks = {"Access-Control-Request-Method": "POST"}
    for origin, allowed in (("https://shop.example", True), ("https://evil.example", False)):
        answered = client.options("/v1/conversations", headers={"Origin": origin, **asks})
        assert ("access-control-allow-origin" in answered.headers) is allowed


def test_docs_only_where_wanted(agent: Scripted, tmp_path: Path) -> None:
    assert opened(agent, tmp_path).get("/docs").status_code == 404
    assert opened(agent, tmp_path, docs=True).get("/docs").status_code == 200


def test_a_browser_of_the_chat_page_has_the_limits_of_a_customer(
    agent: Scripted, tmp_path: Path
) -> None:
    rates = Rates(customer="2/minute", address="4/minute")
    access = opened(agent, tmp_path, rates=rates).app.state.access
    for browser in ("a", "a", "b"):
        access.enter_page(browser, "192.0.2.7")
    with pytest.raises(HTTPException, match="429"):
        access.enter_page("a", "192.0.2.8")
    access.enter_page("", "192.0.2.7")
    with pytest.raises(HTTPException, match="429"):  # whatever cookie it comes with
        access.enter_page("d", "192.0.2.7")
