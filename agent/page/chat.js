// The conversation (js_on_load of #past: `element` is that component, `trigger` calls the server).
// Follows what is written, passes clicks on, reads aloud, says when the shop cannot be reached
// (LOST, OFFLINE, QUEUED), and talks with the page that frames this one, if that is one of ORIGINS.
// MOST is how many bytes a file may have (else: LARGE).

const CHECK = 15000; // milliseconds between two looks whether the shop is there
const PATIENCE = 2500; // milliseconds until a turn that has not begun is said to be queued

const FILES = "image/*,video/*"; // offered to be chosen; what else is sent is judged by the server
// Gradio calls the parts of the box by English names, whatever language the page is in.
const NAMES = {
  "Multimedia input field": MESSAGE,
  "Click to upload or drop files": ADD,
  "File upload": ADD,
  "Upload a file": ADD,
  "Uploaded files": ADDED,
  "File thumbnail": ADDED,
  "Remove file": REMOVE,
  Submit: SEND,
  Uploading: UPLOADING,
};

const find = (selector) => document.querySelector(selector);
function begin() {
  const talk = find("#talk");
  const page = find("#head").parentElement; // whose classes the style sees
  talk.tabIndex = 0;
  document.documentElement.lang = LANGUAGE;

  const line = document.createElement("p");
  line.id = "state";
  line.setAttribute("role", "status");
  find("#main").insertBefore(line, find("#choices"));
  const asked = new URLSearchParams(location.search).get("widget");
  const allowed = [location.origin, ...ORIGINS];
  const frame = asked && window.parent !== window && allowed.includes(asked) ? { closed: true } : null;
  function tell(what) {
    window.parent.postMessage({ deskhand: what }, asked);
  }
  // --- Following ----------------------------------------------------------------------------------

  let follow = true;
  talk.addEventListener("scroll", () => {
    follow = talk.scrollHeight - talk.scrollTop - talk.clientHeight < 80;
  });
  const messages = () => talk.querySelectorAll(".msg").length;
  // The beginning of a long answer is shown, with the question above it, and not its end.
  function show() {
    const all = talk.querySelectorAll(".msg");
    const asked = all[all.length - 2]?.matches(".you") ? all.length - 2 : all.length - 1;
    talk.scrollTop = all.length ? all[asked].offsetTop - 14 : 0;
  }
  let known = messages();
  new MutationObserver(() => {
    const more = messages() > known;
    known = messages();
    if (more && frame?.closed) tell("news");
    if (follow || more) show();
    if (find("#now .msg")) state("");
  }).observe(talk, { childList: true, subtree: true, characterData: true });

  // The box is closed while an answer is written; the keyboard goes back to it.
  let writing = false;
  const desktop = matchMedia("(pointer: fine)").matches;
  new MutationObserver(() => {
    const field = find("#box textarea");
    if (!field) return;
    // Gradio calls them items of a list that it does not make.
    const items = document.querySelectorAll("#box [role=listitem]");
    items.forEach((item) => item.setAttribute("role", "group"));
    document.querySelectorAll("#box [aria-label]").forEach((one) => {
      const name = NAMES[one.ariaLabel] ?? one.ariaLabel;
      if (one.ariaLabel !== name) one.ariaLabel = name; // being set is a change, too
    });
    document.querySelectorAll("#box input[type=file]").forEach((one) => {
      if (one.accept !== FILES) one.accept = FILES;
    });
    const closed = field.disabled;
    if (writing && !closed && desktop && document.activeElement === document.body) field.focus();
    writing = closed;
  }).observe(find("#box"), { attributes: true, subtree: true, childList: true });

  // What Gradio would refuse in English is refused here.
  function adding(event) {
    const from = event.target.files || event.dataTransfer?.files || event.clipboardData?.files || [];
    if (![...from].some((file) => file.size > MOST)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (event.type === "change") event.target.value = "";
    state(LARGE);
  }
  for (const kind of ["change", "drop", "paste"]) find("#box").addEventListener(kind, adding, true);

  // --- Clicks -------------------------------------------------------------------------------------

  const voice = window.speechSynthesis;
  function aloud(button) {
    const speaking = button.classList.contains("on");
    voice.cancel();
    document.querySelectorAll("[data-aloud].on").forEach((one) => one.classList.remove("on"));
    if (speaking) return;
    const words = button.closest(".msg").querySelector(".words");
    const said = new SpeechSynthesisUtterance(words?.innerText || "");
    said.lang = words?.lang || LANGUAGE;
    said.onend = said.onerror = () => button.classList.remove("on");
    button.classList.add("on");
    voice.speak(said);
  }

  function panel(open) {
    page.classList.toggle("why", open);
    if (open) find("#side [data-close]").focus();
  }

  talk.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const { rate, reply, reason, why, say, example } = button.dataset;
    if ("aloud" in button.dataset) aloud(button);
    else if (rate) trigger("like", { rating: rate, reply, comment: "" });
    else if (reason) trigger("like", { rating: "down", reply, comment: reason });
    else if (why) trigger("select", { reply: why }), panel(true);
    else if (say) trigger("example_select", { say });
    else if (example) trigger("example_select", { example });
  });
  talk.addEventListener("submit", (event) => {
    event.preventDefault();
    const comment = event.target.elements.comment.value.trim();
    if (comment) trigger("like", { rating: "down", reply: event.target.dataset.reply, comment });
  });
  find("#side [data-close]").addEventListener("click", () => {
    panel(false);
    talk.focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    if (page.classList.contains("why")) panel(false);
    else if (frame) tell("close");
  });
  if (!voice) page.classList.add("mute");

  // From / the server goes on to the language of this cookie (agent/page/browsers.py).
  find("#language").addEventListener("change", (event) => {
    const kept = location.protocol === "https:" ? "Secure; SameSite=None; Partitioned" : "SameSite=Lax";
    document.cookie = `deskhand_language=${event.target.value}; Path=/; Max-Age=31536000; ${kept}`;
    location.assign(new URL(event.target.value + location.search, location));
  });

  // --- Is the shop there? -------------------------------------------------------------------------

  let gone = "";
  function state(words) {
    if (line.textContent !== words) line.textContent = words;
  }
  async function check() {
    const before = gone;
    if (!navigator.onLine) gone = OFFLINE;
    else {
      try {
        const answer = await fetch("healthz", { cache: "no-store" });
        gone = answer.ok ? "" : LOST;
      } catch {
        gone = LOST;
      }
    }
    page.classList.toggle("gone", Boolean(gone));
    if (gone || before) state(gone);
  }
  setInterval(check, CHECK);
  addEventListener("offline", check);
  addEventListener("online", check);

  // What cannot arrive is not sent: the words stay in the box.
  function sending(event) {
    const enter = event.key === "Enter" && !event.shiftKey && event.target.matches("#box textarea");
    const sends = "#box .submit-button, #speak, #choices button, [data-say], [data-example], #person";
    const pressed = event.type === "click" && event.target.closest(sends);
    if (!enter && !pressed) return;
    if (gone) {
      event.preventDefault();
      event.stopImmediatePropagation();
      state(gone);
      check();
      return;
    }
    follow = true;
    const before = messages();
    setTimeout(async () => {
      if (messages() !== before || find("#now .msg")) return;
      await check();
      if (!gone && find("#box textarea")?.value) state(QUEUED);
    }, PATIENCE);
  }
  addEventListener("keydown", sending, true);
  addEventListener("click", sending, true);

  // --- In a shop's frame --------------------------------------------------------------------------

  if (asked) page.classList.add("framed");
  if (frame) {
    addEventListener("message", (event) => {
      if (event.origin !== asked || event.source !== window.parent) return;
      frame.closed = event.data?.deskhand !== "opened";
      page.classList.toggle("covers", Boolean(event.data?.covers));
      if (!frame.closed) find("#box textarea")?.focus();
    });
    tell("ready");
  }
  show();
}

// The other components are drawn a moment later.
(function wait() {
  if (find("#box textarea") && find("#side [data-close]") && find("#choices")) begin();
  else setTimeout(wait, 20);
})();
