// The sequence diagram: lifelines, arrows, commits, events. Geometry is in pixels at a root font of 16 px.

import { svg, text } from "./ui.js";
import {
  caption,
  failureText,
  label,
  laneClass,
  laneName,
  outcome,
  sentence,
  statusClass,
  took,
} from "./live-words.js";

const ROW = 34;
/** In the mode "time", rows are never closer. */
const MIN_ROW = 25;
/** The height of the mode "time", if there are few steps. */
const TIME_HEIGHT = 620;
/** Before the first attempt of a group, for its title. */
const GROUP_TITLE = 24;
/** In the mode "order", for the words about a silence. */
const SILENCE = 18;
/** The column of times. */
const LEFT = 64;
const MIN_COLUMN = 104;
/** The width of a letter of the labels. */
const LETTER = 7;
const BOLT = "M1-5.5-3.5 1H0l-1 4.5L3.5-1H0z";

/**
 * Draws a sequence: `{heads, body}`, two drawings of one width, of which the first stays in view.
 * `mode` is "order" or "time"; `ports` has what is written under a service's name; `chosen` is the key of a step.
 */
export function diagram(model, { mode, width, ports, chosen }) {
  const { lanes, steps } = model;
  const wide = Math.max(width, LEFT + lanes.length * MIN_COLUMN);
  const column = (wide - LEFT) / lanes.length;
  const x = (lane) => LEFT + column * (lanes.indexOf(lane) + 0.5);
  const y = mode === "time" ? rowsByTime(model) : rowsInOrder(model);
  const height = (y.at(-1) ?? ROW) + 40;
  const draw = { model, mode, wide, x, y, column, chosen, at: (step) => y[steps.indexOf(step)] };
  const body = svg("svg", { class: "sequence", viewBox: `0 0 ${wide} ${height}`, role: "group" });
  body.append(...model.groups.flatMap((group) => bracket(draw, group)));
  body.append(...lanes.map((lane) => svg("path", { class: "life", d: `M${x(lane)} 0V${height}` })));
  body.append(...steps.flatMap((step) => activation(draw, step, height)));
  body.append(...model.silences.flatMap((silence) => pause(draw, silence)));
  body.append(...steps.flatMap((step, row) => [time(step, y[row]), mark(draw, step, y[row])]));
  return { heads: heads(draw, wide, lanes, ports), body };
}

/** Which steps begin a group. */
const begins = (step) => step.group?.[0] === step;

function rowsInOrder({ steps, silences }) {
  const silent = new Set(silences.map(({ before }) => before));
  let y = 0;
  return steps.map((step, row) => (y += ROW + (begins(step) ? GROUP_TITLE : 0) + (silent.has(row) ? SILENCE : 0)));
}

function rowsByTime({ steps }) {
  const end = Math.max(steps.at(-1)?.at ?? 0, 1e-6);
  let y = ROW - MIN_ROW;
  return steps.map((step) => {
    const least = y + (begins(step) ? 2 * MIN_ROW : MIN_ROW);
    return (y = Math.max(least, ROW + (step.at / end) * (TIME_HEIGHT - 60)));
  });
}

/** The names of the lifelines, with the awnings of the services. */
function heads({ x }, wide, lanes, ports) {
  const unit = svg("text", { class: "t", x: 14, y: 44 }, "ms");
  return svg("svg", { class: "sequence heads", viewBox: `0 0 ${wide} 50`, "aria-hidden": "true" }, [
    unit,
    ...lanes.map((lane) =>
      svg("g", { class: laneClass(lane) }, [
        ...awning(lane, x(lane)),
        svg("text", { class: "who", x: x(lane), y: 27, "text-anchor": "middle" }, laneName(lane)),
        svg("text", { class: "t", x: x(lane), y: 42, "text-anchor": "middle" }, ports[lane] ?? ""),
      ]),
    ),
  ]);
}

function awning(lane, x) {
  if (lane === "client") return [svg("path", { class: "life strong", d: `M${x - 44} 1h88` })];
  if (lane === "events") return [svg("path", { class: "ln ev", d: `M${x - 44} 1h88` })];
  return Array.from({ length: 8 }, (_, at) =>
    svg("path", { class: at % 2 ? "awn2" : "awn", d: `M${x - 44 + at * 11} 0h11v6a5.5 4 0 0 1-11 0z` }),
  );
}

