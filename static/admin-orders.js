// The table of orders: filtered, searched, in pages, each row with its next legal step.

import { next } from "./api.js";
import { clock, day, h, number, rupiah, text } from "./ui.js";
import { STEPS, act, mark, messageOf, orders, statusOf, updateMark } from "./admin-actions.js";
import { atMostEvery, button, find, list, loader, onTyped, pager, press, walk, watchUse } from "./admin-parts.js";
import { ask } from "./admin-session.js";

const PAGE = 20;
/** The statuses that have no segment of their own. */
const OTHERS = ["pending", "confirmed", "completed", "cancelled", "expired", "failed"];

/** Starts the table. `open(id, event)` shows the details of an order. */
export function table(section, open) {
  const element = section.querySelector("table");
  const [search, select] = find(section, "[data-search]", "select");
  const segments = [...section.querySelectorAll("[data-statuses]")];
  const [fresh, hint, empty, where] = find(section, "[data-fresh]", "[data-hint]", "[data-empty]", "[data-where]");
  const use = watchUse(section);
  const arrived = new Set();
  let filter = "";
  let asked = "";
  let counts;
  let found = [];

  /** What the search asks for: an order, the orders of a user, or words in the rows of the page. */
  function wanted() {
    const words = search.value.trim();
    const id = /^#?(\d+)$/.exec(words)?.[1];
    const user = /^user:(\d+)$/i.exec(words)?.[1];
    return { id, user, words: id || user ? "" : words.toLowerCase() };
  }

  function firstPage() {
    const query = new URLSearchParams({ sort: "-id", limit: PAGE });
    if (filter) query.set("status", filter);
    if (wanted().user) query.set("user_id", wanted().user);
    return `/orders?${query}`;
  }

  const pages = pager(section.querySelector("[data-pager]"), firstPage, () => panel.reload());
  const panel = loader(section, "order", load, (loaded) => {
    found = loaded.orders;
    pages.show(loaded.next);
    show();
  });

  async function load(signal) {
    const { id } = wanted();
    arrived.clear();
    if (!id) {
      const { data, headers } = await ask("order", "GET", pages.path(), { signal });
      return { orders: data, next: next(headers) };
    }
    try {
      const { data } = await ask("order", "GET", `/orders/${id}`, { signal });
      return { orders: [data], next: null };
    } catch (error) {
      if (error.code !== "order_not_found") throw error;
      return { orders: [], next: null };
    }
  }

  const render = list(element, ({ id }) => id, (order) => row(order, open));

  function show() {
    const { id, words } = wanted();
    const shown = words ? found.filter((order) => textOf(order).includes(words)) : found;
    render(shown);
    empty.hidden = shown.length > 0;
    hint.hidden = !words;
    hint.textContent = text("only-page", { n: number(shown.length), all: number(found.length) });
    fresh.hidden = arrived.size === 0;
    fresh.textContent = text("new-orders", { n: number(arrived.size) });
    const total = counts && !id && !wanted().user ? text("of-total", { n: number(count(filter)) }) : "";
    where.textContent = text("page", { n: number(pages.number()) }) + total;
  }

  const all = (statuses) => statuses.reduce((sum, status) => sum + counts[status], 0);
  const count = (filter) => all(filter ? filter.split(",") : Object.keys(counts));

  function choose(statuses) {
    filter = statuses;
    if (wanted().id) search.value = asked = "";
    for (const segment of segments) segment.setAttribute("aria-pressed", String(segment.dataset.statuses === filter));
    select.value = filter;
    // A filter of the segments is none of the others.
    select.selectedIndex = Math.max(0, select.selectedIndex);
    restart();
  }

  function restart() {
    pages.reset();
    panel.reload();
  }

  for (const segment of segments) segment.addEventListener("click", () => choose(segment.dataset.statuses));
  select.append(...OTHERS.map((status) => h("option", { value: status }, text(`state-${status}`))));
  select.addEventListener("change", () => choose(select.value));
  fresh.addEventListener("click", () => {
    restart();
    section.querySelector("h2").focus();
  });
  search.addEventListener("input", show);
  onTyped(search, () => {
    const { id, user } = wanted();
    const now = id ?? (user ? `user:${user}` : "");
    // Words are looked for in what is here.
    if (now !== asked) restart();
    asked = now;
  });

  const refresh = atMostEvery(1000, () => {
    // Rows above what somebody reads would move it.
    if (use.isUsed() || section.getBoundingClientRect().top < 0) show();
    else panel.refresh();
  });
  const redraw = atMostEvery(250, show);
  orders.addEventListener("change", ({ detail: { id, status } }) => {
    if (found.some((order) => order.id === id)) return redraw();
    const { id: one, user, words } = wanted();
    const fits = filter ? filter.split(",").includes(status) : status === "pending";
    if (!fits || one || user || words || pages.number() > 1) return;
    arrived.add(id);
    refresh();
  });
  walk(element, search);

  return {
    ...panel,
    choose,
    /** Shows the orders of a user. */
    ofUser(id) {
      search.value = `user:${id}`;
      asked = search.value;
      choose("");
      search.focus();
    },
    /** Shows how many orders there are of each status. */
    count(statuses) {
      counts = statuses;
      for (const segment of segments) {
        const shown = segment.querySelector(".num");
        if (shown) shown.textContent = number(count(segment.dataset.statuses));
      }
      show();
    },
  };
}

const textOf = (order) => [order.user.name, ...order.items.map(({ name }) => name)].join(" ").toLowerCase();

function row(order, open) {
  const { id, items } = order;
  const state = mark(order.status);
  const go = button(".btn", "", () => press(go, () => act(id, go.dataset.to)), { "data-act": true });
  const message = h("tr.message-row", { hidden: true }, h("td.wide", { colspan: "7" }, h("span.message")));
  const others = items.length > 1 && h("span.faint", {}, ` +${items.length - 1}`);
  const line = h(
    "tr",
    { "data-row": true, tabindex: "-1" },
    h("td.mono.small", {}, button(".link", `#${id}`, (event) => open(id, event))),
    h("td.num.small.muted", { title: day(order.created_at) }, clock(order.created_at)),
    h("td.namecell", { title: order.user.name }, order.user.name),
    h("td.namecell", { title: items.map(({ name }) => name).join(", ") }, items[0]?.name ?? "", others),
    h("td.r", {}, rupiah(order.total_price)),
    h("td", {}, state),
    h("td.acts", {}, go),
  );
  function update() {
    const status = statusOf(order);
    const step = STEPS[status];
    updateMark(state, status);
    if (!step && document.activeElement === go) line.focus();
    go.hidden = !step;
    if (step && go.dataset.to !== step.to) {
      go.dataset.to = step.to;
      go.textContent = text(step.name);
      go.setAttribute("aria-label", `${text(step.name)} #${id}`);
      go.classList.toggle("primary", status === "paid");
    }
    message.hidden = !messageOf(id);
    message.firstChild.firstChild.textContent = messageOf(id) ?? "";
  }
  return { element: h("tbody", { "data-id": id }, line, message), update };
}
