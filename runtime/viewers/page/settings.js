// The settings: each is sent as it is changed, and all are written into the rig file on request, with the view that is
// shown then. What does not fit is said beside its field, and stays there until it is corrected.
import { problemOf, say, tell } from "./announce.js";

const $ = (id) => document.getElementById(id);
const SLIDE_MS = 100; // between two steps of a slider that is being drawn
const LOOK_MS = 5000; // between two looks at what others have changed, while the form is open

// Moves a homography's result by a number of pixels: its first two rows plus as many times the third.
function moved(homography, [right, down]) {
  const add = (row, times) => row.map((value, at) => value + times * homography[2][at]);
  return [add(homography[0], right), add(homography[1], down), homography[2]];
}

export async function offerSettings(post, view) {
  const reply = await fetch("settings");
  if (!reply.ok) return;
  let told = await reply.json();
  view.open(told.settings.view);
  const form = $("settings-form");
  const found = told.settings.alignment.homography; // shifts are counted from here

  const value = (name) => name.split(".").reduce((inner, key) => inner?.[key], told.settings);

  // Shows what the rig has; what is being typed, or has to be corrected, stays.
  function fill() {
    for (const input of form.elements) {
      if (!input.name || input.hasAttribute("aria-invalid") || (input === document.activeElement && input.type !== "checkbox")) continue;
      if (input.name.startsWith("shift")) input.value ||= 0;
      else if (input.type === "checkbox") input.checked = value(input.name);
      else input.value = value(input.name) ?? "";
      input.closest("label").hidden = !input.name.startsWith("shift") && value(input.name) == null;
    }
    $("heat-now").value = $("heat").value;
  }

  function changeOf(input) {
    const given = input.type === "checkbox" ? input.checked : ["number", "range"].includes(input.type) ? Number(input.value) : input.value;
    const [table, key, inner] = input.name.split(".");
    if (table === "shift") {
      const shift = [0, 1].map((axis) => Number(form.elements[`shift.${axis}`].value));
      return { alignment: { homography: moved(found, shift) } };
    }
    const before = told.settings[table][key];
    if (inner === undefined) return { [table]: { [key]: given } };
    return { [table]: { [key]: Object.assign(Array.isArray(before) ? [...before] : { ...before }, { [inner]: given }) } };
  }

  // One after the other: what was chosen last has to arrive last.
  let line = Promise.resolve();
  function send({ target }) {
    const problem = problemOf(target);
    const change = problem ? null : changeOf(target); // as it is now: what is told meanwhile fills the form again
    line = line.then(() => sendNow(target, problem, change));
    return line;
  }

  async function sendNow(target, wrong, change) {
    let problem = wrong;
    if (!problem) {
      try {
        told = await post("settings", change);
      } catch (error) {
        problem = error.message;
      }
    }
    tell(target, problem);
    fill();
  }

  // A slider is followed while it is drawn: one step is sent at a time, and then the newest.
  let newest = null;
  let sliding = false;
  async function slide({ target }) {
    if (target.type !== "range") return;
    newest = target;
    $("heat-now").value = $("heat").value;
    if (sliding) return;
    sliding = true;
    while (newest) {
      const step = { target: newest };
      newest = null;
      await send(step);
      await new Promise((resolve) => { setTimeout(resolve, SLIDE_MS); });
    }
    sliding = false;
  }

  form.addEventListener("input", slide);
  form.addEventListener("change", send);
  form.addEventListener("submit", (event) => event.preventDefault());
  $("save").addEventListener("click", async () => {
    const wrong = form.querySelector("[aria-invalid]");
    if (wrong) return wrong.focus();
    await line;
    try {
      await post("settings", { view: view.now() });
      say(`Saved to ${(await post("settings/save")).file}`);
    } catch (error) {
      say(error.message);
    }
    return undefined;
  });
  setInterval(async () => {
    if (document.hidden || !$("settings").open || form.contains(document.activeElement)) return;
    const again = await fetch("settings").catch(() => null);
    if (again?.ok) told = await again.json();
    fill();
  }, LOOK_MS);

  $("rig-file").textContent = told.file ?? "";
  $("save").hidden = told.file === null;
  const locked = !told.may_change; // a token that may only watch
  for (const note of document.querySelectorAll(".locked")) note.hidden = !locked;
  $("settings-fields").disabled = locked;
  for (const button of $("actions").children) {
    button.disabled = locked;
    if (locked) button.title = "This token may watch and change nothing";
  }
  fill();
  $("settings").hidden = false;
}
