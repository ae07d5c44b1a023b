// The recorder (js_on_load of #voice): records, or takes a recording, and uploads it to be heard.
// MOST is how many bytes a recording may have.

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
    if (!recording.size) return wrong("The recording is empty. Please try again.");
    if (recording.size > MOST) {
      return wrong(`The recording is too large: at most ${Math.floor(MOST / 1e6)} MB can be sent.`);
    }
    try {
      const { path } = await upload(recording);
      trigger("upload", { path });
    } catch {
      wrong("The recording could not be sent. Please try again, or write to us.");
    }
  }

  function shown(recording) {
    mic.setAttribute("aria-pressed", recording);
    const label = recording ? "Stop recording" : "Record a voice message";
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
      const denied = error.name === "NotAllowedError";
      return wrong(
        denied
          ? "The browser does not let us use the microphone. Allow it in the address bar, or write."
          : "There is no microphone that works. You can upload a recording, or write.",
      );
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
