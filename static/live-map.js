// The map of the services: who calls whom, how often, how fast. A batch of calls is one pulse.

import { number, svg, text } from "./ui.js";
import { rates } from "./live-rates.js";
import { laneClass, laneName } from "./live-words.js";

// Two drawings of the same map: a wide one, and a tall one for phones. Only coordinates differ.
const WIDE = {
  box: "0 0 900 326",
  order: [262, 34],
  payment: [262, 186],
  user: [566, 34],
  product: [566, 186],
  client: [20, 118, 120, 66],
  events: [770, 118, 114, 68],
  floor: [236, 294, 648],
  stems: ["M262 96H250V294", "M716 96H728V294", "M337 262V294", "M641 262V294", "M826 294V186"],
  edges: {
    "client-user": ["M80 118C86 22 190 14 330 14H590Q628 14 634 34", [200, 12]],
    "client-product": ["M80 184C86 272 190 280 330 280H520Q570 280 582 262", [180, 284]],
    "client-order": ["M140 138C200 138 200 80 262 80", [201, 98]],
    "client-payment": ["M140 164C200 164 200 226 262 226", [201, 214]],
    "order-user": ["M412 72H566", [489, 66]],
    "order-product": ["M412 92C490 92 490 218 566 218", [514, 146]],
    "order-payment": ["M324 110V186", [290, 152]],
    "payment-order": ["M350 186V110", [384, 152]],
    "events-user": ["M770 132C740 132 742 78 716 78", [762, 100]],
    "events-order": ["M770 152C620 152 560 148 412 100", [620, 138]],
  },
};
const TALL = {
  box: "0 0 390 476",
  order: [30, 116],
  payment: [30, 256],
  user: [210, 116],
  product: [210, 256],
  client: [135, 8, 120, 62],
  events: [135, 366, 120, 50],
  floor: [14, 440, 362],
  stems: ["M60 332V440", "M330 332V440", "M195 440V416"],
  edges: {
    "client-user": ["M230 70C230 100 285 88 285 114", [292, 92]],
    "client-product": ["M255 30H350Q376 30 376 60V270Q376 294 360 294", [340, 22]],
    "client-order": ["M160 70C160 100 105 88 105 114", [98, 92]],
    "client-payment": ["M135 30H40Q14 30 14 60V270Q14 294 30 294", [50, 22]],
    "order-user": ["M180 154H210", [195, 148]],
    "order-product": ["M180 174C200 174 190 294 210 294", [206, 236]],
    "order-payment": ["M92 192V256", [64, 228]],
    "payment-order": ["M118 256V192", [146, 228]],
    "events-user": ["M222 366C210 250 262 240 262 192", [262, 226]],
    "events-order": ["M168 366C184 280 160 230 150 192", [146, 254]],
  },
};
const SERVICES = ["order", "payment", "user", "product"];
const TALL_SCREEN = matchMedia("(max-width: 700px)");
const CALM = matchMedia("(prefers-reduced-motion: reduce)");
const PULSE = { duration: 900, easing: "ease-in-out" };

