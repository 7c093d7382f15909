// What is said: in a note at the foot of the page, and to screen readers, calmly or at once.
const $ = (id) => document.getElementById(id);
const SHOWN_MS = 6000;
let hush;

// Says a sentence once; urgent interrupts what a screen reader is reading.
export function announce(text, urgent = false) {
  const place = $(urgent ? "alerted" : "said");
  place.textContent = "";
  requestAnimationFrame(() => { place.textContent = text; });
}

// Shows a note for a while, with links to files.
export function say(text, files = []) {
  const toast = $("toast");
  toast.replaceChildren(text);
  files.forEach((file) => {
    const link = Object.assign(document.createElement("a"), { href: `captures/${encodeURIComponent(file)}` });
    Object.assign(link, { download: file, textContent: file.replace(/^.*-(\w+)\.png$/, "$1") });
    toast.append(" ", link);
  });
  toast.hidden = false;
  announce(text);
  clearTimeout(hush);
  hush = setTimeout(() => { toast.hidden = true; }, SHOWN_MS);
}

// Shows what is wrong with a field beside it; an empty text takes it away.
export function tell(input, text) {
  const label = input.closest("label");
  let place = label.nextElementSibling;
  if (!place?.matches(".problem")) {
    if (!text) return;
    place = Object.assign(document.createElement("p"), { className: "problem", id: `problem-${input.name}-${Math.random().toString(36).slice(2, 7)}` });
    place.setAttribute("role", "alert");
    label.after(place);
    input.setAttribute("aria-describedby", place.id);
  }
  place.textContent = text;
  if (text) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
}

// Says what is wrong with what stands in a field, in words; empty if nothing is. An empty field is no zero.
export function problemOf(input) {
  const { badInput, valueMissing, rangeOverflow, rangeUnderflow } = input.validity; // steps are for the arrows alone
  if (badInput) return "This is no number.";
  if (valueMissing) return "A value is needed.";
  if (rangeUnderflow || rangeOverflow) return `From ${input.min} to ${input.max}.`;
  return "";
}
