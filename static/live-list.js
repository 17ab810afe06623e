// The list of requests, the newest first. What somebody reads does not move: new rows come in above only while the list
// is at its top, else they wait on a button.

import { clock, h, icon, number, svg, text } from "./ui.js";
import { filter } from "./live-filter.js";
import { laneClass, statusClass, took } from "./live-words.js";

/** The rows on the page; pinned ones are shown besides. */
const MAX_ROWS = 200;

/** The list in `section` of the requests in `traces`; calls `choose` with the id of a trace. */
export function list(section, traces, choose) {
  const $ = (css) => section.querySelector(css);
  const [search, rows, fresh] = [$("[data-search]"), $("ol"), $("[data-fresh]")];
  const nodes = new Map();
  let shown = [];
  let chosen;

  function update(changed = new Set()) {
    const matches = filter(search.value);
    const found = traces.newest().filter(matches);
    const pinned = found.filter((trace) => trace.pinned);
    const others = found.filter((trace) => !trace.pinned);
    if (rows.scrollTop > 4 && shown.length) {
      const at = others.findIndex(({ id }) => shown.includes(id));
      waiting(at < 0 ? others.length : at);
    } else {
      waiting(0);
      shown = [...pinned, ...others.slice(0, MAX_ROWS)].map(({ id }) => id);
    }
    for (const id of shown) if (!nodes.has(id) || changed.has(id)) fill(id);
    for (const id of nodes.keys()) if (!shown.includes(id)) nodes.delete(id);
    // Rows that stay are not touched, so that they keep the focus.
    let at = rows.firstElementChild;
    for (const node of shown.map((id) => nodes.get(id))) {
      if (node === at) at = at.nextElementSibling;
      else rows.insertBefore(node, at);
    }
    while (at) {
      const next = at.nextElementSibling;
      at.remove();
      at = next;
    }
    $("[data-count]").textContent = number(traces.size);
    $("[data-none]").hidden = traces.size > 0;
    $("[data-empty]").hidden = traces.size === 0 || found.length > 0;
    $("[data-empty] p").textContent = text("nothing-matches", { filter: search.value });
  }

  function waiting(count) {
    fresh.hidden = count === 0;
    fresh.textContent = text("fresh", { n: number(count) });
  }

  function fill(id) {
    const trace = traces.get(id);
    // The row of a trace that is gone stays as it is.
    if (!trace) return;
    const button =
      nodes.get(id)?.firstElementChild ?? h("button.trace", { type: "button", "data-id": id, click: () => choose(id) });
    button.replaceChildren(...content(trace));
    if (!nodes.has(id)) nodes.set(id, h("li", {}, button));
    if (id === chosen) button.setAttribute("aria-current", "true");
  }

  rows.addEventListener("scroll", () => rows.scrollTop <= 4 && !fresh.hidden && update());
  fresh.addEventListener("click", () => {
    rows.scrollTop = 0;
    update();
  });
  search.addEventListener("input", () => {
    rows.scrollTop = 0;
    update();
  });
  $("[data-clear]").addEventListener("click", () => {
    search.value = "";
    search.focus();
    update();
  });

  return {
    update,
    mark(id) {
      nodes.get(chosen)?.firstElementChild.removeAttribute("aria-current");
      chosen = id;
      nodes.get(id)?.firstElementChild.setAttribute("aria-current", "true");
    },
    /** Chooses the row that is `by` below the chosen one. */
    move(by) {
      const at = shown.indexOf(chosen);
      const id = shown[at < 0 ? 0 : Math.min(Math.max(at + by, 0), shown.length - 1)];
      if (!id) return;
      choose(id);
      nodes.get(id).scrollIntoView({ block: "nearest" });
    },
  };
}

/** What a row says. */
function content(trace) {
  const { root } = trace;
  const { method, path, status, failure, took_ms: ms } = root;
  const name = method
    ? h(`span.method.${method.toLowerCase().replace(/\W/g, "")}`, {}, method)
    : h("span.method.event", {}, text(root.kind));
  const state = ms === null ? text("running") : failure && !status ? text("failed") : String(status ?? "");
  return [
    name,
    h("span.path.cut", {}, path || root.event?.kind || ""),
    h("span.status", { class: failure && !status ? "s5" : statusClass(status) }, state),
    h(
      "span.meta.num",
      {},
      trace.pinned && icon("pin"),
      clock(root.began_at),
      strip(trace),
      ms !== null && took(ms),
      h("span", {}, text(trace.hops === 1 ? "hop" : "hops", { n: trace.hops })),
    ),
  ];
}

/** Who worked when on a request: a line of the colours of services. */
function strip({ root, records }) {
  const whole = root.took_ms || 1;
  const percent = (ms) => Math.min(Math.max((100 * ms) / whole, 0), 100).toFixed(1);
  const bar = (service, from, ms) =>
    svg("rect", { class: `bar ${laneClass(service)}`, x: percent(from), width: Math.max(percent(ms), 2), height: 5 });
  const calls = [...records.values()].filter(({ kind, took_ms: ms }) => kind === "call" && ms !== null).slice(0, 40);
  return svg("svg", { viewBox: "0 0 100 5", preserveAspectRatio: "none", "aria-hidden": "true" }, [
    svg("rect", { class: "track", width: 100, height: 5 }),
    root.took_ms !== null && bar(root.service, 0, whole),
    ...calls.map((call) => bar(call.peer, call.at - root.at, call.took_ms)),
  ]);
}
