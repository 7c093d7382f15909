// The live page: asks for pictures as fast as it can show them, and for figures twice a second.
import { announce, say } from "./announce.js";
import { showCaptures } from "./captures.js";
import { showEnd, showFigures } from "./figures.js";
import { offerFullScreen } from "./fullscreen.js";
import { Look } from "./look.js";
import { allowMarking, offerMeters } from "./meters.js";
import { chooseByKeys } from "./radio.js";
import { offerSettings } from "./settings.js";
import { Watcher } from "./watcher.js";

const $ = (id) => document.getElementById(id);
const STALE_MS = 2000; // a picture older than this is no longer what is there now
const canvas = $("canvas");
const pen = canvas.getContext("2d", { alpha: false });
const shown = { at: 0, images: [], views: [], connected: false, ended: "", refused: "" };

/* Pictures */

function paint() {
  const [first, second] = shown.images;
  if (!first) return;
  if (canvas.width !== first.width || canvas.height !== first.height) {
    [canvas.width, canvas.height] = [first.width, first.height];
    document.documentElement.style.setProperty("--aspect", first.width / first.height);
  }
  pen.drawImage(first, 0, 0);
  if (second) {
    const from = Math.round(look.look.split * canvas.width);
    const rest = canvas.width - from;
    if (rest > 0) pen.drawImage(second, from, 0, rest, canvas.height, from, 0, rest, canvas.height);
  }
}

function onPictures(label, images) {
  for (const image of shown.images) image.close();
  [shown.images, shown.views, shown.at] = [images, label.views, performance.now()];
  canvas.dataset.serial = label.serial;
  canvas.dataset.views = label.views.join(" ");
  canvas.setAttribute("aria-label", `Live picture: ${label.views.join(" and ")}`);
  paint();
  allowMarking(canvas.width === label.size_px[0] && canvas.height === label.size_px[1]); // not beside another picture
  veil();
}

let veiled = "";
function veil() {
  const silent = performance.now() - shown.at;
  const [kind, text] = shown.ended && !shown.connected ? ["ended", shown.ended]
    : !shown.connected ? ["away", shown.refused || "No connection to the rig. Trying again."]
    : !shown.at ? ["first", "Waiting for the first picture"]
    : silent > STALE_MS ? ["stale", `No new picture for ${Math.round(silent / 1000)} s`] : ["", ""];
  $("veil").classList.toggle("up", text !== "");
  if (text) $("veil").textContent = text;
  document.body.dataset.link = kind;
  if (kind !== veiled) {
    if (kind && kind !== "first") announce(text, true);
    else if (!kind && ["away", "stale", "ended"].includes(veiled)) announce("The picture is live again.");
  }
  veiled = kind;
}

const watcher = new Watcher(() => look.wishes(), onPictures, (connected, { ended = "", refused = "", unknown = "" } = {}) => {
  if (unknown) forget(); // a palette of another rig, chosen here before
  if (connected && shown.ended) shown.at = 0; // another run
  shown.ended = connected ? "" : ended || shown.ended;
  Object.assign(shown, { connected, refused });
  veil();
});
setInterval(veil, 500);

/* Choices */

const KEPT = "coconet-look";
const OVERLAY = $("overlay").dataset.items.split(" ");
const FIRST = { show: "fused", colours: "white-hot", split: 0.5, meters: true };
const look = new Look({ ...FIRST }, () => {
  try { localStorage.setItem(KEPT, JSON.stringify(look.look)); } catch { /* a private window keeps nothing */ }
  show();
});

function show() {
  const { show: view, split, meters } = look.look;
  $("slider").hidden = $("divider").hidden = view !== "split";
  $("slider").value = split * 1000;
  $("picture").style.setProperty("--split", `${split * 100}%`);
  $("corner-left").textContent = view === "split" ? "Visible" : "";
  $("corner-right").textContent = view === "split" ? "Infrared" : "";
  $("labels").setAttribute("aria-pressed", meters);
}

function forget() {
  look.look = { ...FIRST };
  look.show();
  show();
  try { localStorage.removeItem(KEPT); } catch { /* nothing was kept */ }
}

chooseByKeys($("views"));
chooseByKeys($("colours"));
$("labels").addEventListener("click", () => look.set("meters", !look.look.meters));
$("slider").addEventListener("input", (event) => {
  look.set("split", event.target.value / 1000);
  paint();
});

/* Actions */

async function post(path, body = {}) {
  const reply = await fetch(path, { method: "POST", body: JSON.stringify(body) });
  const told = await reply.json().catch(() => ({ error: "The rig refused." }));
  if (!reply.ok) throw new Error(told.error);
  return told;
}

async function attempt(action) {
  try { await action(); } catch (error) { say(error.message); }
}

const recordingOn = () => $("record").getAttribute("aria-pressed") === "true";

$("snapshot").addEventListener("click", () => attempt(async () => {
  say("Saved", (await post("snapshot")).files);
  await showCaptures();
}));
$("record").addEventListener("click", () => attempt(async () => {
  const on = !recordingOn();
  const state = await post("recording", { on });
  $("record").setAttribute("aria-pressed", on);
  if (on) announce("Recording.");
  else if (state) say(`Recorded ${state.frames} frames:`, [state.name]);
  if (!on) await showCaptures();
}));
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input:not([type=range]), select")) return;
  if (event.key === "s") $("snapshot").click();
  if (event.key === "r") $("record").click();
  if (event.key === "t") $("spot").click();
  if (event.key === "m") $("labels").click();
  if (event.key === "f") $("fullscreen").click();
  if (event.key === "p") look.set("reversed", !look.look.reversed);
  if (event.key === "b") look.set("colour_bar", !look.look.colour_bar);
  if (event.key === "o") look.toggleOverlay(OVERLAY);
  const view = $("views").children[event.key === "0" ? 9 : event.key - 1];
  if (view) view.click();
});

/* Figures */

let recordings = 0;
async function figures() {
  if (!document.hidden) {
    try {
      const reply = await fetch("vitals");
      if (reply.status === 401) location.replace("login");
      if (reply.ok) {
        const told = await reply.json();
        showFigures(told);
        if (recordings && !told.recording) showCaptures().catch(() => {}); // another viewer may have ended it
        recordings = Number(told.recording !== null);
      }
    } catch { // the rig does not answer; the veil over the picture says so, too
      showEnd(shown.ended);
    }
  }
  setTimeout(figures, 500);
}

let before = null; // what this viewer chose the last time goes before what the rig file says
try { before = JSON.parse(localStorage.getItem(KEPT)); } catch { /* nothing was kept */ }
Object.assign(look.look, before);
show();
look.open();
offerFullScreen($("stage"), $("fullscreen"));
offerSettings(post, {
  now: () => look.look,
  open: (saved) => {
    look.look = { ...saved, ...before };
    look.show();
    show();
  },
});
offerMeters(canvas, post);
showCaptures().catch(() => {});
watcher.start();
figures();
