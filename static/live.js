// The live page: what the services record comes in by their streams and is drawn at most every 250 ms.

import { Refused, listen, services } from "./api.js";
import { number, say, text } from "./ui.js";
import { ask, explain, logins } from "./admin-session.js";
import { list } from "./live-list.js";
import { map as drawMap } from "./live-map.js";
import { panel } from "./live-sequence.js";
import { Traces, keyOf } from "./live-traces.js";
import { laneName } from "./live-words.js";

/** Between two drawings, in milliseconds. */
const DRAWN_EVERY = 250;
/** After this time without a stream its services count as away; in milliseconds. */
const LOST = 2000;
/** The records that are asked for at first; the stream begins with all that are kept. */
const FIRST = 200;
/** The records of one trace that are asked for, of each listener. */
const ALL = 1000;

const $ = (css) => document.querySelector(css);
const [live, drawer, pauseButton] = [$(".live"), $("#details"), $("#pause")];

const traces = new Traces();
const ports = {};
const urls = {};
/** The services of each listener, by their address. */
let listeners = [];
let chosen;
/** What has changed since the last drawing: ids of traces, and records that have ended. */
let changed = new Set();
let ended = [];
let missed = 0;
let paused = false;
let timer;

const requests = list($("#requests"), traces, choose);
const sequence = panel($("#sequence"), () => ports, openDetails);
const stalls = drawMap($("#map"), () => ports, touch);
/** Loaded when a fault is armed, or wanted. */
let faults;

function take(record) {
  if (record.id === undefined) missed += record.dropped;
  else if (traces.add(record)) {
    changed.add(record.trace);
    if (record.took_ms !== null) ended.push(record);
    if (record.fault) loadFaults().then(({ fired }) => fired(record));
  } else return;
  timer ??= setTimeout(draw, DRAWN_EVERY);
}

function draw() {
  clearTimeout(timer);
  timer = undefined;
  const batch = ended.map((record) => ({ record, root: traces.get(record.trace)?.isRequest(record) }));
  ended = [];
  stalls.add(batch, paused);
  if (batch.length) document.dispatchEvent(new Event("records"));
  if (paused) return;
  const now = changed;
  changed = new Set();
  requests.update(now);
  if (!chosen) chooseFirst();
  else if (now.has(chosen)) sequence.show(traces.get(chosen));
  $("#missed").hidden = missed === 0;
  $("#missed").textContent = text("missed", { n: number(missed) });
}

/** Something to look at, until somebody chooses. */
function chooseFirst() {
  const newest = traces.newest();
  const first = newest.find(({ hops }) => hops > 1) ?? newest[0];
  if (first) choose(first.id);
}

/** Shows a trace, with all that the services have of it. */
async function choose(id) {
  chosen = id;
  traces.choose(id);
  history.replaceState(null, "", `#trace=${id}`);
  closeDetails();
  requests.mark(id);
  show();
  const answers = await Promise.all(
    listeners.map(([name]) => ask(name, "GET", `/calls?trace=${id}&limit=${ALL}`).catch(() => null)),
  );
  for (const record of answers.flatMap((answer) => answer?.data.calls ?? [])) take(record);
  if (chosen !== id) return;
  draw();
  show();
}

function show() {
  const trace = traces.get(chosen);
  sequence.show(trace);
  $("#gone").hidden = Boolean(trace) || !chosen;
  $("[data-unchosen]").hidden = Boolean(trace) || Boolean(chosen);
}

async function openDetails(step) {
  live.classList.add("open");
  drawer.hidden = false;
  drawer.querySelector("h2").focus({ preventScroll: true });
  const { details } = await import("./live-details.js");
  details(drawer, step);
}

function closeDetails() {
  if (drawer.hidden) return;
  const had = drawer.contains(document.activeElement);
  drawer.hidden = true;
  live.classList.remove("open");
  sequence.close(had);
}
drawer.querySelector("[data-close]").addEventListener("click", closeDetails);

// The streams of the listeners.

function state() {
  const away = listeners.filter(({ isAway }) => isAway).flat();
  const all = listeners.length > 0 && away.length === listeners.flat().length;
  const name = paused ? "paused" : all ? "lost" : away.length ? "without" : "live";
  $("#live .dot").classList.toggle("down", away.length > 0);
  $("#live").lastElementChild.textContent = text(name, { services: away.map(laneName).join(", ") });
}

function mark(listener, isAway) {
  listener.isAway = isAway;
  for (const name of listener) stalls.away(name, isAway);
  state();
}

function refuse(why) {
  $("#refused").hidden = false;
  $("#refused").textContent = why;
}

/** The newest records of a listener. Asks for a log-in if one is needed. */
async function load(listener) {
  try {
    const { data } = await ask(listener[0], "GET", `/calls?limit=${FIRST}`);
    for (const record of data.calls) take(record);
    return true;
  } catch (error) {
    if (error instanceof Refused) refuse(explain(error, listener[0]));
    else mark(listener, true);
    return !(error instanceof Refused);
  }
}

