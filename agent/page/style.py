"""The look of the pages, in light and in dark."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import gradio as gr


def theme() -> gr.themes.Base:
    """Linen and pine, in the fonts the customer's machine has: nothing is fetched for it."""
    pine = gr.themes.Color(
        "#eff6f2", "#dcebe3", "#bad7c9", "#8fbda9", "#609c85", "#3f7f68",
        "#2f6654", "#285345", "#224439", "#1d3930", "#0e211b", name="pine",
    )  # fmt: skip
    return gr.themes.Base(
        primary_hue=pine,
        secondary_hue=pine,
        neutral_hue=gr.themes.colors.stone,
        radius_size=gr.themes.sizes.radius_lg,
        font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "sans-serif"],
        font_mono=["ui-monospace", "Consolas", "monospace"],
    ).set(
        body_background_fill="#f6f3ee",
        body_background_fill_dark="#171614",
        block_background_fill="#fffdfa",
        block_background_fill_dark="#211f1c",
        block_border_color="#e4ded4",
        block_border_color_dark="#37332e",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_500",
        button_primary_text_color="#ffffff",
        button_secondary_background_fill="#fffdfa",
        button_secondary_background_fill_dark="#2a2723",
        button_secondary_background_fill_hover="#f1ebe1",
        button_secondary_background_fill_hover_dark="#353129",
        button_secondary_border_color="#dcd5c9",
        button_secondary_border_color_dark="#423d36",
        button_border_width="1px",
    )


def script(name: str, **constants: Any) -> str:
    """A script of this folder, with constants declared before it."""
    declared = "".join(f"const {key} = {json.dumps(value)};\n" for key, value in constants.items())
    return declared + (files("agent.page") / name).read_text(encoding="utf-8")


