// Exports a trace as a file. Each format is a module of its own, which is loaded when it is asked for.

import { say, text } from "./ui.js";
import { ask } from "./admin-session.js";
import { later } from "./live-later.js";
import { keyOf } from "./live-traces.js";

/** Requests for details that are under way at once. */
const AT_ONCE = 4;
/** The format's module, the file's type and its ending. */
const FORMATS = {
  mermaid: ["./export-mermaid.js", "text/plain", "mmd"],
  svg: ["./export-svg.js", "image/svg+xml", "svg"],
  har: ["./export-har.js", "application/json", "har"],
  otlp: ["./export-otlp.js", "application/json", "otlp.json"],
  html: ["./export-html.js", "text/html", "html"],
};

/** Saves a trace, whose steps are `model`, in a format. `urls` has the address of each service. */
export async function save(format, { trace, model, urls, ports }) {
  const [module, type, ending] = FORMATS[format];
  const [{ write }] = await Promise.all([import(module), later()]);
  const content = await write({ trace, model, urls, ports, details: () => detailsOf(model) });
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `pasar-${trace.id.slice(0, 12)}.${ending}`;
  link.click();
  URL.revokeObjectURL(url);
  say(text("saved", { name: link.download }));
}

/** The headers and bodies of the steps, by the keys of their records. What is not there any more is left out. */
async function detailsOf({ steps }) {
  const records = steps.filter(({ kind }) => kind === "request" || kind === "unasked").map(({ record }) => record);
  const found = new Map();
  const next = async () => {
    for (let record = records.pop(); record; record = records.pop()) {
      const answer = await ask(record.service, "GET", `/calls/${record.id}`).catch(() => null);
      if (answer && keyOf(answer.data) === keyOf(record)) found.set(keyOf(record), answer.data);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
  return found;
}
