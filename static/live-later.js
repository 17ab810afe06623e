// The texts and the styles of the modules that are loaded when somebody needs them.

import { addTexts, h } from "./ui.js";

let loading;

export function later() {
  loading ??= Promise.all([addTexts("live-later"), styles()]);
  loading.catch(() => (loading = undefined));
  return loading;
}

function styles() {
  return new Promise((load) => {
    document.head.append(h("link", { rel: "stylesheet", href: "/static/live-later.css", load, error: load }));
  });
}
