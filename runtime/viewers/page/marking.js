// Places on the picture: where a new meter is drawn, by tap, drag or keys, and the handles that move one that is there.
const $ = (id) => document.getElementById(id);
const POINTS = { spot: [1, 1], box: [2, 2], line: [2, 2], polygon: [3, 64] };
const WORDS = {
  spot: "Tap where to measure",
  box: "Draw a box, or tap two corners",
  line: "Draw a line, or tap both ends",
  polygon: "Tap the corners",
};
const PRESS_MS = 550, PRESS_PX = 10, DRAG_PX = 12, CLOSE_PX = 18; // on the screen
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const MORE_MS = 300; // between two keys of one move
const FAST = 10; // times as far with the shift key
const SVG = "http://www.w3.org/2000/svg";

export class Marking {
  // onPlaced gets a kind and its points, in pixels of the visible picture; onMoved a name and points; onAim a kind.
  constructor(canvas, { onPlaced, onMoved, onAim }) {
    Object.assign(this, { canvas, onPlaced, onMoved, onAim, kind: null, points: [], held: null, soon: null, allowed: false });
    this.picture = $("picture");
    this.picture.addEventListener("pointerdown", (event) => this.#down(event));
    this.picture.addEventListener("pointermove", (event) => this.#move(event));
    this.picture.addEventListener("pointerup", (event) => this.#up(event));
    this.picture.addEventListener("pointercancel", () => this.#release());
    this.picture.addEventListener("contextmenu", (event) => {
      if (this.allowed && event.pointerType === "touch") event.preventDefault(); // a long press measures
    });
    document.addEventListener("keydown", (event) => this.#key(event));
    $("hint-cancel").addEventListener("click", () => this.aim(null));
    $("hint-done").addEventListener("click", () => this.#finish());
  }

  // Begins to place a meter of a kind; null ends it. byKeys shows a cross that the arrow keys move.
  aim(kind, byKeys = false) {
    [this.kind, this.points] = [kind, []];
    this.picture.classList.toggle("aiming", kind !== null);
    this.cross?.remove();
    this.cross = null;
    if (kind && byKeys) this.#showCross();
    this.onAim(kind);
    this.#draw();
  }

  // Shows handles at the points of a meter; null shows none.
  select(name, points) {
    const place = $("handles");
    if (!name || !points) {
      place.querySelectorAll(".handle:not(.cross)").forEach((one) => one.remove());
      this.selected = null;
      this.#draw();
      return;
    }
    if ((this.held !== null || this.soon !== null) && this.selected?.name === name) return; // it is being moved
    const handles = [...place.querySelectorAll(".handle:not(.cross)")];
    const same = this.selected?.name === name && handles.length === points.length;
    if (!same) {
      handles.forEach((one) => one.remove());
      points.forEach((_, at) => place.append(this.#handle(at)));
    }
    this.selected = { name, points: points.map((point) => [...point]) };
    this.#layHandles();
  }

  /* Fingers and mice */

  #pixelOf(event) {
    const shown = this.canvas.getBoundingClientRect();
    const along = (client, start, length, pixels) => Math.max(0, Math.min(pixels - 1, Math.round(((client - start) / length) * pixels - 0.5)));
    return [along(event.clientX, shown.left, shown.width, this.canvas.width), along(event.clientY, shown.top, shown.height, this.canvas.height)];
  }

  #onScreen([x, y]) {
    const shown = this.canvas.getBoundingClientRect();
    return [((x + 0.5) / this.canvas.width) * shown.width, ((y + 0.5) / this.canvas.height) * shown.height];
  }

  #apart(one, other) {
    const [a, b] = [this.#onScreen(one), this.#onScreen(other)];
    return Math.hypot(a[0] - b[0], a[1] - b[1]);
  }

  #down(event) {
    if (event.target.closest("button, .hint") || !event.isPrimary || event.button) return;
    this.start = { at: this.#pixelOf(event), x: event.clientX, y: event.clientY };
    if (this.kind) {
      event.preventDefault();
      this.picture.setPointerCapture(event.pointerId);
      return;
    }
    if (this.allowed) this.press = setTimeout(() => this.#pressed(), PRESS_MS);
  }

  #pressed() {
    const at = this.start?.at;
    this.#release();
    if (!at) return;
    navigator.vibrate?.(20);
    this.onPlaced("spot", [at]);
  }

  #move(event) {
    if (!this.start) return;
    const far = Math.hypot(event.clientX - this.start.x, event.clientY - this.start.y);
    if (far > PRESS_PX) clearTimeout(this.press);
    if (this.kind === "box" || this.kind === "line") {
      const from = this.points[0] ?? this.start.at;
      this.#draw(far > DRAG_PX || this.points.length ? [from, this.#pixelOf(event)] : []);
    }
  }

  #up(event) {
    clearTimeout(this.press);
    const start = this.start;
    this.start = null;
    if (!this.kind || !start) return;
    const at = this.#pixelOf(event);
    const dragged = Math.hypot(event.clientX - start.x, event.clientY - start.y) > DRAG_PX;
    if (dragged && !this.points.length && POINTS[this.kind][1] === 2) this.points = [start.at];
    this.#add(at);
  }

  #release() {
    clearTimeout(this.press);
    this.start = null;
  }

  #add(point) {
    const [least, most] = POINTS[this.kind];
    if (this.kind === "polygon" && this.points.length >= least && this.#apart(point, this.points[0]) < CLOSE_PX) {
      this.#finish();
      return;
    }
    if (this.points.some((one) => one[0] === point[0] && one[1] === point[1])) return;
    this.points.push(point);
    if (this.points.length === most) this.#finish();
    else this.#draw();
  }

  #finish() {
    const { kind, points } = this;
    if (!kind || points.length < POINTS[kind][0]) return;
    this.aim(null);
    this.onPlaced(kind, points);
  }

  /* Keys */

  #key(event) {
    if (!this.kind) return;
    if (event.key === "Escape") this.aim(null);
    else if (event.key === "Backspace" && !event.target.matches("input")) {
      this.points.pop();
      this.#draw();
    } else return;
    event.preventDefault();
  }

