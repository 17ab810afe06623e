// Live streams: server-sent events, read with fetch. An EventSource could not send the token.

import { h, say, text } from "./ui.js";
import { highlight } from "./json.js";
import { ask, show, showLost, statusMark } from "./service-answer.js";

/** The events that stay on the page. */
const MAX_EVENTS = 200;

/** Opens the stream of a form and shows its events in `section` until it ends or `signal` is aborted. */
export async function listen(form, request, section, signal) {
  const began = performance.now();
  let response;
  try {
    response = await ask(request, signal);
  } catch {
    if (!signal.aborted) showLost(request, section, text("lost"));
    return;
  }
  if (!response.ok) {
    await show(form, request, section, response, began);
    return;
  }
  let count = 0;
  const state = h("span.small.num");
  const events = h("ol.events");
  const report = (name) => {
    state.textContent = text(name, { count });
  };
  section.replaceChildren(h("div.row", {}, statusMark(response), state), events);
  section.hidden = false;
  report("open");
  say(state.textContent);
  try {
    for await (const event of eventsOf(response.body)) {
      count += 1;
      report("open");
      events.prepend(item(event));
      if (events.children.length > MAX_EVENTS) events.lastElementChild.remove();
    }
    report("ended");
  } catch {
    report(signal.aborted ? "stopped" : "broken");
  }
  say(state.textContent);
}

/** The events in a body (the WHATWG's HTML standard, 9.2.6): `{id, data}`. */
async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let left = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (left + value).split("\n\n");
    left = blocks.pop();
    for (const block of blocks) {
      const field = (name) => {
        const lines = block.split("\n").filter((line) => line.startsWith(`${name}:`));
        return lines.map((line) => line.slice(name.length + 1).trimStart()).join("\n");
      };
      // What has no data is a comment, which keeps the connection alive.
      if (field("data")) yield { id: field("id"), data: field("data") };
    }
  }
}

function item({ id, data }) {
  return h("li", {}, h("span.mono.small.faint", {}, `id ${id}`), h("div.code", {}, h("pre", {}, highlight(data))));
}
