// The records of the services, joined to traces: what belongs to one request. Knows nothing of the page.

/** The traces that are kept. Pinned ones are kept besides. */
const MAX_TRACES = 1000;
/** The records of one trace that are kept: a client may give all its requests the same trace. */
const MAX_RECORDS = 2000;
/** Calls of pages like this one, which would bury all others. */
const OWN = /^\/(?:calls|invariants|health|metrics|services|static|live)(?:[/?]|$)/;

/** The milliseconds since the epoch of a time with microseconds, as `2026-11-22T07:10:11.123456Z`. */
export function instant(time) {
  const [seconds, fraction = "0"] = time.slice(0, -1).split(".");
  return Date.parse(`${seconds}Z`) + Number(`0.${fraction}`) * 1000;
}

/** Records have ids of their process, which begin anew when it does. */
export const keyOf = ({ service, id, began_at: began }) => `${service}/${id}/${began}`;

/** What a failure means: its name among the texts. */
export function failureName(failure) {
  if (/not asked/.test(failure)) return "unasked";
  if (/in time|ran out/.test(failure)) return "late";
  if (/refused|closed/.test(failure)) return "refused";
  if (/reached|Connect/.test(failure)) return "unreachable";
  if (/given up/.test(failure)) return "abandoned";
  return "unusable";
}

/** All that is known of one request. */
class Trace {
  records = new Map();
  /** The spans of the calls that are known. */
  #called = new Set();
  pinned = false;
  /** Some of its records were not kept. */
  cut = false;
  #root;

  constructor(id, began) {
    this.id = id;
    this.began = began;
  }

  add(record) {
    const key = keyOf(record);
    const known = this.records.get(key);
    // Of a record that began and one that ended, the latter counts, whichever comes first.
    if (known ? known.took_ms !== null : this.records.size >= MAX_RECORDS) {
      this.cut ||= !known;
      return false;
    }
    record.at = instant(record.began_at);
    this.records.set(key, record);
    if (record.kind === "call") this.#called.add(record.span);
    this.began = Math.min(this.began, record.at);
    this.#root = undefined;
    return true;
  }

  /** Whether a record is the request of a client: an answer that no call has asked for. */
  isRequest({ kind, span }) {
    return kind === "answer" && !this.#called.has(span);
  }

  /** The request of the client, else what happened first. */
  get root() {
    const rank = (record) => (this.isRequest(record) ? 0 : record.kind === "call" ? 1 : 2);
    this.#root ??= [...this.records.values()].reduce((best, record) =>
      (rank(record) - rank(best) || record.at - best.at) < 0 ? record : best,
    );
    return this.#root;
  }

  /** How many calls there are, those of the client included. */
  get hops() {
    return [...this.records.values()].filter((record) => record.kind === "call" || this.isRequest(record)).length;
  }
}

/** The newest traces. */
export class Traces {
  #traces = new Map();
  #chosen;

  get(id) {
    return this.#traces.get(id);
  }

  get size() {
    return this.#traces.size;
  }

  /** The newest first, whichever service has reported it first. */
  newest() {
    return [...this.#traces.values()].sort((a, b) => b.began - a.began);
  }

  /** Keeps a trace while it is looked at. */
  choose(id) {
    this.#chosen = id;
  }

  /** Adds a record; false if it is known already or of no interest. */
  add(record) {
    if (OWN.test(record.path ?? "")) return false;
    let trace = this.#traces.get(record.trace);
    if (!trace) {
      trace = new Trace(record.trace, instant(record.began_at));
      this.#traces.set(record.trace, trace);
      this.#drop();
    }
    return trace.add(record);
  }

  #drop() {
    let surplus = this.#traces.size - MAX_TRACES;
    for (const [id, trace] of this.#traces) {
      if (surplus <= 0) return;
      surplus -= 1;
      if (!trace.pinned && id !== this.#chosen) this.#traces.delete(id);
    }
  }
}
