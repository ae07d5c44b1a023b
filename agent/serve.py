"""Serving: the address checked, everything wired, until it is interrupted."""

from __future__ import annotations

import logging
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from ipaddress import ip_address
from threading import Thread
from typing import TYPE_CHECKING

from agent.config import Settings
from agent.errors import SetupError
from agent.traces import tracing

if TYPE_CHECKING:
    from agent.agent import Agent

DAY = 86_400.0  # seconds
SHUTDOWN = 30  # seconds in which turns that have begun are finished

log = logging.getLogger(__name__)


def check_address(settings: Settings) -> None:
    """Raises SetupError when the address cannot be served; asked before anything is loaded."""
    _listenable(settings)
    _guarded(settings)


def _listenable(settings: Settings) -> None:
    """Raises SetupError when the address is taken; asked before anything is loaded."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise SetupError(
                f"{settings.host}:{settings.port} cannot be listened on ({error.strerror}). "
                "Give another --host or --port."
            ) from error


def _guarded(settings: Settings) -> None:
    """Raises SetupError when others could reach what no key guards."""
    from agent.build import prepare_home
    from agent.store import Store
    from agent.store.keys import has_keys

    prepare_home(settings.home)
    with closing(Store(settings.conversations)) as store:
        if has_keys(store):
            return
    host = "127.0.0.1" if settings.host == "localhost" else settings.host
    try:
        here = ip_address(host).is_loopback
    except ValueError:
        here = False
    if not here:
        raise SetupError(
            f"There is no API key, so only this machine may be served, not {settings.host}. "
            "`deskhand keys create NAME --scope admin` makes one."
        )
    print("There is no API key: only programs on this machine are let in.")


def serve_agent(settings: Settings, ready: Callable[[], None]) -> None:
    """Serve until interrupted. `ready` is called just before the page can be reached."""
    import uvicorn

    from agent.api import create_app
    from agent.api.edge import REQUEST_BYTES
    from agent.build import open_agent
    from agent.connectors.work import Work
    from ui import mount

    with closing(open_agent(settings)) as agent, tracing(settings.traces):
        work = Work(agent, settings.helpdesks)
        app = create_app(agent, settings, work.poke)
        mount(app, agent, settings)
        if settings.retention_days:
            forget = partial(_forget_daily, agent, settings.retention_days)
            Thread(target=forget, daemon=True).start()
        ready()
        print(f"Deskhand answers at http://{settings.host}:{settings.port}", flush=True)
        signal.signal(signal.SIGTERM, _ended)  # uvicorn raises it again when it is done
        with work.running():
            uvicorn.run(
                app,
                host=settings.host,
                port=settings.port,
                log_level="warning",
                ws_max_size=REQUEST_BYTES,
                timeout_graceful_shutdown=SHUTDOWN,
            )


def _ended(number: int, frame: object) -> None:
    """Everything is closed on the way out."""
    sys.exit(0)


def _forget_daily(agent: Agent, days: int) -> None:
    """Erase what is older than `days`, once a day from tomorrow on; opening did it today."""
    from agent.store.personal import forget_older

    while True:
        time.sleep(DAY)
        try:
            log.info("%d old conversations were erased.", forget_older(agent.store, days))
        except Exception:  # tomorrow is another day
            log.exception("Old conversations could not be erased")
