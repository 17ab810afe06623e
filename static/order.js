// An order: its payment while it is pending, then where it is.

import { Refused, call } from "./api.js";
import { clock, day, h, icon, rupiah, say, text } from "./ui.js";
import { addOrder } from "./shop-cart.js";
import { ask, customer } from "./shop-customer.js";
import { button, notify, notifyAway } from "./shop-parts.js";
import { freshKey, isText, paymentOf, stored } from "./shop-store.js";
import { liveTag, watchNotifications } from "./shop-notifications.js";
import { methodForm, openPayment } from "./shop-payment.js";
import { FIRST_PAUSE_MS, LONGEST_PAUSE_MS, untilAnswered } from "./shop-retry.js";
import "./shop-header.js";

/** The statuses of an order that goes well, and the glyphs of those that end otherwise. */
const STEPS = ["pending", "paid", "confirmed", "shipped", "completed"];
const ENDS = { cancelled: "x", expired: "clock", failed: "x" };

const id = Number(new URLSearchParams(location.search).get("id"));
const view = document.querySelector("[data-view]");
const area = document.querySelector("[data-notice]");
const bill = document.querySelector("[data-bill]");

/** The start of a payment as it is sent, however often. */
const started = stored(sessionStorage, paymentOf(id), (value) => (isText(value?.key) ? value : null));

/** `{order, tracking, payment, methods, leftMs}`, as they were read last. */
let known;
/** What the view shows; it is drawn anew only when that changes. */
let drawn;
let reading = new AbortController();
let timer;
let pause = FIRST_PAUSE_MS;
/** Ends what was pressed, while it is under way. */
let acting;

const get = (service, path, signal) => ask(service, "GET", path, { signal });

/** The payment of the order, with the time that is left on the service's clock; null if there is none that counts. */
async function readPayment({ status, payment_id }, signal) {
  if (status !== "pending" && !payment_id) return { payment: null };
  try {
    const { data, headers } = await get("payment", `/payments/order/${id}`, signal);
    return { payment: data, leftMs: new Date(data.expires_at) - serverTime(headers) };
  } catch (error) {
    if (error.code === "payment_not_found") return { payment: null };
    throw error;
  }
}

/** The ways to pay. They don't change while the page is open. */
const readMethods = async (signal) => known?.methods ?? (await call("payment", "GET", "/payments/methods", { signal })).data;

/** The time of a service, from an answer. It writes whole seconds, so a little less than the rest is shown. */
function serverTime(headers) {
  const date = Date.parse(headers.get("date"));
  return Number.isNaN(date) ? Date.now() : date + 1000;
}

/** Reads the order again and shows it. */
async function refresh() {
  reading.abort();
  reading = new AbortController();
  clearTimeout(timer);
  const { signal } = reading;
  try {
    const readOrder = () => Promise.all([get("order", `/orders/${id}`, signal), get("order", `/orders/${id}/tracking`, signal)]);
    const [order, tracking] = await untilAnswered(readOrder, { away: notifyAway(area, "order"), signal });
    showBill(order.data);
    const readRest = () => Promise.all([readPayment(order.data, signal), readMethods(signal)]);
    const [payment, methods] = await untilAnswered(readRest, { away: notifyAway(area, "payment"), signal });
    known = { order: order.data, tracking: tracking.data, methods, ...payment };
    show();
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof Refused)) throw error;
    showMissing(error);
  }
}

/** Reads again soon, and later less often: the services are still at it. A hidden page waits until it is shown. */
function refreshLater() {
  clearTimeout(timer);
  if (document.hidden) return;
  timer = setTimeout(refresh, pause);
  pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
}

/** What to show: "choose", "open" or "settling" while the order is pending, else its status. */
function stage() {
  const { order, payment } = known;
  if (order.status !== "pending") return order.status;
  if (!payment) return "choose";
  return payment.status === "pending" ? "open" : "settling";
}

