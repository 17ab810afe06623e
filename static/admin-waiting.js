// The paid orders that wait for a person, oldest first.

import { next } from "./api.js";
import { h, number, rupiah, text } from "./ui.js";
import { act, mark, messageOf, orders, statusOf, updateMark } from "./admin-actions.js";
import { atMostEvery, button, find, list, loader, press, question, walk, watchUse } from "./admin-parts.js";
import { ask } from "./admin-session.js";

/** How many are shown; of the others it is said how many there are. */
const SHOWN = 8;
/** From this age, in milliseconds, an order waits too long. */
const TOO_OLD = 10 * 60 * 1000;
const UNITS = { day: 86400, hour: 3600, minute: 60, second: 1 };

/** Starts the panel. `open(id, event)` shows an order, `all()` all that wait. */
export function waiting(section, { open, all }) {
  const rows = section.querySelector("ol");
  const [count, more, empty] = find(section, "[data-count]", "[data-more]", "[data-empty]");
  const use = watchUse(section);
  let found = [];
  let isAll = true;
  let total = 0;

  const panel = loader(
    section,
    "order",
    (signal) => ask("order", "GET", `/orders?status=paid&sort=id&limit=${SHOWN}`, { signal }),
    ({ data, headers }) => {
      // Rows that are dealt with stay while somebody points at the panel: no other may slip under the pointer.
      const listed = new Set(data.map(({ id }) => id));
      const kept = use.isPointed() ? found.filter((order) => !listed.has(order.id) && statusOf(order) !== "paid") : [];
      found = [...kept, ...data].sort((a, b) => a.id - b.id);
      isAll = next(headers) === null;
      show();
    },
  );
  const refresh = atMostEvery(1000, panel.refresh);
  const render = list(rows, ({ id }) => id, (order) => row(order, { open, leave }));

  function show() {
    if (!use.isPointed()) found = found.filter((order) => statusOf(order) === "paid");
    render(found);
    const left = found.filter((order) => statusOf(order) === "paid").length;
    const waits = isAll ? left : Math.max(total, left);
    count.textContent = number(waits);
    count.hidden = waits === 0;
    empty.hidden = found.length > 0;
    more.hidden = waits <= left;
    more.textContent = text("more-waiting", { n: number(waits - left) });
  }

  orders.addEventListener("change", ({ detail: { id, status } }) => {
    const known = found.some((order) => order.id === id);
    if (known) show();
    if (known ? !isAll : status === "paid") refresh();
  });
  /** The keyboard goes on with the next order. */
  function leave(element) {
    const next = element.nextElementSibling?.querySelector(".actions:not([hidden]) [data-act]") ?? section.querySelector("h2");
    next.focus();
  }
  // Ages grow, and rows that are dealt with go.
  setInterval(() => found.length && show(), 1000);
  more.addEventListener("click", all);
  walk(rows);
  return {
    ...panel,
    count(waits) {
      total = waits;
      show();
    },
  };
}

function row(order, { open, leave }) {
  const { id } = order;
  const age = h("span.age.num");
  const state = mark(order.status);
  const message = h("span.message");
  const sentence = text("ask-decline", { amount: rupiah(order.total_price) });
  const confirm = button(".btn.primary", text("confirm"), () => press(confirm, () => act(id, "confirmed")), { "data-act": true });
  const decline = button(".btn.quiet", text("decline"), () => question(buttons, sentence, text("yes-decline"), () => act(id, "cancelled")));
  const buttons = h("span.row", {}, confirm, decline);
  const actions = h("span.actions", {}, buttons);
  const units = order.items.reduce((sum, { quantity }) => sum + quantity, 0);
  const element = h(
    "li",
    { "data-row": true, "data-id": id, tabindex: "-1" },
    age,
    button(".link.mono", `#${id}`, (event) => open(id, event)),
    h("span.grow.cut", { title: order.user.name }, text("units-of", { name: order.user.name, n: number(units) })),
    h("b.num", {}, rupiah(order.total_price)),
    state,
    actions,
    message,
  );
  function update() {
    const status = statusOf(order);
    const waits = status === "paid";
    const ms = Date.now() - new Date(order.created_at);
    age.textContent = words(ms);
    element.classList.toggle("old", waits && ms > TOO_OLD);
    message.textContent = messageOf(id) ?? "";
    updateMark(state, status);
    state.hidden = waits;
    const held = !waits && element.contains(document.activeElement);
    actions.hidden = !waits;
    if (held) leave(element);
  }
  return { element, update };
}

/** An age in the largest unit that has passed, as `14 mnt`. */
function words(ms) {
  const seconds = Math.max(1, ms / 1000);
  const [unit, size] = Object.entries(UNITS).find(([, size]) => seconds >= size);
  return number(Math.floor(seconds / size), { style: "unit", unit, unitDisplay: "short" });
}
