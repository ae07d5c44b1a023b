// The answers that may be picked (js_on_load of #choices). Where several may, each is a switch and
// one button sends them; else the click is the answer.

const picked = (button) => ({ id: button.dataset.pick, label: button.dataset.label });

element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const all = [...element.querySelectorAll("[data-pick]")];
  if (button.hasAttribute("aria-pressed")) {
    button.setAttribute("aria-pressed", button.getAttribute("aria-pressed") !== "true");
    const some = all.some((one) => one.getAttribute("aria-pressed") === "true");
    element.querySelector("[data-done]").hidden = !some;
  } else if ("done" in button.dataset) {
    const these = all.filter((one) => one.getAttribute("aria-pressed") === "true");
    trigger("select", { picked: these.map(picked) });
  } else {
    trigger("select", { picked: [picked(button)] });
  }
});
