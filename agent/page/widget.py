"""The chat on a shop's own pages: one line of script there, and a page that shows it."""

from __future__ import annotations

from html import escape

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from agent.agent import Agent
from agent.markup import photo_address
from agent.page.style import script
from agent.page.texts import Texts
from fusion.languages import LANGUAGES

SHOWN = 6  # products on the demo page

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: a page of the shop</title>
<style>
  body {{margin: 0; font: 16px/1.55 system-ui, sans-serif; background: #fff; color: #2b2824}}
  header, main {{max-width: 980px; margin: 0 auto; padding: 22px 24px}}
  header {{display: flex; gap: 28px; align-items: baseline; border-bottom: 1px solid #e8e2d8}}
  header b {{font-size: 21px; letter-spacing: -.01em}}
  h1 {{font-size: 30px; letter-spacing: -.02em; margin: 26px 0 6px}}
  p {{margin: 0 0 22px; max-width: 40em; color: #5d564c}}
  code {{background: #f3efe8; border-radius: 6px; padding: 2px 6px; font-size: 14px}}
  ul {{display: grid; grid-template-columns: repeat(auto-fill, minmax(210px, 1fr)); gap: 22px;
    list-style: none; margin: 0; padding: 0}}
  img {{width: 100%; aspect-ratio: 1; object-fit: cover; border-radius: 14px; display: block;
    margin-bottom: 8px}}
</style>
</head>
<body>
<header><b>{title}</b><span>A page of the shop, to try the chat on</span></header>
<main>
<h1>Look around</h1>
<p>The chat in the corner comes with one line,
<code>&lt;script src="…/widget.js" defer&gt;&lt;/script&gt;</code>,
on every page whose origin stands in <code>DESKHAND_ORIGINS</code>.</p>
<ul>{products}</ul>
</main>
<script src="widget.js" data-label="Ask us" defer></script>
</body>
</html>
"""


def widget_routes(agent: Agent, title: str) -> APIRouter:
    """`/widget.js`, and `/widget-demo`, which has it."""
    routes = APIRouter(include_in_schema=False)

    says = {
        one: {"open": Texts(one)("Chat with us"), "close": Texts(one)("Close the chat")}
        for one in LANGUAGES
    }
    code = f"{{\n{script('widget.js', SAYS=says)}}}"  # a block: the shop's page has its own names

    @routes.get("/widget.js")
    def widget() -> Response:
        headers = {"Cache-Control": "public, max-age=3600"}
        return Response(code, media_type="text/javascript", headers=headers)

    @routes.get("/widget-demo")
    def demo() -> HTMLResponse:
        found = [d for d in agent.knowledge.documents() if d.kind == "product" and d.photos]
        shown = "".join(
            f'<li><img src="{photo_address(one.id)}" alt="">{escape(one.title)}</li>'
            for one in found[:: max(1, len(found) // SHOWN)][:SHOWN]
        )
        return HTMLResponse(PAGE.format(title=escape(title), products=shown))

    return routes
