// The filter of the list: `/orders 5xx >500ms`. All words have to match. Knows nothing of the page.

const UNITS = { "": 1, ms: 1, s: 1000, dtk: 1000 };

/** A function that says whether a trace matches. */
export function filter(words) {
  const tests = words.toLowerCase().split(/\s+/).filter(Boolean).map(test);
  return (trace) => tests.every((matches) => matches(trace));
}

function test(word) {
  if (/^[1-5]xx$/.test(word)) return ({ root }) => Math.floor(root.status / 100) === Number(word[0]);
  if (/^[1-5]\d\d$/.test(word)) return ({ root }) => root.status === Number(word);
  const time = /^([<>])(\d+(?:[.,]\d+)?)(ms|s|dtk|)$/.exec(word);
  if (time) {
    const limit = Number(time[2].replace(",", ".")) * UNITS[time[3]];
    return ({ root }) => root.took_ms !== null && (time[1] === ">" ? root.took_ms > limit : root.took_ms < limit);
  }
  return ({ id, root }) =>
    `${root.method} ${root.path} ${root.service} ${id} ${root.request_id}`.toLowerCase().includes(word);
}
