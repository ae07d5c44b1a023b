"""The described interface is the served one: schemathesis makes requests from /openapi.json."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable

from agent.api import create_app
from agent.build import open_agent
from agent.config import Rates, Settings
from agent.store.keys import create_key

schemathesis = pytest.importorskip("schemathesis")
checks = pytest.importorskip("schemathesis.specs.openapi.checks")
pytestmark = pytest.mark.slow
UNSAID = ("/turns", "/completions", "/documents")
"""Where more is asked than a schema can say: that a photo is one, that ids differ."""
EXAMPLES = 8  # of each operation and mode


@pytest.fixture(scope="module")
def served(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    home = tmp_path_factory.mktemp("schema")
    shutil.copytree(demo_home, home, dirs_exist_ok=True)
    rates = Rates(**dict.fromkeys(Rates.model_fields, "1000000/second"))
    wanted = Settings(home=home, speech="off", llm=None, rates=rates)
    with closing(open_agent(wanted)) as agent:
        yield create_app(agent, wanted), create_key(agent.store, "schema", ["admin"])


@pytest.fixture(scope="module")
def described(served):
    return schemathesis.openapi.from_asgi("/openapi.json", served[0])


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
def test_the_interface_is_as_it_is_described(described, served, mode) -> None:
    """Requests as described are answered as described, others are refused as described."""
    failures = []
    for found in described.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case) -> None:
            case.headers = {**(case.headers or {}), "Authorization": f"Bearer {served[1]}"}
            case.headers.pop("Accept", None)  # a stream that is followed never ends
            excluded = [checks.ignored_auth]  # tests/test_agent_api_access.py
            if case.operation.path.endswith(UNSAID):
                excluded.append(checks.positive_data_acceptance)
            case.call_and_validate(excluded_checks=excluded)

        try:
            check()
        except Unsatisfiable:
            continue  # it takes nothing that could be wrong
        except BaseExceptionGroup as group:
            failures.append(f"{operation.label}: {group.exceptions}")
    assert not failures, "\n\n".join(failures)


def test_every_route_has_words_and_tells_its_errors(described) -> None:
    paths = described.raw_schema["paths"]
    for path, methods in paths.items():
        for method, route in methods.items():
            assert route.get("description"), f"{method} {path} is not described"
            if path.startswith("/v1"):
                assert {"401", "403", "429"} <= route["responses"].keys(), f"{method} {path}"
            for status, told in route["responses"].items():
                if status >= "400":
                    assert list(told["content"]) == ["application/problem+json"], path
    turn = paths["/v1/conversations/{conversation}/turns"]["post"]
    assert set(turn["requestBody"]["content"]) == {"application/json", "multipart/form-data"}
    assert turn["responses"]["200"]["content"]["application/json"]["example"]
