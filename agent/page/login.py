"""How the people of the shop get in: a key once, then a cookie that a page's scripts cannot read.

    GET, POST  /staff/login                                  the key and a name, asked for and given
    POST       /staff/logout                                 the session ends
    GET        /staff/attachments/{conversation}/{turn}/{n}  what a customer sent along

The cookie is SameSite=Strict: no other site's page can make a browser send it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import parse_qs

from fastapi import HTTPException
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from agent.api.access import Access
from agent.attachments import suffix
from agent.store import Store
from agent.store.desk import attachment
from agent.store.keys import has_keys
from agent.store.sessions import HOURS, Session, begin_session, end_session, find_session

COOKIE = "deskhand_staff"
PAGES = {"desk": "desk", "insights": "desk", "knowledge": "knowledge"}
"""Each page of the shop's people, and the scope that opens it (admin opens all)."""

FORM_PAGE = Template(Path(__file__).with_name("login.html").read_text(encoding="utf-8"))
FORM = 4_000  # bytes of a login, at most
NAME = 60  # characters of a person's name, at most
TYPES = {
    ".jpg": "image/jpeg", ".wav": "audio/wav", ".ogg": "audio/ogg", ".webm": "video/webm",
    ".flac": "audio/flac", ".mp3": "audio/mpeg", ".mp4": "video/mp4",
}  # fmt: skip
ALONE = "sandbox; default-src 'none'"  # of what may be anything
SAFE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "form-action 'self'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


def session_of(store: Store, connection: HTTPConnection) -> Session | None:
    cookie = connection.cookies.get(COOKIE)
    return find_session(store, cookie) if cookie else None


def opens(session: Session, page: str) -> bool:
    return bool(session.scopes & {PAGES[page], "admin"})


def guard(store: Store, page: str) -> Callable[[Request], str | None]:
    """Whom the page lets in, by name, for each request; a browser is sent to log in."""

    def person(request: Request) -> str | None:
        session = session_of(store, request)
        if session and opens(session, page):
            return session.person
        if request.headers.get("sec-fetch-mode") == "navigate":
            to = f"../staff/login?to={page}"
            raise HTTPException(303, "Log in first.", {"Location": to, "Cache-Control": "no-store"})
        return None

    return person


def login_routes(store: Store, access: Access, title: str) -> Sequence[Route]:
    def ask(request: Request) -> Response:
        page = _page(request)
        session = session_of(store, request)
        if session and opens(session, page):
            return _to(page)
        wrong = "There is no key yet." if not has_keys(store) else ""
        if session:
            wrong = f"Your key does not open this page: it needs the scope {PAGES[page]}."
        return _form(title, page, wrong)

    async def enter(request: Request) -> Response:
        page = _page(request)
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return _form(title, page, "The login came from another page.", status=403)
        if int(request.headers.get("content-length") or FORM + 1) > FORM:
            return _form(title, page, "That is too long for a key.", status=413)
        sent = parse_qs((await request.body()).decode("ascii", "replace"), max_num_fields=5)
        secret, name = (sent.get(field, [""])[0].strip() for field in ("key", "name"))
        return await run_in_threadpool(_entered, request, page, secret, " ".join(name.split()))

    def _entered(request: Request, page: str, secret: str, name: str) -> Response:
        if not name or len(name) > NAME or not name.isprintable():
            return _form(title, page, f"Give your name, of at most {NAME} letters.", status=422)
        try:
            key = access.key(request, secret)
        except HTTPException as error:
            headers = {k: v for k, v in (error.headers or {}).items() if k == "Retry-After"}
            return _form(title, page, error.detail, name, error.status_code, headers)
        if not key.scopes & {PAGES[page], "admin"}:
            wrong = f"This key does not open that page: it needs the scope {PAGES[page]}."
            return _form(title, page, wrong, name, 403)
        answer = _to(page)
        end_session(store, request.cookies.get(COOKIE, ""))  # who logs in again is the same person
        answer.set_cookie(
            COOKIE,
            begin_session(store, key, name),
            max_age=HOURS * 3600,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return answer

    def leave(request: Request) -> Response:
        end_session(store, request.cookies.get(COOKIE, ""))
        answer = RedirectResponse("login", 303, {"Cache-Control": "no-store"})
        answer.delete_cookie(COOKIE)
        return answer

    def enclosed(request: Request) -> Response:
        session = session_of(store, request)
        if session is None or not opens(session, "desk"):
            raise HTTPException(401, "Log in first.")
        at = request.path_params
        found = attachment(store, at["conversation"], at["turn"], at["place"])
        end = suffix(found.kind, found.data)
        kind = TYPES.get(end, "application/octet-stream")
        if found.kind == "audio":
            kind = kind.replace("video/", "audio/")
        shown = "inline" if end in TYPES else "attachment"
        name = f'{shown}; filename="{at["turn"]}-{at["place"]}{end}"'
        alone = {
            "Content-Disposition": name,
            "Content-Security-Policy": ALONE,
        }
        return Response(found.data, media_type=kind, headers=SAFE | alone)

    return [
        Route("/staff/login", ask, methods=["GET"]),
        Route("/staff/login", enter, methods=["POST"]),
        Route("/staff/logout", leave, methods=["POST"]),
        Route("/staff/attachments/{conversation}/{turn:int}/{place:int}", enclosed),
        *(Route(f"/{page}", lambda request, page=page: _slash(page)) for page in PAGES),
    ]


def _page(request: Request) -> str:
    wanted = request.query_params.get("to", "")
    return wanted if wanted in PAGES else "desk"


def _to(page: str) -> RedirectResponse:
    return RedirectResponse(f"../{page}/", 303, {"Cache-Control": "no-store"})


def _slash(page: str) -> Response:
    return RedirectResponse(f"{page}/", 307)


def _form(
    title: str,
    page: str,
    wrong: str = "",
    name: str = "",
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Response:
    """The login page; the key that was given does not come back in it."""
    told = f'<p class="wrong" role="alert">{escape(wrong)}</p>' if wrong else ""
    html = FORM_PAGE.substitute(
        title=escape(title), page=page, told=told, name=escape(name), scope=PAGES[page]
    )
    return HTMLResponse(html, status, SAFE | (headers or {}))