function bracket({ x, column, at }, group) {
  const rows = group.flatMap((step) => [at(step), step.end && at(step.end)]).filter((row) => row !== undefined);
  if (!rows.length) return [];
  const [one, other] = [x(group[0].from), x(group[0].to)].sort((a, b) => a - b);
  const [left, right] = [one - column * 0.42, other + column * 0.42];
  const top = Math.min(...rows) - 40;
  const height = Math.max(...rows) - top + 14;
  return [
    svg("rect", { class: "group", x: left, y: top, width: right - left, height, rx: 4 }),
    svg("path", { class: "group-edge", d: `M${left + 8} ${top}H${left}V${top + height}h8` }),
    svg("text", { class: "aside", x: one + 14, y: top + 15 }, text("attempts", { n: group.length })),
  ];
}

/** The time in which a service works on a request. */
function activation({ x, at }, step, height) {
  if (step.kind !== "request" || step.end?.unreached) return [];
  const from = at(step);
  const until = step.end ? (at(step.end) ?? height) : height - 12;
  const open = step.end ? "" : " open";
  return [
    svg("rect", {
      class: `act ${laneClass(step.to)}${open}`,
      x: x(step.to) - 4,
      y: from,
      width: 8,
      height: Math.max(until - from, 6),
      rx: 2,
    }),
  ];
}

function pause({ mode, x, y, model }, { before, ms }) {
  const inOrder = mode === "order";
  const middle = inOrder
    ? y[before] - ROW + 4 - (begins(model.steps[before]) ? GROUP_TITLE : 0)
    : (y[before - 1] + y[before]) / 2;
  const words = svg("text", { class: "aside", x: LEFT + 8, y: middle + 4 }, text("silence", { ms: took(ms) }));
  if (!inOrder) return [words];
  return [svg("path", { class: "gap", d: `M${LEFT - 18} ${middle - 7}l5 3.5-8 3.5 8 3.5-5 3.5` }), words];
}

const time = ({ at }, y) =>
  svg("text", { class: "t", x: LEFT - 24, y: y + 4, "text-anchor": "end" }, took(at).replace(/ ms$/, ""));

function mark(draw, step, y) {
  const { x, column } = draw;
  if (step.kind === "commit") return commit(draw, step, x(step.from), y);
  const [from, to] = [x(step.from), step.from === step.to ? x(step.to) + column / 2 : x(step.to)];
  const way = to > from ? 1 : -1;
  const line = { y, way, x0: from + way * 4, x1: to - way * 4 };
  if (step.request) return step.kind === "lost" ? lost(step, line) : answer(step, line);
  return arrow(draw, step, line);
}

function commit({ wide }, step, x, y) {
  const words = (step.count ? `× ${step.count} ` : "") + (label(step.record) || "commit");
  const [way, room] = wide - x > 140 ? [1, Math.min(wide - x - 20, 240)] : [-1, 160];
  return svg("g", {}, [
    svg("title", {}, words),
    svg("path", { class: "notch", d: `M${x} ${y - 6.5}l6.5 6.5-6.5 6.5-6.5-6.5z` }),
    svg(
      "text",
      { class: "aside mono", x: x + way * 13, y: y + 4, "text-anchor": way > 0 ? "start" : "end" },
      cut(words, room),
    ),
  ]);
}

/** What fits into this width. */
const cut = (words, width) =>
  words.length * LETTER > width ? `${words.slice(0, Math.max(Math.floor(width / LETTER) - 1, 1))}…` : words;

const tip = ({ x1, y, way }, kind) => svg("path", { class: `tip ${kind}`, d: `M${x1} ${y}l${-way * 8}-4v8z` });

