// What the views of a trace call things.

import { milliseconds, number, text } from "./ui.js";
import { failureName } from "./live-traces.js";

export const SERVICES = ["user", "product", "order", "payment"];

/** The name of a lifeline. */
export function laneName(lane) {
  if (lane === "client" || lane === "events") return text(lane);
  return lane[0].toUpperCase() + lane.slice(1);
}

/** The class that gives it its colour. */
export const laneClass = (lane) => `is-${[...SERVICES, "events"].includes(lane) ? lane : "client"}`;

/** `962 ms`, `41 dtk`. */
export const took = (ms) =>
  ms < 10_000 ? milliseconds(ms) : text("seconds", { n: number(ms / 1000, { maximumFractionDigits: 0 }) });

/** What a record is about: `PUT /reservations/7f1c`, `order_paid`, `orders 1`. */
export function label({ kind, method, path, event, wrote }) {
  if (kind === "event") return event.kind;
  if (kind === "commit") return (wrote ?? []).map(({ table, rows }) => `${table} ${rows}`).join(", ");
  return `${method} ${path}`;
}

export const failureText = (failure) => text(`failure-${failureName(failure)}`);

/** What an answer says: `201`, `balasan hilang`. */
export function outcome(step) {
  if (step.kind === "lost") return text(`failure-${step.why}`);
  return step.record.status === null ? "" : String(step.record.status);
}

/** The class of a status; 0 or null if there is none yet. */
export const statusClass = (status) => (status ? `s${status < 400 ? 2 : Math.floor(status / 100)}` : "wait");

/** What became of a request or an event. */
export function result({ kind, record, end }) {
  if (kind === "event") return "";
  if (kind === "unasked") return failureText(record.failure);
  return end ? outcome(end) : text("running");
}

/** What is written on an arrow. */
export function caption({ record, count, since }) {
  return label(record) + (count ? ` × ${count}` : "") + (since === undefined ? "" : ` +${took(Math.max(since, 0))}`);
}

/** The name of an arrow: what is written on it comes first, as it is. */
export function sentence(step) {
  const became = result(step);
  const apart = step.kind === "unasked" ? ` ${became}` : "";
  const ends = text("between", { from: laneName(step.from), to: laneName(step.to) });
  return [`${step.number} ${caption(step)}${apart}: ${ends}`, !apart && became, step.used && text("used")]
    .filter(Boolean)
    .join(", ");
}
