// JSON as people read it: indented and coloured, also where its end is missing. Numbers stay as they are written:
// JSON.parse would round long ones.

import { h } from "./ui.js";

const TOKEN = /"(?:[^"\\]+|\\.)*"?|[{}[\],:]|[^\s"{}[\],:]+/g;
const MAX_INDENT = 40;

/** The pieces of a JSON text as `[kind, text]`: "k" a key, "s" a string, "n" a number or word, "" what is between. */
function* pieces(json) {
  const tokens = json.match(TOKEN) ?? [];
  let depth = 0;
  const line = () => `\n${"  ".repeat(Math.min(depth, MAX_INDENT))}`;
  for (let at = 0; at < tokens.length; at += 1) {
    const [token, next] = [tokens[at], tokens[at + 1]];
    if ("{[".includes(token)) {
      if (next === "}" || next === "]") {
        yield ["", token + next];
        at += 1;
      } else {
        depth += 1;
        yield ["", token + line()];
      }
    } else if ("}]".includes(token)) {
      depth -= 1;
      yield ["", line() + token];
    } else if (token === ",") {
      yield ["", `,${line()}`];
    } else if (token === ":") {
      yield ["", ": "];
    } else if (token.startsWith('"')) {
      yield [next === ":" ? "k" : "s", token];
    } else {
      yield ["n", token];
    }
  }
}

/** The nodes of a JSON text, indented and coloured; of its first `lines` lines only, if that is given. */
export function highlight(json, lines = Infinity) {
  const nodes = [];
  let left = lines - 1;
  for (const [kind, piece] of pieces(json)) {
    if (piece.includes("\n")) left -= 1;
    if (left < 0) break;
    nodes.push(kind ? h(`span.${kind}`, {}, piece) : piece);
  }
  return nodes;
}

/** A JSON text, indented. */
export const indent = (json) => [...pieces(json)].map(([, piece]) => piece).join("");
