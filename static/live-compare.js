// Unsafe beside safe: the same thing happens to two clients of the same shop, and only what they send differs.

import { ask, explain } from "./admin-session.js";
import { Away, Refused } from "./api.js";
import { diagram } from "./live-diagram.js";
import { later } from "./live-later.js";
import { sequence } from "./live-steps.js";
import { instant } from "./live-traces.js";
import { h, icon, number, say, text } from "./ui.js";

/** How long records are waited for, and how often they are asked for; in milliseconds. */
const PATIENCE = 5000;
const ASKED_EVERY = 250;

const panel = document.querySelector("#compare");
const random = (bytes) => [...crypto.getRandomValues(new Uint8Array(bytes))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** A client that says what it saw. All that it sends belongs to one trace. */
class Client {
  trace = random(16);
  saw = [];

  async order(user, product, headers = {}) {
    const options = {
      body: { user_id: user, product_id: product },
      headers: { ...headers, traceparent: `00-${this.trace}-${random(8)}-01` },
    };
    try {
      const { data } = await ask("order", "POST", "/orders", options);
      this.saw.push(text("saw-order", { id: data.id }));
      return true;
    } catch (error) {
      this.saw.push(error instanceof Refused ? text("saw-refusal", { code: error.code }) : text("saw-nothing"));
      if (!(error instanceof Refused) && !(error instanceof Away)) throw error;
      return false;
    }
  }
}

const LOST = { "Pasar-Fault": "client>order lose_answer" };
const FAILS = { "Pasar-Fault": "client>order error" };

/** Each has what an unsafe client does and what a safe one does. */
const EXPERIMENTS = [
  {
    name: "key",
    async unsafe(client, user) {
      await client.order(user, 1, LOST);
      await client.order(user, 1);
    },
    async safe(client, user) {
      const key = { "Idempotency-Key": random(16) };
      await client.order(user, 1, { ...key, ...LOST });
      await client.order(user, 1, key);
    },
  },
  {
    name: "stock",
    unsafe: (client, user) => lastUnit(client, user, null),
    safe: (client, user) => lastUnit(client, user, 1),
  },
  {
    name: "retry",
    async unsafe(client, user) {
      await client.order(user, 1, FAILS);
    },
    async safe(client, user) {
      const key = { "Idempotency-Key": random(16) };
      if (!(await client.order(user, 1, { ...key, ...FAILS }))) await client.order(user, 1, key);
    },
  },
];

/** Two customers order the one unit that there is. */
async function lastUnit(client, user, stock) {
  const body = { name: text("compare-product"), price: 450_000, stock };
  const { data } = await ask("product", "POST", "/products", { body });
  await Promise.all([client.order(user, data.product.id), client.order(user, data.product.id)]);
}

async function someUser() {
  const { data } = await ask("user", "GET", "/users?limit=1");
  return data[0]?.id ?? (await ask("user", "POST", "/users", { body: { name: text("sample-user") } })).data.id;
}

/** The records of a trace, once all have ended. */
async function records(trace, listeners) {
  const until = performance.now() + PATIENCE;
  for (;;) {
    const answers = await Promise.all(listeners.map(([name]) => ask(name, "GET", `/calls?trace=${trace}&limit=1000`)));
    const found = answers.flatMap(({ data }) => data.calls).map((record) => ({ ...record, at: instant(record.began_at) }));
    if ((found.length > 0 && found.every((record) => record.took_ms !== null)) || performance.now() > until) return found;
    await pause(ASKED_EVERY);
  }
}

/** How many orders were written. */
const orders = (found) =>
  found.flatMap(({ wrote }) => wrote).filter(({ table }) => table === "orders").reduce((sum, { rows }) => sum + rows, 0);

async function run(experiment, side, listeners, ports) {
  const client = new Client();
  await experiment[side](client, await someUser());
  const found = await records(client.trace, listeners);
  const began = Math.min(...found.map(({ at }) => at));
  const count = orders(found);
  const box = h("div.seq-scroll", { tabindex: "0", role: "group", "aria-label": text("compare-diagram") });
  const section = h(`section.half.${side}`, { "aria-label": text(`compare-${side}`) },
    h("h4", {}, icon(side === "safe" ? "full" : "warn"), text(`compare-${experiment.name}-${side}`)),
    h("ol.saw", { "aria-label": text("compare-saw") }, ...client.saw.map((what) => h("li", {}, what))),
    h("p.num", { "data-orders": count }, text("compare-orders", { n: number(count) })),
    box,
    h("a", { href: `#trace=${client.trace}` }, text("compare-open")));
  return { section, draw: () => {
    const { heads, body } = diagram(sequence(found, began), { mode: "order", width: box.clientWidth, ports });
    body.setAttribute("aria-label", text(`compare-${experiment.name}-${side}`));
    // To be seen only: the panel below has its arrows for the keyboard.
    for (const arrow of body.querySelectorAll("[tabindex], [role=button]")) {
      arrow.removeAttribute("tabindex");
      arrow.removeAttribute("role");
      arrow.removeAttribute("aria-label");
    }
    body.setAttribute("role", "img");
    box.replaceChildren(heads, body);
  } };
}

/** What the services say of their rows: the same for both clients. */
async function verdict(listeners) {
  const lists = await Promise.all(listeners.map(([name]) => ask(name, "GET", "/invariants")));
  const all = lists.flatMap(({ data }) => data);
  const broken = all.filter(({ holds }) => holds === "broken");
  return broken.length ? text("compare-broken", { names: broken.map(({ name }) => name).join(", ") }) : text("compare-good", { n: number(all.length) });
}

async function compare(experiment, area, button, listeners, ports) {
  button.setAttribute("aria-disabled", "true");
  try {
    const unsafe = await run(experiment, "unsafe", listeners, ports);
    const safe = await run(experiment, "safe", listeners, ports);
    const sides = [unsafe, safe];
    const lesson = h("p.why", { role: "status" }, text(`compare-${experiment.name}-why`), " ", await verdict(listeners));
    area.replaceChildren(h("div.halves", {}, ...sides.map(({ section }) => section)), lesson);
    for (const { draw } of sides) draw();
    say(lesson.textContent);
  } catch (error) {
    area.replaceChildren(h("p.notice", { role: "alert" }, explain(error, "order")));
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

function entry(experiment, listeners, ports) {
  const area = h("div", { "data-result": experiment.name });
  const button = h("button.btn", { type: "button", "data-run": experiment.name, click: () => button.getAttribute("aria-disabled") ?? compare(experiment, area, button, listeners, ports) },
    text("compare-run"));
  return h("li", {}, h("div.row", {}, h("h3", {}, text(`compare-${experiment.name}`)), button), area);
}

export async function open(listeners, ports) {
  await later();
  panel.hidden = false;
  if (!panel.hasChildNodes()) {
    const close = () => ((panel.hidden = true), document.querySelector("[data-compare]").focus());
    panel.append(
      h("div.lesson-head", {},
        h("div.grow", {}, h("h2", { id: "compare-title", tabindex: "-1" }, text("compare-title")), h("p", {}, text("compare-goal"))),
        h("button.iconbtn", { type: "button", "aria-label": text("compare-close"), "data-close-compare": true, click: close }, icon("x"))),
      h("ol.experiments", {}, ...EXPERIMENTS.map((experiment) => entry(experiment, listeners, ports))));
  }
  panel.querySelector("h2").focus();
}
