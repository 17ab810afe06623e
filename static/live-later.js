// The texts and the styles of the modules that are loaded when somebody needs them.

import { h, language, texts } from "./ui.js";

let loading;

export function later() {
  loading ??= Promise.all([words(), styles()]);
  loading.catch(() => (loading = undefined));
  return loading;
}

async function words() {
  const answer = await fetch(`/static/live-later.${language}.json`);
  Object.assign(texts, await answer.json());
}

function styles() {
  return new Promise((load) => {
    document.head.append(h("link", { rel: "stylesheet", href: "/static/live-later.css", load, error: load }));
  });
}
