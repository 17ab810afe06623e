// The request that a form describes, and the same for a terminal.

import { language } from "./ui.js";
import { indent } from "./json.js";

/** The field with the token that all calls carry. What is in it is nowhere else, and gone with the page. */
export const token = document.querySelector("#token");

/** Puts a token in the field, and lets everything know that shows it. */
export function setToken(value) {
  if (token.value === value) return;
  token.value = value;
  token.dispatchEvent(new Event("input"));
  token.dispatchEvent(new Event("change"));
}

/** The headers that every call carries. */
export function commonHeaders() {
  const headers = { "Accept-Language": language };
  if (token.value.trim()) headers.Authorization = `Bearer ${token.value.trim()}`;
  return headers;
}

/** The body that the fields of a form describe; undefined if there is none. Empty fields are left out. */
export function bodyOfFields(form) {
  const box = form.querySelector("[data-members]");
  const fields = [...box.querySelectorAll("[data-in=body]")].filter((field) => field.value.trim() !== "");
  if (!fields.length && !("required" in box.dataset)) return undefined;
  // What is no integer goes as a text, which the service refuses: as JSON `85.000` would be 85.
  const isJson = (field) => "raw" in field.dataset && (field.tagName !== "INPUT" || /^-?(0|[1-9]\d*)$/.test(field.value.trim()));
  const value = (field) => (isJson(field) ? field.value.trim() : JSON.stringify(field.value));
  return `{${fields.map((field) => `${JSON.stringify(field.name)}: ${value(field)}`).join(", ")}}`;
}

function body(form) {
  const raw = form.querySelector(".raw");
  if (!raw) return undefined;
  return raw.open ? raw.querySelector("textarea").value : bodyOfFields(form);
}

/** The request of a form: `{method, target, headers, body}`. */
export function requestOf(form) {
  const query = new URLSearchParams();
  const headers = commonHeaders();
  let path = form.dataset.path;
  for (const field of form.querySelectorAll("[data-in]")) {
    const value = field.value.trim();
    if (field.dataset.in === "path") path = path.replace(`{${field.name}}`, encodeURIComponent(value));
    if (field.dataset.in === "query" && value) query.append(field.name, value);
    if (field.dataset.in === "header" && value) headers[field.name] = value;
  }
  const content = body(form);
  if (content !== undefined) headers["Content-Type"] = "application/json";
  return { method: form.dataset.method, target: query.size ? `${path}?${query}` : path, headers, body: content };
}

/** The JSON that somebody starts from who writes it by hand. */
export const draft = (form) => indent(bodyOfFields(form) ?? "{}");

/** A new random UUID. `crypto.randomUUID` is there on pages from https and localhost only. */
export function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  // Version 4, variant 1 (RFC 9562).
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
