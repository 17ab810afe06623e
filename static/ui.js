// What every page shares: texts, elements, the colour scheme, copying, panels, keys.

const root = document.documentElement;

/** The language of the page: "id" or "en". */
export const language = root.lang;
const locale = language === "id" ? "id-ID" : "en-GB";

export const texts = JSON.parse(document.querySelector("#texts").textContent);

/** The text of this name, with `{x}` replaced by `values.x`. */
export function text(name, values = {}) {
  return (texts[name] ?? name).replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
}

/** `Rp 1.500.000`, in both languages. */
export const rupiah = (amount) => `Rp ${Number(amount).toLocaleString("id-ID")}`;
export const number = (value, options) => Number(value).toLocaleString(locale, options);
/** `16.02.41` of a time as the services write it. */
export const clock = (time) => new Date(time).toLocaleTimeString("id-ID");
export const day = (time) => new Date(time).toLocaleDateString(locale, { day: "numeric", month: "short", year: "numeric" });
/** `2,1 ms`: below ten with one decimal. */
export const milliseconds = (ms) => `${number(ms, { maximumFractionDigits: ms < 10 ? 1 : 0 })} ms`;

/**
 * An element. Of `attributes`, functions become listeners, `true` an empty attribute; null and false are left out.
 * Strings among the children are text, never HTML.
 */
export function h(name, attributes = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  fill(element, attributes, children);
  if (classes.length) element.classList.add(...classes);
  return element;
}

/** An element of SVG. */
export function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  fill(element, attributes, children);
  return element;
}

function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(key, value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
}

/** One of the symbols at the beginning of the page. */
export const icon = (name) => svg("svg", { class: "i", "aria-hidden": "true" }, svg("use", { href: `#i-${name}` }));

/** Says a sentence to those who listen to the page. */
export function say(sentence) {
  document.querySelector("#say").textContent = sentence;
}

export function keep(name, value) {
  document.cookie = `${name}=${value}; Path=/; Max-Age=31536000; SameSite=Lax`;
}

// The colour scheme: the system's, unless somebody chose (theme.js has applied that).
const dark = () => (root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
for (const button of document.querySelectorAll("[data-theme-toggle]")) {
  const show = () => button.setAttribute("aria-pressed", String(dark()));
  show();
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    keep("theme", root.dataset.theme);
    show();
  });
}

// The language is the server's; the address keeps its query and fragment.
for (const link of document.querySelectorAll(".tools a[hreflang]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    keep("lang", link.hreflang);
    const address = new URL(location.href);
    address.searchParams.delete("lang");
    history.replaceState(null, "", address);
    location.reload();
  });
}

/** Copies a text and says so. */
export async function copy(what) {
  await navigator.clipboard.writeText(what);
  say(language === "id" ? "Tersalin" : "Copied");
}

// Panels, one at a time: focus goes in, Escape closes, focus comes back.
const openers = new Map();
const isModal = (panel) => panel.getAttribute("aria-modal") === "true";

export function openPanel(panel, by) {
  closePanels(panel);
  openers.get(panel)?.setAttribute("aria-expanded", "false");
  openers.set(panel, by);
  panel.hidden = false;
  by?.setAttribute("aria-expanded", "true");
  // What lies under a dialog can't be reached until it is closed.
  if (isModal(panel)) setInert(panel, true);
  (panel.querySelector("[autofocus]") ?? panel.querySelector("h2, input, button"))?.focus();
}

export function closePanel(panel) {
  if (panel.hidden) return;
  panel.hidden = true;
  if (isModal(panel)) setInert(panel, false);
  const by = openers.get(panel);
  by?.setAttribute("aria-expanded", "false");
  (by?.isConnected ? by : document.querySelector("main"))?.focus();
  panel.dispatchEvent(new Event("close"));
}

function closePanels(except) {
  for (const panel of document.querySelectorAll("[data-panel]:not([hidden])")) if (panel !== except) closePanel(panel);
}

function setInert(panel, inert) {
  for (const other of document.body.children) if (other !== panel && other.id !== "say") other.inert = inert;
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) {
    const panel = document.querySelector(opener.dataset.opens);
    if (panel.hidden) openPanel(panel, opener);
    else closePanel(panel);
    return;
  }
  const closer = event.target.closest("[data-closes]");
  if (closer) closePanel(closer.closest("[data-panel]"));
  // A click elsewhere closes what is not modal.
  for (const panel of document.querySelectorAll("[data-panel]:not([hidden]):not([aria-modal])")) {
    if (!panel.contains(event.target) && event.target.isConnected) closePanel(panel);
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") closePanels();
  if (event.key === "/" && !event.target.closest("input, textarea, select")) {
    const search = document.querySelector("[data-search]");
    if (search) {
      event.preventDefault();
      search.focus();
    }
  }
});
