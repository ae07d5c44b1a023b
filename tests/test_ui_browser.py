"""The chat page as a customer sees it: the real app, real models, headless Chromium."""

from __future__ import annotations

import json
import os
import re
import wave
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from browsing import Page, needs_browser, served
from fastapi import FastAPI, HTTPException
from gradio.utils import get_upload_folder
from PIL import Image
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select
from sqlalchemy import text
from test_fusion_photo import video

import ui
from agent.agent import Agent
from agent.api import create_app
from agent.build import open_agent
from agent.config import Settings
from fusion.languages import LANGUAGES, detect
from fusion.types import InputLimits

pytestmark = needs_browser
SAMPLES = Path(__file__).parent / "samples"
PHOTO = SAMPLES / "photos/customer/kettle-bruno-red_3.jpg"
SPOKEN = SAMPLES / "audio" / "where_is_my_order.wav"
MICROPHONE = (
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    f"--use-file-for-fake-audio-capture={SPOKEN}%noloop",
)


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go: DESKHAND_SCREENSHOTS, or a temporary folder."""
    path = Path(os.environ.get("DESKHAND_SCREENSHOTS") or tmp_path_factory.mktemp("shots"))
    path.mkdir(parents=True, exist_ok=True)
    return path


@pytest.fixture(scope="module")
def shop_agent(new_home: Path) -> Iterator[tuple[Agent, Settings]]:
    settings = Settings(
        home=new_home,
        title="Kiln & Linen",
        speech="pocketsphinx",
        input_limits=InputLimits(text_chars=300),
    )
    agent = open_agent(settings)
    yield agent, settings
    agent.close()


@pytest.fixture(scope="module")
def app(shop_agent: tuple[Agent, Settings]) -> FastAPI:
    """The demo shop's app."""
    app = create_app(*shop_agent)
    ui.mount(app, *shop_agent)
    return app


@pytest.fixture(scope="module")
def address(app: FastAPI) -> Iterator[str]:
    with served(app) as address:
        yield address


@pytest.fixture(scope="module")
def browser(address: str, shots: Path) -> Iterator[Page]:
    page = Page(address, shots, MICROPHONE)
    yield page
    page.driver.quit()


@pytest.fixture
def page(browser: Page) -> Page:
    """The page with a new conversation."""
    browser.begin_anew()
    return browser


def test_question_is_answered_with_a_card(page: Page) -> None:
    answer = page.send("How much is the Aster mug in blue?")
    assert "16.90 EUR" in answer
    card = page.one(".cards section").text
    for shown in ("Aster mug, blue", "16.90 EUR", "42 in stock", "stoneware"):
        assert shown in card
    page.one(".cards .also button").click()  # another variant
    assert "Aster mug" in page.answer("Show me the Aster mug")
    page.shot("card")


