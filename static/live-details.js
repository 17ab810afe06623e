// All that is known of one step: times, budget, headers, bodies, and the same request as curl.

import { at } from "./api.js";
import { clock, copy, h, milliseconds, number, say, text } from "./ui.js";
import { ask, explain } from "./admin-session.js";
import { curl } from "./curl.js";
import { highlight, indent } from "./json.js";
import { later } from "./live-later.js";
import { keyOf } from "./live-traces.js";
import { label, laneName, result, statusClass } from "./live-words.js";

let shown;

/** Fills the panel with a step of a trace. */
export async function details(panel, step) {
  shown = step;
  await later();
  if (shown !== step) return;
  const { record, number: n } = step;
  const body = panel.querySelector("[data-body]");
  panel.querySelector("h2").textContent = `${n} ${label(record)}`;
  body.replaceChildren(facts(step));
  if (record.kind === "event") return;
  try {
    const more = await content(step);
    if (shown === step) body.append(...more);
  } catch (error) {
    const why = error.code === "call_not_found" ? text("gone-step") : explain(error, record.service);
    if (shown === step) body.append(h("p.small.muted", {}, why));
  }
}

/** What was sent and answered. */
async function content(step) {
  const { record } = step;
  const { data } = await ask(record.service, "GET", `/calls/${record.id}`);
  // Another process may have given the id to another record.
  if (keyOf(data) !== keyOf(record)) return [h("p.small.muted", {}, text("gone-step"))];
  return [
    ...exchange("request", data.request),
    ...exchange("response", data.response),
    await command(step, data.request),
  ];
}

function facts(step) {
  const { record, answer } = step;
  const { attempt, budget_ms: budget, failure, event } = record;
  const fault = record.fault ?? answer?.fault;
  const rows = [
    ["fact-between", `${laneName(step.from)} → ${laneName(step.to)}`],
    ["fact-began", `${clock(record.began_at)} +${number(record.at % 1000, { maximumFractionDigits: 1 })} ms`],
    step.kind !== "event" && [
      "fact-answer",
      h("span.status", { class: failure ? "s5" : statusClass(record.status) }, result(step)),
    ],
    record.took_ms !== null && ["fact-took", milliseconds(record.took_ms)],
    answer &&
      answer !== record &&
      answer.took_ms !== null && ["fact-inside", milliseconds(answer.took_ms), { service: laneName(step.to) }],
    attempt && [
      "fact-attempt",
      step.group ? text("attempt-of", { n: step.group.indexOf(step) + 1, all: step.group.length }) : attempt,
    ],
    budget !== null && budget !== undefined && ["fact-budget", milliseconds(budget)],
    step.count && ["fact-times", number(step.count)],
    failure && ["fact-failure", failure],
    fault && ["fact-fault", fault],
    event && ["fact-key", event.key],
    event && ["fact-subscriber", event.subscriber],
    record.request_id && ["fact-request", record.request_id],
    ["fact-trace", record.trace],
    record.kind !== "event" && ["fact-span", record.span],
  ];
  return h(
    "dl.kv",
    {},
    rows.filter(Boolean).map(([name, value, values]) => [h("dt", {}, text(name, values)), h("dd.num", {}, value)]),
  );
}

/** The body and the headers of one direction. */
function exchange(name, { headers, body, bytes }) {
  const entries = Object.entries(headers);
  const sent =
    body === null
      ? h("p.small.muted", {}, bytes ? text("not-kept", { n: number(bytes) }) : text("no-body"))
      : code(JSON.stringify(body));
  return [
    h("div", {}, h("h3", {}, text(name)), sent),
    entries.length > 0 &&
      h(
        "details",
        {},
        h("summary", {}, text("headers"), h("span.faint", {}, String(entries.length))),
        h(
          "dl.kv.mono",
          {},
          entries.map(([key, value]) => [h("dt", {}, key.toLowerCase()), h("dd", {}, value)]),
        ),
      ),
  ].filter(Boolean);
}

const code = (json) => block(highlight(json), indent(json));

/** Code with a button that copies it. */
function block(nodes, plain) {
  const press = () => copy(plain).catch(() => say(text("not-copied")));
  return h(
    "div.code",
    {},
    h("button.btn.quiet.copy", { type: "button", click: press }, text("copy")),
    h("pre", { tabindex: 0 }, nodes),
  );
}

async function command({ record, to }, { headers, body }) {
  const url = await at(to, record.path);
  // What is hidden could not be sent again.
  const known = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== "hidden"));
  const pieces = curl(url, {
    method: record.method,
    headers: known,
    body: body === null ? undefined : JSON.stringify(body),
  });
  const nodes = pieces.map(([kind, piece]) => (kind ? h(`span.${kind}`, {}, piece) : piece));
  return h("div.curl", {}, h("h3", {}, "curl"), block(nodes, pieces.map(([, piece]) => piece).join("")));
}
