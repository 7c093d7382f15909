// The live page: asks for pictures as fast as it can show them, and for figures twice a second.
import { Look } from "./look.js";
import { Watcher } from "./watcher.js";
import { showFigures } from "./figures.js";
import { offerSettings } from "./settings.js";
import { offerMeters } from "./meters.js";

const $ = (id) => document.getElementById(id);
const STALE_MS = 2000; // a picture older than this is no longer what is there now
const canvas = $("canvas");
const pen = canvas.getContext("2d", { alpha: false });
const shown = { at: 0, images: [], views: [], connected: false };

/* Pictures */

function paint() {
  const [first, second] = shown.images;
  if (!first) return;
  if (canvas.width !== first.width || canvas.height !== first.height) {
    [canvas.width, canvas.height] = [first.width, first.height];
    $("picture").style.setProperty("--aspect", first.width / first.height);
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
  paint();
  veil();
}

function veil() {
  const silent = performance.now() - shown.at;
  const text = !shown.connected ? "No connection to the rig. Trying again."
    : !shown.at ? "Waiting for the first picture"
    : silent > STALE_MS ? `No new picture for ${Math.round(silent / 1000)} s` : "";
  $("veil").classList.toggle("up", text !== "");
  if (text) $("veil").textContent = text;
}

const watcher = new Watcher(() => look.wishes(), onPictures, (connected) => {
  shown.connected = connected;
  veil();
});
setInterval(veil, 500);

/* Choices */

const KEPT = "coconet-look";
const OVERLAY = $("overlay").dataset.items.split(" ");
const look = new Look({ show: "fused", colours: "white-hot", split: 0.5, meters: true }, () => {
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

$("labels").addEventListener("click", () => look.set("meters", !look.look.meters));
$("slider").addEventListener("input", (event) => {
  look.set("split", event.target.value / 1000);
  paint();
});

/* Actions */

let hush;
function say(text, files = []) {
  const toast = $("toast");
  toast.replaceChildren(text);
  files.forEach((file) => {
    const link = Object.assign(document.createElement("a"), { href: `captures/${encodeURIComponent(file)}` });
    Object.assign(link, { download: file, textContent: file.replace(/^.*-(\w+)\.png$/, "$1") });
    toast.append(" ", link);
  });
  toast.hidden = false;
  clearTimeout(hush);
  hush = setTimeout(() => { toast.hidden = true; }, 6000);
}

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

$("snapshot").addEventListener("click", () => attempt(async () => say("Saved", (await post("snapshot")).files)));
$("record").addEventListener("click", () => attempt(async () => {
  const on = !recordingOn();
  const state = await post("recording", { on });
  $("record").setAttribute("aria-pressed", on);
  if (!on && state) say(`Recorded ${state.frames} frames:`, [state.name]);
}));
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input:not([type=range])")) return;
  if (event.key === "s") $("snapshot").click();
  if (event.key === "r") $("record").click();
  if (event.key === "t") $("spot").click();
  if (event.key === "m") $("labels").click();
  if (event.key === "p") look.set("reversed", !look.look.reversed);
  if (event.key === "b") look.set("colour_bar", !look.look.colour_bar);
  if (event.key === "o") look.toggleOverlay(OVERLAY);
  const view = $("views").children[event.key === "0" ? 9 : event.key - 1];
  if (view) view.click();
});

/* Figures */

async function figures() {
  if (!document.hidden) {
    try {
      const reply = await fetch("vitals");
      if (reply.status === 401) location.replace("login");
      if (reply.ok) showFigures(await reply.json());
    } catch { /* the veil over the picture says that the connection is gone */ }
  }
  setTimeout(figures, 500);
}

let before = null; // what this viewer chose the last time goes before what the rig file says
try { before = JSON.parse(localStorage.getItem(KEPT)); } catch { /* nothing was kept */ }
Object.assign(look.look, before);
show();
look.open();
offerSettings(post, say, {
  now: () => look.look,
  open: (saved) => {
    look.look = { ...saved, ...before };
    look.show();
    show();
  },
});
offerMeters(canvas, post, attempt);
watcher.start();
figures();
