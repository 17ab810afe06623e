// The cart, and the submission of it as an order. All tabs share them, and they outlive a reload.

import { isAmount, isId, isText, stored } from "./shop-store.js";

/** As many lines as an order can have. */
export const MAX_LINES = 50;
/** As many units as a line of an order can have. */
const MAX_QUANTITY = 1_000_000;
/** How long a submission may be sent again: an hour less than a service remembers its Idempotency-Key. */
const SENDABLE_MS = 23 * 60 * 60 * 1000;

const isLine = (line) => isId(line?.id) && isText(line.name) && isAmount(line.price) && isId(line.quantity);

const lines = stored(localStorage, "cart", (value) => {
  const valid = Array.isArray(value) ? value.filter(isLine) : [];
  return [...new Map(valid.map((line) => [line.id, line])).values()].slice(0, MAX_LINES);
});

/** `{key, body, user, at}`: the request as it is sent, however often, and who orders. */
export const submission = stored(localStorage, "submission", (value) => {
  const isValid = isText(value?.key) && isId(value.body?.user_id) && isText(value.user?.name) && Number.isFinite(value.at);
  return isValid ? value : null;
});

export const isSendable = ({ at }) => Math.abs(Date.now() - at) < SENDABLE_MS;

const watchers = new Set();

/** The lines: `{id, name, price, stock?, image?, quantity, was?, isGone?}`. `was` is the price before it changed. */
export const cart = () => lines.get();

/** Calls `watcher` when the cart or the submission has changed, in whichever tab. */
export const watchCart = (watcher) => watchers.add(watcher);

const changed = () => watchers.forEach((watcher) => watcher());

lines.watch(changed);
submission.watch(changed);

/** Edits the cart: `change` gets its lines and returns the new ones. Returns whether it could: not while it is sent. */
export function edit(change) {
  if (submission.get()) return false;
  const before = lines.get();
  const after = change(before);
  lines.set(after);
  // What was said of it stays, if nothing changes.
  if (JSON.stringify(after) !== JSON.stringify(before)) changed();
  return true;
}

/** As many units of a product as a cart can have. */
export const most = ({ stock }) => Math.min(stock ?? MAX_QUANTITY, MAX_QUANTITY);

/** Adds a unit of a product. Returns how many there are now: 0 if there is no line for it, null while the cart is sent. */
export function add(product) {
  const isEdited = edit((all) => {
    const line = all.find(({ id }) => id === product.id);
    if (line) return all.map((one) => (one === line ? fresh(one, product, Math.min(one.quantity + 1, most(product))) : one));
    const { id, name, price, stock, image } = product;
    return all.length < MAX_LINES ? [...all, { id, name, price, stock, image, quantity: 1 }] : all;
  });
  return isEdited ? (cart().find(({ id }) => id === product.id)?.quantity ?? 0) : null;
}

/** A line with its product as it is now; `null`: it is not sold any more. */
export function fresh(line, product, quantity = line.quantity) {
  if (!product) return { ...line, isGone: true };
  const { id, name, price, stock, image } = product;
  return { id, name, price, stock, image, quantity, was: price === line.price ? line.was : line.price };
}

export const setQuantity = (id, quantity) =>
  edit((all) => all.map((line) => (line.id === id ? { ...line, quantity: Math.max(1, Math.min(quantity, most(line))) } : line)));

export const remove = (id) => edit((all) => all.filter((line) => line.id !== id));

/** Puts the lines of an order into the cart. Custom lines have no product. */
export const addOrder = ({ items }) =>
  edit((all) => {
    const again = items.filter(({ id }) => id).map(({ id, name, price, quantity }) => ({ id, name, price, quantity }));
    return [...all.filter(({ id }) => !again.some((line) => line.id === id)), ...again].slice(0, MAX_LINES);
  });

/** Ends the submission with this key, with its lines if it became an order. */
export function settle(key, isOrdered) {
  // Another tab may have done so, and the customer gone on.
  if (submission.get()?.key !== key) return;
  if (isOrdered) lines.set([]);
  submission.set(null);
  changed();
}

/** Why a line can't be ordered: "gone", "sold_out" or "short"; null if it can. */
export function obstacle({ isGone, stock, quantity }) {
  if (isGone) return "gone";
  if (stock === 0) return "sold_out";
  return stock < quantity ? "short" : null;
}

export const units = () => cart().reduce((sum, { quantity }) => sum + quantity, 0);
export const total = () => cart().reduce((sum, { price, quantity, isGone }) => (isGone ? sum : sum + price * quantity), 0);
