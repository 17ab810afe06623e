// The calls of a trace as a HAR 1.2 file (http://www.softwareishard.com/blog/har-12-spec/).

import { keyOf } from "./live-traces.js";

const LATEST = "HTTP/1.1";

export async function write({ model, urls, details }) {
  const known = await details();
  const calls = model.steps.filter(({ kind, record }) => kind === "request" && record.took_ms !== null);
  const entries = calls.map((step) => entry(step, urls, known.get(keyOf(step.record))));
  const log = { version: "1.2", creator: { name: "Pasar", version: "1" }, entries };
  return JSON.stringify({ log }, null, 2);
}

function entry({ record, number, from, to }, urls, known) {
  const url = new URL((urls[to] ?? "http://localhost") + record.path);
  const [asked, given] = [known?.request ?? {}, known?.response ?? {}];
  const body = asked.body === null || asked.body === undefined ? undefined : JSON.stringify(asked.body);
  return {
    startedDateTime: record.began_at,
    time: record.took_ms,
    request: {
      method: record.method,
      url: url.href,
      httpVersion: LATEST,
      cookies: [],
      headers: headers(asked),
      queryString: [...url.searchParams].map(([name, value]) => ({ name, value })),
      ...(body !== undefined && { postData: { mimeType: "application/json", text: body } }),
      headersSize: -1,
      bodySize: asked.bytes ?? -1,
    },
    response: {
      // 0: there was no answer.
      status: record.status ?? 0,
      statusText: "",
      httpVersion: LATEST,
      cookies: [],
      headers: headers(given),
      content: {
        size: given.bytes ?? 0,
        mimeType: "application/json",
        ...(given.body && { text: JSON.stringify(given.body) }),
      },
      redirectURL: "",
      headersSize: -1,
      bodySize: given.bytes ?? -1,
    },
    cache: {},
    timings: { send: 0, wait: record.took_ms, receive: 0 },
    comment: [`${number} ${from} → ${to}`, record.failure].filter(Boolean).join(": "),
  };
}

const headers = ({ headers: all }) =>
  Object.entries(all ?? {}).map(([name, value]) => ({ name, value: String(value) }));
