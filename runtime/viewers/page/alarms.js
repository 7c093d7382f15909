// The alarms: how each is now and since when, and what happened last.
import { announce } from "./announce.js";

const $ = (id) => document.getElementById(id);
const SHOWN = 12; // events
let last = null; // serial of the newest event that was announced; null before the first figures

const clock = (utc) => new Date(utc).toLocaleTimeString("en-GB");
const part = (tag, text, className = "") => Object.assign(document.createElement(tag), { textContent: text, className });

export function showAlarms(told) {
  $("alarms").hidden = !told || told.alarms.length === 0;
  if (!told) return;
  const on = told.alarms.filter((one) => one.on);
  document.title = on.length ? `▲ ${on.map((one) => one.name).join(", ")} - coconet` : "coconet";
  show($("alarm-list"), told.alarms.map(standing));
  const newest = told.events.slice(-SHOWN).reverse();
  $("alarm-history").hidden = newest.length === 0;
  show($("alarm-events"), newest.map((one) => ({
    className: one.change, words: [["time", clock(one.utc)], ["span", `${one.alarm} ${one.change}`], ["small", one.reason]],
  })));
  speak(told.events);
}

function standing(one) {
  const className = one.on ? "on" : one.blind ? "blind" : "";
  const state = one.on ? "alarm" : one.blind ? "blind" : "quiet";
  const since = one.since ? ` since ${clock(one.since)}` : "";
  const why = one.blind || one.subject;
  return { className, words: [["span", one.name], ["em", state], ["small", [why, since.trim()].filter(Boolean).join(", ")]] };
}

// A list is written again only if it changes, so that what has the focus or is selected stays.
function show(list, rows) {
  const text = JSON.stringify(rows);
  if (list.dataset.shown === text) return;
  list.dataset.shown = text;
  list.replaceChildren(...rows.map(({ className, words }) => {
    const row = part("li", "", className);
    row.append(...words.map(([tag, word]) => part(tag, word)));
    return row;
  }));
}

function speak(events) {
  const fresh = last === null ? [] : events.filter((one) => one.serial > last);
  for (const one of fresh.slice(-2)) announce(`Alarm ${one.alarm} ${one.change}. ${one.reason}`, one.change === "begun");
  if (events.length) last = events.at(-1).serial;
  else last ??= 0;
}
