// What an admin does to orders, and what has become of them: one state that all panels show.

import { Refused } from "./api.js";
import { h, icon, say, text } from "./ui.js";
import { ask, explain } from "./admin-session.js";

/** The next legal step from a status: what the button says, and the status that it leads to. */
export const STEPS = {
  paid: { name: "confirm", to: "confirmed" },
  confirmed: { name: "ship", to: "shipped" },
  shipped: { name: "complete", to: "completed" },
};
/** An order of these statuses can be cancelled. */
export const CANCELLABLE = ["pending", "paid"];

/** The glyph of a status, and how far an order has come with it. No order goes back. */
const STATUSES = { pending: ["dashed", 0], paid: ["half", 1], confirmed: ["stamp", 2], shipped: ["truck", 3], completed: ["full", 4], cancelled: ["x", 5], expired: ["clock", 5], failed: ["x", 5] };
const rank = (status) => STATUSES[status][1];
/** How many orders' statuses and messages are remembered. */
const REMEMBERED = 1000;

/** Says "change" after an order has changed or a message about it has; `detail` is `{id, status}`. */
export const orders = new EventTarget();
const statuses = new Map();
const messages = new Map();

function remember(map, id, value) {
  map.delete(id);
  map.set(id, value);
  if (map.size > REMEMBERED) map.delete(map.keys().next().value);
}

const changed = (id, status) => orders.dispatchEvent(new CustomEvent("change", { detail: { id, status } }));

/** Whether a status is news about an order. An answer or an event that comes late sets nothing back. */
function advances(id, status) {
  const known = statuses.get(id);
  if (known && rank(known) >= rank(status)) return false;
  remember(statuses, id, status);
  return true;
}

/** Learns from the live stream what has become of an order. */
export function learn(id, status) {
  if (advances(id, status)) changed(id, status);
}

/** The latest status that is known of an order. */
export function statusOf({ id, status }) {
  const known = statuses.get(id);
  return known && rank(known) > rank(status) ? known : status;
}

/** What there is to say about the last action on an order; undefined if it went as asked. */
export const messageOf = (id) => messages.get(id);

/**
 * Brings an order to the status `to`. If it can't be brought there, its true status is shown with a message. An order
 * that is there already was brought by an action whose answer got lost, or by another admin: both is as asked.
 */
export async function act(id, to) {
  const confirms = to === "confirmed";
  const path = `/orders/${id}/${confirms ? "confirm" : "status"}`;
  try {
    const { data } = await ask("order", "PUT", path, { body: confirms ? undefined : { status: to } });
    settle(id, data.status);
  } catch (error) {
    const moved = error instanceof Refused && error.code === "order_state";
    // Without an answer nobody knows whether it was done; the order itself says so.
    const found = moved || !(error instanceof Refused) ? await find(id) : null;
    if (found?.status === to) settle(id, to);
    else if (moved && found) settle(id, found.status, text("moved", { id, state: text(`state-${found.status}`) }));
    else if (error instanceof Refused) settle(id, null, error.message);
    else settle(id, found?.status, `${explain(error, "order")} ${text("repeatable")}`);
  }
}

async function find(id) {
  try {
    return (await ask("order", "GET", `/orders/${id}`)).data;
  } catch {
    return null;
  }
}

function settle(id, status, message) {
  messages.delete(id);
  if (message) remember(messages, id, message);
  if (status) advances(id, status);
  changed(id, status);
  say(message ?? text(`did-${status}`, { order: `#${id}` }));
}

/** The mark of a status: glyph and word. */
export function mark(status) {
  const element = h("span");
  updateMark(element, status);
  return element;
}

/** Shows another status in a mark, if it is another. */
export function updateMark(element, status) {
  if (element.classList.contains(status)) return;
  element.className = `state ${status}`;
  element.replaceChildren(icon(STATUSES[status][0]), text(`state-${status}`));
}
