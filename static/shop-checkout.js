// The sheet of the cart, and how a cart becomes an order.

import { Away, Refused, call, session } from "./api.js";
import { h, icon, number, openPanel, rupiah, say, text } from "./ui.js";
import { button, notify, notifyAway, picture } from "./shop-parts.js";
import { cart, edit, fresh, isSendable, most, obstacle, remove, setQuantity, settle, submission, total, units, watchCart } from "./shop-cart.js";
import { become, customer, forget, identify } from "./shop-customer.js";
import { freshKey, isId } from "./shop-store.js";
import { isTemporary, untilAnswered } from "./shop-retry.js";

const panel = document.querySelector("#cart");
const opener = document.querySelector('[data-opens="#cart"]');
const badge = opener.querySelector("[data-units]");
const list = panel.querySelector("[data-lines]");
const area = panel.querySelector("[data-cart-notice]");
const send = panel.querySelector("[data-order-now]");

/** What the button says while it works; null while it can be pressed. */
let working = null;

function lineOf(line) {
  const { id, name, price, was, quantity, isGone } = line;
  const why = obstacle(line);
  const step = (glyph, label, by, isOff) => h("button", {
    type: "button", "data-key": `${glyph}-${id}`, "aria-label": text(label, { name }), disabled: isOff || isLocked(), click: () => setQuantity(id, quantity + by),
  }, icon(glyph));
  return h("li", { "data-line": id },
    picture(line, "thumb"),
    h("div.grow", {},
      h("b.cut.line-name", { title: name }, name),
      h("p.small.muted.num", {}, text("each", { price: rupiah(price) }), was ? h("span.was", {}, ` ${text("was", { price: rupiah(was) })}`) : null),
      h("div.row.line-act", {},
        why === "gone" || why === "sold_out" ? null : h("div.step", {},
          step("minus", "fewer", -1, quantity <= 1), h("output.num", {}, number(quantity)), step("plus", "further", 1, quantity >= most(line))),
        h("button.btn.quiet", {
          type: "button", "data-key": `remove-${id}`, "aria-label": text("remove_name", { name }), disabled: isLocked(), click: () => remove(id),
        }, text("remove"))),
      hint(line, why)),
    isGone ? null : h("b.num", {}, rupiah(price * quantity)));
}

function hint({ stock, quantity }, why) {
  if (why) return h("p.line-problem.small", {}, text(`line_${why}`, { count: stock }));
  return quantity === stock ? h("p.hint-low.small", {}, text("line_last")) : null;
}

/** The cart can't be edited while it is on its way. */
const isLocked = () => submission.get() !== null;

/** Draws the sheet. The focus stays on the same control, or goes to the title if that is gone. */
function render() {
  const focused = document.activeElement?.dataset?.key;
  const lines = cart();
  list.replaceChildren(...lines.map(lineOf));
  if (lines.length === 0) list.append(h("li.empty", {}, text("cart_empty")));
  if (focused) (list.querySelector(`[data-key="${focused}"]:not([disabled])`) ?? panel.querySelector("h2")).focus();
  panel.querySelector("[data-total]").textContent = rupiah(total());
  badge.hidden = units() === 0;
  badge.textContent = units() > 99 ? "99+" : units();
  opener.setAttribute("aria-label", units() ? text("cart_units", { count: number(units()) }) : text("cart"));
  send.textContent = working ?? text("place_order");
  const isOff = working !== null || lines.length === 0;
  if (isOff) send.setAttribute("aria-disabled", "true");
  else send.removeAttribute("aria-disabled");
}

async function work(label, task) {
  working = label;
  render();
  try {
    return await task();
  } finally {
    working = null;
    render();
  }
}

/** Reads the products of the lines again. */
async function refresh() {
  const before = cart();
  const read = ({ id }) =>
    call("product", "GET", `/products/${id}`).then(({ data }) => data, (error) => {
      if (error.code === "product_not_found") return null;
      throw error;
    });
  const products = new Map();
  await Promise.all(before.map(async (line) => products.set(line.id, await read(line))));
  edit((all) => all.map((line) => (products.has(line.id) ? fresh(line, products.get(line.id)) : line)));
}

/** Shows what the products in the cart are now. */
async function update() {
  if (submission.get()) return;
  notify(area, null);
  await refresh().catch((error) => {
    // The cart is shown as it was. It is read again before it is ordered.
    if (!isTemporary(error)) throw error;
  });
}

