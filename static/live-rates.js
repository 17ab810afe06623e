// What happened in the last minute, counted by the second. Knows nothing of the page.

const SECONDS = 60;
/** The durations of a service that its 95th percentile is made of: its latest. */
const DURATIONS = 500;

const now = () => Math.floor(Date.now() / 1000);

/** Counts in a ring of seconds. */
class Minute {
  #counts = new Array(SECONDS).fill(0);
  #second = 0;

  #advance() {
    const latest = now();
    for (let second = Math.max(this.#second + 1, latest - SECONDS + 1); second <= latest; second += 1)
      this.#counts[second % SECONDS] = 0;
    this.#second = latest;
  }

  add(second) {
    this.#advance();
    this.#counts[second % SECONDS] += 1;
  }

  get sum() {
    this.#advance();
    return this.#counts.reduce((a, b) => a + b);
  }
}

export function rates() {
  const minutes = new Map();
  const durations = new Map();
  const minute = (name) => {
    if (!minutes.has(name)) minutes.set(name, new Minute());
    return minutes.get(name);
  };
  const sum = (name) => minutes.get(name)?.sum ?? 0;

  return {
    /** Counts a record that has ended; `root`: no call has asked for this answer. The edge that it went along. */
    add({ record, root }) {
      const { kind, service, peer, at, took_ms: ms } = record;
      // The services keep older ones, too. Their clock may be ahead.
      const second = Math.min(Math.floor((at + ms) / 1000), now());
      if (second <= now() - SECONDS) return undefined;
      const edge =
        { call: `${service}-${peer}`, event: `events-${service}`, commit: "commit" }[kind] ??
        (root ? `client-${service}` : undefined);
      if (edge) minute(edge).add(second);
      if (kind === "answer") {
        minute(service).add(second);
        const latest = durations.get(service) ?? [];
        durations.set(service, latest);
        latest.push({ ms, second });
        if (latest.length > DURATIONS) latest.shift();
      }
      return edge;
    },
    /** Calls a minute, and the time in which 95 of 100 are answered; null if none was. */
    service(name) {
      const recent = (durations.get(name) ?? [])
        .filter(({ second }) => second > now() - SECONDS)
        .map(({ ms }) => ms)
        .sort((a, b) => a - b);
      return { calls: sum(name), p95: recent.length ? recent[Math.ceil(recent.length * 0.95) - 1] : null };
    },
    edge: sum,
    /** All that left one node. */
    from: (name) =>
      [...minutes.keys()].filter((edge) => edge.startsWith(`${name}-`)).reduce((all, edge) => all + sum(edge), 0),
  };
}