/** A request, an event, or a call that was not sent: what has a number and can be opened. */
function arrow({ chosen }, step, line) {
  const { x0, x1, y, way } = line;
  const kind = step.kind === "event" ? "ev" : step.undo ? "undo" : step.kind === "request" && !step.end ? "pend" : "";
  const wide = step.number.length > 1 ? 9 + step.number.length * 6 : 17;
  const badge = x0 + way * (wide / 2 + 4);
  const words = caption(step);
  const attributes = { class: "call", "data-key": step.key, "data-kind": step.kind, role: "button", tabindex: -1 };
  const node = svg("g", { ...attributes, "aria-pressed": String(step.key === chosen), "aria-label": sentence(step) }, [
    svg("title", {}, words),
    svg("rect", {
      class: "hit",
      x: Math.min(x0, x1) - 12,
      y: y - 19,
      width: Math.abs(x1 - x0) + 24,
      height: 29,
      rx: 4,
    }),
  ]);
  const begin = badge + way * (wide / 2 + 5);
  // The order of the words is that of the arrow's name.
  node.append(
    svg("rect", { class: `num-badge ${kind}`, x: badge - wide / 2, y: y - 8.5, width: wide, height: 17, rx: 8.5 }),
    svg("text", { class: `num-text ${kind}`, x: badge, y: y + 3.5 }, step.number),
    " ",
    ...written(words, kind, begin, x1, y - 6),
  );
  if (step.kind === "unasked") {
    // A switch that is up.
    const middle = x0 + (x1 - x0) * 0.46;
    node.append(
      " ",
      svg(
        "text",
        { class: "aside", x: x1 - way * 10, y: y + 14, "text-anchor": way > 0 ? "end" : "start" },
        failureText(step.record.failure),
      ),
      svg("path", {
        class: "ln",
        d: `M${badge + (way * wide) / 2} ${y}H${middle}l${way * 26}-12M${middle + way * 30} ${y}H${x1}`,
      }),
      svg("circle", { class: "tip", cx: middle, cy: y, r: 2.5 }),
      svg("circle", { class: "tip", cx: middle + way * 30, cy: y, r: 2.5 }),
    );
  } else {
    node.append(
      svg("path", { class: `ln ${kind}`, d: `M${badge + (way * wide) / 2} ${y}H${x1 - way * 6}` }),
      tip(line, kind),
    );
  }
  const fault = step.record.fault ?? step.answer?.fault;
  if (fault && step.end?.kind !== "lost") node.append(bolt(x1 - way * 14, y - 10));
  return node;
}

/** The words on an arrow, which are in its name: where they are cut off, whole words are left, and the dots are no text. */
function written(words, kind, begin, end, y) {
  const way = end > begin ? 1 : -1;
  const letters = Math.max(Math.floor(Math.abs(end - begin) / LETTER), 3);
  const isCut = words.length > letters;
  const shown = isCut ? words.slice(0, letters - 2).replace(/[\p{L}\p{N}]+$/u, "") : words;
  const x = isCut && way < 0 ? begin - 2 * LETTER : begin;
  const dots = way > 0 ? x + shown.length * LETTER + 2 : x + 4;
  return [
    svg("text", { class: `label ${kind}`, x, y, "text-anchor": way > 0 ? "start" : "end" }, shown),
    ...(isCut ? [svg("path", { class: `dots ${kind}`, d: `M${dots} ${y}h0m4 0h0m4 0h0` })] : []),
  ];
}

const bolt = (x, y) => svg("path", { class: "ln bad", d: BOLT, transform: `translate(${x} ${y})` });

function lost(step, { x0, x1, y, way }) {
  const { record, answer: given } = step.request;
  const end = step.unreached ? x0 + way * 14 : (x0 + x1) / 2;
  const node = svg("g", {}, [
    svg("path", { class: "ln thin bad", d: `M${x0} ${y}H${end}` }),
    svg("path", { class: "ln bad", d: `M${end - 5} ${y - 5}l10 10m0-10-10 10` }),
    svg(
      "text",
      { class: "aside er", x: end + way * 12, y: y + 4, "text-anchor": way > 0 ? "start" : "end" },
      outcome(step),
    ),
  ]);
  if (record.fault ?? given?.fault) node.append(bolt(x0 + way * 14, y - 10));
  return node;
}

function answer(step, { x0, x1, y, way }) {
  const { record, request } = step;
  const kind = request.undo ? "undo" : "";
  const [status, time] = [outcome(step), took(record.took_ms)];
  const why = record.failure ? failureText(record.failure) : "";
  const start = x1 - way * 16;
  const bad = record.failure || ["s4", "s5"].includes(statusClass(record.status));
  const node = svg("g", {}, [
    svg("path", {
      class: `ln thin ${kind}`,
      d: `M${x0} ${y}H${x1}M${x1 - way * 7} ${y - 4}L${x1} ${y}L${x1 - way * 7} ${y + 4}`,
    }),
    svg("text", { x: start, y: y - 5, "text-anchor": way > 0 ? "end" : "start" }, [
      svg("tspan", { class: bad ? "er" : "ok" }, status),
      svg("tspan", { class: "wa" }, ` ${time}${why && `  ${why}`}`),
    ]),
  ]);
  if (request.used) {
    const words = `✓ ${text("used")}`;
    const [length, wide] = [(status.length + time.length + 3) * LETTER, words.length * 6.4 + 14];
    const left = way > 0 ? start - length - wide : start + length;
    node.append(svg("rect", { class: "win", x: left, y: y - 17, width: wide, height: 15, rx: 7.5 }));
    node.append(svg("text", { class: "wintext", x: left + wide / 2, y: y - 6, "text-anchor": "middle" }, words));
  }
  return node;
}