STYLE = """
.gradio-container {--line: #e4ded4; --soft: #675f54; --ink: #2b2824; --paper: #fffdfa;
  --accent: #2f6654; --on-accent: #fff; --tint: #e3ebe5; --clay: #a3482d; --mark: #fbe7a8;
  max-width: none !important; width: 100%; margin: 0 !important; color: var(--ink)}
.dark .gradio-container, .gradio-container.dark {--line: #3a362f; --soft: #b0a798; --ink: #ece7df;
  --paper: #23211e; --accent: #86bda7; --on-accent: #10201a; --tint: #30423a; --clay: #e39c7e;
  --mark: #6b5a1e}
.gradio-container > .main {padding: 0 !important; max-width: none !important}
.gradio-container .html-container, .gradio-container .block.padded {padding: 0}
.gradio-container :has(> #head) {gap: 0; padding: 0; height: 100dvh; flex-wrap: nowrap}
footer, .nav-holder {display: none !important}
.sr {position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap}
.gradio-container :focus-visible {outline: 2px solid var(--accent); outline-offset: 2px}
#head {align-items: center; flex: 0 0 auto; flex-wrap: nowrap; padding: 12px 22px; gap: 8px;
  background: var(--paper); border-bottom: 1px solid var(--line)}
#head > :first-child {flex: 1 1 auto; min-width: 0}
#head > button {flex: 0 0 auto; width: auto}
#head h1 {font-size: 19px; font-weight: 650; letter-spacing: -.01em; margin: 0; color: var(--ink)}
#head p {margin: 0; color: var(--soft); font-size: 13px}
#head div:has(> p) {display: flex; gap: 8px; align-items: center}
#head select {appearance: auto; border: 0; background: var(--paper); color: var(--soft);
  font-size: 13px; padding: 2px 0; min-height: 24px; width: auto; cursor: pointer}
#head button {border-radius: 999px; min-width: 0; font-weight: 500; color: var(--ink);
  padding: 7px 14px; white-space: nowrap}
#body {gap: 0; flex-wrap: nowrap; flex: 1 1 0; min-height: 0}
#main {gap: 8px; height: 100%; flex-wrap: nowrap; max-width: 820px; margin: 0 auto;
  padding: 0 22px 16px}
#main > * {flex-shrink: 0}
#main .form {border: 0; background: none; overflow: visible}
#talk {flex: 1 1 0 !important; min-height: 0; overflow-y: auto; display: block; padding: 18px 2px;
  position: relative;
  scrollbar-width: thin; scrollbar-color: var(--line) transparent}
#side {display: none; height: 100%; overflow-y: auto; flex-wrap: nowrap; gap: 0;
  background: var(--paper); border-left: 1px solid var(--line); padding: 16px 20px;
  max-width: 440px; scrollbar-width: thin;
  scrollbar-color: var(--line) transparent}
#side > * {flex-shrink: 0}
.why #side {display: flex}

.msg {display: flex; flex-direction: column; gap: 6px; margin: 0 0 16px; max-width: 86%}
.msg.you {align-items: flex-end; margin-left: auto}
.msg.us {align-items: flex-start}
.msg:has(.cards), .msg:has(.compared) {max-width: 100%}
.bubble {padding: 10px 15px; border-radius: 18px; font-size: 15px; line-height: 1.5;
  max-width: 100%; overflow-wrap: anywhere}
.bubble p {margin: 0}
.you .bubble {background: #2f6654; color: #fff; border-bottom-right-radius: 5px}
.you .bubble p {color: #fff; white-space: pre-line}
.you .bubble img {display: block; max-height: 200px; max-width: 100%; border-radius: 10px;
  margin: 2px 0 6px}
.us .bubble {background: var(--paper); border: 1px solid var(--line);
  border-bottom-left-radius: 5px}
.us .bubble p {color: var(--ink)}
.words {white-space: pre-line}
.spoken {font-style: italic; display: flex; gap: 8px; align-items: center}
.sent::before {content: "▸ "}
.gradio-container svg {width: 18px; height: 18px; flex: none}
.msg svg, .recorder svg {fill: none; stroke: currentColor; stroke-width: 1.7;
  stroke-linecap: round; stroke-linejoin: round}
.us .bubble .aside, .us .bubble .note, .us .bubble .from {color: var(--soft); font-size: 13px;
  margin-top: 8px}
.us .bubble .aside {font-style: italic; font-size: 14px}
.aside:first-child, .note:first-child {margin-top: 0 !important}
.note, .alert {border-left: 3px solid var(--clay); padding-left: 10px}
#trouble p {margin: 0; font-size: 14px; color: var(--ink)}
.us .bubble .wait, #trouble .wait {color: var(--soft)}
.wait::after {content: "…"; animation: wait 1.2s infinite}
@keyframes wait {50% {opacity: .2}}
@media (prefers-reduced-motion: reduce) {.wait::after {animation: none}}
.from a, .hit a, .cards h3 a {color: var(--accent); text-decoration: underline}

.tools {display: flex; gap: 2px; color: var(--soft)}
.tools button {display: inline-flex; align-items: center; gap: 5px; padding: 5px 7px;
  border-radius: 8px; color: var(--soft); font-size: 13px; min-height: 28px}
.tools button:hover {background: var(--tint); color: var(--ink)}
.tools svg {width: 17px; height: 17px}
.tools [data-rate=down] svg {transform: rotate(180deg)}
.tools [aria-pressed=true], .tools .on {color: var(--accent)}
.tools [aria-pressed=true] svg {fill: var(--tint)}
.mute [data-aloud] {display: none}
.reason {border: 1px solid var(--line); border-radius: 12px; background: var(--paper);
  padding: 10px 12px; display: grid; gap: 8px; font-size: 13px; color: var(--ink)}
.reason p, .thanks {margin: 0; color: var(--ink); font-size: 13px}
.thanks {color: var(--soft)}
.reason div {display: flex; gap: 6px; flex-wrap: wrap}
.reason button {border: 1px solid var(--line); border-radius: 999px; padding: 4px 11px;
  color: var(--ink)}
.reason button:hover {background: var(--tint)}
.reason input {flex: 1 1 160px; border: 1px solid var(--line); border-radius: 8px;
  padding: 5px 9px; background: transparent; color: var(--ink); font-size: 13px}

.cards {display: grid; grid-auto-flow: column; grid-auto-columns: 190px; gap: 12px; width: 100%;
  overflow-x: auto; padding: 2px 2px 8px; scrollbar-width: thin;
  scrollbar-color: var(--line) transparent; scroll-snap-type: x proximity}
.cards section {border: 1px solid var(--line); border-radius: 14px; overflow: hidden;
  background: var(--paper); display: flex; flex-direction: column; scroll-snap-align: start}
.cards img {width: 100%; aspect-ratio: 1; object-fit: cover; margin: 0; background: var(--tint)}
.cards h3 {margin: 10px 12px 2px; font-size: 14px; font-weight: 600; color: var(--ink);
  line-height: 1.3}
.cards p {margin: 0 12px 6px; font-size: 13px; color: var(--ink)}
.cards .price {display: flex; justify-content: space-between; gap: 8px; flex-wrap: wrap}
.cards .price b {font-weight: 650}
.cards .price span, .cards .facts, .cards .also span {color: var(--soft)}
.cards .price .out {color: var(--clay)}
.cards .facts {font-size: 12px}
.cards .also {margin-top: auto; padding-bottom: 6px; display: flex; flex-wrap: wrap; gap: 4px;
  align-items: center; font-size: 12px}
.cards .also button {border: 1px solid var(--line); border-radius: 999px; padding: 3px 9px;
  min-height: 24px; color: var(--accent); font-size: 12px}
.cards .also button:hover {background: var(--tint)}
.compared {overflow-x: auto; max-width: 100%; margin-top: 10px}
.compared table {border-collapse: collapse; font-size: 13.5px; width: 100%}
.compared th, .compared td {border-bottom: 1px solid var(--line); padding: 7px 16px 7px 0;
  text-align: left; vertical-align: top; color: var(--ink)}
.compared tr:last-child > * {border-bottom: 0}
.compared thead img {width: 72px; height: 72px; border-radius: 10px; object-fit: cover;
  display: block; margin-bottom: 6px}
.compared tbody th {color: var(--soft); font-weight: 500; white-space: nowrap}
.compared tbody th::first-letter {text-transform: uppercase}

.welcome {text-align: center; padding: 6vh 0 0}
.welcome h2 {font-size: 26px; font-weight: 650; letter-spacing: -.015em; margin: 0 0 8px;
  color: var(--ink)}
.welcome > p {color: var(--soft); max-width: 32em; margin: 0 auto 26px; font-size: 15px}
.starters {display: grid; grid-template-columns: 1fr 1fr; gap: 10px; max-width: 620px;
  margin: 0 auto}
.starters button {display: flex; align-items: center; gap: 12px; text-align: left; font-size: 14px;
  border: 1px solid var(--line); border-radius: 14px; background: var(--paper); color: var(--ink);
  padding: 12px 16px; min-height: 62px}
.starters button:hover, .picks button:hover {border-color: var(--accent)}
.starters img {width: 38px; height: 38px; border-radius: 8px; object-fit: cover; margin: 0}

.picks {display: flex; gap: 8px; flex-wrap: wrap; max-height: 30vh; overflow-y: auto; padding: 3px}
.picks button {display: inline-flex; align-items: center; gap: 8px; border-radius: 999px;
  padding: 7px 14px; border: 1px solid var(--accent); color: var(--accent); font-weight: 500;
  font-size: 14px; background: var(--paper); text-align: left; min-height: 34px}
.picks button[hidden] {display: none}
.picks img {width: 34px; height: 34px; border-radius: 50%; object-fit: cover; 
  margin: -3px 0 -3px -9px}
.picks [aria-pressed=true], .picks [data-done] {background: var(--accent); color: var(--on-accent)}
.picks .chip {border-color: var(--line); color: var(--ink); font-weight: 450}
.picks .chip span {color: var(--soft); font-size: 12px}
#state {margin: 0; font-size: 13.5px; color: var(--ink); background: var(--mark); padding: 8px 14px;
  border-radius: 10px}
#state:empty {display: none}

#bar {gap: 8px; align-items: flex-end; flex-wrap: nowrap}
#bar > :last-child {flex: 0 0 auto; width: auto; min-width: 0}
#box {border: 1px solid var(--line) !important; border-radius: 24px !important; padding: 2px 6px;
  background: var(--paper)}
#box:focus-within {border-color: var(--accent) !important}
#box textarea {font-size: 15px; color: var(--ink)}
#box textarea::placeholder {color: var(--soft); opacity: 1}
#box .submit-button {background: #2f6654; color: #fff; border-radius: 50%}
.gone #box .submit-button {opacity: .4}
.recorder {display: flex; gap: 4px; align-items: center; padding-bottom: 7px}
.recorder button {height: 42px; min-width: 42px; border-radius: 999px; display: inline-flex;
  align-items: center; justify-content: center; gap: 8px; color: var(--ink);
  border: 1px solid var(--line); background: var(--paper)}
.recorder button[hidden] {display: none}
.recorder button:hover {border-color: var(--accent)}
.recorder .give {border-color: transparent; background: none; color: var(--soft); min-width: 34px}
.recorder [aria-pressed=true] {background: #a3482d; color: #fff; border-color: transparent;
  padding: 0 16px}
.clock {font-variant-numeric: tabular-nums; font-size: 14px; color: #fff}
#review {flex: 0 0 auto !important; border: 1px solid var(--line); border-radius: 18px;
  background: var(--paper); padding: 12px 14px; gap: 8px}
#review audio {width: 100%; height: 36px}
#review-buttons {justify-content: flex-end; gap: 8px}
#review-buttons button {border-radius: 999px; min-width: 96px}
#words {border: 0; padding: 0; background: none; box-shadow: none}
#words textarea {border: 1px solid var(--line); border-radius: 10px; background: transparent}
#words textarea:focus {border-color: var(--accent)}
#words span {color: var(--soft); font-size: 13px; background: none}

#side-head {border-radius: 0; border-bottom: 1px solid var(--line); padding-bottom: 8px !important}
#side-head h2 {font-size: 15px; font-weight: 650; margin: 0; color: var(--ink)}
#side-head button {float: right; color: var(--soft); padding: 2px 8px; min-height: 26px;
  border-radius: 8px}
#evidence section {padding: 14px 0; border-top: 1px solid var(--line)}
#evidence section:first-child {border: 0}
#evidence h3 {font-size: 14px; font-weight: 650; margin: 0 0 8px; color: var(--ink)}
#evidence p {font-size: 13px; margin: 4px 0; color: var(--soft)}
#evidence .quote {margin: 4px 0 6px; padding-left: 10px; border-left: 3px solid var(--tint);
  color: var(--ink); overflow-wrap: anywhere; line-height: 1.5}
#evidence mark {background: var(--mark); color: inherit; border-radius: 3px; padding: 0 2px}
.bars {width: 100%; border-collapse: collapse; font-size: 13px; color: var(--ink); margin: 0 0 10px}
.bars caption {text-align: left; font-size: 12px; color: var(--soft); padding-bottom: 4px}
.bars th {text-align: left; font-weight: 400; width: 9.5em; padding: 3px 0}
.bars td:last-child {text-align: right; width: 4.4em; font-variant-numeric: tabular-nums}
.bars i {display: block; height: 8px; border-radius: 4px; background: var(--tint);
  overflow: hidden}
.bars i::before {content: ""; display: block; height: 100%; border-radius: 4px;
  width: calc(100% * var(--share)); background: var(--accent)}
.bars .against i::before {background: var(--clay)}
.hit {margin-bottom: 12px}
.hit p:first-child {display: flex; justify-content: space-between; gap: 8px}
.hit p b {color: var(--ink); font-weight: 600}

.framed #head {padding: 9px 14px}
.framed #head p {display: none}
@media (max-width: 860px) {
  .why #side {position: fixed; inset: 0; z-index: 20; max-width: none}
}
@media (max-width: 600px) {
  #head {padding: 9px 14px}
  #head h1 {font-size: 17px; white-space: nowrap; overflow: hidden; text-overflow: ellipsis}
  #head #fresh {font-size: 0}
  #fresh::before {content: "+"; font-size: 19px; line-height: 1}
  #head p {display: none}
  #head button {padding: 6px 11px; font-size: 12.5px}
  .covers #head {padding-right: 56px}
  #main {padding: 0 12px 10px}
  .msg {max-width: 92%}
  .starters {grid-template-columns: 1fr}
  .welcome {padding-top: 2vh}
  .cards {grid-auto-columns: 158px; gap: 9px}
}
"""
"""The look of what is drawn here and of the page around it, in light and in dark."""
