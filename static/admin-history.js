// What happened to orders, newest first.

import { next } from "./api.js";
import { clock, day, h, number, text } from "./ui.js";
import { atMostEvery, button, find, list, loader, watchUse } from "./admin-parts.js";
import { ask } from "./admin-session.js";

const PAGE = 20;
/** The most rows that are kept. */
const MOST = 200;
const SERVICES = { paid: "payment", failed: "payment" };

/** Starts the panel; `add(row)` shows what has just happened. */
export function history(section, open) {
  const [fresh, empty, older] = find(section, "[data-fresh]", "[data-empty]", "[data-older]");
  const use = watchUse(section);
  let rows = [];
  let arrived = [];
  let path = null;
  const first = `/orders/activity?limit=${PAGE}`;

  const panel = loader(
    section,
    "order",
    (signal) => ask("order", "GET", path ?? first, { signal }),
    ({ data, headers }) => {
      // What has happened since the page was read is kept.
      const read = new Set(data.map(key));
      const isNew = (row) => !read.has(key(row)) && (path || row.at >= (data[0]?.at ?? ""));
      arrived = arrived.filter((row) => !read.has(key(row)));
      rows = [...rows.filter(isNew), ...data].slice(0, MOST);
      path = rows.length < MOST ? next(headers) : null;
      show();
    },
  );
  const render = list(section.querySelector("ol"), key, (row) => ({ element: item(row, open), update() {} }));

  function show() {
    render(rows);
    empty.hidden = rows.length > 0;
    older.hidden = path === null;
    fresh.hidden = arrived.length === 0;
    fresh.textContent = text("new-rows", { n: number(arrived.length) });
  }

  function take() {
    rows = [...arrived.reverse(), ...rows].slice(0, MOST);
    arrived = [];
    show();
  }

  // Rows above what somebody reads would move it.
  const arrive = atMostEvery(250, () => (use.isUsed() ? show() : take()));
  fresh.addEventListener("click", () => {
    take();
    section.querySelector("h2").focus();
  });
  older.addEventListener("click", panel.reload);
  return {
    reload() {
      path = null;
      return panel.reload();
    },
    add(row) {
      if ([...rows, ...arrived].some((known) => key(known) === key(row))) return;
      arrived = [...arrived, row].slice(-MOST);
      arrive();
    },
  };
}

/** An order reaches each status once. */
const key = ({ order_id, status }) => `${order_id} ${status}`;

function item({ order_id: id, status, at }, open) {
  const link = button(".link", `#${id}`, (event) => open(id, event));
  const [before, after] = text(`did-${status}`, { order: "\n" }).split("\n");
  const sentence = h("span", {}, before, link, after);
  return h(`li.is-${SERVICES[status] ?? "order"}`, {}, h("time.num", { datetime: at, title: day(at) }, clock(at)), sentence);
}
