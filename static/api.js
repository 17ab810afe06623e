// Calls to the services, wherever they are, and who makes them.

import { language } from "./ui.js";

/** A service that can't be reached, or that says so itself: a later try may succeed. */
export class Away extends Error {}

/** A refusal: `problem` is the service's problem document (RFC 9457). */
export class Refused extends Error {
  constructor(problem) {
    super(problem.message ?? problem.detail ?? problem.title);
    this.problem = problem;
    this.code = problem.code;
  }
}

/** How long an answer may take. The services answer within three seconds. */
const PATIENCE = 8000;
/** How long a stream that has ended waits for its next connection: it doubles from the first to the longest. */
const FIRST_PAUSE = 2000;
const LONGEST_PAUSE = 30_000;

let found;

/** The services, as this page's own one knows them: `[{name, title, url}]`. */
export function services() {
  found ??= readServices();
  found.catch(() => (found = undefined));
  return found;
}

async function readServices() {
  const answer = await fetch("/services", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
  const list = await answer.json();
  if (!answer.ok || !Array.isArray(list)) throw new Away("services");
  return list;
}

/** The URL of a path of a service. */
export async function at(service, path) {
  try {
    const { url } = (await services()).find(({ name }) => name === service);
    return url + path;
  } catch {
    throw new Away(service);
  }
}

// Who acts: a user with or without a token. It lives as long as the tab; other tabs log in for themselves.
const KEY = "session";

/** `{user: {id, name}, token?}`, or null. */
export const session = {
  get() {
    // Anything may be stored there.
    try {
      const value = JSON.parse(sessionStorage.getItem(KEY));
      return value.user.id && value.user.name ? value : null;
    } catch {
      return null;
    }
  },
  set: (value) => (value ? sessionStorage.setItem(KEY, JSON.stringify(value)) : sessionStorage.removeItem(KEY)),
};

const watchers = new Set();

/**
 * Calls `watcher` with `{service, method, path, status, ms, trace}` after each call; the status is 0 if there was no
 * answer, and then there is no trace.
 */
export const watchCalls = (watcher) => watchers.add(watcher);

/**
 * Calls a service and returns `{data, status, headers}` of a success. `isAnonymous`: without the token of the session.
 * Throws `Refused` for a refusal, and `Away` if there is no answer or it is that the service can't answer now.
 */
export async function call(service, method, path, { body, headers = {}, signal, isAnonymous } = {}) {
  const token = !isAnonymous && session.get()?.token;
  const all = { Accept: "application/json", "Accept-Language": language, ...headers };
  if (token) all.Authorization = `Bearer ${token}`;
  if (body !== undefined) all["Content-Type"] = "application/json";
  const url = await at(service, path);
  const began = performance.now();
  let answer, data;
  const report = (status) => {
    const ms = performance.now() - began;
    const trace = traceOf(answer);
    for (const watcher of watchers) watcher({ service, method, path, status, ms, trace });
  };
  try {
    const signals = [AbortSignal.timeout(PATIENCE), ...(signal ? [signal] : [])];
    answer = await fetch(url, {
      method,
      headers: all,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
      signal: AbortSignal.any(signals),
    });
    const text = await answer.text();
    data = text === "" ? null : JSON.parse(text);
  } catch (error) {
    if (signal?.aborted) throw error;
    report(answer?.status ?? 0);
    throw new Away(service, { cause: error });
  }
  report(answer.status);
  if (answer.ok) return { data, status: answer.status, headers: answer.headers };
  // Only a problem document with a code is a word of ours; anything else may come from what stands between.
  if (!data?.code || answer.status >= 500 || answer.status === 429) {
    const away = new Away(data?.message ?? service);
    away.code = data?.code;
    throw away;
  }
  throw new Refused(data);
}

/** The id of the trace that an answer belongs to (W3C Trace Context). */
export const traceOf = (answer) => answer?.headers.get("traceparent")?.split("-")[1];

/** The path of the next page of a list, from its `Link` header; null after the last one. */
export function next(headers) {
  const link = /<([^>]+)>;\s*rel="next"/.exec(headers.get("link") ?? "");
  return link ? link[1] : null;
}

/**
 * Listens to a live stream with an EventSource, which sends no headers: where one has to log in, the address carries a
 * ticket that is valid for half a minute, so each connection gets its own.
 * `on` has a function for each kind of event, and may have `open` and `lost`. Returns a function that ends it.
 */
export function listen(service, path, on) {
  let source, timer, ended, lastId;
  let pause = FIRST_PAUSE;
  const connect = async () => {
    if (ended) return;
    try {
      const url = new URL(await at(service, path));
      if (session.get()?.token) {
        const { data } = await call("user", "POST", "/auth/ticket");
        url.searchParams.set("ticket", data.ticket);
      }
      if (lastId) url.searchParams.set("last_event_id", lastId);
      if (ended) return;
      source = new EventSource(url);
      source.addEventListener("open", () => {
        pause = FIRST_PAUSE;
        on.open?.();
      });
      source.addEventListener("error", again);
      for (const [kind, handle] of Object.entries(on)) {
        if (kind === "open" || kind === "lost") continue;
        source.addEventListener(kind, (event) => {
          lastId = event.lastEventId || lastId;
          handle(JSON.parse(event.data), event);
        });
      }
    } catch {
      again();
    }
  };
  const again = () => {
    if (ended) return;
    source?.close();
    on.lost?.();
    clearTimeout(timer);
    timer = setTimeout(connect, pause * (0.5 + Math.random() / 2));
    pause = Math.min(2 * pause, LONGEST_PAUSE);
  };
  connect();
  return () => {
    ended = true;
    clearTimeout(timer);
    source?.close();
  };
}
