// The page of a service: its neighbours, its calls, and the search.

import { h, icon, text } from "./ui.js";
import { services } from "./api.js";
import { searchable } from "./search.js";
import { curl } from "./curl.js";
import { commonHeaders, draft, requestOf, token, uuid } from "./service-request.js";
import { copyOrSay, send, showLost } from "./service-answer.js";

/** How long a service may take to say that it lives. */
const PATIENCE = 3000;

// The services: where they are, and whether they answer.

async function showServices() {
  const found = await services();
  for (const { name, url } of found) {
    const stall = document.querySelector(`.stalls [data-service="${name}"]`);
    stall.href = `${url}/`;
    const { port } = new URL(url);
    stall.querySelector(".port").textContent = port && `:${port}`;
    showState(stall, url);
  }
  const user = found.find(({ name }) => name === "user");
  const login = document.querySelector("#login");
  if (user) login.href = document.querySelector("#post_auth_login") ? "#post_auth_login" : `${user.url}/#post_auth_login`;
  else login.hidden = true;
  return found;
}

async function showState(stall, url) {
  const lives = await fetch(`${url}/health/live`, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) }).then(
    ({ ok }) => ok,
    () => false,
  );
  const dot = stall.querySelector(".dot");
  dot.classList.remove("unknown");
  dot.classList.toggle("down", !lives);
  stall.querySelector(".sr").textContent = text(lives ? "alive" : "away");
}

async function showPeers(table) {
  const row = (...content) => table.replaceChildren(h("tr", {}, h("td", { colspan: 3 }, ...content)));
  try {
    const response = await fetch("/peers", { headers: commonHeaders(), cache: "no-store" });
    const answer = await response.json();
    if (!response.ok) {
      row(answer.message, " ", [401, 403].includes(response.status) && text("admin_token"));
      return;
    }
    const known = await services();
    table.replaceChildren(...answer.map((peer) => peerRow(peer, known.find(({ name }) => name === peer.name))));
  } catch {
    row(text("peers_lost"), " ", h("button.btn", { type: "button", click: () => showPeers(table) }, text("again")));
  }
}

function peerRow({ name, url, answers }, known) {
  const dot = answers ? h("span.dot") : h("span.dot.down");
  return h(
    `tr.is-${name}`,
    {},
    h("td", {}, known ? h("a", { href: `${known.url}/` }, known.title) : name),
    h("td.mono.small", {}, url.replace(/^https?:\/\/|\/$/g, "")),
    h("td", {}, dot, " ", text(answers ? "answers" : "silent")),
  );
}

// The calls.

/** Adds to a call what only a browser with this module can use: the button, the command, the answer. */
function prepare(call) {
  const form = call.querySelector("form");
  if (form.classList.contains("ready")) return;
  form.classList.add("ready");
  // The service checks, and says what is wrong.
  form.noValidate = true;
  form.autocomplete = "off";
  form.spellcheck = false;
  const isStream = "stream" in form.dataset;
  form.setAttribute("aria-label", `${form.dataset.method} ${form.dataset.path}`);
  prepareFields(form, call.id);
  const section = h("section.answer", { "aria-label": text("answer"), hidden: true });
  // Not after the form: a field may have this name, and hides the method of the form.
  call.querySelector(".try").append(section);
  const command = h("pre.curl");
  const words = isStream ? [text("listen"), text("stop")] : [text("send"), text("sending")];
  const button = h("button.btn.primary.send", { type: "submit" }, words.map((word) => h("span", {}, word)));
  const copyButton = h(
    "button.btn.quiet.push",
    { type: "button", click: () => copyOrSay(command.textContent) },
    icon("copy"),
    text("copy_curl"),
  );
  form.append(
    h("div.row", {}, button, h("kbd.kbd", {}, "Ctrl"), h("kbd.kbd", {}, "Enter"), copyButton),
    h("div.code", {}, command),
  );
  const showCommand = () => {
    const request = requestOf(form);
    const pieces = curl(location.origin + request.target, request, isStream);
    command.replaceChildren(...pieces.map(([kind, piece]) => (kind ? h(`span.${kind}`, {}, piece) : piece)));
  };
  showCommand();
  form.addEventListener("input", showCommand);
  token.addEventListener("input", showCommand);
  prepareJson(form, showCommand);
  prepareKeys(form);

  let running;
  const stop = () => running?.abort();
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (running) {
      if (isStream) stop();
      return;
    }
    running = new AbortController();
    button.classList.add("busy");
    const request = requestOf(form);
    try {
      if (isStream) await stream(form, request, section, running.signal);
      else await send(form, request, section);
    } finally {
      button.classList.remove("busy");
      running = undefined;
    }
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  // What is closed listens to nothing.
  if (isStream) call.addEventListener("toggle", () => call.open || stop());
}

