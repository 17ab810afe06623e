// The panel with one request: its diagram, or the same as text, and how to walk through its steps.

import { h, milliseconds, number, text } from "./ui.js";
import { caption, laneClass, laneName, label, result, statusClass, took } from "./live-words.js";

/** On phones the text comes first. */
const NARROW = "(max-width: 900px)";

/** `open` is called with a step and whether it was asked for now. */
export function panel(section, ports, open) {
  const $ = (css) => section.querySelector(css);
  const [head, box, words] = [$("[data-head]"), $(".seq-scroll"), $(".seq-text")];
  let mode = matchMedia(NARROW).matches ? "text" : "order";
  let trace, model, opened;
  /** Loaded with the first trace. */
  let sequence;
  /** Phones may never need it. */
  let diagram;

  function draw() {
    const had = section.contains(document.activeElement) && document.activeElement.closest("[data-key]")?.dataset.key;
    head.hidden = !trace;
    section.classList.toggle("as-text", mode === "text");
    for (const button of section.querySelectorAll("[data-mode]"))
      button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
    if (!trace) {
      model = undefined;
      box.replaceChildren();
      words.replaceChildren();
      return;
    }
    if (!sequence) {
      import("./live-steps.js").then((module) => {
        sequence ??= module.sequence;
        draw();
      });
      return;
    }
    model = sequence([...trace.records.values()], trace.began);
    title();
    $("[data-more]").textContent = model.hidden ? text("more-steps", { n: number(model.hidden) }) : "";
    const unit = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
    if (mode === "text") {
      box.replaceChildren();
      words.replaceChildren(...model.steps.filter((step) => step.number).map(line));
    } else if (!diagram) {
      import("./live-diagram.js").then((module) => {
        diagram ??= module.diagram;
        draw();
      });
    } else {
      const { heads, body } = diagram(model, { mode, width: box.clientWidth / unit, ports: ports(), chosen: opened });
      body.setAttribute("aria-labelledby", "sequence-title");
      box.replaceChildren(heads, body);
      words.replaceChildren();
    }
    const steps = arrows();
    const focus = steps.find((step) => step.dataset.key === had);
    (focus ?? steps[0])?.setAttribute("tabindex", "0");
    focus?.focus({ preventScroll: true });
  }

  function title() {
    const { root } = trace;
    $("[data-title]").textContent = label(root);
    const status = $("[data-status]");
    status.className = `status ${root.failure && !root.status ? "s5" : statusClass(root.status)}`;
    status.textContent = root.took_ms === null ? text("running") : (root.status ?? text("failed"));
    $("[data-took]").textContent = root.took_ms === null ? "" : took(root.took_ms);
    $("[data-trace]").textContent = trace.id;
    $("[data-pin]").setAttribute("aria-pressed", String(trace.pinned));
  }

  function line(step) {
    const { from, to, record, end } = step;
    const bad = step.kind === "unasked" || end?.kind === "lost";
    const more = [
      caption(step),
      end && end.kind === "answer" && milliseconds(record.took_ms),
      step.used && text("used"),
    ];
    return h("li", {}, [
      h(
        "button",
        {
          type: "button",
          "data-key": step.key,
          "data-kind": step.kind,
          tabindex: -1,
          "aria-pressed": String(step.key === opened),
        },
        [
          h("span.no", {}, step.number),
          h(
            "span",
            {},
            h("b", { class: laneClass(from) }, laneName(from)),
            " → ",
            h("b", { class: laneClass(to) }, laneName(to)),
          ),
          h("span.status", { class: bad ? "s5" : statusClass(end && record.status) }, result(step)),
          h("span.sub.mono", {}, more.filter(Boolean).join(" · ")),
        ],
      ),
    ]);
  }

  const arrows = () => [...section.querySelectorAll("[data-key]")];

  function choose(target) {
    const key = target.closest("[data-key]")?.dataset.key;
    const step = key && model.steps.find((one) => one.number && one.key === key);
    if (step) openStep(step);
  }

  function openStep(step) {
    opened = step.key;
    for (const arrow of arrows()) arrow.setAttribute("aria-pressed", String(arrow.dataset.key === opened));
    open(step, trace);
  }

  section.addEventListener("click", ({ target }) => choose(target));
  section.addEventListener("keydown", (event) => {
    const here = event.target.closest("[data-key]");
    if (!here) return;
    const by = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (by) {
      const steps = arrows();
      const next = steps[steps.indexOf(here) + by];
      here.setAttribute("tabindex", "-1");
      (next ?? here).setAttribute("tabindex", "0");
      (next ?? here).focus();
    } else if (here.matches("g") && (event.key === "Enter" || event.key === " ")) {
      choose(here);
    } else return;
    event.preventDefault();
  });
  for (const button of section.querySelectorAll("[data-mode]"))
    button.addEventListener("click", () => setMode(button.dataset.mode));
  function setMode(next) {
    mode = next;
    draw();
  }
  let width;
  new ResizeObserver(() => {
    if (width !== box.clientWidth && mode !== "text") draw();
    width = box.clientWidth;
  }).observe(section);

  return {
    draw,
    show(next) {
      if (next?.id !== trace?.id) opened = undefined;
      trace = next;
      draw();
    },
    /** Nothing is open any more; `focus`: what was gets the focus. */
    close(focus) {
      const key = opened;
      opened = undefined;
      draw();
      if (focus)
        arrows()
          .find((step) => step.dataset.key === key)
          ?.focus();
    },
    get model() {
      return model;
    },
    toggle: () => setMode(mode === "order" ? "time" : "order"),
  };
}
