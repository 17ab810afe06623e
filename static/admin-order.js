// One order in a panel beside the desk: its lines, how it came so far, and what can be done.

import { clock, closePanel, day, h, number, openPanel, rupiah, text } from "./ui.js";
import { CANCELLABLE, STEPS, act, mark, messageOf, orders, statusOf } from "./admin-actions.js";
import { button, find, loader, press, question } from "./admin-parts.js";
import { ask } from "./admin-session.js";

/** Prepares the panel; returns `open(id, opener)`. `ofUser(id)` shows the orders of a user. */
export function details(section, ofUser) {
  const [title, body] = find(section, "h2", "[data-body]");
  let shown;

  const panel = loader(
    section,
    "order",
    async (signal) => {
      const id = shown;
      const [order, tracking] = await Promise.all(
        [`/orders/${id}`, `/orders/${id}/tracking`].map((path) => ask("order", "GET", path, { signal })),
      );
      return { order: order.data, tracking: tracking.data };
    },
    ({ order, tracking }) => {
      const focused = section.contains(document.activeElement);
      body.replaceChildren(...content(order, tracking));
      if (focused && !section.contains(document.activeElement)) title.focus();
    },
  );

  const fact = (name, value) => [h("dt", {}, text(name)), h("dd", {}, value)];

  function content(order, tracking) {
    const buyer = button(".link", order.user.name, () => (closePanel(section), ofUser(order.user.id)));
    return [
      h("dl.facts", {}, [
        fact("status", mark(statusOf(order))),
        fact("buyer", buyer),
        fact("time", `${day(order.created_at)}, ${clock(order.created_at)}`),
        fact("payment", text(`payment-${order.payment_status}`)),
      ]),
      h("h3", {}, text("goods")),
      h("ul.lines", {}, order.items.map(line), h("li.sum", {}, h("span.grow", {}, text("total")), h("b.num", {}, rupiah(order.total_price)))),
      h("h3", {}, text("progress")),
      h("ol.steps", {}, tracking.map(({ status, at }) => h("li", {}, h("time.num.faint", {}, clock(at)), text(`state-${status}`)))),
      messageOf(order.id) && h("p.message", {}, messageOf(order.id)),
      actions(order),
    ].filter(Boolean);
  }

  function line({ name, price, quantity }) {
    const times = h("span.num.muted", {}, `${number(quantity)} × ${rupiah(price)}`);
    return h("li", {}, h("span.grow", {}, name), times, h("span.num", {}, rupiah(price * quantity)));
  }

  function actions(order) {
    const status = statusOf(order);
    const step = STEPS[status];
    const go = step && button(".btn.primary", text(step.name), () => press(go, () => act(order.id, step.to)));
    const refunds = status === "paid" ? text("ask-decline", { amount: rupiah(order.total_price) }) : text("ask-cancel");
    const cancel = () => question(buttons, refunds, text("yes-cancel"), () => act(order.id, "cancelled"));
    const buttons = h(
      "span.row",
      {},
      go,
      CANCELLABLE.includes(status) && button(".btn", text("cancel"), cancel),
    );
    return h("p.actions", {}, buttons);
  }

  orders.addEventListener("change", ({ detail: { id } }) => {
    if (id === shown && !section.hidden) panel.refresh();
  });

  return (id, opener) => {
    shown = id;
    title.textContent = text("order", { id });
    body.replaceChildren();
    panel.reload();
    openPanel(section, opener);
  };
}
