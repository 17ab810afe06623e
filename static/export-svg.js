// The diagram of a trace as an SVG file that needs no stylesheet: what the page's rules make of it is written into it.

import { svg } from "./ui.js";
import { diagram } from "./live-diagram.js";

const WIDTH = 960;
const MARGIN = 12;
const KEPT = [
  "fill",
  "stroke",
  "stroke-width",
  "stroke-dasharray",
  "stroke-linecap",
  "stroke-linejoin",
  "paint-order",
  "font-family",
  "font-size",
  "font-weight",
];
/** Characters that XML does not allow. */
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;

/** The diagram as an element that is part of no page. */
export function picture({ model, ports }) {
  const { heads, body } = diagram(model, { mode: "order", width: WIDTH, ports });
  const box = document.createElement("div");
  box.className = "sr";
  box.append(heads, body);
  document.querySelector(".seq").append(box);
  const [width, top, height] = [body.viewBox.baseVal.width, heads.viewBox.baseVal.height, body.viewBox.baseVal.height];
  const paper = getComputedStyle(document.querySelector(".seq")).backgroundColor;
  const [above, below] = [plain(heads), plain(body)];
  box.remove();
  above.setAttribute("transform", `translate(${MARGIN} ${MARGIN})`);
  below.setAttribute("transform", `translate(${MARGIN} ${MARGIN + top})`);
  const size = [width + 2 * MARGIN, top + height + 2 * MARGIN];
  const all = svg("svg", { viewBox: `0 0 ${size.join(" ")}`, width: size[0], height: size[1] });
  all.append(svg("rect", { width: "100%", height: "100%", fill: paper }), above, below);
  return all;
}

/** The content of a drawing as a group without classes and roles. */
function plain(drawing) {
  const group = svg("g");
  for (const child of drawing.children) group.append(copied(child));
  return group;
}

function copied(node) {
  const copy = node.cloneNode(false);
  for (const { name } of [...copy.attributes])
    if (/^(?:class|role|tabindex|aria-|data-)/.test(name)) copy.removeAttribute(name);
  if (!["g", "title"].includes(node.localName)) {
    const rules = getComputedStyle(node);
    for (const name of KEPT) {
      const value = rules.getPropertyValue(name);
      if ((value && !["normal", "none"].includes(value)) || name === "fill") copy.setAttribute(name, value);
    }
  }
  for (const child of node.childNodes) copy.append(child.nodeType === Node.TEXT_NODE ? child.data : copied(child));
  return copy;
}

export const write = (context) => new XMLSerializer().serializeToString(picture(context)).replace(FORBIDDEN, "");
