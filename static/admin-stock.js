// The products, least stock first: where their units are, and what an admin changes about them.

import { Refused, next } from "./api.js";
import { h, icon, number, say, svg, text } from "./ui.js";
import { form, productForm } from "./admin-forms.js";
import { atMostEvery, button, find, list, loader, onTyped, pager, question, walk, watchUse } from "./admin-parts.js";
import { ask, explain } from "./admin-session.js";

const PAGE = 10;
/** From this number of units down, stock is low. */
const LOW = 3;

/** Starts the panel; `refresh` reads the stock again after orders have changed it. */
export function stock(section) {
  const table = section.querySelector("table");
  const [search, add, added, empty] = find(section, "[data-stock-search]", "[data-add]", "[data-added]", "[data-empty]");
  const use = watchUse(section);
  // What is entered in an open form must not go with its row.
  const isUsed = () => use.isUsed() || section.querySelector("form");
  let products = [];

  function first() {
    const query = new URLSearchParams({ sort: "stock", limit: PAGE });
    if (search.value.trim()) query.set("search", search.value.trim());
    return `/products?${query}`;
  }

  const pages = pager(section.querySelector("[data-pager]"), first, () => panel.reload());
  const panel = loader(section, "product", load, (loaded) => {
    products = loaded.products;
    pages.show(loaded.next);
    show();
  });

  async function load(signal) {
    const { data, headers } = await ask("product", "GET", pages.path(), { signal });
    const withLevels = async (product) => ({ ...product, ...(await levels(product, signal)) });
    return { products: await Promise.all(data.map(withLevels)), next: next(headers) };
  }

  const render = list(table, ({ id }) => id, (product) => row(product, { changed, removed }));

  function show() {
    render(products);
    empty.hidden = products.length > 0;
  }

  function changed(product) {
    products = products.map((old) => (old.id === product.id ? product : old));
    show();
  }

  function removed({ id, name }) {
    products = products.filter((product) => product.id !== id);
    show();
    section.querySelector("h2").focus();
    say(text("removed", { name }));
  }

  function restart() {
    pages.reset();
    return panel.reload();
  }

  onTyped(search, restart);
  add.addEventListener("click", () => {
    if (added.firstChild) return added.querySelector("input").focus();
    const close = () => (added.replaceChildren(), add.focus());
    const made = productForm({}, close, async (body) => {
      const { data } = await ask("product", "POST", "/products", { body });
      say(text("saved", { name: data.product.name }));
      close();
      search.value = data.product.name;
      restart();
    });
    added.replaceChildren(h("h3", {}, text("add-product")), made);
    made.querySelector("input").focus();
  });
  walk(table, search);

  /** While somebody is at the panel its rows stay, and only their numbers change. */
  async function recount() {
    if (!isUsed()) return panel.refresh();
    // The rest may have been edited meanwhile.
    const counted = new Map(await Promise.all(products.map(async (product) => [product.id, await levels(product).catch(() => null)])));
    products = products.map((product) => ({ ...product, ...counted.get(product.id) }));
    show();
  }
  return { reload: panel.reload, refresh: atMostEvery(2000, recount) };
}

/** `{stock, reserved, sold, received}` of a product, read in one moment. One that is gone keeps what was known. */
async function levels({ id, reserved = 0, sold = 0 }, signal) {
  try {
    const { data } = await ask("product", "GET", `/products/${id}/stock`, { signal });
    return { stock: undefined, received: undefined, ...data };
  } catch (error) {
    if (error.code === "product_not_found") return { reserved, sold };
    throw error;
  }
}

