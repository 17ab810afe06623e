// The receipts: what is armed, how often it fired, and on which traces.

import { clock, h, icon, number, text } from "./ui.js";
import { SERVICES, laneClass, laneName } from "./live-words.js";

/** The traces that a receipt links to: the newest. */
const LINKS = 5;

/** The service at which a fault fires. */
export const placeOf = ({ from, to }) => (SERVICES.includes(from) ? from : to);
export const keyOf = (fault) => `${placeOf(fault)}/${fault.name}`;
export const isStop = ({ kind }) => kind === "stop";

/** `Order → Product, Balasan hilang setelah commit`. */
export const nameOf = (fault) =>
  isStop(fault)
    ? `${laneName(fault.to)}, ${what(fault)}`
    : `${laneName(fault.from)} → ${laneName(fault.to)}, ${what(fault)}`;

/** What a fault does, and to what. */
export function what({ kind, delay_ms: delay, method, path, percent }) {
  const route = [method, path].filter(Boolean).join(" ");
  return [
    text(`kind-${kind}`) + (delay === null ? "" : ` ${number(delay)} ms`),
    route,
    percent < 100 && text("of-hundred", { n: percent }),
  ]
    .filter(Boolean)
    .join(", ");
}

/** `1/2`: how often it fired, and may. */
export const countOf = ({ fired, times }) =>
  times === null ? text("times", { n: number(fired) }) : `${number(fired)}/${number(times)}`;

/** The receipts in `section`; `remove` is called with a fault. */
export function receipts(section, remove) {
  const $ = (css) => section.querySelector(css);
  const title = $("h2");
  const failure = h("p.notice.bad.small", { role: "alert", hidden: true });
  const list = h("ul");
  const rows = new Map();
  $(".panel-head").after(failure, list);

  function row(fault) {
    const press = () => remove(rows.get(keyOf(fault)).fault);
    const body = h("div");
    const button = h("button.iconbtn", { type: "button", click: press }, icon("x"));
    return { body, button, node: h("li", { "data-fault": fault.name }, body, button) };
  }

  function fill(entry, fault) {
    const isSame = JSON.stringify(entry.fault) === JSON.stringify(fault);
    entry.fault = fault;
    if (isSame) return;
    entry.node.classList.toggle("spent", fault.spent);
    entry.button.setAttribute("aria-label", text("remove", { what: nameOf(fault) }));
    // A link that has the focus keeps it.
    const focused = entry.body.contains(document.activeElement) && document.activeElement.getAttribute("href");
    entry.body.replaceChildren(...content(fault));
    if (focused) entry.body.querySelector(`[href="${focused}"]`)?.focus();
  }

  return {
    show(faults) {
      const hadFocus = section.contains(document.activeElement);
      for (const fault of faults) {
        const key = keyOf(fault);
        if (!rows.has(key)) rows.set(key, row(fault));
        fill(rows.get(key), fault);
      }
      const keys = new Set(faults.map(keyOf));
      for (const [key, { node }] of rows) {
        if (keys.has(key)) continue;
        node.remove();
        rows.delete(key);
      }
      for (const key of keys) if (!rows.get(key).node.isConnected) list.append(rows.get(key).node);
      $("[data-none]").hidden = faults.length > 0;
      $("[data-remove-all]").hidden = faults.length === 0;
      if (hadFocus && !section.contains(document.activeElement)) title.focus();
    },
    /** Says why a change failed; empty if it did not. */
    fail(why) {
      failure.hidden = !why;
      failure.textContent = why;
    },
  };
}

function content(fault) {
  const { from, to, spent, calls } = fault;
  const name = (lane) => h("b", { class: laneClass(lane) }, laneName(lane));
  const newest = new Map(calls.map(({ trace, at }) => [trace, at]));
  const links = [...newest].slice(-LINKS).reverse();
  return [
    h("span.pair", {}, isStop(fault) ? name(to) : [name(from), " → ", name(to)]),
    h("span.fired.num", {}, countOf(fault), spent && h("span.sr", {}, ` ${text("spent")}`)),
    h("span.kind", {}, what(fault)),
    links.length > 0 &&
      h(
        "span.marks.num",
        {},
        h("span.sr", {}, text("fired-on")),
        icon("bolt"),
        links.map(([trace, at]) => h("a", { href: `#trace=${trace}`, title: trace }, clock(at))),
        newest.size > LINKS && text("and-more", { n: newest.size - LINKS }),
      ),
  ].filter(Boolean);
}