function show() {
  const now = `${stage()} ${known.payment?.id}`;
  if (now === drawn) {
    if (stage() === "settling" || (stage() === "open" && known.leftMs <= 0)) refreshLater();
    return;
  }
  const isFirst = drawn === undefined;
  drawn = now;
  pause = FIRST_PAUSE_MS;
  acting?.abort();
  acting = undefined;
  notify(area, null);
  const draw = { choose, open, settling }[stage()] ?? settled;
  replaceView(draw(), !isFirst);
  if (!isFirst) say(view.querySelector("h1").textContent);
  if (stage() === "settling") refreshLater();
}

/** The focus goes to the new title if it was on what is gone. */
function replaceView(content, isChange) {
  const hadFocus = isChange && (view.contains(document.activeElement) || document.activeElement === document.body);
  view.replaceChildren(...content);
  const heading = view.querySelector("h1");
  document.title = `${heading.textContent} · Pasar`;
  if (hadFocus) heading.focus();
}

const heading = (words) => h("h1.wrap", { tabindex: -1 }, words);

// While it is pending.

function choose() {
  const { order, methods } = known;
  return [heading(text("pay_title", { id })), ...methodForm(order, methods, start, cancelRow())];
}

function open() {
  const { order, payment, methods, leftMs } = known;
  const label = methods.find(({ method }) => method === payment.method)?.label ?? payment.method;
  const confirm = () => ask("payment", "POST", "/payments/confirm", { body: { payment_id: payment.id } });
  return [
    heading(text("pay_title", { id })),
    openPayment(order, payment, label, leftMs, refreshLater),
    h("div.row.pay-act", {},
      h("button.btn.primary.big", { type: "button", "data-act": "confirm", click: ({ currentTarget }) => act("payment", currentTarget, confirm) }, text("i_have_paid")),
      cancelRow()),
  ];
}

const settling = () => [heading(text("settling")), h("p.muted", {}, text("settling_help"))];

/** Opens the payment. The same choice is sent with the same key, so it is opened once. */
function start(choice) {
  const body = { order_id: id, ...choice };
  const before = started.get();
  const key = JSON.stringify(before?.body) === JSON.stringify(body) ? before.key : freshKey();
  started.set({ key, body });
  return act("payment", view.querySelector("[data-act=start]"), () =>
    ask("payment", "POST", "/payments", { body, headers: { "Idempotency-Key": key } }));
}

/** Does what was pressed until it is answered, then shows what has become of the order. */
async function act(service, pressed, task) {
  if (acting) return;
  const mine = (acting = new AbortController());
  const { signal } = mine;
  const label = pressed.textContent;
  pressed.textContent = text("busy");
  pressed.setAttribute("aria-disabled", "true");
  notify(area, null);
  let refusal;
  try {
    await untilAnswered(task, { away: notifyAway(area, service), signal });
    if (!signal.aborted) notify(area, null);
  } catch (error) {
    // What was pressed is gone, as the order has moved on.
    if (signal.aborted) return;
    if (!(error instanceof Refused)) throw error;
    refusal = error;
  } finally {
    if (acting === mine) acting = undefined;
    pressed.textContent = label;
    pressed.removeAttribute("aria-disabled");
  }
  const before = drawn;
  await refresh();
  // What is shown anew says itself what has happened.
  if (refusal && drawn === before) notify(area, refusal.message, { isBad: true });
}

/** Cancelling asks again, in the same row. */
function cancelRow() {
  const cancel = () => ask("order", "PUT", `/orders/${id}/status`, { body: { status: "cancelled" } });
  const row = h("div.row.cancel");
  const offer = () => row.replaceChildren(button(text("cancel_order"), question, "btn quiet"));
  const question = () => {
    const yes = button(text("really_cancel"), ({ currentTarget }) => act("order", currentTarget, cancel), "btn bad");
    const no = button(text("keep_order"), () => {
      offer();
      row.firstChild.focus();
    }, "btn quiet");
    row.replaceChildren(h("span", {}, text("cancel_question")), yes, no);
    yes.focus();
    say(text("cancel_question"));
  };
  offer();
  return row;
}

