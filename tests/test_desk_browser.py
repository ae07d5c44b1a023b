"""The pages of the shop's people as they see them: the real app, real models, headless Chromium."""

from __future__ import annotations

import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import uvicorn
from browsing import check_access, needs_axe
from selenium import webdriver
from selenium.common.exceptions import TimeoutException, WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

import ui
from agent.agent import Agent
from agent.api import create_app
from agent.build import open_agent
from agent.config import Settings
from agent.insights import make_insights
from agent.store.keys import create_key
from fusion.types import Turn

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER), reason="needs Debian's chromium and chromium-driver"
    ),
]
SAMPLES = Path(__file__).parent / "samples"
PATIENCE = 40  # seconds for one answer on a busy machine
HOSTILE = "<img src=x onerror=document.title='taken'>"


@dataclass
class Served:
    address: str
    agent: Agent
    keys: dict[str, str]  # by scope


class Browser:
    """One person's browser."""

    def __init__(self, served: Served, shots: Path) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = str(CHROMIUM)
        for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        service = webdriver.ChromeService(DRIVER)
        self.driver = webdriver.Chrome(options=options, service=service)
        self.served, self.shots = served, shots
        size = {"width": 1440, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def log_in(self, key: str, name: str, page: str = "desk") -> None:
        self.driver.get(f"{self.served.address}{page}/")
        self.until(lambda: self.all("#key"), "the login")
        self.one("#name").send_keys(name)
        self.one("#key").send_keys(key, Keys.ENTER)

    def all(self, selector: str) -> list:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        return " ".join(one.text for one in self.all(selector))

    def until(self, condition: Callable[[], object], what: str) -> None:
        try:
            waiting = WebDriverWait(self.driver, PATIENCE, 0.1, [WebDriverException, IndexError])
            waiting.until(lambda _: condition())
        except TimeoutException:
            self.shot("failed")
            raise AssertionError(f"{what} did not come:\n{self.text('body')[:3000]}") from None

    def open(self, words: str) -> None:
        """Open the conversation of the queue in which these words were the last."""
        at = f"//*[@id='line']//button[contains(., {words!r})]"
        self.until(lambda: self.driver.find_elements(By.XPATH, at), f"{words} in the queue")
        self.until(lambda: self.driver.find_element(By.XPATH, at).click() is None, "the click")
        self.until(lambda: words in self.text("#talk"), f"the conversation with {words}")

    def click(self, selector: str) -> None:
        self.until(lambda: self.one(selector).click() is None, selector)

    def gone(self, selector: str) -> bool:
        return not any(one.is_displayed() for one in self.all(selector))

    def shot(self, name: str, scheme: str = "light") -> None:
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        self.driver.save_screenshot(str(self.shots / f"{name}.png"))

    def errors(self) -> list[str]:
        log = self.driver.get_log("browser")
        return [entry["message"] for entry in log if entry["level"] == "SEVERE"]


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go: DESKHAND_SCREENSHOTS, or a temporary folder."""
    path = Path(os.environ.get("DESKHAND_SCREENSHOTS") or tmp_path_factory.mktemp("shots"))
    path.mkdir(parents=True, exist_ok=True)
    return path


@pytest.fixture(scope="module")
def served(new_home: Path) -> Iterator[Served]:
    """The demo shop's app with a key of each scope, on a free loopback port."""
    settings = Settings(home=new_home, title="Kiln & Linen", speech="pocketsphinx")
    agent = open_agent(settings)
    keys = {
        scope: create_key(agent.store, scope, [scope])
        for scope in ("chat", "desk", "knowledge", "admin")
    }
    app = create_app(agent, settings)
    ui.mount(app, agent, settings)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield Served(f"http://127.0.0.1:{listening.getsockname()[1]}/", agent, keys)
        server.should_exit = True
        thread.join(15)
    agent.close()


@pytest.fixture
def browsers(served: Served, shots: Path) -> Iterator[Callable[[], Browser]]:
    opened: list[Browser] = []

    def new() -> Browser:
        opened.append(Browser(served, shots))
        return opened[-1]

    yield new
    for browser in opened:
        browser.driver.quit()


def held(served: Served, *turns: str | Turn) -> str:
    """A conversation with these turns."""
    conversation = served.agent.store.new_conversation()
    for turn in turns:
        turn = turn if isinstance(turn, Turn) else Turn(turn)
        for _ in served.agent.reply(turn, conversation):
            pass
    return conversation


def told(served: Served, last: str) -> None:
    """One that begins with a recording about an order and has a photo; `last` is said last."""
    photo = SAMPLES / "photos/customer/kettle-bruno-red_3.jpg"
    recording = SAMPLES / "audio/where_is_my_order.wav"
    held(
        served,
        Turn(audio=recording.read_bytes()),
        "marta.claes@example.com",
        Turn("How much is this kettle?", photos=(photo.read_bytes(),)),
        last,
    )


def test_no_page_without_its_key(served: Served, browsers) -> None:
    browser = browsers()
    for key, why in (("dh_wrong_key", "unknown or revoked"), (served.keys["chat"], "scope desk")):
        browser.log_in(key, "Eve")
        browser.until(lambda why=why: why in browser.text(".wrong"), "why not")
        assert key not in browser.driver.page_source
        assert not browser.driver.get_cookies()
    browser.log_in(served.keys["desk"], "Ann")
    browser.until(lambda: browser.all("#line"), "the desk")
    (cookie,) = browser.driver.get_cookies()
    assert cookie["httpOnly"] and cookie["sameSite"] == "Strict"
    assert browser.driver.execute_script("return document.cookie") == ""
    browser.until(lambda: "Insights" in browser.text("#head"), "the pages")
    assert "Knowledge" not in browser.text("#head")
    browser.driver.get(f"{served.address}knowledge/")
    browser.until(lambda: "needs the scope knowledge" in browser.text(".wrong"), "why not")
    browser.driver.get(f"{served.address}desk/")
    browser.until(lambda: browser.all("#head form button"), "the way out")
    browser.click("#head form button")
    browser.until(lambda: browser.all("#key"), "the login")
    browser.driver.get(f"{served.address}desk/")
    browser.until(lambda: browser.all("#key"), "the login again")


def test_a_hand_off_is_answered_in_another_browser_and_by_one_person(
    served: Served, browsers
) -> None:
    customer, ann, ben = browsers(), browsers(), browsers()
    customer.driver.get(served.address)
    customer.until(lambda: customer.all("#box textarea"), "the chat")
    asking = f"I want to talk to a person {HOSTILE}"
    customer.one("#box textarea").send_keys(asking, Keys.ENTER)
    customer.until(lambda: "colleague" in customer.text("#main"), "the hand-off")

    ann.log_in(served.keys["desk"], "Ann")
    ben.log_in(served.keys["desk"], "Ben")
    ann.open(asking)
    ben.open(asking)
    assert "nobody has it yet" in ann.text("#title")
    ann.click("#take")
    ann.until(lambda: "you have it" in ann.text("#title"), "it is Ann's")
    ben.until(lambda: "Ann has it" in ben.text("#title"), "Ben sees it by himself")
    ben.until(lambda: ben.gone("#send"), "no answer from Ben")

    ann.click("#suggestion")
    ann.until(lambda: "how can I help" in ann.one("#answer textarea").get_property("value"), "it")
    ann.one("#answer textarea").send_keys(f" This is Ann. {HOSTILE}")
    ann.click("#send")
    ann.until(lambda: "This is Ann." in ann.text("#talk .person"), "what Ann wrote")
    customer.until(lambda: "This is Ann." in customer.text("#main"), "Ann's words")
    assert HOSTILE in ann.text("#talk .person")
    assert ann.driver.title == "Desk · Kiln & Linen" and customer.driver.title == "Kiln & Linen"
    ann.click("#resolve")
    ann.until(lambda: "is done" in ann.text("#title"), "the end")
    customer.until(lambda: "assistant answers again" in customer.text("#main"), "the assistant")
    assert ann.errors() == [] and ben.errors() == []


def test_whoever_comes_second_is_refused_in_a_sentence(served: Served, browsers) -> None:
    conversation = held(served, "I would like to talk to a person about wedding gifts")
    ben = browsers()
    ben.log_in(served.keys["desk"], "Ben")
    ben.open("about wedding gifts")
    # Ann is quicker, between two looks of Ben's page.
    served.agent.store.take_over(conversation, "Ann")
    ben.driver.execute_script("document.querySelector('#take')?.click()")
    ben.until(
        lambda: "Ann already has this" in ben.text("#told") or "Ann has it" in ben.text("#title"),
        "the refusal",
    )
    waiting = {one.conversation: one.person for one in served.agent.store.waiting()}
    assert waiting[conversation] == "Ann"
    ben.until(lambda: ben.gone("#send"), "no answer from Ben")
    served.agent.store.resolve(conversation)


def test_photo_and_recording_are_seen_and_heard_beside_the_order(served: Served, browsers) -> None:
    told(served, "Can I speak to someone?")
    ann = browsers()
    ann.log_in(served.keys["desk"], "Ann")
    ann.open("Can I speak to someone?")
    width = "return document.querySelector('#talk img').naturalWidth"
    ann.until(lambda: ann.driver.execute_script(width) > 100, "the photo")
    length = "return document.querySelector('#talk audio').duration"
    ann.until(lambda: (ann.driver.execute_script(length) or 0) > 0.5, "a recording that plays")
    assert "order" in ann.text("#talk .heard")
    assert "Marta Claes" in ann.text("#side") and "K1036" in ann.text("#side details[open]")
    address = ann.one("#talk img").get_attribute("src")
    ann.shot("desk")
    ann.shot("desk_dark", "dark")
    ann.driver.delete_all_cookies()
    ann.driver.get(address)
    assert "Log in first" in ann.text("body")


def test_what_is_added_to_the_faq_answers_the_next_customer(served: Served, browsers) -> None:
    question = "Can you engrave a name on a pepper mill?"
    answer = "Yes, we engrave up to twelve letters on any wooden mill for 8 EUR."
    held(served, question, "I want to talk to a person")
    ann = browsers()
    ann.log_in(served.keys["desk"], "Ann")
    ann.open("I want to talk to a person")
    ann.until(lambda: ann.all("#passages button"), "passages")
    insert = ann.one("#passages button")
    title = insert.get_attribute("aria-label").removeprefix("Insert ")
    insert.click()
    written = "return document.querySelector('#answer textarea').value"
    ann.until(lambda: len(ann.driver.execute_script(written)) > 10, f"the passage of {title}")
    ann.click("#faq button")
    ann.until(lambda: ann.one("#question textarea, #question input").is_displayed(), "the form")
    asked = ann.one("#question textarea, #question input")
    asked.send_keys(Keys.CONTROL, "a")
    asked.send_keys(question)
    ann.one("#entry textarea").send_keys(answer)
    ann.click("#add")
    ann.until(lambda: "Added" in ann.text("#added"), "the entry")
    conversation = held(served, "Is engraving possible on a wooden mill?")
    (reply,) = served.agent.store.replies(conversation)
    assert "twelve letters" in reply.text
    ann.one("#question textarea, #question input").send_keys(question)
    ann.one("#entry textarea").send_keys("No.")
    ann.click("#add")
    ann.until(lambda: "has an entry for this" in ann.text("#added"), "no second one")
    assert ann.errors() == []


def test_insights_count_the_conversations_that_were_held(served: Served, browsers) -> None:
    held(served, "Do you sell bicycles?", "a mountain bike then, my mail is mia@x.example")
    today = datetime.now(UTC).date()
    counted = make_insights(served.agent)(today, today)
    ann = browsers()
    ann.log_in(served.keys["desk"], "Ann", "insights")
    ann.until(lambda: ann.all("#insights .tile"), "the figures")
    shown = ann.text("#insights .tile")
    assert f"{counted.conversations}\n{counted.turns} messages" in shown
    page = ann.text("#insights")
    assert "icycle" in page and "mia@x.example" not in page
    assert counted.unmet and sum(one.count for one in counted.hand_offs) >= 1
    names = [cell.text for cell in ann.all("#insights .bars th")]
    assert "Asked for a person" in names
    ann.shot("insights")
    ann.driver.get(ann.one(".days a").get_attribute("href").replace("since=", "since=x"))
    assert "are days" in ann.text("body")


def test_a_feed_is_indexed_and_its_bad_row_reported(
    served: Served, browsers, tmp_path: Path
) -> None:
    feed = tmp_path / "new.csv"
    feed.write_text(
        "id,title,description,price,currency\n"
        "gong-1,Gong of bronze,A gong for the garden,89.00,EUR\n"
        "gong-2,,no title here,12.00,EUR\n"
        f'gong-3,"{HOSTILE} gong",A small gong,19.00,EUR\n',
        encoding="utf-8",
    )
    ann = browsers()
    ann.log_in(served.keys["knowledge"], "Ann", "knowledge")
    ann.until(lambda: ann.all("#rows li"), "the documents")
    assert "Desk" not in ann.text("#head nav")
    ann.until(lambda: ann.all("#feed input[type=file]"), "the place to drop")
    ann.one("#feed input[type=file]").send_keys(str(feed))
    ann.until(lambda: "2 added" in ann.text("#report"), "the report")
    assert "1 skipped" in ann.text("#report") and "row 3" in ann.text("#report")

    ann.one("#asked textarea, #asked input").send_keys("a gong of bronze under 50 euros")
    ann.click("#try")
    ann.until(lambda: ann.all("#ranking .places li"), "the ranking")
    assert "under 50.00 EUR" in ann.text("#ranking")
    assert "Gong of bronze: not under 50.00 EUR" in ann.text("#ranking .out")
    assert "meaning" in ann.text("#ranking .reason") and "place 1" in ann.text("#ranking .reason")
    ann.shot("knowledge")

    ann.one("#words textarea, #words input").send_keys("bronze gong", Keys.ENTER)
    ann.until(lambda: ann.text("#rows li b").startswith("Gong of bronze"), "the gong")
    ann.click("#rows li button")
    ann.driver.switch_to.alert.accept()
    ann.until(lambda: "was deleted" in ann.text("#removed"), "that it was deleted")
    assert served.agent.knowledge.document("gong-1") is None
    assert served.agent.knowledge.document("gong-3") is not None
    assert ann.driver.title == "Knowledge · Kiln & Linen" and ann.errors() == []


@needs_axe
def test_no_serious_violation_of_accessibility(served: Served, browsers) -> None:
    told(served, "Let me speak to a person about it")
    ann = browsers()
    ann.driver.get(f"{served.address}desk/")
    ann.until(lambda: ann.all("#key"), "the login")
    check_access(ann.driver, "the login")
    ann.log_in(served.keys["admin"], "Ann")
    ann.until(lambda: ann.all("#line button"), "the queue")
    check_access(ann.driver, "the queue")
    ann.open("Let me speak to a person about it")
    ann.click("#take")
    ann.until(lambda: "you have it" in ann.text("#title"), "it is Ann's")
    ann.click("#faq button")
    check_access(ann.driver, "an open conversation")
    pages = (("desk", "#line button"), ("insights", "#insights .tile"), ("knowledge", "#rows li"))
    for page, drawn in (*pages[1:], *pages):
        ann.driver.get(f"{served.address}{page}/")
        ann.until(lambda drawn=drawn: ann.all(drawn), page)
        check_access(ann.driver, page)
        if page == "knowledge":
            ann.shot(page, "dark")  # and once more in the dark


def test_two_of_one_name_are_two_people(served: Served, browsers) -> None:
    conversation = held(served, "I would like to talk to a person about copper pans")
    first, second = browsers(), browsers()
    for browser in (first, second):
        browser.log_in(served.keys["desk"], "Kim")
        browser.open("about copper pans")
    first.click("#take")
    first.until(lambda: "you have it" in first.text("#title"), "it is the first one's")
    second.until(lambda: "Kim has it" in second.text("#title"), "the second one sees it")
    second.until(lambda: second.gone("#send"), "no answer from the second one")
    assert second.text("#head .me") == "Kim (2)"
    first.driver.get(f"{served.address}desk/")
    first.until(lambda: first.all("#head form button"), "the way out")
    first.click("#head form button")
    first.log_in(served.keys["desk"], "Kim")  # the same person again
    first.open("about copper pans")
    first.until(lambda: "you have it" in first.text("#title"), "it is still the first one's")
    served.agent.store.resolve(conversation)
