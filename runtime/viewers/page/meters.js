// The meters: what they read, as a list, and spots that a click on the picture adds.
const $ = (id) => document.getElementById(id);
const SIGNS = { celsius: "°C", fahrenheit: "°F", kelvin: "K" };
const MOST_NAMES = 1000;

let tables = null; // the meters of the rig; null if this viewer may not change them
let change = null;

const degrees = (value, unit) => `${value.toFixed(1)} ${SIGNS[unit]}`;

function words(reading) {
  if (reading.value !== null) return degrees(reading.value, reading.unit);
  if (reading.beyond && reading.limit !== null) {
    return `${reading.beyond === "hotter" ? ">" : "<"} ${degrees(reading.limit, reading.unit)}`;
  }
  return "–";
}

function more(reading) {
  const { min, max, mean, share_above: share, kind, unit } = reading;
  const facts = [
    ["box", "polygon", "line"].includes(kind) && min !== null && max !== null && `${min.toFixed(1)} to ${degrees(max, unit)}`,
    share !== null && `${(100 * share).toFixed(1)} % above`,
    mean === null && reading.blind,
  ];
  return facts.filter(Boolean).join(" · ");
}

export function showMeters(readings) {
  $("meters").hidden = readings.length === 0;
  const list = $("meter-list");
  while (list.children.length > readings.length) list.lastChild.remove();
  readings.forEach((reading, at) => {
    const row = list.children[at] ?? list.appendChild(newRow());
    const [name, value, remove, facts] = row.children;
    row.dataset.name = reading.name;
    row.classList.toggle("blind", reading.value === null);
    [name.textContent, value.textContent, facts.textContent] = [reading.name, words(reading), more(reading)];
    remove.hidden = tables === null;
    remove.setAttribute("aria-label", `Remove ${reading.name}`);
  });
}

function newRow() {
  const row = document.createElement("li");
  for (const tag of ["span", "b", "button", "small"]) row.append(document.createElement(tag));
  const remove = row.children[2];
  remove.textContent = "×";
  remove.addEventListener("click", () => change(tables.filter((one) => one.name !== row.dataset.name)));
  return row;
}

function freeName() {
  const taken = new Set(tables.map((one) => one.name));
  for (let number = 1; number < MOST_NAMES; number += 1) if (!taken.has(`spot ${number}`)) return `spot ${number}`;
  throw new Error("There are too many spots.");
}

export async function offerMeters(canvas, post, attempt) {
  const reply = await fetch("meters");
  if (!reply.ok) return;
  const told = await reply.json();
  if (!told.measures || !told.may_change) return;
  tables = told.meters;
  change = (meters) => attempt(async () => { tables = (await post("meters", { meters })).meters; });
  const button = $("spot");
  button.hidden = false;
  const aim = (on) => {
    button.setAttribute("aria-pressed", on);
    canvas.classList.toggle("aiming", on);
  };
  button.addEventListener("click", () => aim(button.getAttribute("aria-pressed") !== "true"));
  canvas.addEventListener("click", (event) => {
    if (button.getAttribute("aria-pressed") !== "true") return;
    aim(false);
    const shown = canvas.getBoundingClientRect();
    const x = ((event.clientX - shown.left) / shown.width) * canvas.width - 0.5;
    const y = ((event.clientY - shown.top) / shown.height) * canvas.height - 0.5;
    const spot = { kind: "spot", points_px: [[Math.round(x), Math.round(y)]], pixels: "visible" };
    attempt(async () => change([...tables, { name: freeName(), ...spot }]));
  });
}