/** The map in `drawing`. */
export function map(drawing, ports) {
  const counted = rates();
  const away = new Set();
  let parts;

  function draw() {
    const drawn = TALL_SCREEN.matches ? TALL : WIDE;
    parts = { edges: {}, pulses: {}, rates: {}, nodes: {} };
    drawing.setAttribute("viewBox", drawn.box);
    drawing.replaceChildren(...drawn.stems.map((d) => svg("path", { class: "stem", d })), ...floor(drawn));
    for (const [name, [d, [x, y]]] of Object.entries(drawn.edges)) {
      parts.edges[name] = svg("path", { class: `edge${name.startsWith("events") ? " ev" : ""}`, d });
      parts.pulses[name] = svg("path", { class: `pulse${name.startsWith("events") ? " ev" : ""}`, d, pathLength: 100 });
      parts.rates[name] = svg("text", { class: "rate", x, y, "text-anchor": "middle" });
      drawing.append(parts.edges[name], parts.pulses[name]);
    }
    drawing.append(
      box(drawn.client, "client"),
      box(drawn.events, "events"),
      ...SERVICES.map((name) => stall(name, drawn[name])),
    );
    drawing.append(...Object.keys(drawn.edges).map((name) => parts.rates[name]));
    count();
  }

  function floor({ floor: [x, y, width] }) {
    parts.rates.database = svg("text", { class: "rate", x: x + width - 12, y: y + 16, "text-anchor": "end" });
    const inside = [
      svg("rect", { class: "floor", x, y, width, height: 24, rx: 3 }),
      svg("text", { class: "rate", x: x + 12, y: y + 16 }, text("database")),
      parts.rates.database,
    ];
    return [svg("g", { class: "stall" }, inside)];
  }

  // The client and the events are no stalls: no awning.
  function box([x, y, width, height], name) {
    const middle = { x: x + width / 2, "text-anchor": "middle" };
    parts.rates[name] = svg("text", { class: "rate", ...middle, y: y + height / 2 + 14 });
    return svg("g", { class: `stall ${laneClass(name)}` }, [
      svg("rect", { class: "body", x, y, width, height, rx: 6 }),
      svg("text", { class: "name", ...middle, y: y + height / 2 - 4 }, laneName(name)),
    ]);
  }

  function stall(name, [x, y]) {
    const wide = 158 / 6;
    const awning = Array.from({ length: 6 }, (_, at) =>
      svg("path", {
        class: at % 2 ? "awn2" : "awn",
        d: `M${x - 4 + at * wide} ${y - 2}h${wide}v9a${wide / 2} 6 0 0 1-${wide} 0z`,
      }),
    );
    const state = svg("text", { class: "rate", x: x + 12, y: y + 64 });
    const node = svg("g", { class: `stall is-${name}` }, [
      svg("rect", { class: "body", x, y, width: 150, height: 76, rx: 4 }),
      ...awning,
      svg("text", { class: "name", x: x + 12, y: y + 38 }, laneName(name)),
      svg("text", { class: "port", x: x + 138, y: y + 38, "text-anchor": "end" }, ports()[name] ?? ""),
      state,
    ]);
    parts.nodes[name] = { node, state };
    return node;
  }

  const perMinute = (n) => text("per-minute", { n: number(n) });

  /** Writes the figures of the last minute. */
  function count() {
    const sentences = [];
    for (const [name, { node, state }] of Object.entries(parts.nodes)) {
      const { calls, p95 } = counted.service(name);
      const down = away.has(name);
      node.classList.toggle("off", down);
      state.textContent = down
        ? text("away-short")
        : perMinute(calls) +
          (p95 === null ? "" : ` · p95 ${number(p95, { maximumFractionDigits: p95 < 10 ? 1 : 0 })} ms`);
      sentences.push(`${laneName(name)}: ${state.textContent}`);
    }
    for (const [name, edge] of Object.entries(parts.edges)) {
      const calls = counted.edge(name);
      edge.classList.toggle("quiet", calls === 0);
      edge.classList.toggle(
        "off",
        name.split("-").some((end) => away.has(end)),
      );
      parts.rates[name].textContent = calls ? number(calls) : "";
    }
    for (const name of ["client", "events"]) parts.rates[name].textContent = perMinute(counted.from(name));
    parts.rates.database.textContent = text("commits", { n: number(counted.edge("commit")) });
    const summary = sentences.join(". ");
    if (drawing.getAttribute("aria-label") !== summary) drawing.setAttribute("aria-label", summary);
  }

  TALL_SCREEN.addEventListener("change", draw);
  draw();
  setInterval(count, 1000);

  return {
    draw,
    /** Counts records that have ended, and shows a pulse on each edge that has one of them. */
    add(records, isPaused) {
      const edges = new Set(records.map((record) => counted.add(record)));
      count();
      if (isPaused || CALM.matches) return;
      for (const edge of edges)
        parts.pulses[edge]?.animate([{ strokeDashoffset: 3 }, { strokeDashoffset: -100 }], PULSE);
    },
    /** A service does not answer, or does so again. */
    away(name, isAway) {
      if (isAway) away.add(name);
      else away.delete(name);
      count();
    },
  };
}
