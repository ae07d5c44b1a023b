"""Who gets in by HTTP, where to, and how often."""

from __future__ import annotations

import time
from pathlib import Path

import jwt
import pytest
from fastapi import HTTPException
from fastapi.testclient import TestClient
from test_agent_api import Scripted, here
from test_agent_api import agent as agent

from agent import api
from agent.config import Rates, Settings
from agent.errors import NotFound, SetupError
from agent.store.keys import create_key, find_key, list_keys, revoke_key

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
    secret = create_key(agent.store, "one", ["chat"])
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


def test_photos_have_a_budget(agent: Scripted, tmp_path: Path) -> None:
    secret = create_key(agent.store, "one", ["chat"])
    client = opened(agent, tmp_path, secret, rates=Rates(photos="3/hour"))
    turns = f"/v1/conversations/{client.post('/v1/conversations').json()['id']}/turns"
    photos = {"photos": ["b25l", "dHdv"]}
    assert client.post(turns, json=photos).status_code == 200
    assert client.post(turns, json=photos).status_code == 429
    assert client.post(turns, json={"text": "Hi"}).status_code == 200


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
    rates = Rates(customer="2/minute", address="4/minute", photos="1/hour")
    access = opened(agent, tmp_path, rates=rates).app.state.access
    for browser in ("a", "a", "b"):
        access.spend_page(browser, "192.0.2.7")
    with pytest.raises(HTTPException, match="429"):
        access.spend_page("a", "192.0.2.8")
    access.spend_page("c", "192.0.2.9", photos=1)
    with pytest.raises(HTTPException, match="429"):
        access.spend_page("c", "192.0.2.9", photos=1)
    access.spend_page("", "192.0.2.7")
    with pytest.raises(HTTPException, match="429"):  # whatever cookie it comes with
        access.spend_page("d", "192.0.2.7")
