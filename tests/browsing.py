"""A page of the running product in headless Chromium, as the browser tests drive it."""

from __future__ import annotations

import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from selenium import webdriver
from selenium.common.exceptions import TimeoutException, WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
needs_browser = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs Debian's chromium and chromium-driver"
)
AXE = os.environ.get("DESKHAND_AXE")
"""Where axe.min.js of the npm package axe-core lies; .ci/run fetches it."""
needs_axe = pytest.mark.skipif(
    not AXE, reason="needs axe-core (DESKHAND_AXE, the path of axe.min.js)"
)
PATIENCE = 40  # seconds for one answer on a busy machine


class Page:
    """One browser with the chat page open."""

    def __init__(self, address: str, shots: Path, switches: Sequence[str] = ()) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = str(CHROMIUM)
        for switch in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", *switches):
            options.add_argument(switch)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        service = webdriver.ChromeService(DRIVER)
        self.driver = webdriver.Chrome(options=options, service=service)
        self.shots = shots
        self.look(1280, 900)
        self.open(address)

    def open(self, address: str) -> None:
        self.driver.get(address)
        self.until(lambda: self.all("#state"), "the page")  # its script has begun

    def look(self, width: int, height: int, scheme: str = "light") -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

    def all(self, selector: str) -> list:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def until(self, condition: Callable[[], object], what: str) -> None:
        try:
            waiting = WebDriverWait(self.driver, PATIENCE, 0.05, [WebDriverException, IndexError])
            waiting.until(lambda _: condition())
        except TimeoutException:
            self.shot("failed")
            raise AssertionError(f"{what} did not come:\n{self.one('body').text}") from None

    def send(self, words: str = "", *files: Path) -> str:
        """Send a turn by the box; the text of the last answer, when it is complete."""
        if files:
            self.until(lambda: self.attach(*files), "the photo")
        self.one("#box textarea").send_keys(words, Keys.ENTER)
        return self.answer(words)

    def attach(self, *files: Path) -> bool:
        """Choose files; False when the page replaced the chooser meanwhile and they are lost."""
        chooser = self.one("#box input[type=file]")
        # As a click on the clip does: else choosing the same file again would go unnoticed.
        self.driver.execute_script("arguments[0].value = ''", chooser)
        chooser.send_keys("\n".join(map(str, files)))
        shown = WebDriverWait(self.driver, 3, 0.05, [WebDriverException])
        try:
            return shown.until(lambda _: len(self.all("#box .thumbnail-item")) == len(files))
        except TimeoutException:
            return False

    def answer(self, words: str = "") -> str:
        """The answer to the turn with these words, when it is complete."""
        self.until(lambda: words.strip() in self.said(), "the turn")
        self.until(
            lambda: self.idle() and self.all(".msg")[-1] in self.all(".msg.us"), "the answer"
        )
        return self.all(".msg.us .bubble")[-1].text

    def said(self) -> str:
        """The customer's last message."""
        return self.all("#past .msg.you .bubble")[-1].text

    def idle(self) -> bool:
        return not self.all(".wait") and self.one("#box textarea").is_enabled()

    def begin_anew(self) -> None:
        self.one("#fresh").click()
        self.until(lambda: not self.all(".msg") and self.idle(), "a new start")

    def shot(self, name: str) -> None:
        self.driver.save_screenshot(str(self.shots / f"{name}.png"))


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The address of the app, served on a free loopback port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        finally:
            server.should_exit = True
            thread.join(15)


def check_access(driver: webdriver.Chrome, what: str) -> None:
    """No serious violation of accessibility on the page as it is."""
    driver.set_script_timeout(60)
    driver.execute_script(Path(str(AXE)).read_text(encoding="utf-8"))
    found = driver.execute_async_script(
        "const done = arguments[0]; axe.run().then((all) => done(all.violations.map((one) =>"
        " [one.impact, one.id, one.nodes.map((node) => node.html)])))"
    )
    bad = [one for one in found if one[0] in ("serious", "critical")]
    assert not bad, f"{what}: {bad}"
