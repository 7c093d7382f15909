// The meters: what they read, as a list, and how they are added, moved, named and removed.
import { Marking } from "./marking.js";
import { announce, problemOf, tell } from "./announce.js";
import { drawProfile } from "./profile.js";

const $ = (id) => document.getElementById(id);
const SIGNS = { celsius: "°C", fahrenheit: "°F", kelvin: "K" };
const WITHOUT_POINTS = ["hottest", "coldest"];
const PLAIN_NAME = /^[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}$/;
const LOOK_MS = 3000; // between two looks at where meters are, which others may have moved

let told = { meters: [], shown_px: [], measures: false, may_change: false };
let marking = null, send = null, selected = null;

const degrees = (value, unit) => `${value.toFixed(1)} ${SIGNS[unit]}`;
const tableOf = (name) => told.meters.find((one) => one.name === name);

/* What a share is counted above; the meter may have been removed since it was read. */
function limitOf({ name, unit }) {
  const above = tableOf(name)?.above;
  return above === undefined || above === null ? "" : ` ${above} ${SIGNS[unit]}`;
}

function words(reading) {
  if (reading.value !== null) return degrees(reading.value, reading.unit);
  if (reading.beyond && reading.limit !== null) {
    return `${reading.beyond === "hotter" ? ">" : "<"} ${degrees(reading.limit, reading.unit)}`;
  }
  return "blind";
}

function more(reading) {
  const { min, max, mean, share_above: share, kind, unit } = reading;
  const facts = [
    ["box", "polygon", "line"].includes(kind) && min !== null && max !== null && `${min.toFixed(1)} to ${degrees(max, unit)}`,
    share !== null && `${(100 * share).toFixed(1)} % above${limitOf(reading)}`,
    mean === null && reading.blind,
  ];
  return facts.filter(Boolean).join(" · ");
}

/* The list */

export function showMeters(readings) {
  $("meters").hidden = readings.length === 0 && !told.measures;
  const list = $("meter-list");
  while (list.children.length > readings.length) list.lastChild.remove();
  readings.forEach((reading, at) => showRow(list.children[at] ?? list.appendChild(newRow()), reading));
  if (selected && !tableOf(selected) && !readings.some((one) => one.name === selected)) select(null);
}

function showRow(row, reading) {
  const changed = row.dataset.name !== reading.name;
  row.dataset.name = reading.name;
  row.classList.toggle("blind", reading.value === null && !reading.beyond);
  const name = row.querySelector(".name");
  name.textContent = reading.name;
  name.disabled = !told.may_change || !tableOf(reading.name);
  row.querySelector("b").textContent = words(reading);
  row.querySelector("small").textContent = more(reading);
  row.querySelector(".with-unit i").textContent = SIGNS[reading.unit];
  drawProfile(row.querySelector("figure"), reading.profile);
  if (changed) showForm(row);
}

function newRow() {
  const row = $("meter").content.firstElementChild.cloneNode(true);
  const form = row.querySelector("form");
  row.querySelector(".name").addEventListener("click", () => select(selected === row.dataset.name ? null : row.dataset.name));
  row.querySelector(".remove").addEventListener("click", () => remove(row.dataset.name, row));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.elements.name.addEventListener("change", ({ target }) => rename(row.dataset.name, target));
  form.elements.above.addEventListener("change", ({ target }) => setAbove(row.dataset.name, target));
  return row;
}

function showForm(row) {
  const open = row.dataset.name === selected;
  const [form, table] = [row.querySelector("form"), tableOf(row.dataset.name)];
  row.querySelector(".name").setAttribute("aria-expanded", open);
  row.classList.toggle("open", open);
  form.hidden = !open;
  if (!open || !table) return;
  [form.elements.name.value, form.elements.above.value] = [table.name, table.above ?? ""];
  tell(form.elements.name, "");
  tell(form.elements.above, "");
}

function select(name) {
  selected = name;
  for (const row of $("meter-list").children) showForm(row);
  showHandles();
}

