// Swagger UI in the page's language and style.

import { h } from "./ui.js";

const words = new Map(Object.entries(JSON.parse(document.querySelector("#texts").textContent)));

/** The words of Swagger UI in the page's language; other texts as they are. */
function translate(value) {
  if (typeof value !== "string") return value;
  const word = value.trim();
  return words.has(word) ? value.replace(word, words.get(word)) : (words.get(value) ?? value);
}

/** The names of what Swagger UI shows without one, by type and class. */
const NAMES = {
  "select.": "Value",
  "select.examples-select-element": "Examples",
  "textarea.body-param__text": "Request body",
  "button.": "Copy to clipboard",
  "button.close-modal": "Close",
};

/** The attributes of an element with what those need who do not see it. */
function describe(type, given, children) {
  const props = { ...given };
  // What can be read on it is its name.
  if (type === "button" && typeof (children[0] ?? props.children) === "string") delete props["aria-label"];
  else if (!props.id) props["aria-label"] ??= NAMES[`${type}.${props.className ?? ""}`];
  // An answer that scrolls, for the keyboard.
  if (type === "pre") props.tabIndex = 0;
  // Below the title of the page, which Swagger UI does not know.
  if (/^h[3-6]$/.test(type)) props["aria-level"] = Number(type[1]) - 1;
  // One for each call, all with the same name.
  if (type === "table") delete props.role;
  for (const name of ["title", "aria-label", "placeholder", "children"]) {
    if (name in props) props[name] = translate(props[name]);
  }
  return props;
}

/** Every element of Swagger UI is made here, so its words stay translated when it draws again. */
function improve(React) {
  const { createElement } = React;
  React.createElement = (type, props, ...children) =>
    typeof type === "string"
      ? createElement(type, describe(type, props, children), ...children.map(translate))
      : createElement(type, props, ...children);
}

/**
 * A value of the document, with what its references name in their place. Swagger UI's own resolver reads the whole
 * document again for each call that is opened, which takes seconds on a phone; it also knows references to elsewhere and
 * circles, of which we have none.
 */
function resolve(document, value) {
  if (Array.isArray(value)) return value.map((item) => resolve(document, item));
  if (value === null || typeof value !== "object") return value;
  const { $ref, ...members } = value;
  if (typeof $ref === "string") return { ...resolve(document, at(document, $ref.split("/").slice(1))), $$ref: $ref };
  return Object.fromEntries(Object.entries(members).map(([name, member]) => [name, resolve(document, member)]));
}

const at = (document, path) => path.reduce((value, name) => value?.[name], document);

const nothing = () => () => null;

function plugin({ React }) {
  improve(React);
  return {
    fn: {
      resolveSubtree: async (document, path) => ({ spec: resolve(document, at(document, path)), errors: [] }),
    },
    wrapComponents: {
      // The page says it itself.
      InfoContainer: nothing,
      // There is one: the service of this page.
      ServersContainer: nothing,
      // A link within the button that opens the call.
      DeepLink: () => ({ text }) => React.createElement("span", null, text),
    },
  };
}

function start() {
  const root = document.querySelector("#swagger");
  globalThis.SwaggerUIBundle({
    url: root.dataset.document,
    domNode: root,
    deepLinking: true,
    plugins: [plugin],
    syntaxHighlight: false,
    defaultModelsExpandDepth: 0,
    // Nothing is sent to the validator of its makers.
    validatorUrl: null,
  });
}

/** Loads a file of Swagger UI. They are large, so what is on the page already does not wait for them. */
function load(name, attributes) {
  const element = h(name, attributes);
  document.head.append(element);
  return new Promise((done) => element.addEventListener("load", done));
}

Promise.all([
  load("link", { rel: "stylesheet", href: "/docs/swagger-ui.css" }),
  load("script", { src: "/docs/swagger-ui-bundle.js" }),
]).then(start);
