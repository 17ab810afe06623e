// Forms that open where they are needed, and say in place what is wrong.

import { Away, Refused } from "./api.js";
import { h, text } from "./ui.js";
import { button, escape, press } from "./admin-parts.js";
import { explain } from "./admin-session.js";

let forms = 0;

/** An integer as people write it: `85000` or `85.000`, with whole groups. */
const INTEGER = /^-?(\d+|[1-9]\d{0,2}(\.\d{3})+)$/;

/**
 * A form of fields `{name, label, type, required, value, help, …}`. `save(values)` sends what was entered, integers as
 * numbers and what is empty as null; what it throws is shown and nothing that was entered is lost.
 */
export function form(fields, verb, close, save) {
  forms += 1;
  const inputs = fields.map((field) => input(field, `form-${forms}-${field.name}`));
  const failure = h("p.message", { role: "alert" });
  const submitter = h("button.btn.primary", { type: "submit" }, verb);
  const submit = (event) => {
    event.preventDefault();
    press(submitter, send);
  };
  async function send() {
    failure.textContent = "";
    for (const { complain, lacks } of inputs) complain(lacks() ? text("fill-in") : "");
    const lacking = inputs.find(({ lacks }) => lacks());
    if (lacking) return lacking.focus();
    try {
      await save(Object.fromEntries(inputs.map(({ name, value }) => [name, value()])));
    } catch (error) {
      const wrong = error instanceof Refused ? (error.problem.errors ?? {}) : {};
      for (const { name, complain } of inputs) complain(wrong[name] ?? "");
      const sentence = [explain(error, "product"), error instanceof Away && text("unsure")].filter(Boolean).join(" ");
      failure.textContent = sentence;
      inputs.find(({ name }) => wrong[name])?.focus();
    }
  }
  const buttons = h("p.row", {}, submitter, button(".btn.quiet", text("close"), close));
  return h("form.inline", { submit, novalidate: true, keydown: escape(close) }, inputs.map(({ element }) => element), buttons, failure);
}

function input({ name, label, type, value, help, ...rest }, id) {
  const isInteger = type === "integer";
  const attributes = { id, name, autocomplete: "off", "aria-describedby": `${id}-help`, ...rest };
  const control = h(type === "textarea" ? "textarea.input" : "input.input", attributes);
  control.value = value ?? "";
  const hint = h("span.help", { id: `${id}-help` }, help ?? "");
  const entered = () => control.value.trim();
  return {
    name,
    lacks: () => Boolean(rest.required) && entered() === "",
    element: h(`div.field.field-${name}`, {}, h("label", { for: id }, label, rest.required && h("span.req", {}, ` ${text("required")}`)), control, hint),
    value() {
      if (entered() === "") return null;
      const value = isInteger && INTEGER.test(entered()) ? Number(entered().replaceAll(".", "")) : entered();
      // What is no integer, or not an exact one, is sent as a text, which the service refuses.
      return Number.isSafeInteger(value) ? value : entered();
    },
    complain(why) {
      control.setAttribute("aria-invalid", String(why !== ""));
      hint.classList.toggle("err-text", why !== "");
      hint.textContent = why || (help ?? "");
    },
    focus: () => control.focus(),
  };
}

/** A form for a product: a new one, or `product` as it is. */
export function productForm(product, close, save) {
  const fields = [
    { name: "name", label: text("name"), value: product.name, required: true },
    { name: "price", label: text("price"), type: "integer", inputmode: "numeric", value: product.price, required: true },
    // The stock of a product that there is changes by what comes and goes, not here.
    !product.id && { name: "stock", label: text("stock"), type: "integer", inputmode: "numeric", help: text("stock-help") },
    { name: "category", label: text("category"), value: product.category },
    { name: "description", label: text("description"), type: "textarea", value: product.description },
  ];
  return form(fields.filter(Boolean), text("save"), close, save);
}
