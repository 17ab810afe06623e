// Two charts of the last half hour: orders per minute, and the day's revenue.

import { h, number, rupiah, svg, text } from "./ui.js";

const WIDTH = 520;
const TOP = 10;
const FLOOR = 110;

/** Shows a summary of the order service in the two figures of `section`. */
export function charts(section, { minutes, revenue }) {
  const [orders, money] = section.querySelectorAll("figure");
  showOrders(orders, minutes);
  showRevenue(money, minutes, revenue);
}

const sum = (minutes, column) => minutes.reduce((total, minute) => total + minute[column], 0);
const time = (at) => new Date(at).toLocaleTimeString("id-ID", { hour: "2-digit", minute: "2-digit" });

function showOrders(figure, minutes) {
  const most = Math.max(...minutes.map(({ placed, refused }) => placed + refused));
  const scale = scaleTo(most);
  const slot = WIDTH / minutes.length;
  const bar = (name, index, from, to) =>
    to > from &&
    svg("rect", { class: name, x: index * slot + 2, width: slot - 4, y: scale.y(to), height: scale.y(from) - scale.y(to) });
  const bars = minutes.map(({ placed, refused }, index) => [
    bar("c-ok", index, 0, placed),
    bar("c-bad", index, placed, placed + refused),
  ]);
  const [placed, refused] = [sum(minutes, "placed"), sum(minutes, "refused")];
  const sentence = text("chart-orders", { placed: number(placed), refused: number(refused), most: number(most) });
  const rows = minutes.map((minute) => [time(minute.at), number(minute.placed), number(minute.refused)]);
  show(figure, number(minutes.at(-1).placed), minutes, draw(sentence, scale, number, bars), rows);
}

function showRevenue(figure, minutes, revenue) {
  const gained = sum(minutes, "revenue");
  // What was paid before midnight is not of today.
  let total = Math.max(0, revenue - gained);
  const totals = minutes.map((minute) => (total = Math.min(revenue, total + minute.revenue)));
  const scale = scaleTo(revenue);
  const step = WIDTH / (minutes.length - 1);
  const line = totals.map((value, index) => `${index ? "L" : "M"}${(index * step).toFixed(1)} ${scale.y(value)}`).join("");
  const drawn = [
    svg("path", { class: "c-area", d: `${line}L${WIDTH} ${FLOOR}L0 ${FLOOR}z` }),
    svg("path", { class: "c-line", d: line }),
    svg("circle", { class: "c-end", cx: WIDTH, cy: scale.y(totals.at(-1)), r: 4 }),
  ];
  const sentence = text("chart-revenue", { revenue: rupiah(revenue), gained: rupiah(gained) });
  const short = (value) => number(value, { notation: "compact" });
  const rows = minutes.map((minute, index) => [time(minute.at), rupiah(minute.revenue), rupiah(totals[index])]);
  show(figure, rupiah(revenue), minutes, draw(sentence, scale, short, drawn), rows);
}

/** A scale from zero to a round number that `most` fits below, and that has a round half. */
function scaleTo(most) {
  const power = 10 ** Math.floor(Math.log10(Math.max(most, 2)));
  const top = [1, 2, 4, 6, 8, 10].map((times) => Math.max(2, times * power)).find((round) => round >= most);
  return { top, y: (value) => Number((FLOOR - ((FLOOR - TOP) * value) / top).toFixed(1)) };
}

function draw(sentence, { top, y }, words, drawn) {
  const ticks = [top, top / 2, 0];
  return svg(
    "svg",
    { viewBox: "0 0 580 126", role: "img", "aria-label": sentence },
    svg("path", { class: "c-grid", d: ticks.map((tick) => `M0 ${y(tick)}H${WIDTH}`).join("") }),
    drawn,
    ticks.map((tick) => svg("text", { x: WIDTH + 6, y: y(tick) + 4 }, words(tick))),
  );
}

function show(figure, value, minutes, drawn, rows) {
  figure.querySelector("b").textContent = value;
  figure.querySelector("[data-chart]").replaceChildren(drawn);
  const times = [minutes[0], minutes[minutes.length >> 1], minutes.at(-1)];
  figure.querySelector(".axis").replaceChildren(...times.map(({ at }) => h("span", {}, time(at))));
  const cells = ([at, ...values]) => [h("th", { scope: "row" }, at), values.map((cell) => h("td.r", {}, cell))];
  figure.querySelector("tbody").replaceChildren(...rows.map((row) => h("tr", {}, cells(row))));
}
