// The error codes: the search, and the mark of the entry that the address names.

import "./ui.js";
import { searchable } from "./search.js";

const entries = [...document.querySelectorAll(".err")];
const links = new Map([...document.querySelectorAll(".side li a")].map((link) => [link.hash.slice(1), link]));

searchable(
  document.querySelector("[data-search]"),
  entries.map((entry) => ({ text: entry.textContent.toLowerCase(), elements: [entry, links.get(entry.id).parentElement] })),
  document.querySelectorAll(".side section, main section"),
  document.querySelector("#nothing"),
);

function markNamed() {
  for (const [id, link] of links) {
    if (`#${id}` === location.hash) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}
addEventListener("hashchange", markNamed);
markNamed();
