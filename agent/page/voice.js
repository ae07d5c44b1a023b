// The recorder (js_on_load of #voice): records, or takes a recording, and uploads it to be heard.
// MOST is how many bytes a recording may have; what else is in capitals is a sentence.

const root = element.querySelector(".recorder");

function begin() {
  const mic = root.querySelector(".mic");
  const give = root.querySelector(".give");
  const file = root.querySelector("input");
  const clock = root.querySelector(".clock");
  const most = Number(root.dataset.seconds);
  let recorder = null;
  let ticking = 0;

  function wrong(sentence) {
    document.querySelector("#state").textContent = sentence; // chat.js made it
  }

  async function hear(recording) {
    if (!recording.size) return wrong(EMPTY);
    if (recording.size > MOST) return wrong(LARGE);
    try {
      const { path } = await upload(recording);
      trigger("upload", { path });
    } catch {
      wrong(UNSENT);
    }
  }

  function shown(recording) {
    mic.setAttribute("aria-pressed", recording);
    const label = recording ? STOP : RECORD;
    mic.setAttribute("aria-label", label);
    mic.title = label;
    clock.hidden = !recording;
    clearInterval(ticking);
    if (!recording) return;
    const began = Date.now();
    const tick = () => {
      const seconds = Math.floor((Date.now() - began) / 1000);
      clock.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
      if (seconds >= most) recorder.stop();
    };
    tick();
    ticking = setInterval(tick, 250);
  }

  async function record() {
    wrong("");
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    } catch (error) {
      return wrong(error.name === "NotAllowedError" ? DENIED : NONE);
    }
    const parts = [];
    recorder = new MediaRecorder(stream);
    recorder.ondataavailable = (event) => parts.push(event.data);
    recorder.onstop = () => {
      stream.getTracks().forEach((track) => track.stop());
      const type = recorder.mimeType;
      recorder = null;
      shown(false);
      const end = type.includes("mp4") ? "m4a" : type.includes("ogg") ? "ogg" : "webm";
      hear(new File(parts, `voice.${end}`, { type }));
    };
    recorder.start();
    shown(true);
  }

  mic.addEventListener("click", () => (recorder ? recorder.stop() : record()));
  mic.hidden = !(navigator.mediaDevices && window.MediaRecorder);
  give.addEventListener("click", () => file.click());
  file.addEventListener("change", () => {
    if (file.files[0]) hear(file.files[0]);
    file.value = "";
  });
}

if (root) begin();
