// The catalogue.

import { call, next } from "./api.js";
import { h, icon, number, openPanel, rupiah, say, text } from "./ui.js";
import { button, notify, notifyAway, picture } from "./shop-parts.js";
import { isAmount, isId, isText, stored } from "./shop-store.js";
import { MAX_LINES, add, most } from "./shop-cart.js";
import { untilAnswered } from "./shop-retry.js";
import "./shop-header.js";
import "./shop-checkout.js";

const PAGE_ROWS = 40;
const TYPING_MS = 250;
/** Before this, no skeleton is shown. */
const SKELETON_MS = 300;
/** The most categories that are offered, besides the chosen one. */
const MAX_CATEGORIES = 12;
/** The first is the one without a choice. */
const SORTS = ["-id", "price", "-price", "name"];

const grid = document.querySelector("[data-catalogue]");
const area = document.querySelector("[data-notice]");
const foot = document.querySelector("[data-more]");
const search = document.querySelector("[data-search]");
const filters = document.querySelector("[data-filters]");
const pills = document.querySelector("[data-categories]");
const details = document.querySelector("#product");

const isProduct = (product) => isId(product?.id) && isText(product.name) && isAmount(product.price);
const listOf = (isValid) => (value) => (Array.isArray(value) ? value.filter(isValid) : []);
/** The first page of the last answer, for when the service is away. */
const lastAnswer = stored(sessionStorage, "catalogue", listOf(isProduct));
const categories = stored(sessionStorage, "categories", listOf(isText));

/** The products that are shown, and the path of those that follow. */
let shown = [];
let following = null;
let loading = new AbortController();

/** What the address asks for. */
function wanted() {
  const query = new URLSearchParams(location.search);
  const sort = query.get("sort");
  return {
    search: query.get("search")?.trim() ?? "",
    category: query.get("category") ?? "",
    in_stock: query.get("in_stock") === "true",
    sort: SORTS.includes(sort) ? sort : SORTS[0],
  };
}

/** The query of what is wanted, without what goes without saying. */
function queryOf({ search, category, in_stock, sort }) {
  const query = new URLSearchParams();
  if (search) query.set("search", search);
  if (category) query.set("category", category);
  if (in_stock) query.set("in_stock", "true");
  if (sort !== SORTS[0]) query.set("sort", sort);
  return query;
}

/** Changes the address and shows what it asks for. What is typed in one go is one step back. */
function want(changes, isTyping = false) {
  const query = queryOf({ ...wanted(), ...changes }).toString();
  if (query === queryOf(wanted()).toString()) return;
  const replaces = isTyping && history.state?.isTyping;
  history[replaces ? "replaceState" : "pushState"]({ isTyping }, "", query ? `?${query}` : location.pathname);
  showFilters();
  load();
}

function showFilters() {
  const { search: words, category, in_stock, sort } = wanted();
  if (document.activeElement !== search) search.value = words;
  filters.elements.in_stock.checked = in_stock;
  filters.elements.sort.value = sort;
  const pill = (name, label) => h("button", {
    type: "button", "data-category": name, "aria-pressed": String(name === category), click: () => want({ category: name }),
  }, h("span.cut", {}, label));
  const known = categories.get();
  if (category && !known.includes(category)) known.push(category);
  const focused = document.activeElement?.dataset?.category;
  pills.replaceChildren(pill("", text("all")), ...known.map((name) => pill(name, name)));
  if (focused !== undefined) [...pills.children].find(({ dataset }) => dataset.category === focused)?.focus();
}

/** Keeps what the page can do without: the storage may be full. */
function keep(cache, value) {
  try {
    cache.set(value);
  } catch {
    // The next page asks again.
  }
}

function learnCategories(products) {
  const known = new Set(categories.get());
  for (const { category } of products) if (category && known.size < MAX_CATEGORIES) known.add(category);
  if (known.size === categories.get().length) return;
  keep(categories, [...known]);
  showFilters();
}

async function load() {
  loading.abort();
  loading = new AbortController();
  const { signal } = loading;
  const query = queryOf(wanted());
  query.set("sort", wanted().sort);
  query.set("limit", PAGE_ROWS);
  const skeleton = setTimeout(() => grid.replaceChildren(...Array.from({ length: 8 }, bone)), SKELETON_MS);
  signal.addEventListener("abort", () => clearTimeout(skeleton));
  const away = (error, retry) => {
    clearTimeout(skeleton);
    showLastAnswer();
    const sentence = lastAnswer.get().length ? "last_catalogue" : "away";
    notifyAway(area, "product", sentence)(error, retry);
  };
  try {
    const { data, headers } = await untilAnswered(() => call("product", "GET", `/products?${query}`, { signal }), { away, signal });
    clearTimeout(skeleton);
    shown = data;
    following = next(headers);
    notify(area, null);
    grid.replaceChildren(...shown.map((product) => itemOf(product)));
    showFoot();
    say(count());
    learnCategories(data);
    if (data.length) keep(lastAnswer, data);
  } catch (error) {
    clearTimeout(skeleton);
    if (signal.aborted) return;
    if (!error.problem) throw error;
    grid.replaceChildren();
    foot.replaceChildren();
    notify(area, error.message, { isBad: true, actions: [clearFilters()] });
  }
}

