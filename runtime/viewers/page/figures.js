// The figures beside the picture: what the rig says of itself, in words.
import { showAlarms } from "./alarms.js";
import { announce } from "./announce.js";
import { showMeters } from "./meters.js";

const $ = (id) => document.getElementById(id);
const HISTORY = 240; // two minutes at two a second
const history = [];
const states = new Map(); // of the cameras, as they were last told

const whole = (value) => (value == null ? "–" : Math.round(value).toString());
const tenths = (value) => (value == null ? "–" : value < 100 ? value.toFixed(1) : whole(value));

export function showFigures({ vitals, recording, alarms }) {
  showAlarms(alarms);
  showRecording(recording);
  if (!vitals) return;
  delete document.body.dataset.end;
  $("model").textContent = `${vitals.model} ${vitals.precision}, ${vitals.backend}`;
  $("fps").textContent = tenths(vitals.fps);
  $("latency").textContent = tenths(vitals.latency_ms?.p50);
  $("age").textContent = tenths(vitals.capture_to_fused_ms?.p50);
  $("skew").textContent = tenths(vitals.skew_ms?.p50);
  showTrace(vitals.fps);
  showCamera("visible", vitals.visible);
  showCamera("infrared", vitals.infrared);
  showState(vitals, alarms);
  showTrouble($("pairing"), vitals.pairing_trouble);
  const output = vitals.output_trouble && `Output ${vitals.output_trouble}`;
  const server = vitals.model_trouble && `Server lost: ${vitals.model_trouble}`;
  showTrouble($("output"), [output, server].filter(Boolean).join(". "));
  showMeters(vitals.meters);
  showDetails(vitals);
}

// Without a rig nothing here is of now: the cards stay, in gray. ended: how the run ended, empty if that is not known.
export function showEnd(ended) {
  document.body.dataset.end = ended ? "ended" : "away";
  $("state").textContent = ended ? "Ended" : "No connection";
  $("state").dataset.tone = ended ? "quiet" : "bad";
  for (const id of ["fps", "latency", "age", "skew"]) $(id).textContent = "–";
  for (const side of ["visible", "infrared"]) {
    const card = $(`camera-${side}`);
    if (!card) continue;
    card.dataset.state = "ended";
    card.querySelector(".state").textContent = ended ? "ended" : "not known";
  }
  states.clear();
}

function showState(vitals, alarms) {
  const lost = ["visible", "infrared"].filter((side) => vitals[side] && vitals[side].state !== "live");
  const on = alarms?.alarms.some((one) => one.on);
  const words = lost.map((side) => `${side} ${vitals[side].state}`).join(", ");
  $("state").textContent = on ? "Alarm" : words || (vitals.pairing_trouble ? "No pairs" : "Live");
  $("state").dataset.tone = on ? "bad" : words || vitals.pairing_trouble ? "poor" : "good";
}

function showTrouble(place, text) {
  if (text && place.hidden) announce(text, true);
  place.textContent = text;
  place.hidden = !text;
}

function showRecording(recording) {
  $("record").setAttribute("aria-pressed", recording !== null);
  const words = recording && `${clock(recording.seconds)}${recording.dropped ? `, ${recording.dropped} dropped` : ""}`;
  $("record").querySelector("span").textContent = recording ? recording.trouble || words : "Record";
}

function clock(seconds) {
  const [minutes, rest] = [Math.floor(seconds / 60), Math.floor(seconds % 60)];
  return `${minutes}:${rest.toString().padStart(2, "0")}`;
}

function showTrace(fps) {
  history.push(fps);
  if (history.length > HISTORY) history.shift();
  const most = Math.max(...history, 1);
  const points = history.map((value, at) => `${(120 - (history.length - 1 - at) / 2).toFixed(1)} ${(30 - (28 * value) / most).toFixed(1)}`);
  $("trace").firstElementChild.setAttribute("d", `M${points.join("L")}`);
  $("trace-range").textContent = `up to ${whole(most)}`;
}

function showCamera(side, health) {
  let card = $(`camera-${side}`);
  if (!card) {
    card = $("camera").content.firstElementChild.cloneNode(true);
    card.id = `camera-${side}`;
    card.querySelector(".side").textContent = side === "visible" ? "Visible" : "Infrared";
    $("cameras").append(card);
  }
  const facts = health && [
    `${tenths(health.fps)} fps`,
    health.age_ms != null && `${health.age_ms < 10000 ? `${whole(health.age_ms)} ms` : `${whole(health.age_ms / 1000)} s`} old`,
    `${health.dropped} dropped`,
    health.reconnects > 0 && `back ${health.reconnects} times`,
  ];
  const state = health?.state ?? "recording";
  if (states.has(side) && states.get(side) !== state) announce(`${side} camera: ${state}`, state !== "live");
  states.set(side, state);
  card.dataset.state = state;
  card.querySelector(".state").textContent = state;
  card.querySelector(".name").textContent = health?.name ?? "";
  card.querySelector(".facts").textContent = facts ? facts.filter(Boolean).join(" · ") : "a recording: no frame is late or lost";
  card.querySelector(".trouble").textContent = health?.trouble ?? "";
}

function showDetails(vitals) {
  const rows = [
    ["fused", vitals.fused.toLocaleString("en")],
    ["one camera alone", (vitals.passed_through - vitals.without_server).toLocaleString("en")],
    ["without the server", vitals.without_server && vitals.without_server.toLocaleString("en")],
    ["of the local model", vitals.taken_over && vitals.taken_over.toLocaleString("en")],
    ["gave way to newer", vitals.superseded.toLocaleString("en")],
    ["fuse p95, p99", vitals.latency_ms && `${tenths(vitals.latency_ms.p95)}, ${tenths(vitals.latency_ms.p99)} ms`],
    ["alignment drift", vitals.drift_px != null && `${tenths(vitals.drift_px)} px`],
    ["precision", vitals.precision],
  ];
  $("details").replaceChildren(...rows.filter(([, text]) => text).flatMap(([name, text]) => [
    Object.assign(document.createElement("dt"), { textContent: name }),
    Object.assign(document.createElement("dd"), { textContent: text }),
  ]));
}
