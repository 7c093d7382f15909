// The figures beside the picture: what the rig says of itself, in words.
import { showAlarms } from "./alarms.js";
import { showMeters } from "./meters.js";

const $ = (id) => document.getElementById(id);
const HISTORY = 240; // two minutes at two a second
const history = [];

const whole = (value) => (value == null ? "–" : Math.round(value).toString());
const tenths = (value) => (value == null ? "–" : value < 100 ? value.toFixed(1) : whole(value));

export function showFigures({ vitals, recording, alarms }) {
  showAlarms(alarms);
  showRecording(recording);
  if (!vitals) return;
  $("model").textContent = `${vitals.model} ${vitals.precision}, ${vitals.backend}`;
  $("fps").textContent = tenths(vitals.fps);
  $("latency").textContent = tenths(vitals.latency_ms?.p50);
  $("age").textContent = tenths(vitals.capture_to_fused_ms?.p50);
  $("skew").textContent = tenths(vitals.skew_ms?.p50);
  showTrace(vitals.fps);
  showCamera("visible", vitals.visible);
  showCamera("infrared", vitals.infrared);
  $("pairing").textContent = vitals.pairing_trouble;
  $("pairing").hidden = !vitals.pairing_trouble;
  const output = vitals.output_trouble && `Output ${vitals.output_trouble}`;
  const server = vitals.model_trouble && `Server lost: ${vitals.model_trouble}`;
  $("output").textContent = [output, server].filter(Boolean).join(". ");
  $("output").hidden = !(output || server);
  showMeters(vitals.meters);
  showDetails(vitals);
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
  card.dataset.state = health?.state ?? "recording";
  card.querySelector(".state").textContent = card.dataset.state;
  card.querySelector(".name").textContent = health?.name ?? "";
  card.querySelector(".facts").textContent = facts ? facts.filter(Boolean).join(" · ") : "every frame is there to be read";
  card.querySelector(".trouble").textContent = health?.trouble ?? "";
}

function showDetails(vitals) {
  const rows = [
    ["fused", vitals.fused.toLocaleString("en")],
    ["one camera alone", vitals.passed_through.toLocaleString("en")],
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
