// The settings: each is sent as it is changed, and all are written into the rig file on request, with the view that is
// shown then.
const $ = (id) => document.getElementById(id);

// Moves a homography's result by so many pixels: its first two rows plus as many times the third.
function moved(homography, [right, down]) {
  const add = (row, times) => row.map((value, at) => value + times * homography[2][at]);
  return [add(homography[0], right), add(homography[1], down), homography[2]];
}

export async function offerSettings(post, say, view) {
  const reply = await fetch("settings");
  if (!reply.ok) return;
  let told = await reply.json();
  view.open(told.settings.view);
  if (!told.may_change) { // a token that may only watch
    $("actions").hidden = true;
    return;
  }
  const found = told.settings.alignment.homography; // shifts are counted from here
  const form = $("settings-form");

  const value = (name) => name.split(".").reduce((inner, key) => inner?.[key], told.settings);
  function fill() {
    for (const input of form.elements) {
      if (!input.name) continue;
      if (input.name.startsWith("shift")) input.value ||= 0;
      else if (input.type === "checkbox") input.checked = value(input.name);
      else input.value = value(input.name) ?? "";
      input.closest("label").hidden = !input.name.startsWith("shift") && value(input.name) == null;
    }
  }

  function changeOf(input) {
    const given = input.type === "checkbox" ? input.checked : input.type === "number" ? Number(input.value) : input.value;
    const [table, key, inner] = input.name.split(".");
    if (table === "shift") {
      const shift = [0, 1].map((axis) => Number(form.elements[`shift.${axis}`].value));
      return { alignment: { homography: moved(found, shift) } };
    }
    const before = told.settings[table][key];
    if (inner === undefined) return { [table]: { [key]: given } };
    return { [table]: { [key]: Object.assign(Array.isArray(before) ? [...before] : { ...before }, { [inner]: given }) } };
  }

  form.addEventListener("change", async (event) => {
    try {
      const { badInput, rangeOverflow, rangeUnderflow } = event.target.validity; // steps are for the arrows alone
      if (badInput || rangeOverflow || rangeUnderflow) throw new Error(event.target.validationMessage);
      if (event.target.value === "") throw new Error("A value is needed.");
      told = await post("settings", changeOf(event.target));
    } catch (error) {
      say(error.message);
    }
    fill();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  $("save").addEventListener("click", async () => {
    try {
      await post("settings", { view: view.now() });
      say(`Saved to ${(await post("settings/save")).file}`);
    } catch (error) {
      say(error.message);
    }
  });
  $("rig-file").textContent = told.file ?? "";
  $("save").hidden = told.file === null;
  fill();
  $("settings").hidden = false;
}
