// The form that arms a fault on an edge of the map.

import { closePanel, h, icon, openPanel, text } from "./ui.js";
import { ask, explain } from "./admin-session.js";
import { SERVICES, laneName } from "./live-words.js";

/** What can happen to a call between services, of a client, and to an event. */
const ON_ARRIVAL = ["delay", "refuse", "hang", "error", "nonsense", "not_found", "lose_answer"];
const KINDS = { client: ON_ARRIVAL, events: ["twice"] };
const BETWEEN = [...ON_ARRIVAL, "twice"];
/** Routes of every server, which no fault meets. */
const COMMON =
  /^\/(?:$|errors|docs|shop|admin|live|services|static|health|metrics|invariants|peers|calls|faults|openapi|postman)/;
/** A server may have another service too. */
const others = (service) => SERVICES.filter((name) => name !== service);

/** The form in `section`; `arm` gets a fault and returns why it was refused, or "". */
export function faultForm(section, arm) {
  const title = h("h2", { id: "fault-title", tabindex: -1 });
  const kind = h("select.input", { name: "kind" });
  const route = h("select.input", { name: "route" });
  const count = (name, max) => h("input.input.num", { type: "number", name, min: 1, max, inputmode: "numeric" });
  const [delay, times, percent] = [count("delay", 30_000), count("times", 1_000_000), count("percent", 100)];
  const failure = h("p.notice.bad.small", { role: "alert", hidden: true });
  const field = (name, control) => h("label.field", {}, h("span.label", {}, text(`field-${name}`)), control);
  const [routeField, delayField] = [field("route", route), field("delay", delay)];
  const button = h("button.btn.primary", { type: "submit" }, icon("bolt"), text("arm"));
  const form = h(
    "form.float.fault",
    { id: "fault", "data-panel": true, hidden: true, "aria-labelledby": "fault-title" },
    h(
      "div.row",
      {},
      title,
      h("span.small.faint.grow", {}, text("arm-here")),
      h("button.iconbtn", { type: "button", "data-closes": true, "aria-label": text("close") }, icon("x")),
    ),
    field("kind", kind),
    routeField,
    h("div.amounts", {}, delayField, field("times", times), field("percent", percent), button),
    failure,
  );
  section.append(form);
  let edge;

  // It fires so many times, or at this rate until it is removed.
  times.addEventListener("input", () => (percent.value = ""));
  percent.addEventListener("input", () => (times.value = ""));
  kind.addEventListener("change", showDelay);

  function showDelay() {
    delayField.hidden = delay.disabled = kind.value !== "delay";
  }

  function fail(why) {
    failure.hidden = !why;
    failure.textContent = why;
  }

  /** Fills the form for an edge, `order-product`, whose handle is `by`. */
  function open(name, by) {
    if (!form.hidden && edge.name === name) {
      closePanel(form);
      return;
    }
    const [from, to] = name.split("-");
    edge = { name, from, to };
    title.textContent = `${laneName(from)} → ${laneName(to)}`;
    const kinds = KINDS[from] ?? BETWEEN;
    kind.replaceChildren(...kinds.map((one) => h("option", { value: one }, `${text(`kind-${one}`)} (${one})`)));
    route.replaceChildren(h("option", { value: "" }, text("every-route")));
    routeField.hidden = from === "events";
    [delay.value, times.value, percent.value] = [300, 1, ""];
    showDelay();
    fail("");
    if (from !== "events") offerRoutes(edge);
    // On the other half of the map, so that the handle stays in view.
    const box = section.getBoundingClientRect();
    const at = by.getBoundingClientRect();
    form.classList.toggle("left", at.left + at.width / 2 > box.left + box.width / 2);
    openPanel(form, by);
  }

  /** The routes of the service that is called. Without them, all calls can be chosen. */
  async function offerRoutes(wanted) {
    try {
      const { data } = await ask(wanted.to, "GET", "/");
      if (edge !== wanted) return;
      const routes = Object.keys(data.endpoints).map((name) => name.replaceAll("<", "{").replaceAll(">", "}"));
      const isOther = (path) => others(wanted.to).some((other) => path.startsWith(`/${other}s`));
      const own = routes.filter((name) => {
        const path = name.split(" ")[1];
        return !COMMON.test(path) && !isOther(path);
      });
      route.append(...own.map((name) => h("option", { value: name }, name)));
    } catch (error) {
      explain(error, wanted.to);
    }
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-disabled")) return;
    const { from, to } = edge;
    const [method, path] = route.value.split(" ");
    const fault = { from, to, kind: kind.value };
    if (path) Object.assign(fault, { method, path });
    if (kind.value === "delay") fault.delay_ms = Number(delay.value);
    if (times.value) fault.times = Number(times.value);
    if (percent.value) fault.percent = Number(percent.value);
    button.setAttribute("aria-disabled", "true");
    const why = await arm(fault);
    button.removeAttribute("aria-disabled");
    fail(why);
    if (!why) closePanel(form);
  });

  return { open };
}