// Afterwards.

function settled() {
  const { order } = known;
  const { status } = order;
  const isOver = status in ENDS;
  const title = STEPS.includes(status) && status !== "completed" ? "paid_title" : `${status}_title`;
  return [
    h("p.done-mark", { class: isOver ? "over" : null }, icon(ENDS[status] ?? "check")),
    heading(text(title, { id, name: order.user.name })),
    h("p.muted.num", {}, isOver ? loss(order) : paidBy()),
    isOver ? h("div.row", {}, button(text("order_again"), orderAgain, "btn primary big"), shopMore("btn quiet big")) : null,
    h("h2.track-head", {}, text("track", { id }), isOver || status === "completed" || order.user_id !== customer()?.id ? null : liveTag()),
    h("ol.track", {}, isOver ? known.tracking.map(pastStep) : STEPS.map(step)),
    isOver ? null : h("div.row", {}, shopMore("btn")),
  ].filter(Boolean);
}

const shopMore = (className) => h(`a.${className.replaceAll(" ", ".")}`, { href: "/shop/" }, text("shop_more"));

function loss({ status, payment_status }) {
  if (status === "failed") return text("failed_help");
  return text(payment_status === "refunded" ? "refunded" : "stock_is_back");
}

function paidBy() {
  const { order, payment, methods, tracking } = known;
  const paid = tracking.find(({ status }) => status === "paid");
  const values = { amount: rupiah(order.total_price), time: paid ? clock(paid.at) : "" };
  const method = methods.find((one) => one.method === payment?.method)?.label;
  return method && order.payment_id ? text("paid_by", { ...values, method }) : text("paid_amount", values);
}

const pastStep = ({ status, at }) => h("li.past", {}, h("b", {}, text(`step_${status}`)), h("time.num", { datetime: at }, clock(at)));

/** A step of the usual way: reached, the next one, or one that lies ahead. */
function step(status, at) {
  const { order, tracking } = known;
  const reached = tracking.find((entry) => entry.status === status);
  if (reached) return pastStep(reached);
  const isNext = STEPS[at - 1] === order.status;
  return h("li", { class: isNext ? "now" : null }, h("b", {}, text(isNext ? `next_${status}` : `step_${status}`)), isNext ? h("time", {}, text("now")) : null);
}

function orderAgain() {
  if (addOrder(known.order)) location.assign("/shop/#cart");
  else notify(area, text("cart_locked"));
}

function showBill({ items, total_price, created_at }) {
  const line = ({ name, price, quantity }) =>
    h("div", {}, h("dt.wrap", {}, name, h("span.faint", {}, ` × ${quantity}`)), h("dd", {}, rupiah(price * quantity)));
  bill.replaceChildren(
    h("h2", {}, text("receipt")),
    h("dl.num", {}, items.map(line), h("div.sumline", {}, h("dt", {}, "Total"), h("dd", {}, rupiah(total_price)))),
    h("p.tiny.faint.mono", {}, text("receipt_foot", { id, day: day(created_at), time: clock(created_at) })));
  bill.hidden = false;
}

function showMissing({ code, message }) {
  notify(area, null);
  bill.hidden = true;
  drawn = undefined;
  const isUnknown = code === "order_not_found";
  replaceView([
    heading(text(isUnknown ? "no_such_order" : "order_unread")),
    h("p.muted", {}, message),
    h("div.row", {}, isUnknown ? h("a.btn", { href: "/shop/orders" }, text("your_orders")) : button(text("log_in"), refresh), shopMore("btn quiet")),
  ], false);
}

watchNotifications((arrived) => arrived.some(({ order_id }) => order_id === id) && refresh());
document.addEventListener("visibilitychange", () => !document.hidden && refresh());
refresh();
