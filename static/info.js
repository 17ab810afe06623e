// The forms of the info page: each sends its call and shows what went out and what came back.
"use strict";

// More of a long list than this is not shown: all orders may be a million.
const SHOWN = 64 * 1024;

const language = document.documentElement.lang;
// Whom the calls speak for. It lives as long as the page: nothing is stored.
const token = document.querySelector("[data-token]");

for (const form of document.querySelectorAll("form[data-path]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form);
  });
}

const peers = document.querySelector("[data-peers]");
if (peers) {
  showPeers(peers);
  token.addEventListener("change", () => showPeers(peers));
}

function usualHeaders() {
  const headers = { "Accept": "application/json", "Accept-Language": language };
  if (token.value.trim()) headers["Authorization"] = `Bearer ${token.value.trim()}`;
  return headers;
}

function call(form) {
  let path = form.dataset.path;
  const query = new URLSearchParams();
  const headers = usualHeaders();
  let body;
  for (const field of form.querySelectorAll("[data-in]")) {
    const value = field.value.trim();
    if (field.dataset.in === "path") path = path.replace(`{${field.name}}`, encodeURIComponent(value));
    if (value === "") continue;
    if (field.dataset.in === "query") query.append(field.name, value);
    if (field.dataset.in === "header") headers[field.name] = value;
    if (field.dataset.in === "body") {
      headers["Content-Type"] = "application/json";
      body = value;
    }
  }
  const target = query.size ? `${path}?${query}` : path;
  return { method: form.dataset.method, target, headers, body };
}

async function send(form) {
  const { method, target, headers, body } = call(form);
  const box = form.parentElement;
  const button = form.querySelector("button");
  const status = box.querySelector("[role=status]");
  const request = box.querySelector("[data-request]");
  const answer = box.querySelector("[data-answer]");
  request.textContent = curl(method, target, headers, body);
  button.disabled = true;
  status.textContent = "…";
  const started = performance.now();
  try {
    const response = await fetch(target, { method, headers, body, cache: "no-store" });
    const text = await read(response);
    keepToken(response, text);
    const took = Math.round(performance.now() - started);
    status.textContent = `${response.status} ${response.statusText} · ${took} ms`;
    const lines = [...response.headers].map(([name, value]) => `${name}: ${value}`);
    answer.textContent = `${lines.join("\n")}\n\n${pretty(text)}`;
  } catch (error) {
    status.textContent = String(error);
    answer.textContent = "";
  } finally {
    button.disabled = false;
    box.querySelector("[data-exchange]").hidden = false;
  }
}

// The beginning of a body; the rest is not even fetched.
async function read(response) {
  if (!response.body) return "";
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    text += decoder.decode(value, { stream: true });
    if (text.length > SHOWN) {
      await reader.cancel();
      return `${text.slice(0, SHOWN)}…`;
    }
  }
}

// Who has logged in goes on with the token, until it counts no more.
function keepToken(response, text) {
  if (new URL(response.url).pathname === "/auth/logout" && response.ok) token.value = "";
  try {
    const { access_token, code } = JSON.parse(text);
    if (access_token) token.value = access_token;
    if (["token_revoked", "token_expired", "token_invalid"].includes(code)) token.value = "";
  } catch {
    // Not JSON: then it says nothing of tokens.
  }
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

// The same call for a terminal, quoted for a POSIX shell.
function curl(method, target, headers, body) {
  const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const words = ["curl", "-i", "-X", method, quote(location.origin + target)];
  for (const [name, value] of Object.entries(headers)) words.push("-H", quote(`${name}: ${value}`));
  if (body !== undefined) words.push("-d", quote(body));
  return words.join(" ");
}

async function showPeers(list) {
  try {
    const response = await fetch("/peers", { headers: usualHeaders(), cache: "no-store" });
    const found = await response.json();
    if (!response.ok) {
      list.textContent = found.message;
      return;
    }
    list.replaceChildren(...found.map(({ name, url, answers }) => {
      const item = document.createElement("li");
      item.textContent = `${name} — ${url} — ${answers ? list.dataset.up : list.dataset.down}`;
      return item;
    }));
  } catch (error) {
    list.textContent = String(error);
  }
}
