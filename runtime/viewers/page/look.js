// The look: which view is shown, in which colours, and what is written over it. Views and palettes are those of the rig.
import { problemOf, tell } from "./announce.js";

const $ = (id) => document.getElementById(id);

const words = (name) => name.charAt(0).toUpperCase() + name.slice(1).replaceAll("-", " ");
const inner = (look, name) => name.split(".").reduce((table, key) => table?.[key], look);

function button(name, key, label) {
  const made = document.createElement("button");
  made.setAttribute("role", "radio");
  made.dataset[key] = name;
  made.title = label;
  return made;
}

// The value of an input as the rig takes it: an empty limit is none.
function valueOf(input) {
  if (input.type === "checkbox") return input.checked;
  if (input.type !== "number" && input.type !== "range") return input.value;
  return input.value === "" ? null : Number(input.value);
}

export class Look {
  #views = {};

  // look: as `[view]` of a rig file has it. changed: called when another look is chosen.
  constructor(look, changed) {
    Object.assign(this, { look, changed });
    for (const [group, key] of [["views", "show"], ["colours", "colours"]]) {
      $(group).addEventListener("click", (event) => {
        const value = event.target.dataset[key === "show" ? "view" : "colours"];
        if (value) this.set(key, value);
      });
    }
    $("look").addEventListener("input", (event) => this.#take(event.target));
    $("look").addEventListener("submit", (event) => event.preventDefault());
  }

  async open() {
    const reply = await fetch("looks");
    if (!reply.ok) return;
    const { views, palettes } = await reply.json();
    this.#views = Object.fromEntries(views.map((view) => [view.name, view]));
    $("views").replaceChildren(...views.map(({ name, caption }) => {
      const made = button(name, "view", caption);
      made.textContent = caption;
      return made;
    }));
    $("colours").replaceChildren(...palettes.map(({ name, ordered, swatch }) => {
      const label = `${words(name)}${ordered ? ", ordered" : ""}`;
      const made = button(name, "colours", label);
      made.setAttribute("aria-label", label);
      made.classList.toggle("ordered", ordered);
      made.style.background = `linear-gradient(90deg, ${swatch.join(", ")})`;
      return made;
    }));
    this.show();
  }

  // What to ask for: the two sides of a split, so that its line follows the finger.
  wishes() {
    const asked = this.look.show === "split" ? ["visible", "infrared"] : [this.look.show];
    return asked.map((show) => ({ ...this.look, show }));
  }

  set(name, value) {
    const [table, key] = name.split(".");
    this.look[table] = key ? { ...this.look[table], [key]: value } : value;
    this.show();
    this.changed();
  }

  toggleOverlay(items) {
    this.set("overlay.show", this.look.overlay?.show?.length ? [] : items);
  }

  show() {
    const known = this.#views[this.look.show]?.keys ?? [];
    for (const one of $("views").children) one.setAttribute("aria-checked", one.dataset.view === this.look.show);
    for (const one of $("colours").children) one.setAttribute("aria-checked", one.dataset.colours === this.look.colours);
    $("colours").classList.toggle("idle", !known.includes("colours"));
    for (const label of $("look").querySelectorAll("[data-of]")) {
      label.hidden = label.dataset.of !== "overlay" && !known.includes(label.dataset.of);
    }
    const written = (this.look.overlay?.show ?? []).length > 0;
    for (const one of $("look").querySelectorAll(".items, [data-of=overlay]:has([type=range], select)")) one.hidden = !written;
    for (const input of $("look").elements) {
      if (!input.name || (input === document.activeElement && input.type !== "checkbox")) continue;
      const value = input.name === "overlay.item" ? this.look.overlay?.show?.includes(input.value) : this.#read(input.name);
      if (input.type === "checkbox") input.checked = Boolean(value);
      else input.value = value ?? "";
    }
  }

  #read(name) {
    if (name === "overlay.show") return (this.look.overlay?.show ?? []).length > 0;
    if (name.startsWith("isotherm.between.")) { // half a pair stays as it was typed
      return this.look.isotherm?.between?.[Number(name.split(".")[2])] ?? $("look").elements[name].value;
    }
    return inner(this.look, name);
  }

  #take(input) {
    const problem = problemOf(input); // an empty limit is none, and no 0
    tell(input, problem);
    if (problem) return;
    if (input.name === "overlay.item") {
      const boxes = [...$("look").elements].filter((one) => one.name === input.name && one.checked);
      this.set("overlay.show", boxes.map((one) => one.value));
    } else if (input.name === "overlay.show") this.set(input.name, input.checked ? input.dataset.items.split(" ") : []);
    else if (input.name.startsWith("isotherm.between.")) {
      const ends = [0, 1].map((end) => valueOf($("look").elements[`isotherm.between.${end}`]));
      const both = ends.every((end) => end !== null);
      const rising = !both || ends[0] < ends[1];
      tell($("look").elements["isotherm.between.1"], rising ? "" : `Above ${ends[0]}.`);
      if (rising) this.set("isotherm.between", both ? ends : null);
    } else this.set(input.name, valueOf(input));
  }
}
