"""The chat on a shop's own page, and whether everybody can use it; slower checks of the pages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import Page, check_access, needs_axe, needs_browser, served
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from selenium.webdriver.common.keys import Keys

import ui
from agent.api import create_app
from agent.build import open_agent
from agent.config import Settings

pytestmark = [needs_browser, pytest.mark.slow]
SAMPLES = Path(__file__).parent / "samples"
PHOTO = SAMPLES / "photos/customer/kettle-bruno-red_3.jpg"


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = Path(os.environ.get("DESKHAND_SCREENSHOTS") or tmp_path_factory.mktemp("shots"))
    path.mkdir(parents=True, exist_ok=True)
    return path


@pytest.fixture(scope="module")
def shop() -> Iterator[tuple[str, dict[str, str]]]:
    """A shop's site of one page, whose body is put in `page`."""
    site, page = FastAPI(), {"body": ""}

    @site.get("/")
    def home() -> HTMLResponse:
        return HTMLResponse(f"<!doctype html><title>Shop</title><body>{page['body']}</body>")

    with served(site) as address:
        yield address, page


@pytest.fixture(scope="module")
def chat(new_home: Path, shop: tuple[str, dict[str, str]]) -> Iterator[str]:
    """The address of the chat, which the shop may frame."""
    settings = Settings(
        home=new_home,
        title="Kiln & Linen",
        speech="pocketsphinx",
        origins=(shop[0].rstrip("/"),),
    )
    agent = open_agent(settings)
    app = create_app(agent, settings)
    ui.mount(app, agent, settings)
    with served(app) as address:
        yield address
    agent.close()


@pytest.fixture
def browser(chat: str, shots: Path) -> Iterator[Page]:
    page = Page(chat, shots)
    yield page
    page.driver.quit()


def inside(page: Page, selector: str):
    """An element of the widget on a shop's page."""
    reach = "return document.body.lastElementChild.shadowRoot.querySelector(arguments[0])"
    return page.driver.execute_script(reach, selector)


def test_one_line_opens_the_chat_on_a_page_of_the_shop(
    browser: Page, chat: str, shop: tuple[str, dict[str, str]]
) -> None:
    address, page = shop
    page["body"] = f"<h1>Shop</h1><script src='{chat}widget.js' data-label='Ask us'></script>"
    browser.driver.get(address)
    inside(browser, "button").click()
    browser.driver.switch_to.frame(inside(browser, "iframe"))
    browser.until(lambda: browser.all("#state"), "the chat")
    assert "16.90" in browser.send("How much is the Aster mug in blue?")
    browser.driver.switch_to.default_content()
    browser.driver.execute_script("postMessage({deskhand: 'close'}, '*')")  # the page's own
    assert inside(browser, ".frame").is_displayed()
    browser.driver.switch_to.frame(inside(browser, "iframe"))
    browser.one("#box textarea").send_keys(Keys.ESCAPE)
    browser.driver.switch_to.default_content()
    browser.until(lambda: not inside(browser, ".frame").is_displayed(), "the closed frame")


def test_the_demo_page_shows_the_widget(browser: Page, chat: str) -> None:
    browser.driver.get(f"{chat}widget-demo")
    browser.until(lambda: inside(browser, "button"), "the button")
    inside(browser, "button").click()
    browser.driver.switch_to.frame(inside(browser, "iframe"))
    browser.until(lambda: browser.all("#state"), "the chat")
    browser.send("Do you have a blue mug?")
    browser.driver.switch_to.default_content()
    browser.shot("widget")


def test_another_site_cannot_frame_the_chat(
    browser: Page, chat: str, shop: tuple[str, dict[str, str]]
) -> None:
    address, page = shop
    page["body"] = f"<iframe src='{chat}?widget={address.rstrip('/')}'></iframe>"
    browser.driver.get(address.replace("127.0.0.1", "localhost"))  # another origin
    browser.driver.switch_to.frame(browser.one("iframe"))
    assert not browser.all("#box")
    told = [entry["message"] for entry in browser.driver.get_log("browser")]
    assert any("frame-ancestors" in message for message in told)


@needs_axe
def test_no_serious_violation_of_accessibility(browser: Page, chat: str) -> None:
    check_access(browser.driver, "the welcome")
    browser.send("Do you have a blue mug?")
    browser.one(".tools [data-why]").click()
    browser.until(lambda: browser.all("#evidence .bars"), "the panel")
    check_access(browser.driver, "cards and evidence")
    browser.one("#side [data-close]").click()
    browser.send("compare the first two")
    browser.one("[data-rate=down]").click()
    browser.until(lambda: browser.all(".reason"), "the question why")
    browser.attach(PHOTO)
    browser.one("#voice input[type=file]").send_keys(str(SAMPLES / "audio/where_is_my_order.wav"))
    browser.until(lambda: browser.all("#words textarea"), "what was heard")
    check_access(browser.driver, "a table, a photo and a recording")
    browser.look(390, 844, "dark")
    browser.open(chat)
    browser.until(lambda: browser.all("#past .msg"), "the conversation")
    check_access(browser.driver, "a phone in the dark")
    browser.driver.get(f"{chat}widget-demo")
    check_access(browser.driver, "the demo page")


def test_everything_is_reached_by_the_keyboard(browser: Page) -> None:
    browser.send("Do you have a blue mug?")
    browser.one("#talk").send_keys("")
    reached = []
    for _ in range(40):
        active = browser.driver.switch_to.active_element
        name = active.get_attribute("aria-label") or active.text or active.tag_name
        reached.append(name.strip())
        active.send_keys(Keys.TAB)
    for name in ("Talk to a person", "New conversation", "Read aloud", "This helped", "green"):
        assert any(name in one for one in reached), f"{name} is not among {reached}"
    order = [next(i for i, one in enumerate(reached) if name in one) for name in KEYS]
    assert order == sorted(order)


KEYS = ("Read aloud", "Without “blue”", "Record a voice message")