def test_photo_is_recognised_and_not_kept(page: Page, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Maker of the camera"
    with Image.open(PHOTO) as image:
        image.save(tmp_path / "mine.jpg", exif=exif)
    answer = page.send("How much is this?", tmp_path / "mine.jpg")
    assert "Bruno kettle, red" in answer
    assert "49.00" in answer
    shown = [page.one(selector) for selector in (".msg.you img", ".cards img")]
    page.until(lambda: all(int(i.get_property("naturalWidth")) for i in shown), "both photos")
    assert not list(Path(get_upload_folder()).rglob("mine.jpg"))
    page.shot("photo")


def test_recorded_voice_is_corrected_before_it_counts(page: Page) -> None:
    page.one("#voice .mic").click()
    page.until(lambda: page.one("#voice .clock").text >= "0:03", "three seconds")
    page.one("#voice .mic").click()
    page.until(lambda: page.all("#words textarea"), "what was heard")
    heard = page.one("#words textarea")
    assert "order" in heard.get_property("value")
    assert not page.all(".msg")  # it does not count yet
    page.shot("voice")
    heard.send_keys(Keys.CONTROL, "a")
    heard.send_keys("How long do I have to return something?")
    page.one("#speak").click()
    assert "30 days" in page.answer("How long do I have to return something?")
    assert not page.all("#words textarea")
    page.one(".tools [data-why]").click()
    page.until(lambda: "checked by the customer" in page.one("#evidence").text, "the panel")
    page.one("#side [data-close]").click()


@pytest.mark.slow
def test_uploaded_voice_can_be_discarded_and_silence_has_a_sentence(
    page: Page, silence: Path
) -> None:
    page.one("#voice input[type=file]").send_keys(str(SPOKEN))
    page.until(lambda: page.all("#words textarea"), "what was heard")
    page.one("#drop").click()
    page.until(lambda: not page.all("#words textarea"), "nothing to send")
    page.one("#voice input[type=file]").send_keys(str(silence))
    page.until(lambda: page.all("#trouble .alert"), "what is wrong")
    assert "could not hear" in page.one("#trouble").text
    assert not page.all("#words textarea") and not page.all(".msg")


@pytest.fixture(scope="module")
def silence(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "silence.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(2 * 16_000 * 2))
    return path


@pytest.mark.slow
def test_order_is_cancelled_with_identity_and_a_yes(page: Page) -> None:
    page.send("I want to cancel my order")
    page.send("wout.janssens@example.com")
    label = ""
    while label != "Yes":  # the order if there are several, the reason, the yes
        page.until(lambda: page.all("#choices button"), "the answers to choose from")
        page.shot("choices")
        offered = page.all("#choices button")
        button = next((one for one in offered if "K1039" in one.text), offered[0])
        label = button.text
        button.click()
        answer = page.answer(label)
    assert "K1039" in answer and "cancelled" in answer
    page.begin_anew()
    page.send("What is the state of my order K1039?")
    assert "cancelled" in page.send("wout.janssens@example.com")


def test_products_are_compared_in_a_table_and_a_wish_is_taken_away(page: Page) -> None:
    page.send("Do you have a blue mug?")
    page.until(lambda: page.all("#choices button"), "the wish as a chip")
    assert "blue" in page.one("#choices button").text
    page.one("#choices button").click()
    page.answer("Without")
    page.send("compare the first two")
    heads = [cell.text for cell in page.all(".compared thead th")]
    assert sum("mug" in head.lower() for head in heads) == 2
    page.shot("comparison")


def test_evidence_is_laid_open(page: Page) -> None:
    page.send("Do you have this in black?", PHOTO)
    page.one(".tools [data-why]").click()
    page.until(lambda: "Bruno kettle, black" in page.one("#evidence").text, "the panel")
    bars = [bar.text for bar in page.all("#evidence .bars th")]
    assert {"the photo", "typed words", "availability"} <= set(bars)
    page.shot("evidence")
    page.send("How long do I have to return something?")  # the panel follows
    page.until(lambda: page.all("#evidence mark"), "what was quoted")
    assert any("30 days" in mark.text for mark in page.all("#evidence mark"))
    titles = [title.text for title in page.all("#evidence h3")]
    for title in ("What you said and showed", "What I took it to mean", "What I found", "Time"):
        assert title in titles
    page.shot("quoted")
    page.all(".tools [data-why]")[0].click()  # of the reply before
    page.until(lambda: "Bruno kettle, black" in page.one("#evidence").text, "the earlier one")
    page.one("body").send_keys(Keys.ESCAPE)
    assert not page.one("#evidence").is_displayed()


def test_reload_restores_and_a_new_conversation_forgets(page: Page, address: str) -> None:
    page.send("Do you have this in black?", PHOTO)
    page.open(address)
    page.until(lambda: len(page.all("#past .msg")) == 2, "the conversation")
    assert page.said() == "Do you have this in black?"
    assert page.all(".msg.you img") and page.all("#choices button")
    assert "Bruno kettle, black" in page.one(".cards").text
    assert "49.00" in page.send("how much is it?")  # the conversation goes on
    page.begin_anew()
    page.open(address)
    page.until(lambda: page.all(".welcome"), "an empty page")
    assert not page.all(".msg")


@pytest.mark.slow
def test_rating_is_kept_with_its_reason(page: Page, shop_agent: tuple[Agent, Settings]) -> None:
    page.send("How long do I have to return something?")
    page.one("[data-rate=down]").click()
    page.until(lambda: page.all(".reason input"), "the question why")
    page.one(".reason input").send_keys("too long", Keys.ENTER)
    page.until(lambda: page.all(".thanks"), "thanks")
    with shop_agent[0].store.engine.begin() as db:
        kept = db.execute(text("SELECT rating, comment FROM feedback")).all()
    assert kept == [(-1, "too long")]


@pytest.mark.slow
def test_a_person_is_asked_for_and_answers(
    page: Page, shop_agent: tuple[Agent, Settings], address: str
) -> None:
    page.one("#person").click()
    assert "passing you on" in page.answer("talk to a person")
    store = shop_agent[0].store
    (waiting,) = store.waiting()
    store.human_reply(waiting.conversation, "Ines", "Hello, Ines here.")
    page.until(lambda: "Ines here" in page.one("#past").text, "the person's words")
    page.open(address)  # and again after a reload
    page.until(lambda: "Ines here" in page.one("#past").text, "the person's words")
    store.resolve(waiting.conversation)
    page.until(lambda: "The assistant answers again" in page.one("#past").text, "the end of it")
    assert "30 days" in page.send("How long do I have to return something?")


@pytest.mark.slow
def test_new_conversation_stops_and_clears(page: Page) -> None:
    page.one("#box textarea").send_keys("Which mugs do you have?", Keys.ENTER)
    page.until(lambda: page.all(".msg.us"), "the beginning of an answer")
    page.begin_anew()
    assert "e-mail" in page.send("Where is my order?")


def test_bad_input_keeps_the_words(page: Page) -> None:
    words = "please " * 50
    page.one("#box textarea").send_keys(words, Keys.ENTER)
    page.until(lambda: "300" in page.one("#now").text, "what is wrong")
    page.until(page.idle, "the box")
    assert page.one("#box textarea").get_property("value").strip() == words.strip()
    page.one("#box textarea").send_keys(Keys.CONTROL, "a")
    assert "e-mail" in page.send("Where is my order?")
    assert page.one("#box textarea").get_property("value") == ""


def test_markup_is_shown_not_obeyed(page: Page) -> None:
    words = "<img src=x onerror=document.title='taken'> ${1+1} {{value}} <b>mug</b>"
    page.send(words)
    assert page.said() == words
    assert not page.all(".msg.you img")
    assert page.driver.title == "Kiln & Linen"


@pytest.mark.slow
def test_without_a_network_the_words_stay(page: Page) -> None:
    offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
    page.driver.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
    try:
        page.until(lambda: "offline" in page.one("#state").text, "the warning")
        page.one("#box textarea").send_keys("Where is my order?", Keys.ENTER)
        assert page.one("#box textarea").get_property("value") == "Where is my order?"
        assert not page.all(".msg")
    finally:
        online = {**offline, "offline": False, "downloadThroughput": -1, "uploadThroughput": -1}
        page.driver.execute_cdp_cmd("Network.emulateNetworkConditions", online)
    page.until(lambda: not page.one("#state").text, "the network")
    page.one("#box textarea").send_keys(Keys.ENTER)
    assert "e-mail" in page.answer("Where is my order?")


def test_two_browsers_never_mix_and_a_phone_will_do(page: Page, address: str, shots: Path) -> None:
    other = Page(address, shots)
    try:
        other.look(390, 844, "dark")
        other.open(address)
        page.send("How much is the Aster mug in blue?")
        assert not other.all(".msg")
        assert "30 days" in other.send("How long do I have to return something?")
        other.open(address)
        other.until(lambda: other.all("#past .msg"), "its own conversation")
        assert "Aster" not in other.one("#talk").text
        assert "Aster" in page.said()
        assert other.driver.execute_script("return document.documentElement.scrollWidth") <= 390
        other.shot("phone")
    finally:
        other.driver.quit()


def test_only_its_own_browser_gets_an_upload(address: str) -> None:
    def visit(client: httpx.Client) -> None:
        client.get("/", follow_redirects=True).raise_for_status()

    with httpx.Client(base_url=address) as mine, httpx.Client(base_url=address) as other:
        nobody = mine.post("/gradio_api/upload", files={"files": ("a.jpg", PHOTO.read_bytes())})
        assert nobody.status_code == 403  # without the page's cookie
        visit(mine), visit(other)
        sent = mine.post("/gradio_api/upload", files={"files": ("a.jpg", PHOTO.read_bytes())})
        path = sent.raise_for_status().json()[0]
        assert mine.get(f"/gradio_api/file={path}").content == PHOTO.read_bytes()
        assert other.get(f"/gradio_api/file={path}").status_code == 403
        assert other.get(f"/gradio_api/file/{path.lstrip('/')}").status_code == 403
        for elsewhere in ("file=https://example.com/a.jpg", "proxy=https://a.hf.space/"):
            assert mine.get(f"/gradio_api/{elsewhere}").status_code in (403, 404)
        from_elsewhere = {"Sec-Fetch-Site": "cross-site"}
        joined = mine.post("/gradio_api/queue/join", json={}, headers=from_elsewhere)
        assert joined.status_code == 403


def test_the_language_is_changed_read_aloud_and_remembered(page: Page, address: str) -> None:
    def language() -> str:
        return page.driver.execute_script("return document.documentElement.lang")

    assert language() == "en"
    Select(page.one("#language")).select_by_value("de")
    page.until(lambda: language() == "de" and page.all("#state"), "the page in German")
    assert page.one("#person").text == "Mitarbeiter fragen"
    assert page.one("#box textarea").get_attribute("placeholder") == "Ihre Nachricht"
    answer = page.send("Was kostet die blaue Tasse von Aster?")
    assert "16,90 €" in answer and "auf Lager" in page.one(".cards").text
    page.driver.execute_script(
        "window.spoken = []; speechSynthesis.speak = (one) => spoken.push([one.text, one.lang])"
    )
    page.one("[data-aloud]").click()
    spoken = page.one(".words").get_property("innerText")
    assert page.driver.execute_script("return spoken") == [[spoken, "de"]]
    page.one(".cards .also button").click()
    assert "auf Lager" in page.answer("Zeigen Sie mir")
    page.open(address)
    page.until(lambda: page.all("#past .msg"), "the conversation")
    assert language() == "de"
    Select(page.one("#language")).select_by_value("en")
    page.until(lambda: language() == "en" and page.all("#state"), "the page in English")
    page.send("How long do I have to return something?")
    page.driver.execute_script(
        "window.spoken = []; speechSynthesis.speak = (one) => spoken.push(one.lang)"
    )
    page.all("[data-aloud]")[-1].click()
    assert page.driver.execute_script("return spoken") == ["en"]


@pytest.mark.parametrize(("language", "sentence"), [("zh", "请发送 JPEG"), ("pt", "JPEG, PNG")])
def test_the_box_is_in_the_language_of_the_page_in_an_english_browser(
    address: str, shots: Path, tmp_path: Path, language: str, sentence: str
) -> None:
    (tmp_path / "note.txt").write_text("no photo")
    with (tmp_path / "large.jpg").open("wb") as large:
        large.truncate(InputLimits().file_bytes + 1)
    other = Page(f"{address}{language}", shots, ("--lang=en-US", "--accept-lang=en-US"))
    try:
        assert other.driver.execute_script("return navigator.language") == "en-US"
        other.until(lambda: other.attach(PHOTO), "the photo")
        named = "return [...document.querySelectorAll('#box [aria-label]')].map((e) => e.ariaLabel)"
        names = set(other.driver.execute_script(named))
        assert len(names) > 3
        assert not {name for name in names if re.search(r"\b(?:file|Submit|input)", name, re.I)}
        other.shot(f"box-{language}")
        other.one("#box input[type=file]").send_keys(str(tmp_path / "large.jpg"))
        other.until(lambda: "50 MB" in other.one("#state").text, "what is too large")
        other.one("#box input[type=file]").send_keys(str(tmp_path / "note.txt"))
        other.until(lambda: len(other.all("#box .thumbnail-item")) == 2, "the other file")
        other.one("#box textarea").send_keys(Keys.ENTER)
        other.until(lambda: other.all("#past .msg.us") and other.idle(), "the answer")
        answer = other.all("#past .msg.us")[-1].text
        assert sentence in answer and "Please" not in answer
        assert not other.all(".toast-body")
        other.shot(f"answer-{language}")
    finally:
        other.driver.quit()


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_the_page_says_nothing_in_english_to_others(
    address: str, shots: Path, language: str
) -> None:
    other = Page(address, shots, (f"--lang={language}", f"--accept-lang={language}"))
    try:
        other.all(".starters button")[-1].click()  # the shop's own photo with a question
        other.until(lambda: other.all("#past .msg.us") and other.idle(), "the answer")
        other.one("#past .tools [data-why]").click()
        other.until(lambda: other.all("#evidence .bars"), "the panel")
        other.one("#past [data-rate=down]").click()
        other.until(lambda: other.all(".reason"), "the question why")
        assert other.driver.execute_script("return document.documentElement.lang") == language
        labels = "return [...document.querySelectorAll('[aria-label]')].map((e) => e.ariaLabel)"
        shown = [other.one("body").text, *other.driver.execute_script(labels)]
        english = {"Why?", "Talk to a person", "What I found", "Read aloud", "in stock"}
        assert not {one for one in english for text in shown if one in text}
        other.shot(f"chat-{language}")
        other.one("#side [data-close]").click()
        other.one("#person").click()
        other.until(lambda: other.all("#past .msg.you")[1:] and other.idle(), "the hand-off")
        assert detect(other.all("#past .msg.us .words")[-1].text) == language
    finally:
        other.driver.quit()


@pytest.mark.slow
def test_several_articles_are_picked_at_once(page: Page) -> None:
    page.send("I want to return something from order K1031")
    page.send("emma.maes@example.com")
    page.until(lambda: page.all("#choices [aria-pressed]")[1:], "articles to choose from")
    first, second = page.all("#choices [aria-pressed]")[:2]
    labels = [first.text, second.text]
    assert not page.one("#choices [data-done]").is_displayed()
    first.click(), second.click()
    page.one("#choices [data-done]").click()
    assert "reason" in page.answer(", ".join(labels)).lower()


@pytest.mark.slow
def test_a_short_video_is_watched(page: Page, tmp_path: Path) -> None:
    with Image.open(PHOTO) as image:
        scene = image.convert("RGB").resize((640, 640))
    (tmp_path / "mine.mp4").write_bytes(video([scene] * 10, 0.1, sound=False))
    answer = page.send("How much is this?", tmp_path / "mine.mp4")
    assert "kettle" in answer and "Video" in page.said()
    assert not list(Path(get_upload_folder()).rglob("mine.mp4"))


@pytest.mark.slow
def test_who_sends_too_much_is_asked_to_wait(address: str, app: FastAPI, shots: Path) -> None:
    other = Page(address, shots)
    try:
        secret = other.driver.get_cookie("deskhand")["value"]
        with pytest.raises(HTTPException):
            while True:
                app.state.access.enter_page(secret, "192.0.2.1")
        other.one("#box textarea").send_keys("Where is my order?", Keys.ENTER)
        other.until(lambda: "a lot in a short time" in other.one("#now").text, "the limit")
        assert other.one("#box textarea").get_property("value") == "Where is my order?"
        assert not other.all("#past .msg")
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
    assert [one for one in severe if not any(end in one for end in ENDS)] == []


ENDS = ("INTERNET_DISCONNECTED", "AbortError", "errored out")
"""What Gradio says of a stream that ends with the network, or with the page that is left."""
