// The invariants: what each service says of its own rows. They are checked when somebody asks, never by themselves, so
// what was broken stays so until then.

import { h, icon, number, say, text } from "./ui.js";
import { ask, explain } from "./admin-session.js";
import { later } from "./live-later.js";
import { laneClass, laneName } from "./live-words.js";

/** The worst first, each with its sign. */
const SIGNS = { broken: "x", owed: "clock", good: "check" };
const ORDER = Object.keys(SIGNS);

let list, summary;
let isBusy = false;

/** Checks all services, and shows what they say. */
export async function check(listeners) {
  if (isBusy) return;
  isBusy = true;
  await later();
  const section = document.querySelector("#checks");
  const button = section.querySelector("[data-check]");
  if (!list) {
    summary = h("p.small.num");
    list = h("ul.checks", { tabindex: 0, role: "list", "aria-labelledby": "checks-title" });
    section.append(summary, list);
  }
  button.setAttribute("aria-disabled", "true");
  summary.textContent = text("checking");
  const answers = await Promise.all(listeners.map(reports));
  const found = answers.flatMap(({ reports: some }) => some);
  found.sort((a, b) => ORDER.indexOf(a.holds) - ORDER.indexOf(b.holds));
  list.replaceChildren(...answers.filter(({ why }) => why).map(({ why }) => h("li.broken", {}, icon("x"), why)));
  list.append(...found.map(entry));
  list.hidden = !list.firstChild;
  const count = (state) => found.filter(({ holds }) => holds === state).length;
  summary.textContent = [
    text("checked", { at: new Date().toLocaleTimeString("id-ID"), good: number(count("good")) }),
    count("owed") && text("checked-owed", { n: number(count("owed")) }),
    count("broken") && text("checked-broken", { n: number(count("broken")) }),
  ]
    .filter(Boolean)
    .join(", ");
  say(summary.textContent);
  button.textContent = text(count("owed") ? "check-again" : "check");
  button.removeAttribute("aria-disabled");
  isBusy = false;
}

/** What a listener says of its services, or why it does not. */
async function reports([service]) {
  try {
    return { reports: (await ask(service, "GET", "/invariants")).data };
  } catch (error) {
    return { reports: [], why: explain(error, service) };
  }
}

function entry({ service, sentence, holds, figures, rows, total, what_to_do: cure }) {
  const isGood = holds === "good";
  const sums = Object.entries(figures).flatMap(([name, value], at) => [
    at > 0 && ", ",
    h("i", {}, number(value)),
    ` ${name}`,
  ]);
  return h(`li.${holds}`, {}, [
    icon(SIGNS[holds]),
    h("div", {}, [
      h("b", { class: laneClass(service) }, laneName(service)),
      " ",
      h(isGood ? "span.sr" : "span.holds", {}, `${text(holds)}:`),
      ` ${sentence}`,
      sums.length > 0 && h("span.sum.num", {}, sums),
      total > 0 && h("span.sum.num", {}, text("rows", { n: number(total), rows: rows.join(", ") })),
      holds === "owed" && h("span.cure", {}, text("owed-hint")),
      holds === "broken" && h("span.cure", {}, code(cure)),
    ]),
  ]);
}

/** A sentence, with what is between backticks as code. */
const code = (sentence) => sentence.split("`").map((part, at) => (at % 2 ? h("code", {}, part) : part));
