// A sample order over two products with counted stock, so that there is something to look at.

import { ask } from "./admin-session.js";
import { later } from "./live-later.js";
import { text } from "./ui.js";

const STOCK = 1000;

/** Sends it and returns the id of its trace. What it needs and the shop does not have is added. */
export async function order() {
  await later();
  const { data: users } = await ask("user", "GET", "/users?limit=1");
  const user = users[0] ?? (await ask("user", "POST", "/users", { body: { name: text("sample-user") } })).data;
  const { data: products } = await ask("product", "GET", "/products?in_stock=true&limit=100");
  const goods = products.filter(({ stock }) => stock > 0).slice(0, 2);
  while (goods.length < 2) goods.push(await product(goods.length));
  const items = goods.map(({ id }) => ({ product_id: id, quantity: 1 }));
  const headers = { "Idempotency-Key": `sample-${hex(8)}`, traceparent: `00-${hex(16)}-${hex(8)}-01` };
  await ask("order", "POST", "/orders", { body: { user_id: user.id, items }, headers });
  return headers.traceparent.split("-")[1];
}

async function product(at) {
  const body = { name: text(`sample-product-${at}`), price: 25_000, stock: STOCK };
  const { data } = await ask("product", "POST", "/products", { body });
  return data.product ?? data;
}

const hex = (bytes) =>
  Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) => byte.toString(16).padStart(2, "0")).join("");
