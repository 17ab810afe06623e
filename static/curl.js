// A request as a command for a POSIX shell.

/** The command in pieces: `[kind, text]`, with the kinds of json.js and "p" for the program. */
export function curl(url, { method, headers, body }, isStream) {
  const quote = (value) => ["s", `'${value.replaceAll("'", "'\\''")}'`];
  const pieces = [
    ["p", isStream ? "curl -iN" : "curl -i"],
    ["", " "],
  ];
  const usual = body === undefined ? "GET" : "POST";
  if (method !== usual) pieces.push(["", `-X ${method} `]);
  pieces.push(quote(url));
  for (const [name, value] of Object.entries(headers)) pieces.push(["", " \\\n  -H "], quote(`${name}: ${value}`));
  if (body !== undefined) pieces.push(["", " \\\n  --data-raw "], quote(body));
  return pieces;
}
