// Sends a request and shows its answer.

import { traceOf } from "./api.js";
import { copy, h, icon, milliseconds, number, say, text } from "./ui.js";
import { highlight } from "./json.js";
import { setToken } from "./service-request.js";

/** More of an answer is not read: all orders may be a million. */
const MAX_BYTES = 256 * 1024;
/** The lines of such an answer that are shown. */
const MAX_LINES = 200;
const PATIENCE_SECONDS = 15;
/** The calls that give a token. */
const SESSIONS = ["/auth/login", "/auth/register"];
/** After these no later call can use the token. */
const DEAD_TOKEN = ["token_revoked", "token_expired", "token_invalid"];

/** Copies a text, or says why that is not possible. */
export const copyOrSay = (what) => copy(what).catch(() => say(text("not_copied")));

/** Sends a request; rejects if there is no answer. */
export function ask({ method, target, headers, body }, signal) {
  return fetch(target, { method, headers, body, signal, cache: "no-store" });
}

/** Sends the request of a form and shows what comes back in its `section`. */
export async function send(form, request, section) {
  const began = performance.now();
  const signal = AbortSignal.timeout(PATIENCE_SECONDS * 1000);
  try {
    await show(form, request, section, await ask(request, signal), began);
  } catch {
    showLost(request, section, signal.aborted ? text("late", { seconds: PATIENCE_SECONDS }) : text("lost"));
  }
}

/** Says in `section` that there is no answer, and whether the request may have changed something. */
export function showLost({ method }, section, why) {
  const next = text(method === "GET" ? "lost_read" : "lost_change");
  section.replaceChildren(h("p.notice.bad", {}, icon("warn"), h("span", {}, why, " ", next)));
  section.hidden = false;
  say(why);
}

/** Shows a response: its status, its time, its body, its headers, and what else the call can answer. */
export async function show(form, request, section, response, began) {
  const { content, state } = await read(response);
  const ms = performance.now() - began;
  const problem = response.ok ? null : parsed(content);
  const ofToken = keepToken(request, response, content, problem);
  markFields(form, problem?.errors ?? {});
  section.replaceChildren(
    ...[
      h("div.row", {}, statusMark(response), h("span.num.small", {}, milliseconds(ms))),
      ofToken && h("p.small", {}, ofToken),
      incomplete(request, state),
      content === "" ? h("p.small.muted", {}, text("no_body")) : bodyBlock(response, content, state),
      headerList(response),
      traceLink(response),
      otherAnswers(form, problem?.code),
    ].filter(Boolean),
  );
  section.hidden = false;
  say(`${response.status} ${response.statusText}, ${milliseconds(ms)}`);
}

export function statusMark({ status, statusText }) {
  const kind = status >= 500 ? "s5" : status >= 400 ? "s4" : "s2";
  return h(`span.status.${kind}`, {}, `${status} ${statusText}`.trim());
}

/** The beginning of a body; the rest is not fetched. */
async function read(response) {
  if (!response.body) return { content: "", state: "whole" };
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let content = "";
  let bytes = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return { content: content + decoder.decode(), state: "whole" };
      content += decoder.decode(value, { stream: true });
      bytes += value.length;
      if (bytes > MAX_BYTES) {
        await reader.cancel();
        return { content, state: "cut" };
      }
    }
  } catch {
    return { content, state: "broken" };
  }
}

function parsed(content) {
  try {
    return JSON.parse(content);
  } catch {
    return null;
  }
}

/** Who has logged in goes on with the token, until it is valid no more. Returns what to say of it, if there is something. */
function keepToken({ method, target, headers }, response, content, problem) {
  const isDead = DEAD_TOKEN.includes(problem?.code) || (response.ok && method === "POST" && target === "/auth/logout");
  if (isDead) {
    setToken("");
    return headers.Authorization && text("token_gone");
  }
  const given = response.ok && SESSIONS.includes(target) && parsed(content)?.access_token;
  if (!given) return null;
  setToken(given);
  return text("token_kept");
}

/** Says at each field of the request why it was refused. */
function markFields(form, errors) {
  for (const old of form.querySelectorAll(".err-text")) old.remove();
  for (const field of form.querySelectorAll("[data-in]")) {
    const why = Object.hasOwn(errors, field.name) ? errors[field.name] : null;
    field.removeAttribute("aria-invalid");
    if (why === null) continue;
    field.setAttribute("aria-invalid", "true");
    field.closest(".field").append(h("span.help.err-text", {}, why));
  }
}

function incomplete({ method, target, headers }, state) {
  if (state === "whole") return null;
  if (state === "broken") return h("p.notice.bad", {}, icon("warn"), text("broken_off"));
  // A link carries no token.
  const canDownload = method === "GET" && !headers.Authorization;
  const rest = canDownload ? h("a", { href: target, download: true }, text("download")) : text("cut_by_curl");
  return h("p.notice", {}, icon("warn"), h("span", {}, text("cut", { lines: MAX_LINES }), " ", rest));
}

function bodyBlock(response, content, state) {
  const isJson = (response.headers.get("content-type") ?? "").includes("json");
  const lines = state === "cut" ? MAX_LINES : Infinity;
  const shown = isJson ? highlight(content, lines) : content.split("\n").slice(0, lines).join("\n");
  // It scrolls, so the keyboard must reach it.
  const pre = h("pre", { tabindex: 0, "aria-label": text("answer"), role: "group" }, shown);
  const button = h(
    "button.btn.quiet.copy",
    { type: "button", "aria-label": text("copy_answer"), click: () => copyOrSay(pre.textContent) },
    icon("copy"),
  );
  return h("div.code", {}, button, pre);
}

function headerList(response) {
  const headers = [...response.headers];
  return h(
    "details.raw",
    {},
    h("summary", {}, text("headers"), " ", h("span.faint.num", {}, number(headers.length))),
    h("dl.hdr.mono.small", {}, headers.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
  );
}

function traceLink(response) {
  const trace = traceOf(response);
  return trace && h("p.small", {}, h("a", { href: `/live/#trace=${trace}` }, text("trace")));
}

function otherAnswers(form, code) {
  const fails = form.closest(".call").dataset.fails.split(",");
  const others = fails.map((fail) => fail.split(" ")).filter(([, name]) => name && name !== code);
  if (!others.length) return null;
  const links = others.map(([status, name], at) => [
    at ? ", " : " ",
    h("a", { href: `/errors#${name}` }, h("code", {}, `${status} ${name}`)),
  ]);
  return h("p.small.muted.also", {}, text("also"), links);
}
