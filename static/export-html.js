// A trace as one HTML file that loads nothing and runs nothing.

import { h, language, milliseconds, text } from "./ui.js";
import { picture } from "./export-svg.js";
import { keyOf } from "./live-traces.js";
import { label, laneName, result } from "./live-words.js";

export async function write(context) {
  const { trace, model, details } = context;
  const known = await details();
  const page = document.implementation.createHTMLDocument(`${label(trace.root)} · Pasar`);
  page.documentElement.lang = language;
  page.head.prepend(
    h("meta", { charset: "utf-8" }),
    h("meta", { "http-equiv": "Content-Security-Policy", content: "default-src 'none'" }),
    h("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
  );
  page.body.append(
    h("h1", {}, label(trace.root)),
    h("p", {}, `${text("fact-trace")} ${trace.id}, ${trace.root.began_at}`),
    picture(context),
    ...model.steps.filter(({ number }) => number).map((step) => section(step, known.get(keyOf(step.record)))),
  );
  return `<!doctype html>\n${page.documentElement.outerHTML}\n`;
}

function section(step, known) {
  const { number, from, to, record, end } = step;
  const took = end && `, ${milliseconds(record.took_ms)}`;
  const body = (name, exchange) =>
    exchange?.body && [h("h3", {}, text(name)), h("pre", {}, JSON.stringify(exchange.body, null, 2))];
  return h("section", {}, [
    h("h2", {}, `${number} ${label(record)}`),
    h("p", {}, [`${laneName(from)} → ${laneName(to)}`, result(step)].filter(Boolean).join(": "), took),
    body("request", known?.request),
    body("response", known?.response),
  ]);
}