function row(product, { changed, removed }) {
  let now = product;
  const name = h("td.namecell");
  const [left, held, sold] = [h("b"), h("td.r.muted"), h("td.r.muted")];
  const bar = h("td.splitcell");
  const sign = h("td");
  const opened = h("td.wide", { colspan: "7" });
  const below = h("tr", { hidden: true }, opened);
  const more = button(".btn", text("receive"), () => toggle(more, receiveForm), { "data-act": true, "aria-expanded": "false" });
  const edit = button(".btn.quiet", text("edit"), () => toggle(edit, editForm), { "aria-expanded": "false" });
  const line = h("tr", { "data-row": true, tabindex: "-1" }, name, h("td.r", { "data-label": text("left") }, left), held, sold, bar, sign, h("td.acts", {}, more, edit));

  const close = () => {
    const opener = [more, edit].find((button) => button.getAttribute("aria-expanded") === "true");
    opener?.setAttribute("aria-expanded", "false");
    opened.replaceChildren();
    below.hidden = true;
    opener?.focus();
  };
  function toggle(opener, make) {
    const wasOpen = opener.getAttribute("aria-expanded") === "true";
    close();
    if (wasOpen) return;
    opener.setAttribute("aria-expanded", "true");
    opened.replaceChildren(make());
    below.hidden = false;
    opened.querySelector("input").focus();
  }

  const path = `/products/${product.id}`;

  function receiveForm() {
    const help = text("received", { n: number(now.received ?? 0) });
    const field = { name: "change", label: text("change"), type: "integer", required: true, help };
    // The change that was sent: if its answer got lost, what was received since shows whether it was made.
    let sent;
    return form([field], text("save"), close, async ({ change }) => {
      const found = await ask("product", "GET", `${path}/stock`);
      const { received = 0 } = found.data;
      if (sent && received === sent.before + sent.change) return done(found.data);
      if (sent && received !== sent.before) {
        // Somebody else has changed it too.
        sent = undefined;
        changed({ ...now, ...found.data });
        throw new Refused({ message: text("unsure") });
      }
      sent = { before: received, change };
      const { data } = await ask("product", "PUT", `${path}/stock`, { body: { change } });
      done(data);
    });
  }

  function editForm() {
    const made = productForm(now, close, async (body) => {
      const { data } = await ask("product", "PATCH", path, { body });
      done({ category: undefined, description: undefined, ...data });
    });
    const message = h("p.message", { role: "alert" });
    const sentence = text("ask-remove", { name: now.name });
    const remove = button(".btn.bad", text("remove"), () => question(buttons, sentence, text("yes-remove"), erase));
    const buttons = h("span.row", {}, remove);
    async function erase() {
      try {
        await ask("product", "DELETE", path);
        removed(now);
      } catch (error) {
        // Somebody else has removed it, or the answer to an earlier try got lost.
        if (error.code === "product_not_found") removed(now);
        else message.textContent = explain(error, "product");
      }
    }
    return h("div", {}, made, h("p.actions", {}, buttons), message);
  }

  function done(news) {
    say(text("saved", { name: now.name }));
    close();
    changed({ ...now, ...news });
  }

  function update(fresh) {
    now = fresh;
    const { stock, reserved, sold: gone } = fresh;
    const tracked = stock !== undefined;
    name.textContent = name.title = fresh.name;
    left.textContent = tracked ? number(stock) : "–";
    held.textContent = number(reserved);
    sold.textContent = number(gone);
    more.setAttribute("aria-label", `${text("receive")}: ${fresh.name}`);
    edit.setAttribute("aria-label", `${text("edit")}: ${fresh.name}`);
    bar.replaceChildren(tracked ? split(stock, reserved, gone) : h("span.faint.small", {}, text("untracked")));
    sign.replaceChildren(...signOf(stock));
  }
  return { element: h("tbody", { "data-id": product.id }, line, below), update };
}

function signOf(stock) {
  if (stock === 0) return [h("span.state.failed", {}, icon("x"), text("sold-out"))];
  return stock <= LOW ? [h("span.state.pending", {}, icon("warn"), text("low"))] : [];
}

/** A bar that is divided as the units are. */
function split(stock, reserved, sold) {
  const all = Math.max(1, stock + reserved + sold);
  const label = text("split", { stock: number(stock), reserved: number(reserved), sold: number(sold) });
  let x = 0;
  const rects = [["sp-a", stock], ["sp-h", reserved], ["sp-s", sold]].map(([name, units]) => {
    x += units;
    return svg("rect", { class: name, x: x - units, width: units, height: 8 });
  });
  return svg("svg", { class: "split", viewBox: `0 0 ${all} 8`, preserveAspectRatio: "none", role: "img", "aria-label": label }, rects);
}
