// The payment of a pending order: the choice of a method, and the countdown.

import { clock, h, icon, rupiah, say, svg, text } from "./ui.js";
import { stored } from "./shop-store.js";
import { sampleQr } from "./shop-qr.js";

const GLYPHS = { qris: "qr", transfer: "bank", "e-wallet": "wallet", card: "card", cod: "truck" };
/** When the countdown is spoken, in seconds. */
const SPOKEN = [30, 10, 0];
/** From this many seconds on it is shown in minutes. */
const IN_MINUTES = 100;

/** Whether more time was asked for. It is remembered for later payments. */
const moreTime = stored(localStorage, "more-time", (value) => value === true);

/** The form in which a method is chosen. `start` gets the body of the payment but for its order. */
export function methodForm(order, methods, start, cancelRow) {
  const form = h("form", {
    submit: (event) => {
      event.preventDefault();
      const method = form.elements.method.value;
      start(moreTime.get() ? { method, more_time: true } : { method });
    },
  },
  h("fieldset.methods", {}, h("legend.label", {}, text("methods")), byHabit(methods).map(({ method, label }, at) =>
    h("label", {},
      h("input", { type: "radio", name: "method", value: method, checked: at === 0 }),
      icon(GLYPHS[method] ?? "wallet"),
      h("span", {}, h("b.method-name", {}, label), h("small", {}, text(`method_${method}`)))))),
  h("label.check.more-time", {},
    h("input", { type: "checkbox", checked: moreTime.get(), change: ({ target }) => moreTime.set(target.checked) }),
    h("span", {}, text("more_time"), h("small.muted", {}, text("more_time_help")))),
  h("div.row.pay-act", {}, h("button.btn.primary.big", { type: "submit", "data-act": "start" }, text("start_payment")), cancelRow));
  return [form, h("p.small.muted.num", {}, heldUntil(order))];
}

const heldUntil = ({ expires_at }) => (expires_at ? text("held_until", { time: clock(expires_at) }) : "");

/** QRIS first, since it is what most people use. */
const byHabit = (methods) => methods.toSorted((one, other) => (other.method === "qris") - (one.method === "qris"));

/** An open payment: the sample of its method, and the ring. `over` is called at its deadline. */
export function openPayment(order, payment, label, leftMs, over) {
  const sample = payment.method === "qris" ? qrisSample(payment) : methodSample(payment, label);
  return h("div.pay-cols", {}, sample, countdown(order, payment, leftMs, over));
}

const qrisSample = ({ id, amount }) => h("div.qris", {},
  h("div.qris-sheet", {},
    h("p.qris-top", {}, h("b", {}, "QRIS"), h("span", {}, text("shop_name"))),
    h("div.qr-wrap", {}, sampleQr(id), h("strong.sample", {}, text("sample"))),
    h("p.amount.num", {}, rupiah(amount))),
  h("p.small.muted", {}, text("sample_help")));

const methodSample = ({ method, amount }, label) => h("div.qris", {},
  h("div.qris-sheet.plain", {}, icon(GLYPHS[method] ?? "wallet"), h("b.method-name", {}, label), h("p.amount.num", {}, rupiah(amount))),
  h("p.small.muted", {}, text("sample_method")));

function countdown(order, { created_at, expires_at }, leftMs, over) {
  const window = new Date(expires_at) - new Date(created_at);
  // The page's own clock may be wrong or be set meanwhile; this one only counts.
  const deadline = performance.now() + leftMs;
  const bar = svg("circle", {
    class: "ring-fg", cx: 60, cy: 60, r: 52, pathLength: 100, transform: "rotate(-90 60 60)",
  });
  const digits = h("b.num");
  const unit = h("span");
  const ring = h("div.ring", { role: "timer" },
    svg("svg", { viewBox: "0 0 120 120", "aria-hidden": "true" }, svg("circle", { class: "ring-bg", cx: 60, cy: 60, r: 52 }), bar),
    h("p", {}, digits, unit));
  let before = Infinity;
  const tick = () => {
    const ms = Math.max(0, deadline - performance.now());
    const seconds = Math.ceil(ms / 1000);
    const isLong = seconds >= IN_MINUTES;
    digits.textContent = isLong ? `${Math.floor(seconds / 60)}.${String(seconds % 60).padStart(2, "0")}` : seconds;
    unit.textContent = text(isLong ? "minutes_left" : "seconds_left");
    bar.setAttribute("stroke-dashoffset", String(100 - Math.min(100, (ms / window) * 100)));
    ring.classList.toggle("late", seconds <= 10);
    // A tick may come late, and pass several.
    const spoken = SPOKEN.findLast((limit) => before > limit && seconds <= limit && (before !== Infinity || seconds === limit));
    if (spoken !== undefined) say(spoken === 0 ? text("time_is_over") : text("say_seconds_left", { count: seconds }));
    before = seconds;
    if (seconds > 0) return;
    clearInterval(timer);
    help.textContent = text("asking_server");
    over();
  };
  const help = h("p.small.muted.num", {}, heldUntil(order));
  const timer = setInterval(() => (ring.isConnected ? tick() : clearInterval(timer)), 250);
  queueMicrotask(tick);
  return h("div.clock", {}, ring, help);
}
