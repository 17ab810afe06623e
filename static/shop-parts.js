// What several pages of the shop draw.

import { h, icon, say, svg, text } from "./ui.js";

const TINTS = "abcdef";

/** The picture of a product, or a drawn parcel if it has none of this origin. */
export function picture({ id, image }, className) {
  const tint = `t-${TINTS[id % TINTS.length]}`;
  const drawn = () => svg("svg", { class: `${className} ${tint}`, viewBox: "0 0 200 160", "aria-hidden": "true" },
    svg("path", { class: "w4", d: "M52 62h96v62a6 6 0 0 1-6 6H58a6 6 0 0 1-6-6z" }),
    svg("path", { class: "w2", d: "M46 46h108v20H46z" }),
    svg("path", { class: "w5", d: "M90 46h20v84H90z" }),
    svg("path", { class: "l2", d: "M100 46c-12-22-34-18-30-6 2 6 18 6 30 6 12 0 28 0 30-6 4-12-18-16-30 6z" }));
  if (!isOwnPath(image)) return drawn();
  const shown = h(`img.${className}.${tint}`, {
    src: image, alt: "", width: 200, height: 160, loading: "lazy", error: () => shown.replaceWith(drawn()),
  });
  return shown;
}

/** Whether a browser takes it for a path of this origin: `//` and `/\` lead elsewhere. */
function isOwnPath(image) {
  if (typeof image !== "string" || !image.startsWith("/")) return false;
  return URL.canParse(image, location.origin) && new URL(image, location.origin).origin === location.origin;
}

const GLYPHS = {
  pending: "dashed", paid: "half", confirmed: "stamp", shipped: "truck", completed: "full", cancelled: "x", expired: "clock", failed: "x",
};

/** The state of an order: glyph and word. */
export const stateTag = (status) => h("span.state", { class: status }, icon(GLYPHS[status] ?? "dashed"), text(`state_${status}`));

/** The title of a service. */
export const title = (service) => `${service[0].toUpperCase()}${service.slice(1)}Service`;

export const button = (label, click, className = "btn") =>
  h(`button.${className.replaceAll(" ", ".")}`, { type: "button", click }, label);

/** Shows a notice in `area`, or clears it if there is nothing to say. `isBad`: something failed for good. */
export function notify(area, content, { isBad = false, actions = [] } = {}) {
  if (!content) return area.replaceChildren();
  area.replaceChildren(h("div.notice", { class: isBad ? "bad" : null },
    icon("warn"), h("div.stack.grow", {}, h("p.wrap", {}, content), actions.length ? h("div.row", {}, actions) : null)));
  if (typeof content === "string") say(content);
}

/** Says in `area` that a service is away and that it is retried. Use it as `away` of `untilAnswered`. */
export const notifyAway = (area, service, sentence = "away") => (_, retry) =>
  notify(area, text(sentence, { service: title(service) }), { actions: [button(text("retry_now"), retry)] });
