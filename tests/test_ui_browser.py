"""The chat page as a customer sees it: the real app, real models, headless Chromium."""

from __future__ import annotations

import json
import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import uvicorn
from gradio.utils import get_upload_folder
from PIL import Image
from selenium import webdriver
from selenium.common.exceptions import TimeoutException, WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

import ui
from agent.api import create_app
from agent.build import open_agent
from agent.config import Settings
from fusion.types import InputLimits

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs Debian's chromium and chromium-driver"
)
SAMPLES = Path(__file__).parent / "samples"
PHOTO = SAMPLES / "photos/customer/kettle-bruno-red_3.jpg"
PATIENCE = 20  # seconds for one answer on a busy machine


class Page:
    """One browser with the chat page open."""

    def __init__(self, address: str, shots: Path) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = str(CHROMIUM)
        for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        service = webdriver.ChromeService(DRIVER)
        self.driver = webdriver.Chrome(options=options, service=service)
        self.shots = shots
        self.look(1280, 900)
        self.driver.get(address)
        self.until(lambda: self.all("#box textarea"), "the page")

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
        self.until(self.idle, "the end of the answer")
        return self.all("#chat .bot-row")[-1].text

    def said(self) -> str:
        """The customer's last message."""
        return self.all("#chat .user-row")[-1].text

    def idle(self) -> bool:
        return not self.all("#chat .wait") and self.one("#box textarea").is_enabled()

    def shot(self, name: str) -> None:
        self.driver.save_screenshot(str(self.shots / f"{name}.png"))


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go: DESKHAND_SCREENSHOTS, or a temporary folder."""
    path = Path(os.environ.get("DESKHAND_SCREENSHOTS") or tmp_path_factory.mktemp("shots"))
    path.mkdir(parents=True, exist_ok=True)
    return path


@pytest.fixture(scope="module")
def address(new_home: Path) -> Iterator[str]:
    """The demo shop's app, served on a free loopback port."""
    settings = Settings(
        home=new_home,
        title="Kiln & Linen",
        speech="pocketsphinx",
        input_limits=InputLimits(text_chars=300),
    )
    agent = open_agent(settings)
    app = create_app(agent, settings)
    ui.mount(app, agent, settings)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        server.should_exit = True
        thread.join(15)
    agent.close()


@pytest.fixture(scope="module")
def browser(address: str, shots: Path) -> Iterator[Page]:
    page = Page(address, shots)
    yield page
    page.driver.quit()


@pytest.fixture
def page(browser: Page) -> Page:
    """The page with a new conversation."""
    browser.one("#fresh").click()
    browser.until(lambda: not browser.all("#chat .message-row") and browser.idle(), "a new start")
    return browser


def test_question_is_answered_with_a_card(page: Page) -> None:
    answer = page.send("How much is the Aster mug in blue?")
    card = page.one(".cards article")
    assert "16.90 EUR" in answer
    assert "Aster mug, blue" in card.text
    assert "16.90 EUR" in card.text
    assert "42 in stock" in card.text
    page.shot("card")


def test_photo_is_recognised(page: Page) -> None:
    answer = page.send("How much is this?", PHOTO)
    assert "Bruno kettle, red" in answer
    assert "49.00" in answer
    shown = [page.one(f"#chat {side} img") for side in (".user-row", ".cards")]
    page.until(lambda: all(int(i.get_property("naturalWidth")) for i in shown), "both photos")
    page.shot("photo")


