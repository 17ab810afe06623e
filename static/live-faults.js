// Faults that are armed on purpose: what the map, the receipts and the form say of them. Loaded when one is armed, or
// wanted.

import { say, text } from "./ui.js";
import { Refused } from "./api.js";
import { ask, explain } from "./admin-session.js";
import { faultForm } from "./live-fault-form.js";
import { later } from "./live-later.js";
import { countOf, isStop, keyOf, nameOf, placeOf, receipts, what } from "./live-receipts.js";
import { laneName } from "./live-words.js";

/** Between two readings while a fault is armed, in milliseconds: it may be changed elsewhere. */
const READ_EVERY = 5000;
/** However often a fault fires, it is read once in this time, in milliseconds. */
const SETTLE = 300;
/** How long the receipt of a spent fault stays after its last firing, in milliseconds. */
const KEPT = 60_000;

/** `read` reads the faults of a listener anew, and gives them to `take`. */
export async function start({ listeners, stalls, read }) {
  await later();
  // What fires from now on at a listener that had none is news.
  const known = new Map(listeners.filter(({ hadNone }) => hadNone).map((listener) => [listener, []]));
  const settling = new Set();
  const section = document.querySelector("#receipts");
  const receiptList = receipts(section, remove);
  const form = faultForm(document.querySelector(".map"), arm);
  /** Those that this page has armed. */
  const own = new Set();
  /** Those of others whose receipts were shown long enough here. */
  const hidden = new Set();
  const once = (fault) => `${keyOf(fault)}/${fault.armed_at}`;
  const all = () => [...known.values()].flat().filter((fault) => !hidden.has(once(fault)));
  const listenerOf = (service) => listeners.find((names) => names.includes(service));
  const readAll = () => Promise.all(listeners.map(read));

  section.querySelector("[data-remove-all]").addEventListener("click", removeAll);
  setInterval(() => {
    if (!document.hidden && all().length) readAll();
  }, READ_EVERY);

  /** What is armed at a listener now. */
  function take(listener, faults) {
    const before = known.get(listener);
    for (const fault of faults) {
      const then = before?.find((one) => keyOf(one) === keyOf(fault) && one.armed_at === fault.armed_at);
      const isFirst = fault.fired > 0 && !then?.fired;
      if (before && (isFirst || (fault.spent && !then?.spent)))
        say(text("fired", { what: nameOf(fault), count: countOf(fault) }));
      if (fault.spent && !then?.spent) setTimeout(() => forget(listener, fault), KEPT);
    }
    known.set(listener, faults);
    draw();
  }

  function draw() {
    const armed = all().filter(({ spent }) => !spent);
    const edges = Map.groupBy(
      armed.filter((fault) => !isStop(fault)),
      ({ from, to }) => `${from}-${to}`,
    );
    const sentence = (fault) => text("armed", { what: `${what(fault)}, ${countOf(fault)}` });
    stalls.faults(
      new Map([...edges].map(([edge, faults]) => [edge, faults.map(sentence).join(" ")])),
      new Set(armed.filter(isStop).map(({ to }) => to)),
    );
    receiptList.show(all());
  }

  /** Removes a spent fault whose receipt was shown long enough; one that was armed elsewhere only from this page. */
  async function forget(listener, { name, armed_at: since }) {
    await read(listener);
    const fault = known.get(listener)?.find((one) => one.name === name && one.armed_at === since);
    if (!fault?.spent) return;
    if (own.has(name)) return change(placeOf(fault), "DELETE", `/faults/${name}`);
    hidden.add(once(fault));
    draw();
  }

  /** Makes a call to the service of a fault, and reads what is armed there then. Whether it succeeded. */
  async function change(service, method, path, body) {
    try {
      await ask(service, method, path, { body });
      return true;
    } catch (error) {
      // Somebody else was faster.
      if (method === "DELETE" && error.code === "fault_not_found") return true;
      receiptList.fail(why(error, service));
      return false;
    } finally {
      await read(listenerOf(service));
    }
  }

  const why = (error, service) => {
    const fields = error instanceof Refused ? Object.entries(error.problem.errors ?? {}) : [];
    return [explain(error, service), ...fields.map(([name, reason]) => `${name}: ${reason}`)].join(" ");
  };

  /** Arms what the form says. Why it can't, if it can't. */
  async function arm(fault) {
    const name = `${fault.from}-${fault.to}-${fault.kind}-${Date.now().toString(36)}`;
    const service = placeOf(fault);
    try {
      const { data } = await ask(service, "PUT", `/faults/${name}`, { body: fault });
      own.add(name);
      say(text("armed", { what: nameOf(data) }));
      await read(listenerOf(service));
      return "";
    } catch (error) {
      return why(error, service);
    }
  }

  async function remove(fault) {
    receiptList.fail("");
    if (!(await change(placeOf(fault), "DELETE", `/faults/${fault.name}`))) return;
    say(isStop(fault) ? text("runs-again", { service: laneName(fault.to) }) : text("removed", { what: nameOf(fault) }));
  }

  async function removeAll() {
    receiptList.fail("");
    const done = await Promise.all(listeners.map(([service]) => change(service, "DELETE", "/faults")));
    if (done.every(Boolean)) say(text("all-removed"));
  }

  /** Stops a service, or runs it again. */
  async function toggle(service) {
    receiptList.fail("");
    const stops = all().filter((fault) => isStop(fault) && fault.to === service && !fault.spent);
    if (stops.length) for (const stop of stops) await remove(stop);
    else if (await change(service, "PUT", `/faults/stop-${service}`, { from: "anybody", to: service, kind: "stop" }))
      say(text("has-stopped", { service: laneName(service) }));
  }

  return {
    take,
    toggle,
    open: form.open,
    /** A fault has struck the call of a record: the receipts at both its ends may have changed. */
    fired({ service, peer }) {
      for (const listener of new Set([service, peer].map(listenerOf))) {
        if (!listener || settling.has(listener) || document.hidden) continue;
        settling.add(listener);
        setTimeout(() => {
          settling.delete(listener);
          read(listener);
        }, SETTLE);
      }
    },
  };
}