async function connect(listener) {
  if (!(await load(listener))) return;
  let lost;
  listener.end?.();
  listener.end = listen(listener[0], "/calls/stream", {
    open() {
      clearTimeout(lost);
      lost = undefined;
      mark(listener, false);
      readFaults(listener);
    },
    lost: () => (lost ??= setTimeout(() => (mark(listener, true), load(listener)), LOST)),
    message: take,
  });
}

logins.addEventListener("asked", () => listeners.forEach(({ end }) => end?.()));
logins.addEventListener("done", () => listeners.forEach((listener) => listener.end && connect(listener)));

// Faults: where they are off, nothing of them is shown.

function loadFaults() {
  faults ??= import("./live-faults.js").then(({ start }) => start({ listeners, stalls, read: readFaults }));
  faults.catch(() => (faults = undefined));
  return faults;
}

/** Reads which faults are armed at a listener, and how often they fired. */
async function readFaults(listener) {
  const read = (listener.read = Symbol("read"));
  const answer = await ask(listener[0], "GET", "/faults").catch(() => null);
  // Of two readings that overtake each other, the later counts.
  if (!answer || listener.read !== read) return;
  const { edges, faults: armed } = answer.data;
  stalls.offer(listener, edges);
  if (faults || armed.length) (await loadFaults()).take(listener, armed);
  else listener.hadNone = true;
}

async function touch({ edge, service }, button) {
  const { open, toggle } = await loadFaults();
  if (edge) open(edge, button);
  else toggle(service);
}

document.addEventListener("visibilitychange", () => document.hidden || listeners.forEach(readFaults));

$("[data-check]")?.addEventListener("click", async () => (await import("./live-checks.js")).check(listeners));

// Keys and buttons.

function pause() {
  paused = !paused;
  pauseButton.setAttribute("aria-pressed", String(paused));
  $("#map").classList.toggle("paused", paused);
  state();
  say(text(paused ? "paused" : "live"));
  if (!paused) draw();
}
pauseButton.addEventListener("click", pause);

function pin() {
  const trace = traces.get(chosen);
  if (!trace) return;
  trace.pinned = !trace.pinned;
  requests.update(new Set([chosen]));
  sequence.draw();
  say(text(trace.pinned ? "pinned" : "unpinned"));
}
$("[data-pin]").addEventListener("click", pin);

const shortcuts = $("#shortcuts");
shortcuts.checked = localStorage.getItem("live-keys") !== "off";
shortcuts.addEventListener("change", () => localStorage.setItem("live-keys", shortcuts.checked ? "on" : "off"));
const KEYS = { j: () => requests.move(1), k: () => requests.move(-1), p: pin, u: sequence.toggle, f: stalls.next, " ": pause };
document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (key === "Escape") closeDetails();
  if (!shortcuts.checked || !KEYS[key] || event.ctrlKey || event.metaKey || event.altKey) return;
  if (target.closest("input, textarea, select")) return;
  // Space presses what has the focus.
  if (key === " " && target.closest("button, a, summary, [role=button]")) return;
  event.preventDefault();
  KEYS[key]();
});

for (const button of document.querySelectorAll("[data-export]")) {
  button.addEventListener("click", async () => {
    const trace = traces.get(chosen);
    if (!trace || !sequence.model) return;
    const { save } = await import("./live-export.js");
    await save(button.dataset.export, { trace, model: sequence.model, urls, ports });
  });
}

for (const button of document.querySelectorAll("[data-sample]")) {
  button.addEventListener("click", async () => {
    button.setAttribute("aria-disabled", "true");
    try {
      const { order } = await import("./live-sample.js");
      choose(await order());
    } catch (error) {
      refuse(explain(error, "order"));
    } finally {
      button.removeAttribute("aria-disabled");
    }
  });
}

async function openLessons(isAsked) {
  const { open } = await import("./live-lessons.js");
  await open(isAsked);
}
$("[data-compare]")?.addEventListener("click", async () => (await import("./live-compare.js")).open(listeners, ports));
$("[data-lessons]")?.addEventListener("click", () => openLessons(true));

function fromAddress() {
  const id = /^#trace=([\da-f]{32})$/.exec(location.hash)?.[1];
  if (id && id !== chosen) choose(id);
}
addEventListener("hashchange", fromAddress);

async function start() {
  const all = await services();
  for (const { name, url } of all) {
    const { port, pathname } = new URL(url);
    ports[name] = pathname.length > 1 ? pathname : `:${port}`;
    urls[name] = url.replace(/\/$/, "");
  }
  // Services that share an address share its records.
  listeners = [...Map.groupBy(all, ({ url }) => url).values()].map((same) => same.map(({ name }) => name));
  stalls.draw();
  state();
  draw();
  fromAddress();
  await Promise.all(listeners.map(connect));
  if (localStorage.getItem("lesson") && $("[data-lessons]")) await openLessons(false);
}
start();
