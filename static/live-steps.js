// What happened in a trace, step by step, as the diagram, the list of steps and the exports show it. Knows nothing of
// the page.

import { failureName, keyOf } from "./live-traces.js";

/** With more steps, equal calls are shown as one. */
const MANY = 60;
/** More steps are not shown. */
const MAX_STEPS = 400;
/** Calls that are equal this often are shown as one. */
const MIN_EQUAL = 3;
/** A longer time without a step is shown as silence, in milliseconds. */
const SILENCE = 100;
/** The calls that undo what was done. */
const UNDOING = [
  ["DELETE", /^\/reservations\//],
  ["POST", /\/(?:release|refund)$/],
];

const undoes = ({ method, path }) => UNDOING.some(([one, paths]) => method === one && paths.test(path));

/**
 * The steps of a trace: `{lanes, steps, groups, silences, hidden}`.
 * A step is `{kind, at, from, to, number, record, answer, …}`; its kind is "request" (with `end`, the step of its
 * answer), "answer", "lost", "unasked", "commit" or "event". Times are in milliseconds since the first step.
 */
export function sequence(records, began) {
  const { requests, commits, events } = joined(records);
  const groups = attempts(requests.filter(({ from }) => from !== "client"));
  const folded = fold([...requests, ...commits, ...events], groups);
  const steps = folded.flatMap((step) => (step.kind === "request" ? withEnd(step) : [step]));
  const after = answered(requests);
  for (const step of steps) {
    step.key = keyOf(step.record);
    step.at -= began;
    if (step.kind === "event" && after !== null) step.since = step.at + began - after;
  }
  const rank = { request: 0, unasked: 0, commit: 1, event: 2, answer: 3, lost: 3 };
  steps.sort((a, b) => a.at - b.at || rank[a.kind] - rank[b.kind]);
  const hidden = Math.max(steps.length - MAX_STEPS, 0);
  if (hidden) steps.length = MAX_STEPS;
  number(steps);
  return {
    lanes: lanes(steps),
    steps,
    groups: groups.filter(({ length }) => length > 1),
    silences: silences(steps),
    hidden,
  };
}

/** Joins each call to what the callee says of it: they have the same span. */
function joined(records) {
  const sorted = [...records].sort((a, b) => a.at - b.at);
  const calls = sorted.filter(({ kind }) => kind === "call");
  const requests = calls.map((record) => request(record, record.service, record.peer));
  const bySpan = Map.groupBy(requests, ({ record }) => record.span);
  for (const record of sorted.filter(({ kind }) => kind === "answer")) {
    const asked = bySpan.get(record.span);
    // Of attempts with one span, the latest that had begun. What was delivered twice is shown as it was answered first.
    const call = asked?.findLast((call) => call.at <= record.at && !call.answer) ?? asked?.find((call) => !call.answer);
    if (call) call.answer = record;
    else if (!asked) requests.push({ ...request(record, "client", record.service), answer: record });
    else requests.push({ ...request(record, asked[0].from, record.service), answer: record, again: true });
  }
  const of = (kind) => sorted.filter((record) => record.kind === kind);
  const commits = of("commit").map((record) => ({
    kind: "commit",
    at: record.at,
    from: record.service,
    to: record.service,
    record,
  }));
  const events = of("event").map((record) => ({
    kind: "event",
    at: record.at,
    from: "events",
    to: record.service,
    record,
  }));
  return { requests, commits, events };
}

function request(record, from, to) {
  const kind = record.failure && failureName(record.failure) === "unasked" ? "unasked" : "request";
  return { kind, at: record.at, from, to, record, undo: undoes(record) };
}

/** Groups the attempts of one call. Each group is sorted by time. */
function attempts(calls) {
  const open = new Map();
  const groups = [];
  for (const call of calls.sort((a, b) => a.at - b.at)) {
    const key = [call.from, call.to, call.record.method, call.record.path].join(" ");
    const group = open.get(key);
    const last = group?.at(-1).record;
    // A job's next try begins at attempt 1 again.
    const again = last && (call.record.attempt > 1 || (last.failure && last.at + last.took_ms <= call.at));
    if (again) {
      group.push(call);
    } else {
      const fresh = [call];
      groups.push(fresh);
      open.set(key, fresh);
    }
  }
  for (const group of groups.filter(({ length }) => length > 1)) {
    for (const call of group) call.group = group;
    const used = group.findLast(({ record }) => record.took_ms !== null && !record.failure);
    if (used) used.used = true;
  }
  return groups;
}

/** The request and the step that ends it, if it has ended. */
function withEnd(step) {
  const { record, answer } = step;
  if (record.took_ms === null) return [step];
  const end = { kind: "answer", at: record.at + record.took_ms, from: step.to, to: step.from, request: step, record };
  // A fault may drop an answer that was read already.
  if (record.failure && (record.status === null || record.fault === "lose_answer")) {
    end.kind = "lost";
    // Of what a client sent, only the answer is known.
    const given = answer ?? (record.kind === "answer" && record.status !== null ? record : null);
    const done = given && given.took_ms !== null;
    // The answer was lost when it was given, however long the caller waited for it.
    if (done) end.at = Math.max(given.at + given.took_ms, step.at);
    end.why = done ? "lost" : failureName(record.failure);
    end.unreached = !given;
  }
  step.end = end;
  if (step.count) end.at = Math.max(...step.equal.map((one) => one.record.at + one.record.took_ms));
  return [step, end];
}

/** Of many steps, shows those that are equal as one with a `count`. */
function fold(steps, groups) {
  const all = steps.length + steps.filter(({ kind }) => kind === "request").length;
  if (all <= MANY) return steps;
  const parents = new Set(steps.map(({ record }) => record.parent));
  const several = new Set(groups.filter(({ length }) => length > 1).flat());
  const key = (step) => {
    const { record, answer, kind, from, to } = step;
    // What is still under way, tried again or has calls of its own is not like the others.
    if (
      several.has(step) ||
      from === "client" ||
      (kind === "request" && (record.took_ms === null || parents.has(record.span)))
    )
      return step;
    const what =
      kind === "commit"
        ? record.wrote.map(({ table }) => table)
        : kind === "event"
          ? record.event.kind
          : pattern(answer ?? record);
    return [kind, from, to, record.method, what, record.status, record.failure, record.parent].join(" ");
  };
  return [...Map.groupBy(steps, key).values()].flatMap((equal) =>
    equal.length < MIN_EQUAL ? equal : [{ ...equal[0], count: equal.length, equal }],
  );
}

/** The path with `{id}` for what differs. */
export const pattern = ({ route, path }) =>
  route ?? path.replace(/\?.*/, "").replace(/\/(?:\d+|[\da-f-]{16,})(?=\/|$)/gi, "/{id}");

/** When the client had its answer; null if it has none. */
function answered(requests) {
  const ends = requests.filter(({ from, record }) => from === "client" && record.took_ms !== null);
  return ends.length ? Math.max(...ends.map(({ record }) => record.at + record.took_ms)) : null;
}

/** Numbers what has an arrow: `4.1` and `4.2` are attempts of one call. */
function number(steps) {
  let last = 0;
  const numbers = new Map();
  for (const step of steps) {
    if (step.kind === "commit" || step.request) continue;
    const group = step.group;
    if (!group) step.number = String((last += 1));
    else {
      if (!numbers.has(group)) numbers.set(group, (last += 1));
      step.number = `${numbers.get(group)}.${group.indexOf(step) + 1}`;
    }
  }
}

/** The lifelines: the client, then the services as they come in, the events last. */
function lanes(steps) {
  const found = [...new Set(steps.flatMap(({ from, to }) => [from, to]))];
  const rank = (lane) => (lane === "client" ? 0 : lane === "events" ? 2 : 1);
  return found.sort((a, b) => rank(a) - rank(b));
}

function silences(steps) {
  const found = [];
  for (let at = 1; at < steps.length; at += 1) {
    const ms = steps[at].at - steps[at - 1].at;
    if (ms > SILENCE) found.push({ before: at, ms });
  }
  return found;
}
