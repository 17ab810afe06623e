// A picture that only looks like a QR code: noise under a stamp, so that no reader finds anything in it.

import { svg, text } from "./ui.js";

const SIZE = 29;
const CORNER = 7;

/** The same picture for the same number. */
export function sampleQr(number) {
  const draw = noise(number);
  const isCorner = (x, y) => (x <= CORNER && (y <= CORNER || y >= SIZE - CORNER - 1)) || (x >= SIZE - CORNER - 1 && y <= CORNER);
  let path = "";
  for (let y = 0; y < SIZE; y += 1) {
    for (let x = 0; x < SIZE; x += 1) if (draw() > 0.52 && !isCorner(x, y)) path += `M${x} ${y}h1v1h-1z`;
  }
  for (const [x, y] of [[0, 0], [SIZE - CORNER, 0], [0, SIZE - CORNER]]) path += corner(x, y);
  return svg("svg", { class: "qr", viewBox: `0 0 ${SIZE} ${SIZE}`, role: "img", "aria-label": text("sample_qr") },
    svg("path", { d: path, "fill-rule": "evenodd" }));
}

const corner = (x, y) => `M${x} ${y}h7v7h-7zM${x + 1} ${y + 1}h5v5h-5zM${x + 2} ${y + 2}h3v3h-3z`;

/** Numbers between 0 and 1 that look like chance (Park and Miller's generator). */
function noise(seed) {
  let state = (seed % 2147483646) + 1;
  return () => (state = (state * 16807) % 2147483647) / 2147483647;
}