  #showCross() {
    const [width, height] = [this.canvas.width, this.canvas.height];
    let at = [Math.round(width / 2), Math.round(height / 2)];
    const cross = this.#button("handle cross", at);
    cross.setAttribute("aria-label", "Place: the arrow keys move it, Enter measures here");
    cross.addEventListener("keydown", (event) => {
      const step = KEYS[event.key];
      if (step) {
        event.preventDefault();
        const far = event.shiftKey ? FAST : 1;
        at = [Math.max(0, Math.min(width - 1, at[0] + far * step[0])), Math.max(0, Math.min(height - 1, at[1] + far * step[1]))];
        this.#lay(cross, at);
        this.#draw(this.points.length ? [...this.points, at] : []);
      } else if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        this.#add(at);
      }
    });
    $("handles").append(cross);
    this.cross = cross;
    cross.focus();
  }

  /* Handles of a meter that is there */

  #button(className, at) {
    const button = document.createElement("button");
    button.className = className;
    this.#lay(button, at);
    return button;
  }

  #lay(button, [x, y]) {
    button.style.left = `${((x + 0.5) / this.canvas.width) * 100}%`;
    button.style.top = `${((y + 0.5) / this.canvas.height) * 100}%`;
  }

  #handle(at) {
    const handle = this.#button("handle", [0, 0]);
    handle.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      handle.focus();
      handle.setPointerCapture(event.pointerId);
      this.held = at;
    });
    handle.addEventListener("pointermove", (event) => {
      if (this.held !== at) return;
      this.selected.points[at] = this.#pixelOf(event);
      this.#layHandles();
    });
    const drop = () => {
      if (this.held !== at) return;
      this.held = null;
      this.#save(0);
    };
    handle.addEventListener("pointerup", drop);
    handle.addEventListener("pointercancel", drop);
    handle.addEventListener("keydown", (event) => {
      const step = KEYS[event.key];
      if (!step) return;
      event.preventDefault();
      const far = event.shiftKey ? FAST : 1;
      const limits = [this.canvas.width - 1, this.canvas.height - 1];
      this.selected.points[at] = this.selected.points[at].map((old, axis) => Math.max(0, Math.min(limits[axis], Math.round(old) + far * step[axis])));
      this.#layHandles();
      this.#save(MORE_MS);
    });
    return handle;
  }

  // Hands on where the selected meter is, after a while in which it may be moved further. Until that is answered, what
  // the rig says of it is older than what is shown.
  #save(wait_ms) {
    const { name, points } = this.selected;
    clearTimeout(this.soon);
    const mine = (this.soon = setTimeout(async () => {
      await this.onMoved(name, points);
      if (this.soon === mine) this.soon = null;
    }, wait_ms));
  }

  #layHandles() {
    const { name, points } = this.selected;
    $("handles").querySelectorAll(".handle:not(.cross)").forEach((handle, at) => {
      this.#lay(handle, points[at]);
      const [x, y] = points[at].map(Math.round);
      handle.setAttribute("aria-label", `${name}, point ${at + 1} of ${points.length}, at ${x}, ${y}. The arrow keys move it.`);
    });
    this.#draw();
  }

  /* Lines */

  // Draws what is being placed, or the meter that is selected.
  #draw(preview = null) {
    const svg = $("marks");
    const points = preview?.length ? preview : this.kind ? this.points : [];
    svg.setAttribute("viewBox", `0 0 ${this.canvas.width} ${this.canvas.height}`);
    const kind = this.kind, moved = this.held !== null && this.selected;
    const lines = moved ? [outline(this.selected.points.length === 2 ? this.movedKind : "polygon", this.selected.points)] : [outline(kind, points)];
    const dots = moved ? [] : points.map(([x, y]) => shape("circle", { cx: x + 0.5, cy: y + 0.5, r: this.canvas.width / 160 }));
    svg.replaceChildren(...lines.filter(Boolean), ...dots);
    this.#hint();
  }

  #hint() {
    $("hint").hidden = !this.kind;
    if (!this.kind) return;
    const [least] = POINTS[this.kind];
    const count = this.points.length;
    $("hint-text").textContent = this.kind === "polygon" && count ? `${count} corner${count > 1 ? "s" : ""}` : WORDS[this.kind];
    $("hint-done").hidden = this.kind !== "polygon" || count < least;
  }
}

function shape(name, attributes) {
  const found = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, value);
  return found;
}

function outline(kind, points) {
  if (points.length < 2) return null;
  const corners = kind === "box" ? [points[0], [points[1][0], points[0][1]], points[1], [points[0][0], points[1][1]]] : points;
  const written = corners.map(([x, y]) => `${x + 0.5},${y + 0.5}`).join(" ");
  return shape(kind === "line" || corners.length < 3 ? "polyline" : "polygon", { points: written });
}
