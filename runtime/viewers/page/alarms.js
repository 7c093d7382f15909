// The alarms: how each is now, and what happened last.
const $ = (id) => document.getElementById(id);
const SHOWN = 8; // events

const item = (text, kind) => Object.assign(document.createElement("li"), { textContent: text, className: kind });
const clock = (utc) => new Date(utc).toLocaleTimeString("en-GB");

export function showAlarms(told) {
  $("alarms").hidden = !told;
  if (!told) return;
  show($("alarm-list"), told.alarms.map((one) => {
    const state = one.blind ? `blind: ${one.blind}` : one.on ? "alarm" : "quiet";
    return [`${one.name}: ${state}`, one.on ? "on" : one.blind ? "blind" : ""];
  }));
  show($("alarm-events"), told.events.slice(-SHOWN).reverse().map((one) => [
    `${clock(one.utc)} ${one.alarm} ${one.change}${one.reason ? `: ${one.reason}` : ""}`, one.change,
  ]));
}

// A list is written anew only if it changes: a screen reader would read it again.
function show(list, rows) {
  const text = JSON.stringify(rows);
  if (list.dataset.shown === text) return;
  list.dataset.shown = text;
  list.replaceChildren(...rows.map(([words, kind]) => item(words, kind)));
}
