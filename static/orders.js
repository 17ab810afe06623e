// The orders of the customer, newest first.

import { Refused, next } from "./api.js";
import { clock, day, h, rupiah, text } from "./ui.js";
import { ask, customer, identify, watchCustomer } from "./shop-customer.js";
import { button, notify, notifyAway, stateTag } from "./shop-parts.js";
import { untilAnswered } from "./shop-retry.js";
import { watchNotifications } from "./shop-notifications.js";
import "./shop-header.js";

const PAGE_ROWS = 20;

const list = document.querySelector("[data-orders]");
const area = document.querySelector("[data-notice]");
const foot = document.querySelector("[data-more]");

let reading = new AbortController();

/** Shows the first page. */
async function refresh() {
  reading.abort();
  reading = new AbortController();
  const user = customer();
  if (!user) return showNobody();
  await read(`/orders/user/${user.id}?sort=-id&limit=${PAGE_ROWS}`, (rows) => {
    list.replaceChildren(...rows);
    if (rows.length === 0) foot.replaceChildren(h("p.empty", {}, text("no_orders")), h("a.btn", { href: "/shop/" }, text("to_the_shop")));
  });
}

async function read(path, show) {
  const { signal } = reading;
  const get = () => ask("order", "GET", path, { signal });
  try {
    const { data, headers } = await untilAnswered(get, { away: notifyAway(area, "order"), signal });
    notify(area, null);
    const following = next(headers);
    const more = following && button(text("more"), () => readMore(following, more));
    foot.replaceChildren(...(more ? [more] : []));
    show(data.map((order) => row(order)));
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof Refused)) throw error;
    notify(area, error.message, { isBad: true, actions: [button(text("log_in"), () => identify())] });
  }
}

async function readMore(path, pressed) {
  if (pressed.getAttribute("aria-disabled")) return;
  pressed.setAttribute("aria-disabled", "true");
  await read(path, (rows) => {
    list.append(...rows);
    rows[0]?.querySelector("a").focus();
  });
  pressed.removeAttribute("aria-disabled");
}

/** Shows what has become of orders: in their rows, and those that are new at the top. */
async function update(arrived) {
  const rowOf = (id) => list.querySelector(`[data-id="${id}"]`);
  for (const { order_id: id, status } of arrived) rowOf(id)?.querySelector(".state").replaceWith(stateTag(status));
  const newest = Number(list.firstElementChild?.dataset.id);
  if (!newest) return refresh();
  const { signal } = reading;
  const added = new Set(arrived.map(({ order_id: id }) => id).filter((id) => id > newest));
  for (const id of [...added].sort((one, other) => one - other)) {
    try {
      const get = () => ask("order", "GET", `/orders/${id}`, { signal });
      const { data } = await untilAnswered(get, { away: notifyAway(area, "order"), signal });
      notify(area, null);
      if (!rowOf(id)) list.prepend(row(data));
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Refused)) throw error;
    }
  }
}

function showNobody() {
  list.replaceChildren();
  foot.replaceChildren(h("p.empty", {}, text("who_are_you")), button(text("log_in"), () => identify(), "btn primary big"));
}

function row({ id, items, total_price, status, created_at }) {
  const [{ name }] = items;
  const names = items.length > 1 ? text("and_more", { name, count: items.length - 1 }) : name;
  return h("li", { "data-id": id },
    h("div.grow", {},
      h("h2", {}, h("a", { href: `/shop/order?id=${id}` }, text("order_title", { id }))),
      h("p.muted.small.wrap.names", {}, names),
      h("p.faint.tiny.num", {}, `${day(created_at)}, ${clock(created_at)}`)),
    stateTag(status),
    h("b.num", {}, rupiah(total_price)));
}

watchCustomer(refresh);
watchNotifications(update);