function showHandles() {
  if (!marking) return;
  const at = told.meters.findIndex((one) => one.name === selected);
  const points = at < 0 ? null : told.shown_px[at];
  const movable = marking.allowed && points?.length && !WITHOUT_POINTS.includes(told.meters[at].kind);
  marking.movedKind = told.meters[at]?.kind;
  marking.select(movable ? selected : null, points);
}

/* Changes */

async function look() {
  const reply = await fetch("meters");
  if (reply.ok) told = await reply.json();
  return reply.ok;
}

// Changes the list as it is now: another viewer may have changed it since.
async function change(edit, problem = (text) => { $("meters-problem").textContent = text; }) {
  problem("");
  try {
    await look();
    told = await send("meters", { meters: edit(told.meters) });
    showHandles();
    return true;
  } catch (error) {
    problem(error.message);
    return false;
  }
}

const edited = (name, fields) => (meters) => meters.map((one) => (one.name === name ? { ...one, ...fields } : one));

function freeName(kind) {
  const taken = new Set(told.meters.map((one) => one.name));
  if (WITHOUT_POINTS.includes(kind) && !taken.has(kind)) return kind;
  let number = 1;
  while (taken.has(`${kind} ${number}`)) number += 1;
  return `${kind} ${number}`;
}

async function add(kind, points) {
  const place = points.length ? { points_px: points, pixels: "visible" } : {};
  let name = "";
  const done = await change((meters) => {
    name = freeName(kind);
    return [...meters, { name, kind, ...place }];
  });
  if (done) announce(`${name} is measured.`);
}

const move = (name, points) => change(edited(name, { points_px: points, pixels: "visible" }));

async function remove(name, row) {
  const problem = (text) => { $("meters-problem").textContent = text; };
  if (await change((meters) => meters.filter((one) => one.name !== name), problem)) {
    select(null);
    announce(`${name} is removed.`);
    (row.isConnected ? row.querySelector(".name") : $("spot")).focus();
  }
}

async function rename(name, input) {
  const wanted = input.value.trim();
  if (wanted === name) return tell(input, "");
  if (!wanted) return tell(input, "A name is needed.");
  if (!PLAIN_NAME.test(wanted)) return tell(input, "Letters, digits, spaces and . _ - only, beginning with a letter or digit.");
  if (tableOf(wanted)) return tell(input, "Another meter has this name.");
  if (await change(edited(name, { name: wanted }), (text) => tell(input, text))) select(wanted);
  return undefined;
}

function setAbove(name, input) {
  const problem = problemOf(input);
  if (problem) return tell(input, problem);
  const above = input.value === "" ? null : Number(input.value); // an empty field is none, not 0
  return change((meters) => meters.map((one) => {
    if (one.name !== name) return one;
    const { above: _, ...rest } = one;
    return above === null ? rest : { ...rest, above };
  }), (text) => tell(input, text));
}

/* The beginning */

// Says whether the picture that is shown is one on which meters can be placed.
export function allowMarking(allowed) {
  if (!marking || marking.allowed === allowed) return;
  marking.allowed = allowed;
  if (!allowed) marking.aim(null);
  for (const button of $("add").children) button.disabled = !allowed && !WITHOUT_POINTS.includes(button.dataset.kind);
  showHandles();
}

export async function offerMeters(canvas, post) {
  if (!await look()) return;
  $("add").hidden = !told.measures;
  for (const button of $("add").children) button.disabled = !told.may_change;
  if (!told.measures || !told.may_change) return;
  send = post;
  marking = new Marking(canvas, {
    onPlaced: add,
    onMoved: move,
    onAim: (kind) => {
      for (const button of $("add").children) button.setAttribute("aria-pressed", button.dataset.kind === kind);
      if (kind) announce(`${kind}: place it on the picture. Escape calls it off.`);
    },
  });
  $("add").addEventListener("click", (event) => {
    const { kind } = event.target.dataset;
    if (!kind) return;
    if (WITHOUT_POINTS.includes(kind)) add(kind, []);
    else marking.aim(marking.kind === kind ? null : kind, event.detail === 0);
  });
  setInterval(async () => {
    if (document.hidden || !selected || marking.held !== null) return;
    await look().catch(() => false);
    showHandles();
  }, LOOK_MS);
}