async function placeOrder() {
  if (working || cart().length === 0) return;
  if (submission.get()) return resume();
  if (!(await isOrderable())) return;
  let user = customer();
  if (!user) {
    user = await identify(text("who_orders"));
    // That may have taken a while.
    if (!user || !(await isOrderable())) return;
  }
  if (submission.get()) return;
  const items = cart().map(({ id, quantity }) => ({ product_id: id, quantity }));
  submission.set({ key: freshKey(), body: { user_id: user.id, items }, user, at: Date.now() });
  await resume();
}

/** Reads the cart again. Whether it can be ordered at the prices that were shown; else it says why not. */
async function isOrderable() {
  const prices = new Map(cart().map(({ id, price }) => [id, price]));
  notify(area, null);
  await work(text("checking"), () => untilAnswered(refresh, { away: notifyAway(area, "product") }));
  notify(area, null);
  const lines = cart();
  if (lines.some(({ id, price }) => price !== prices.get(id))) notify(area, text("price_changed"));
  else if (lines.some(obstacle)) notify(area, text("cart_blocked"), { isBad: true });
  else return lines.length > 0;
  return false;
}

/** Sends the submission until it is answered: always with the same key and body, so it becomes one order. */
async function resume() {
  const { key, user } = submission.get() ?? {};
  if (!key) return;
  let token;
  const post = async () => {
    const now = submission.get();
    // Another tab has settled it, and the customer may have gone on.
    if (now?.key !== key) return notify(area, null);
    if (!isSendable(now)) return giveUp(key);
    // Whoever has come since neither orders for the customer nor is told that there is no such customer.
    const isAnonymous = customer()?.id !== user.id;
    token = session.get()?.token;
    const { data } = await call("order", "POST", "/orders", { body: now.body, headers: { "Idempotency-Key": key }, isAnonymous });
    // Something in between may have answered.
    if (!isId(data?.id)) throw new Away("order");
    return data;
  };
  try {
    const order = await work(text("sending"), () => untilAnswered(post, { away: notifyAway(area, "order", "sending_again") }));
    if (!order) return;
    settle(key, true);
    location.assign(`/shop/order?id=${order.id}`);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    notify(area, null);
    if (!error.code.startsWith("token_")) await refuse(key, user, error);
    else if (session.get()?.token !== token) await resume();
    else if (token && customer().id !== user.id) offerToFinish(key, user);
    else await logInToFinish(key, user, error.code === "token_missing" ? text("account_needed") : error.message);
  }
}

/** What was sent may have become an order, so only the same customer can find out. */
async function logInToFinish(key, user, why) {
  become(null);
  const now = await identify(why);
  if (now?.id === user.id) await resume();
  else offerToFinish(key, user);
}

function offerToFinish(key, user) {
  const why = text("log_in_to_finish", user);
  const actions = [
    button(text("log_in"), () => logInToFinish(key, user, why)),
    button(text("give_up"), () => giveUp(key), "btn quiet"),
  ];
  notify(area, why, { actions });
}

function giveUp(key) {
  settle(key, false);
  notify(area, h("span", {}, text("given_up"), " ", h("a", { href: "/shop/orders" }, text("my_orders"))));
}

async function refuse(key, user, { code, message }) {
  settle(key, false);
  if (code === "user_not_found" && customer()?.id === user.id) forget();
  await refresh().catch(() => {}); // The refusal is what counts; the lines show what is known.
  notify(area, h("span", {}, `${message} `, remedy(code)), { isBad: true });
  say(message);
}

function remedy(code) {
  if (code === "user_not_found") return text("do_user_not_found");
  if (code === "too_many_open_orders" || code === "too_many_held_units") {
    return h("span", {}, text("do_open_orders"), h("a", { href: "/shop/orders" }, text("my_orders")));
  }
  return text("do_check");
}

send.addEventListener("click", placeOrder);
opener.addEventListener("click", update);
watchCart(() => {
  render();
  // What was said of it is not true any more. Another tab may be sending it.
  if (!working) notify(area, isLocked() ? text("sending_again") : null);
});
render();
if (submission.get()) {
  openPanel(panel, opener);
  notify(area, text("sending_again"));
  resume();
} else if (location.hash === "#cart") {
  history.replaceState(history.state, "", location.pathname + location.search);
  openPanel(panel, opener);
  update();
}
