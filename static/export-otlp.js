// A trace as OTLP JSON (https://opentelemetry.io/docs/specs/otlp/): one resource for each service, one span for each
// record.

const KIND = { internal: 1, server: 2, client: 3, consumer: 5 };
const STATUS_ERROR = 2;

export function write({ trace }) {
  const records = [...trace.records.values()].sort((a, b) => a.at - b.at);
  const called = new Set(records.filter(({ kind }) => kind === "call").map(({ span }) => span));
  // A call and its answer are recorded with one span; here the answer's is a child of the call's, with an id of its own.
  const server = (span) => (called.has(span) ? (Number.parseInt(span[0], 16) ^ 8).toString(16) + span.slice(1) : span);
  const resources = [...Map.groupBy(records, ({ service }) => service)].map(([service, own]) => ({
    resource: { attributes: [attribute("service.name", service)] },
    scopeSpans: [
      { scope: { name: "pasar" }, spans: own.map((record) => span(record, records.indexOf(record), called, server)) },
    ],
  }));
  return JSON.stringify({ resourceSpans: resources }, null, 2);
}

function span(record, index, called, server) {
  const { kind, method, path, route, peer, status, failure, fault, event, wrote, attempt } = record;
  const begin = nanoseconds(record.began_at);
  const end = begin + BigInt(Math.round((record.took_ms ?? 0) * 1e6));
  const own = { answer: server(record.span), call: record.span }[kind] ?? `c0${index.toString(16).padStart(14, "0")}`;
  const parent =
    kind === "answer" ? (called.has(record.span) ? record.span : null) : record.parent && server(record.parent);
  const failed = failure || status >= (kind === "call" ? 400 : 500);
  return {
    traceId: record.trace,
    spanId: own,
    ...(parent && { parentSpanId: parent }),
    name:
      kind === "commit"
        ? "commit"
        : kind === "event"
          ? event.kind
          : `${method} ${route ?? (kind === "answer" ? path : "")}`.trim(),
    kind: { answer: KIND.server, call: KIND.client, event: KIND.consumer }[kind] ?? KIND.internal,
    startTimeUnixNano: String(begin),
    endTimeUnixNano: String(end),
    attributes: [
      method && attribute("http.request.method", method),
      path && attribute("url.path", path.split("?")[0]),
      route && attribute("http.route", route),
      status && attribute("http.response.status_code", status),
      peer && attribute("server.address", peer),
      attempt > 1 && attribute("http.request.resend_count", attempt - 1),
      fault && attribute("pasar.fault", fault),
      event && attribute("messaging.destination.name", event.subscriber),
      event && attribute("messaging.message.id", event.key),
      ...(wrote ?? []).map(({ table, rows }) => attribute(`pasar.rows.${table}`, rows)),
    ].filter(Boolean),
    status: failed ? { code: STATUS_ERROR, ...(failure && { message: failure }) } : {},
  };
}

const attribute = (key, value) => ({
  key,
  value: typeof value === "number" ? { intValue: String(value) } : { stringValue: String(value) },
});

function nanoseconds(time) {
  const [seconds, fraction = ""] = time.slice(0, -1).split(".");
  return BigInt(Date.parse(`${seconds}Z`)) * 1_000_000n + BigInt(fraction.padEnd(9, "0").slice(0, 9));
}