/** The next page, below what is shown. */
async function loadMore(press) {
  const { signal } = loading;
  const area = foot.querySelector("[data-notice]");
  const path = following;
  press.setAttribute("aria-disabled", "true");
  try {
    const get = () => call("product", "GET", path, { signal });
    const { data, headers } = await untilAnswered(get, { away: notifyAway(area, "product"), signal });
    if (signal.aborted || path !== following) return;
    following = next(headers);
    shown = shown.concat(data);
    learnCategories(data);
    const items = data.map((product) => itemOf(product));
    grid.append(...items);
    showFoot();
    items[0]?.querySelector("a").focus();
    say(count());
  } catch (error) {
    if (signal.aborted) return;
    if (!error.problem) throw error;
    notify(area, error.message, { isBad: true });
  }
}

const count = () => text(following ? "shown_of_more" : "shown", { count: number(shown.length) });
const clearFilters = () => button(text("clear_filters"), () => {
  search.value = "";
  want({ search: "", category: "", in_stock: false });
});

function showFoot() {
  const isFiltered = queryOf({ ...wanted(), sort: "id" }).toString() !== "";
  if (shown.length === 0) {
    const nothing = h("p.empty", {}, text(isFiltered ? "nothing_found" : "nothing_yet"));
    return foot.replaceChildren(nothing, ...(isFiltered ? [clearFilters()] : []));
  }
  const more = following && button(text("more"), () => loadMore(more));
  foot.replaceChildren(h("p.small.muted.num", {}, count()), h("div", { "data-notice": true }), ...(more ? [more] : []));
}

/** What the service has answered last, with buttons that are off. */
function showLastAnswer() {
  const products = shown.length ? shown : lastAnswer.get();
  grid.replaceChildren(...products.map((product) => itemOf(product, true)));
  foot.replaceChildren();
}

const bone = () => h("li.item", { "aria-hidden": "true" }, h("span.pic.bone"), h("span.bone"), h("span.bone.short"));

function itemOf(product, isOff = false) {
  const { id, name, price, stock, category } = product;
  return h("li.item", { class: stock === 0 ? "out" : null, "data-product-id": id },
    picture(product, "pic"),
    h("span.cat.cut", {}, category ?? ""),
    h("h2", {}, h("a", { href: `?product=${id}`, click: (event) => follow(event, product, isOff) }, name)),
    h("span.price.num", {}, rupiah(price)),
    h("span.buy", {}, stockHint(stock), buyButton(product, isOff)));
}

/** Opens the details in place; with a modifier key the browser opens the address. */
function follow(event, product, isOff) {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  showDetails(product, isOff, event.currentTarget);
}

function stockHint(stock) {
  if (stock === undefined) return h("span.hint-ok", {}, text("always"));
  if (stock > 0 && stock <= 3) return h("span.hint-low.num", {}, text("few", { count: stock }));
  return h("span.hint-ok.num", {}, text("stock", { count: number(stock) }));
}

function buyButton(product, isOff) {
  const { name, stock } = product;
  if (stock === 0) return h("button.btn", { type: "button", disabled: true, "aria-label": text("sold_out_name", { name }) }, text("sold_out"));
  return h("button.btn", { type: "button", disabled: isOff, "aria-label": text("add_name", { name }), click: () => addToCart(product) },
    icon("plus"), text("add"));
}

function addToCart(product) {
  const { name } = product;
  const quantity = add(product);
  if (quantity === null) return notify(area, text("sending_again"));
  if (quantity === 0) return say(text("cart_full", { count: MAX_LINES }));
  say(quantity >= most(product) ? text("all_in_cart", { name }) : text("added", { name, count: number(quantity) }));
}

function showDetails(product, isOff, opener) {
  const { name, price, stock, category, description } = product;
  details.querySelector("h2").textContent = name;
  details.querySelector("[data-product]").replaceChildren(
    picture(product, "pic"), h("p.cat.wrap", {}, category ?? ""), h("p.description.wrap", {}, description ?? text("no_description")));
  details.querySelector("[data-product-buy]").replaceChildren(
    h("p.total", {}, stockHint(stock), h("b.num", {}, rupiah(price))), buyButton(product, isOff));
  openPanel(details, opener);
}

/** Opens the details of the product that the address names. */
async function openNamed() {
  const id = new URLSearchParams(location.search).get("product");
  if (!id) return;
  history.replaceState(history.state, "", location.pathname);
  try {
    const { data } = await call("product", "GET", `/products/${encodeURIComponent(id)}`);
    // After an outage somebody may be at the cart.
    if (!document.querySelector("[aria-modal]:not([hidden])")) showDetails(data, false, null);
  } catch (error) {
    notify(area, error.problem ? error.message : text("away_form", { service: "ProductService" }), { isBad: true });
  }
}

let typing;
search.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => want({ search: search.value.trim() }, true), TYPING_MS);
});
filters.addEventListener("submit", (event) => event.preventDefault());
filters.elements.in_stock.addEventListener("change", ({ target }) => want({ in_stock: target.checked }));
filters.elements.sort.addEventListener("change", ({ target }) => want({ sort: target.value }));
addEventListener("popstate", () => {
  search.value = wanted().search;
  showFilters();
  load();
});

showFilters();
load().then(openNamed);
