"""The look of the pages, in light and in dark."""

from __future__ import annotations

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


STYLE = """
.gradio-container {--line: #e4ded4; --soft: #6f675c; --ink: #2b2824; --paper: #fffdfa;
  --accent: #2f6654; --tint: #e3ebe5; --clay: #b4573a; max-width: 1160px !important;
  width: 100%; margin: 0 auto !important; color: var(--ink)}
.dark .gradio-container, .gradio-container.dark {--line: #3a362f; --soft: #a89f92; --ink: #ece7df;
  --paper: #23211e; --accent: #86bda7; --tint: #30423a; --clay: #dd9272}
.gradio-container > .main {padding: 16px 20px !important}
#main .form {border: 0; background: none; overflow: visible}
#head .html-container, #starters .html-container {padding: 0}
footer, #chat .icon-button-wrapper {display: none !important}
#head {align-items: center; justify-content: space-between; flex-wrap: nowrap;
  padding-bottom: 10px; border-bottom: 1px solid var(--line)}
#head h1 {font-size: 21px; font-weight: 650; letter-spacing: -.01em; margin: 0; color: var(--ink)}
#head p {margin: 0; color: var(--soft); font-size: 13px}
#fresh {border-radius: 999px; min-width: 148px; font-weight: 500; color: var(--ink)}
#body {gap: 28px}
#main {gap: 10px; height: calc(100dvh - 112px); min-height: 480px; flex-wrap: nowrap}
#main > * {flex-shrink: 0}
#chat {flex: 1 1 0; height: auto !important; min-height: 0; border: 0; background: none}
#chat .bubble-wrap {padding: 4px 4px 12px; background: none}
#chat, #chat * {scrollbar-width: thin; scrollbar-color: var(--line) transparent}
#chat .message-wrap {gap: 12px}
#chat .message-row {margin: 4px 0}
#chat .placeholder-content, #chat .placeholder {text-align: center; width: 100%}
#chat .placeholder h2 {font-size: 24px; font-weight: 650; margin: 0 0 6px; color: var(--ink)}
#chat .placeholder p {color: var(--soft); max-width: 30em; margin: 0 auto}
#chat .message {font-size: 15px; line-height: 1.5; box-shadow: none}
#chat .message .message {background: none; padding: 0; border: 0}
#chat .user.message, #chat .bot.message {padding: 10px 15px; border-radius: 16px}
#chat .user.message {background: #2f6654; border: 0; color: #fff; border-bottom-right-radius: 5px}
#chat .user.message .md {color: #fff}
#chat .bot.message {background: var(--paper); border: 1px solid var(--line);
  border-bottom-left-radius: 5px}
#chat .message img {border-radius: 10px}
#chat .user img {max-height: 190px; width: auto; margin-bottom: 6px}
.spoken {margin: 0 !important; font-style: italic; color: #fff}
#chat .bot-row:has(.cards), #chat .bot-row:has(.cards) .flex-wrap,
#chat .bot-row:has(.cards) .flex-wrap > div {width: 100%}
.sent {width: 170px; margin: 2px 0 6px !important}
.aside {color: var(--soft); font-style: italic; margin: 0 !important}
.wait {color: var(--soft); margin: 0 !important}
.wait::after {content: "…"; animation: wait 1.2s infinite}
@keyframes wait {50% {opacity: .2}}
.note, .from {font-size: 13px !important; color: var(--soft); margin: 8px 0 0 !important}
.note, .alert {border-left: 3px solid var(--clay); padding-left: 10px; margin: 0 !important}
.compared {border-collapse: collapse; font-size: 13px; margin: 10px 0 !important}
.compared th, .compared td {border-bottom: 1px solid var(--line); padding: 5px 12px 5px 0;
  text-align: left; vertical-align: top}
.cards {display: grid; grid-template-columns: repeat(auto-fill, minmax(124px, 1fr)); gap: 12px;
  margin: 12px 0 4px}
.cards article {border: 1px solid var(--line); border-radius: 12px; overflow: hidden;
  background: var(--paper); display: flex; flex-direction: column; max-width: 220px}
.cards img {width: 100%; aspect-ratio: 1; object-fit: cover; margin: 0 !important;
  border-radius: 0 !important; background: var(--tint)}
.cards h4 {margin: 9px 12px 4px !important; font-size: 14px; font-weight: 600; color: var(--ink)}
.cards p {margin: auto 12px 11px !important; font-size: 13px; display: flex;
  flex-direction: column; color: var(--ink)}
.cards span {color: var(--soft)}
.cards .out {color: var(--clay)}
#choices {gap: 8px; justify-content: flex-start}
#choices button {border-radius: 999px; padding: 7px 14px; flex: 0 1 auto; min-width: 90px;
  border-color: var(--accent); color: var(--accent); font-weight: 500}
#box {border: 1px solid var(--line) !important; border-radius: 16px !important; padding: 4px 6px}
#box .submit-button {background: #2f6654; color: #fff; border-radius: 50%}
#box textarea {font-size: 15px}
#voice {align-items: center; flex-wrap: nowrap}
#recorder {border: 0; background: none; padding: 0; overflow: visible}
#recorder .component-wrapper, #recorder .audio-container {padding: 0; height: auto; min-height: 0}
#recorder .controls {margin: 0; padding-right: 70px}
#recorder .mic-select {max-width: 190px; font-size: 12px; color: var(--soft)}
#recorder .audio-container:has(.mic-select) .icon-button-wrapper,
#recorder:has(audio) .source-selection {display: none}
#recorder .upload-container {height: 56px !important; min-height: 0; border-radius: 12px;
  border: 1px dashed var(--line); margin-right: 76px}
#recorder .upload-container .wrap {flex-direction: row; gap: 6px; min-height: 0; padding: 0;
  font-size: 13px}
#recorder .upload-container .icon-wrap {display: none}
#recorder audio {width: calc(100% - 36px); height: 40px}
#recorder .source-selection {position: absolute; right: 0; top: 2px; border: 0; width: auto}
#speak {border-radius: 999px; min-width: 140px}
#starters {gap: 8px}
#starters h3 {margin: 6px 0 2px; font-size: 13px; color: var(--soft); font-weight: 600}
#starters button {justify-content: flex-start; text-align: left; font-weight: 450;
  color: var(--ink); font-size: 14px; border-radius: 12px; padding: 10px 14px}
#why {border-radius: 12px; margin-top: 6px}
#evidence section {padding: 12px 0; border-top: 1px solid var(--line)}
#evidence section:first-child {border: 0; padding-top: 0}
#evidence h3 {font-size: 14px; font-weight: 650; margin: 0 0 8px; color: var(--ink)}
#evidence h4 {font-size: 12px; font-weight: 600; margin: 8px 0 4px; color: var(--soft)}
#evidence p {font-size: 13px; margin: 4px 0; color: var(--soft)}
#evidence .quote {margin: 2px 0 10px; padding-left: 10px; border-left: 3px solid var(--tint);
  color: var(--ink); overflow-wrap: anywhere}
.bar {display: grid; grid-template-columns: 9.5em 1fr 3.2em; gap: 8px; align-items: center;
  font-size: 13px; margin: 4px 0; color: var(--ink)}
.bar i {height: 8px; border-radius: 4px; background: var(--tint); overflow: hidden}
.bar i::before {content: ""; display: block; height: 100%; border-radius: 4px;
  width: calc(100% * var(--share)); background: var(--accent)}
.bar.against i::before {background: var(--clay)}
.bar b {text-align: right; font-weight: 500; font-variant-numeric: tabular-nums}
.hit p {display: flex; justify-content: space-between; gap: 8px}
.hit p b {color: var(--ink); font-weight: 600}
.hit p span {white-space: nowrap}
@media (min-width: 761px) {
  #side {max-height: calc(100dvh - 112px); overflow-y: auto; flex-wrap: nowrap}
  #side > * {flex-shrink: 0}
}
@media (max-width: 760px) {
  .gradio-container > .main {padding: 10px 12px !important}
  #body {gap: 14px}
  #main {height: calc(100dvh - 118px)}
  .cards {grid-template-columns: repeat(auto-fill, minmax(104px, 1fr)); gap: 8px}
  .cards h4, .cards p {margin-left: 9px !important; margin-right: 9px !important}
  #chat .bot-row:has(.cards) {max-width: 100%}
}
"""
"""The look of what is drawn here and of the page around it, in light and in dark."""
