// The lessons: what to try at this shop, and whether it was done. They are judged by the services, from what they record.

import { ask, explain } from "./admin-session.js";
import { later } from "./live-later.js";
import { copy, h, icon, number, say, text } from "./ui.js";

/** Between two judgements, in milliseconds. */
const JUDGED_EVERY = 500;

const panel = document.querySelector("#lesson");
let all = [];
/** The number of the lesson that is shown. */
let shown;
/** When it was started over; only what has begun since counts. */
let since;
let timer;
let verdict;
let judging;

const query = () => (since ? `?since=${since}` : "");

/** The lessons of all services, in their order. */
async function read() {
  const lists = await Promise.all(["order", "payment"].map((service) => ask(service, "GET", `/lessons${query()}`)));
  const found = new Map(lists.flatMap(({ data }) => data).map((lesson) => [lesson.number, lesson]));
  return [...found.values()].sort((one, other) => one.number - other.number);
}

const mark = (done) => (done ? icon("full") : icon("dashed"));

function step({ text: what, command, done }, at) {
  return h("li", { class: done ? "done" : null },
    h("span.mark", {}, mark(done), h("span.sr", {}, done ? text("lesson-done") : "")),
    h("div.grow", {},
      h("p", {}, `${at + 1}. ${what}`),
      h("div.cmd", {},
        h("code.mono.small", { tabindex: "0" }, command),
        h("button.btn.quiet", { type: "button", "aria-label": `${text("lesson-copy")} ${at + 1}`, click: () => copy(command) }, text("lesson-copy")))));
}

function tab({ number: n, title, passed }) {
  return h("button.btn.quiet", {
    type: "button", "data-lesson": n, "aria-pressed": String(n === shown), "aria-label": `${text("lesson-title", { n, title })}${passed ? `, ${text("lesson-done")}` : ""}`, click: () => choose(n),
  }, mark(passed), number(n));
}

function draw() {
  const lesson = all.find(({ number: n }) => n === shown) ?? all[0];
  if (!lesson) return;
  const { number: n, title, goal, steps, hint, why, code, passed, verdict: sentence } = lesson;
  const focused = panel.contains(document.activeElement) ? document.activeElement.dataset.lesson : undefined;
  const open = new Set([...panel.querySelectorAll("details[open]")].map(({ dataset }) => dataset.name));
  const more = (name, ...content) => h("details", { "data-name": name, open: open.has(name) }, h("summary", {}, text(`lesson-${name}`)), ...content);
  const following = all.find((other) => other.number === n + 1);
  verdict = h("p.verdict", { class: passed ? "ok" : null, "data-passed": String(passed) },
    mark(passed), h("span", {}, h("b", {}, text(passed ? "lesson-passed" : "lesson-missing")), ` ${sentence} `),
    passed && following ? h("button.btn", { type: "button", click: () => choose(n + 1) }, text("lesson-next", { n: n + 1 })) : null);
  panel.replaceChildren(
    h("div.lesson-head", {},
      h("p.lesson-no", { "aria-hidden": "true" }, number(n)),
      h("div.grow", {}, h("h2", { id: "lesson-title", tabindex: "-1" }, text("lesson-title", { n, title })), h("p", {}, goal)),
      h("div.seg", { role: "group", "aria-label": text("lesson-all") }, ...all.map(tab)),
      h("button.iconbtn", { type: "button", "data-close-lesson": true, "aria-label": text("lesson-close"), click: close }, icon("x"))),
    h("ol.lesson-steps", { "aria-label": text("lesson-steps") }, ...steps.map(step)),
    h("div.lesson-more", {},
      more("hint", h("p", {}, hint)), more("why", h("p", {}, why)),
      more("code", h("ul.plain", {}, ...code.map((file) => h("li", {}, h("code.mono", {}, file))))),
      h("button.btn.quiet", { type: "button", "data-again": true, click: again }, text("lesson-again")),
      h("button.btn.primary", { type: "button", "data-judge": true, click: check }, text("lesson-check"))),
    verdict);
  if (focused) panel.querySelector(`[data-lesson="${focused}"]`)?.focus();
}

async function judge() {
  const before = all.find(({ number: n }) => n === shown)?.passed;
  // Of two readings that overtake each other, the later counts.
  const own = (judging = Symbol("judging"));
  try {
    const found = await read();
    if (judging !== own) return;
    all = found;
    // What is read or copied stays as it is while nothing has changed.
    const now = JSON.stringify([all, shown]);
    if (now !== panel.dataset.drawn) draw();
    panel.dataset.drawn = now;
  } catch (error) {
    if (judging !== own) return;
    const why = h("p.verdict", { role: "alert" }, explain(error, "order"));
    const leave = h("button.iconbtn", { type: "button", "aria-label": text("lesson-close"), "data-close-lesson": true, click: close }, icon("x"));
    panel.replaceChildren(h("div.lesson-head", {}, h("div.grow", {}, why), leave));
    panel.dataset.drawn = "";
  }
  if (before === false && all.find(({ number: n }) => n === shown)?.passed) say(verdict.textContent);
}

async function check() {
  await judge();
  say(verdict?.textContent ?? "");
  panel.querySelector("[data-judge]")?.focus();
}

/** Forgets what was done before. */
async function again() {
  since = Date.now();
  await judge();
  panel.querySelector("[data-again]")?.focus();
}

function choose(n) {
  shown = n;
  since = undefined;
  localStorage.setItem("lesson", n);
  judge().then(() => panel.querySelector("#lesson-title")?.focus());
}

function close() {
  panel.hidden = true;
  localStorage.removeItem("lesson");
  document.querySelector("[data-lessons]").focus();
}

document.addEventListener("records", () => {
  if (panel.hidden) return;
  timer ??= setTimeout(() => {
    timer = undefined;
    judge();
  }, JUDGED_EVERY);
});

/** Shows the lesson that was shown last. `isAsked`: somebody has just asked for it. */
export async function open(isAsked) {
  shown = Number(localStorage.getItem("lesson")) || 1;
  localStorage.setItem("lesson", shown);
  panel.hidden = false;
  await later();
  await judge();
  if (isAsked) panel.querySelector("#lesson-title")?.focus();
}