def test_no_upload_keeps_where_it_was_taken(page: Page, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Maker of the camera"
    exif.get_ifd(0x8825)[1] = "N"
    with Image.open(PHOTO) as image:
        image.save(tmp_path / "mine.jpg", exif=exif)
    assert b"Maker of the camera" in (tmp_path / "mine.jpg").read_bytes()
    assert "Bruno kettle" in page.send("How much is this?", tmp_path / "mine.jpg")
    page.until(lambda: page.all("#chat .user-row img"), "the photo as it was sent")
    kept = [path for path in Path(get_upload_folder()).rglob("*") if path.is_file()]
    assert any(path.name == "mine.jpg" for path in kept)
    assert not any(b"Maker of the camera" in path.read_bytes() for path in kept)


def test_recording_is_heard(page: Page) -> None:
    page.one("#recorder button[aria-label='Upload file']").click()
    page.until(lambda: page.all("#recorder input[type=file]"), "the upload")
    page.one("#recorder input[type=file]").send_keys(
        str(SAMPLES / "audio" / "where_is_my_order.wav")
    )
    page.until(lambda: page.all("#speak"), "the button that sends it")
    page.one("#speak").click()
    page.until(lambda: page.all("#chat .user-row"), "the recording")
    assert "e-mail" in page.answer()
    assert "order" in page.said()
    page.until(lambda: not page.all("#speak"), "an empty recorder")
    page.shot("recording")


def test_choices_are_buttons(page: Page) -> None:
    page.send("I want to cancel my order")
    page.send("marta.claes@example.com")
    page.until(lambda: len(page.all("#choices button")) > 1, "the orders to choose from")
    buttons = page.all("#choices button")
    page.shot("choices")
    order = buttons[0].text.split(",")[0]
    buttons[0].click()
    assert order in page.answer(order)


def test_products_are_compared_in_a_table_and_a_wish_is_taken_away(page: Page) -> None:
    page.send("Do you have a blue mug?")
    page.until(lambda: page.all("#choices button"), "the wish as a chip")
    assert "blue" in page.one("#choices button").text
    page.one("#choices button").click()
    page.answer("Without")
    page.send("compare the first two")
    heads = [cell.text for cell in page.all("#chat table th")]
    assert sum("mug" in head.lower() for head in heads) == 2
    page.shot("comparison")


def test_evidence_panel_opens(page: Page) -> None:
    page.send("Do you have this in black?", PHOTO)
    assert not page.all("#evidence h3")
    page.one("#why button").click()
    page.until(lambda: page.all("#evidence h3"), "the panel")
    titles = [title.text for title in page.all("#evidence h3")]
    for title in ("What you said and showed", "What I took it to mean", "What I found"):
        assert title in titles
    counted = [bar.text.split("\n")[0] for bar in page.all("#evidence .bar")]
    assert "the photo" in counted and "typed words" in counted
    assert "Bruno kettle, black" in page.one("#evidence").text
    page.shot("evidence")


def test_new_conversation_stops_and_clears(page: Page) -> None:
    page.one("#box textarea").send_keys("Which mugs do you have?", Keys.ENTER)
    page.until(lambda: page.all("#chat .bot-row"), "the beginning of an answer")
    page.one("#fresh").click()
    page.until(lambda: not page.all("#chat .message-row") and page.idle(), "an empty chat")
    assert "e-mail" in page.send("Where is my order?")


def test_bad_input_keeps_the_words(page: Page) -> None:
    words = "please " * 50
    answer = page.send(words)
    assert "300" in answer
    assert page.one("#box textarea").get_property("value").strip() == words.strip()
    page.one("#box textarea").send_keys(Keys.CONTROL, "a")
    assert "e-mail" in page.send("Where is my order?")
    assert page.one("#box textarea").get_property("value") == ""


def test_markup_is_shown_not_obeyed(page: Page) -> None:
    words = "<img src=x onerror=document.title='taken'> **bold** <b>mug</b>"
    page.send(words)
    assert page.said() == words
    assert not page.all("#chat .user-row img")
    assert page.driver.title == "Kiln & Linen"


def test_two_browsers_never_mix_and_a_phone_will_do(page: Page, address: str, shots: Path) -> None:
    other = Page(address, shots)
    try:
        other.look(390, 844, "dark")
        other.driver.refresh()
        other.until(lambda: other.all("#box textarea"), "the page")
        page.send("How much is the Aster mug in blue?")
        assert not other.all("#chat .message-row")
        assert "30 days" in other.send("How long do I have to return something?")
        assert "Aster" not in other.one("#chat").text
        assert "Aster" in page.said()
        assert other.driver.execute_script("return document.documentElement.scrollWidth") <= 390
        other.shot("phone")
    finally:
        other.driver.quit()


def test_nothing_is_asked_of_another_host(browser: Page, address: str) -> None:
    """After everything above: every request of the page went to its own server, without errors."""
    messages = [
        json.loads(entry["message"])["message"] for entry in browser.driver.get_log("performance")
    ]
    sent = [
        m["params"]["request"]["url"]
        for m in messages
        if m["method"] == "Network.requestWillBeSent"
    ]
    assert len(sent) > 10
    hosts = {urlsplit(url).netloc for url in sent if urlsplit(url).scheme not in ("data", "blob")}
    assert hosts == {urlsplit(address).netloc}
    severe = [e["message"] for e in browser.driver.get_log("browser") if e["level"] == "SEVERE"]
    assert severe == []
