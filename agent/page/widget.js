// The chat in a corner of a shop's page:
//
//   <script src="https://chat.shop.example/widget.js" defer></script>
//
// data-label is what stands on the button, data-side "left" puts it there, data-color paints it,
// data-open opens it at once. The page's origin must be among DESKHAND_ORIGINS: the browser refuses
// the frame otherwise. Only messages of that frame are listened to, and it is the only one told.
// SAYS is what the button says in each language; the browser's first one that is there counts.

(() => {
  const script = document.currentScript;
  const home = new URL(script.src).origin;
  const side = script.dataset.side === "left" ? "left" : "right";
  const wished = navigator.languages.map((one) => one.slice(0, 2).toLowerCase());
  const says = SAYS[wished.find((one) => one in SAYS) || "en"];
  const label = script.dataset.label || says.open;

  const host = document.createElement("div");
  const root = host.attachShadow({ mode: "open" }); // the page's styles do not reach in here
  root.innerHTML = `<style>
    :host {position: fixed; bottom: 20px; ${side}: 20px; z-index: 2147483000;
      font: 500 15px/1.2 system-ui, sans-serif}
    button {display: flex; align-items: center; gap: 9px; border: 0; border-radius: 999px;
      padding: 0 20px 0 16px; height: 52px; color: #fff; background: var(--color, #2f6654);
      font: inherit; cursor: pointer; box-shadow: 0 6px 24px rgb(0 0 0 / .22)}
    button:focus-visible {outline: 3px solid currentColor; outline-offset: 3px}
    svg {width: 22px; height: 22px; fill: none; stroke: currentColor; stroke-width: 1.8;
      stroke-linejoin: round; stroke-linecap: round}
    .news {width: 9px; height: 9px; border-radius: 50%; background: #ffd166}
    .open button {margin-${side === "left" ? "right" : "left"}: auto; width: 52px; padding: 0;
      justify-content: center}
    .open .label, .news[hidden] {display: none}
    .frame {position: absolute; bottom: 66px; ${side}: 0; width: min(400px, calc(100vw - 40px));
      height: min(640px, calc(100vh - 110px)); border-radius: 18px; overflow: hidden;
      background: #f6f3ee; box-shadow: 0 18px 60px rgb(0 0 0 / .28)}
    .frame[hidden] {display: none}
    iframe {width: 100%; height: 100%; border: 0; display: block}
    @media (max-width: 480px) {
      .open {position: fixed; inset: 0}
      .open .frame {position: static; width: 100vw; height: 100dvh; border-radius: 0}
      .open button {position: absolute; top: 6px; ${side}: 6px; width: 38px; height: 38px;
        box-shadow: none}
    }
  </style>
  <div class="box">
    <div class="frame" role="dialog" hidden></div>
    <button type="button" aria-expanded="false"><svg viewBox="0 0 24 24" aria-hidden="true"><path/>
    </svg><span class="label"></span><span class="news" hidden></span></button>
  </div>`;
  const box = root.querySelector(".box");
  const pane = root.querySelector(".frame");
  const button = root.querySelector("button");
  const news = root.querySelector(".news");
  root.querySelector(".label").textContent = label;
  pane.setAttribute("aria-label", label);
  if (script.dataset.color) host.style.setProperty("--color", script.dataset.color);

  const TALK = "M4 5h16v11H9l-5 4V5z";
  const CLOSE = "M6 6l12 12M18 6L6 18";
  const phone = matchMedia("(max-width: 480px)"); // where the frame covers the page
  let frame = null;
  function tell(open) {
    const said = { deskhand: open ? "opened" : "closed", covers: phone.matches };
    frame?.contentWindow.postMessage(said, home);
  }
  function show(open) {
    if (open && !frame) {
      frame = document.createElement("iframe");
      frame.title = label;
      frame.allow = "microphone";
      frame.src = `${home}/?widget=${encodeURIComponent(location.origin)}`;
      pane.append(frame);
    }
    pane.hidden = !open;
    box.classList.toggle("open", open);
    button.setAttribute("aria-expanded", open);
    button.setAttribute("aria-label", open ? says.close : label);
    root.querySelector("path").setAttribute("d", open ? CLOSE : TALK);
    if (open) news.hidden = true;
    tell(open);
    if (!open && frame) button.focus();
  }
  button.addEventListener("click", () => show(pane.hidden));
  addEventListener("message", (event) => {
    if (event.origin !== home || !frame || event.source !== frame.contentWindow) return;
    const said = event.data?.deskhand;
    if (said === "close") show(false);
    else if (said === "news") news.hidden = !pane.hidden;
    else if (said === "ready") tell(!pane.hidden);
  });
  show("open" in script.dataset);
  document.body.append(host);
})();
