// A trace as a sequence diagram of Mermaid (https://mermaid.js.org/syntax/sequenceDiagram.html).

import { failureText, label, laneName, outcome, took } from "./live-words.js";

/** Text that can't end a line or a statement: all but letters, digits and a few marks become codes, as `#35;`. */
export const escape = (words) =>
  words.replace(/[^\p{L}\p{N} /._?=&,()+*×·✓-]/gu, (letter) => `#${letter.codePointAt(0)};`);

export function write({ model }) {
  const lines = ["sequenceDiagram", ...model.lanes.map((lane) => `  participant ${lane} as ${escape(laneName(lane))}`)];
  for (const step of model.steps) lines.push(`  ${line(step)}`);
  return `${lines.join("\n")}\n`;
}

function line(step) {
  const { kind, from, to, record, number, request } = step;
  const say = (arrow, words) => `${from}${arrow}${to}: ${escape(words)}`;
  const times = step.count ? ` × ${step.count}` : "";
  if (kind === "commit") return `Note over ${from}: commit ${escape(label(record) + times)}`;
  if (kind === "event") return say("--)", `${number} ${label(record)}${times}`);
  if (kind === "unasked") return say("-x", `${number} ${label(record)} (${failureText(record.failure)})`);
  if (kind === "lost") return say("--x", outcome(step));
  if (request) return say("-->>", `${outcome(step)} (${took(record.took_ms)})${request.used ? " ✓" : ""}`);
  return say("->>", `${number} ${label(record)}${times}`);
}