/** Shows a live stream. What it needs is loaded with the first one. */
async function stream(form, request, section, signal) {
  const module = await import("./service-stream.js").catch(() => null);
  if (module) await module.listen(form, request, section, signal);
  else showLost(request, section, text("lost"));
}

/** Ties the label and the help of each field to it. */
function prepareFields(form, call) {
  for (const box of form.querySelectorAll(".field")) {
    const field = box.querySelector("[data-in]");
    field.id = `${call}-${field.name}`;
    box.querySelector("label").htmlFor = field.id;
    const help = box.querySelector(".help");
    if (!help) continue;
    help.id = `${field.id}-help`;
    field.setAttribute("aria-describedby", help.id);
  }
}

/** JSON by hand goes before the fields while it is open. */
function prepareJson(form, showCommand) {
  const raw = form.querySelector(".raw");
  if (!raw) return;
  const area = raw.querySelector("textarea");
  let isOwn = false;
  area.addEventListener("input", () => {
    isOwn = true;
  });
  raw.addEventListener("toggle", () => {
    if (raw.open && !isOwn) area.value = draft(form);
    form.querySelector("[data-members]").disabled = raw.open;
    showCommand();
  });
}

function prepareKeys(form) {
  for (const button of form.querySelectorAll("[data-new-key]")) {
    button.addEventListener("click", () => {
      const field = button.previousElementSibling;
      field.value = uuid();
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });
  }
}

const calls = [...document.querySelectorAll(".call")];
const links = new Map([...document.querySelectorAll(".toc a")].map((link) => [link.hash.slice(1), link]));

for (const call of calls) {
  call.addEventListener("toggle", () => {
    if (call.open) prepare(call);
  });
}

/** Opens the call that the address names. */
function openNamed() {
  const call = calls.find(({ id }) => `#${id}` === location.hash);
  for (const [id, link] of links) {
    if (id === call?.id) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  if (!call) return;
  prepare(call);
  call.open = true;
  call.scrollIntoView();
  call.querySelector("summary").focus({ preventScroll: true });
}

addEventListener("hashchange", openNamed);
// The address may name it already, and it may have been closed since.
for (const link of document.querySelectorAll(".toc a, #login")) {
  link.addEventListener("click", () => {
    if (link.hash && link.hash === location.hash) openNamed();
  });
}
openNamed();

searchable(
  document.querySelector("[data-search]"),
  calls.map((call) => ({
    text: call.querySelector("summary").textContent.toLowerCase(),
    elements: [call, links.get(call.id).parentElement],
  })),
  document.querySelectorAll(".toc section, .calls section"),
  document.querySelector("#nothing"),
);

const peers = document.querySelector("#peers");

function showNeighbours() {
  showServices().catch(() => {
    // Their links need the answer of this service. The table says that it is away, and so does every call.
  });
  if (peers) showPeers(peers);
}
showNeighbours();
if (peers) token.addEventListener("change", () => showPeers(peers));
// They may have been started or stopped while somebody looked elsewhere.
document.addEventListener("visibilitychange", () => document.hidden || showNeighbours());
