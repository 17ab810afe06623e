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
    "client-user": ["M80 118C86 22 190 14 330 14H590Q628 14 634 34", [148, 22], [196, 22]],
    "client-product": ["M80 184C86 272 190 280 330 280H520Q570 280 582 262", [148, 282], [196, 273]],
    "client-order": ["M140 138C200 138 200 80 262 80", [172, 116], [201, 109]],
    "client-payment": ["M140 164C200 164 200 226 262 226", [172, 192], [201, 195]],
    "order-user": ["M412 72H566", [489, 52], [489, 72]],
    "order-product": ["M412 92C490 92 490 218 566 218", [518, 170], [489, 155]],
    "order-payment": ["M324 110V186", [296, 138], [324, 135]],
    "payment-order": ["M350 186V110", [378, 165], [350, 161]],
    "events-user": ["M770 132C740 132 742 78 716 78", [768, 98], [742, 105]],
    "events-order": ["M770 152C620 152 560 148 412 100", [620, 138], [654, 150]],
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
    "client-user": ["M230 70C230 100 285 88 285 114", [296, 92], [252, 92]],
    "client-product": ["M255 30H350Q376 30 376 60V270Q376 294 360 294", [340, 22], [372, 190]],
    "client-order": ["M160 70C160 100 105 88 105 114", [98, 92], [138, 92]],
    "client-payment": ["M135 30H40Q14 30 14 60V270Q14 294 30 294", [50, 22], [18, 190]],
    "order-user": ["M180 154H210", [195, 132], [195, 154]],
    "order-product": ["M180 174C200 174 190 294 210 294", [220, 246], [196, 234]],
    "order-payment": ["M92 192V256", [68, 216], [88, 212]],
    "payment-order": ["M118 256V192", [94, 242], [118, 234]],
    "events-user": ["M222 366C210 250 262 240 262 192", [278, 226], [253, 222]],
    "events-order": ["M168 366C184 280 160 230 150 192", [170, 250], [157, 218]],
  },
};
const SERVICES = ["order", "payment", "user", "product"];
const TALL_SCREEN = matchMedia("(max-width: 700px)");
const CALM = matchMedia("(prefers-reduced-motion: reduce)");
/** The sign of a fault, and those of a control, around the middle. */
const BOLT = "M1-5.5-3.5 1H0l-1 4.5L3.5-1H0z";
const SQUARE = "M-5-5h10v10h-10z";
const TRIANGLE = "M-4-6v12l9-6z";
const PULSE = { duration: 900, easing: "ease-in-out" };

/**
 * The map in `drawing`. `touch` is called with `{edge}` or `{service}` and its button: somebody wants a fault on the
 * edge, or stops or runs the service.
 */
export function map(drawing, ports, touch) {
  const counted = rates();
  const away = new Set();
  /** The edges and services on which faults can be armed; what is armed on each edge; the services that are stopped. */
  const offered = new Set();
  let armed = new Map();
  let stopped = new Set();
  let parts;

  function draw() {
    const drawn = TALL_SCREEN.matches ? TALL : WIDE;
    parts = { edges: {}, pulses: {}, rates: {}, nodes: {}, handles: {}, controls: {} };
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
    for (const [name, [, , at]] of Object.entries(drawn.edges)) {
      if (!offered.has(name)) continue;
      parts.handles[name] = button({ edge: name }, at, BOLT);
      drawing.append(parts.handles[name]);
    }
    mark();
    count();
  }

  /** A sign that can be pressed. */
  function button(target, [x, y], sign) {
    const press = (event) => {
      if (event.type === "keydown" && event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      // A click elsewhere would close what this one opens.
      event.stopPropagation();
      touch(target, node);
    };
    const { edge, service } = target;
    const at = { class: edge ? "handle" : "control", transform: `translate(${x} ${y})` };
    const node = svg("g", { ...at, "data-edge": edge, "data-service": service, role: "button", tabindex: 0, click: press, keydown: press }, [
      svg("circle", { class: "hit", r: 16 }),
      edge && svg("circle", { r: 12 }),
      svg("path", { d: sign }),
    ]);
    return node;
  }

  /** Shows what is armed and who is stopped. */
  function mark() {
    for (const [name, edge] of Object.entries(parts.edges)) edge.classList.toggle("hurt", armed.has(name));
    for (const [name, handle] of Object.entries(parts.handles)) {
      const [from, to] = name.split("-").map(laneName);
      handle.classList.toggle("armed", armed.has(name));
      handle.setAttribute("aria-label", [text("handle", { from, to }), armed.get(name)].filter(Boolean).join(" "));
    }
    for (const [name, control] of Object.entries(parts.controls)) {
      const isStopped = stopped.has(name);
      control.setAttribute("aria-label", text(isStopped ? "run" : "stop", { service: laneName(name) }));
      control.lastChild.setAttribute("d", isStopped ? TRIANGLE : SQUARE);
    }
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
      parts.rates[name],
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
      svg("text", { class: "name", x: x + 12, y: y + 33 }, laneName(name)),
      svg("text", { class: "port", x: x + 12, y: y + 48 }, ports()[name] ?? ""),
      state,
    ]);
    if (offered.has(name)) node.append((parts.controls[name] = button({ service: name }, [x + 130, y + 34], SQUARE)));
    parts.nodes[name] = { node, state };
    return node;
  }

  const perMinute = (n) => text("per-minute", { n: number(n) });

  /** Writes the figures of the last minute. */
  function count() {
    const sentences = [];
    for (const [name, { node, state }] of Object.entries(parts.nodes)) {
      const { calls, p95 } = counted.service(name);
      const down = away.has(name) || stopped.has(name);
      node.classList.toggle("off", down);
      state.textContent = down
        ? text(stopped.has(name) ? "stopped" : "away-short")
        : perMinute(calls) +
          (p95 === null ? "" : ` · p95 ${number(p95, { maximumFractionDigits: p95 < 10 ? 1 : 0 })} ms`);
      sentences.push(`${laneName(name)}: ${state.textContent}`);
    }
    for (const [name, edge] of Object.entries(parts.edges)) {
      const calls = counted.edge(name);
      edge.classList.toggle("quiet", calls === 0);
      edge.classList.toggle(
        "off",
        name.split("-").some((end) => away.has(end) || stopped.has(end)),
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
    /** Faults can be armed at these services, which make the calls along `edges`. */
    offer(services, edges) {
      const local = services.flatMap((name) => [name, `client-${name}`, `events-${name}`]);
      const more = [...local, ...edges.map(({ from, to }) => `${from}-${to}`)].filter((name) => !offered.has(name));
      for (const name of more) offered.add(name);
      if (more.length) draw();
    },
    /** `on` has a sentence about what is armed on each edge; `off` the services that are stopped. */
    faults(on, off) {
      [armed, stopped] = [on, off];
      mark();
      count();
    },
    /** Moves the focus to the handle of the next edge, first to those with a fault. */
    next() {
      const handles = Object.values(parts.handles);
      const at = handles.indexOf(document.activeElement);
      const first = handles.find((handle) => handle.classList.contains("armed")) ?? handles[0];
      (at < 0 ? first : handles[(at + 1) % handles.length])?.focus();
    },
  };
}
