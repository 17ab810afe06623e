// What the panels of the desk share: loading, lists that keep their rows, questions, keys.

import { Away } from "./api.js";
import { h, icon, say, text } from "./ui.js";
import { explain } from "./admin-session.js";

/** How long the next try of a load waits, in milliseconds: it doubles from the first to the last. */
const FIRST_WAIT = 1000;
const LAST_WAIT = 15000;
/** How long a search waits for the next letter, in milliseconds. */
const TYPING = 300;

/** The elements in `section` that the selectors name. */
export const find = (section, ...selectors) => selectors.map((css) => section.querySelector(css));

/** A button with classes, as `.btn.primary`. */
export const button = (classes, label, click, attributes = {}) => h(`button${classes}`, { type: "button", click, ...attributes }, label);

/**
 * Loads what a panel shows: `load(signal)` gets it, `show` shows it. While the service is away the panel keeps what it
 * has, says so, and tries again by itself. `reload` gives up a load that is under way; `refresh` waits for it.
 */
export function loader(section, service, load, show) {
  const message = h("span.grow");
  const retry = button(".btn", text("retry"), reload);
  const notice = h("div.notice", { hidden: true }, icon("warn"), message, retry);
  section.querySelector("[data-notice]").replaceWith(notice);
  let current, timer, stale;
  let wait = FIRST_WAIT;

  async function reload() {
    clearTimeout(timer);
    current?.abort();
    const mine = (current = new AbortController());
    stale = false;
    try {
      const loaded = await load(mine.signal);
      if (mine !== current) return;
      wait = FIRST_WAIT;
      notice.hidden = true;
      show(loaded);
    } catch (error) {
      if (mine !== current) return;
      const why = explain(error, service);
      if (notice.hidden) say(why);
      message.textContent = why;
      notice.hidden = false;
      if (error instanceof Away) {
        timer = setTimeout(reload, wait);
        wait = Math.min(2 * wait, LAST_WAIT);
      }
    } finally {
      if (mine === current) current = undefined;
    }
    if (stale && !current) reload();
  }

  function refresh() {
    if (current) stale = true;
    else reload();
  }
  return { reload, refresh };
}

/** Resolves while the page can be seen. */
async function seen() {
  if (document.hidden) await new Promise((shown) => document.addEventListener("visibilitychange", shown, { once: true }));
}

/** Lets `run` be asked for at any rate: it runs soon, but at most once in each `ms`, and only while the page is seen. */
export function atMostEvery(ms, run) {
  let timer;
  let last = -Infinity;
  return () => {
    timer ??= setTimeout(async () => {
      await seen();
      timer = undefined;
      last = performance.now();
      run();
    }, Math.max(0, last + ms - performance.now()));
  };
}

/**
 * Shows items as children of `parent`, below a table's head. `make(item)` gives `{element, update}`. The element of a
 * key that stays is updated, never replaced, so that focus and open forms stay too.
 */
export function list(parent, key, make) {
  const views = new Map();
  return (items) => {
    const keys = new Set(items.map(key));
    for (const [gone, { element }] of views) {
      if (keys.has(gone)) continue;
      element.remove();
      views.delete(gone);
    }
    let next = parent.tHead ? parent.tHead.nextElementSibling : parent.firstElementChild;
    for (const item of items) {
      if (!views.has(key(item))) views.set(key(item), make(item));
      const { element, update } = views.get(key(item));
      update(item);
      if (element === next) next = next.nextElementSibling;
      else parent.insertBefore(element, next);
    }
  };
}

/** Watches whether somebody points at the section or has the focus in it: what is used must not move. */
export function watchUse(section) {
  let pointed = false;
  section.addEventListener("pointerenter", () => (pointed = true));
  section.addEventListener("pointerleave", () => (pointed = false));
  return { isPointed: () => pointed, isUsed: () => pointed || section.contains(document.activeElement) };
}

/** Runs `action` for a press of `button`; further presses until it has ended do nothing. */
export async function press(button, action) {
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  try {
    await action();
  } finally {
    button.removeAttribute("aria-busy");
  }
}

/** Asks a second time, in place of `buttons`, before `run`. */
export function question(buttons, sentence, yes, run) {
  const opener = document.activeElement;
  const close = () => {
    asked.replaceWith(buttons);
    opener.focus();
  };
  const no = button(".btn.quiet", text("no"), close);
  const go = button(".btn.bad", yes, () => press(go, run).then(() => asked.isConnected && close()));
  const asked = h("span.row.question", { role: "group", "aria-label": sentence, keydown: escape(close) }, h("span", {}, sentence), go, no);
  buttons.replaceWith(asked);
  no.focus();
}

/** A listener that closes the innermost thing on Escape, and not what is around it. */
export const escape = (close) => (event) => {
  if (event.key !== "Escape") return;
  event.stopPropagation();
  close();
};

/** Calls `run` when nobody has typed into the field for a moment. */
export function onTyped(field, run) {
  let timer;
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(run, TYPING);
  });
}

/** Lets the arrow keys walk the rows of a list, from its search on, and Enter do a row's action. */
export function walk(rows, search) {
  search?.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") rows.querySelector("[data-row]")?.focus();
  });
  rows.addEventListener("keydown", (event) => {
    const row = event.target.closest("[data-row]");
    if (!row || event.target.closest("input, textarea, select")) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      const all = [...rows.querySelectorAll("[data-row]")];
      event.preventDefault();
      all[all.indexOf(row) + step]?.focus();
    }
    if (event.key === "Enter" && event.target === row) {
      event.preventDefault();
      row.querySelector("[data-act]:not([hidden])")?.click();
    }
  });
}

/** The two buttons that leaf through a list in keyset pages, from the path `first()` on; `go()` loads what `path()` is. */
export function pager(element, first, go) {
  let paths = [];
  let next = null;
  const [newer, older] = element.querySelectorAll("button");
  const leaf = (change) => {
    change();
    go();
    // A page is read from its beginning, which is above the buttons.
    const section = element.closest("section");
    if (section.getBoundingClientRect().top < 0) section.scrollIntoView();
  };
  newer.addEventListener("click", () => paths.length && leaf(() => paths.pop()));
  older.addEventListener("click", () => next && leaf(() => paths.push(next)));
  return {
    path: () => paths.at(-1) ?? first(),
    number: () => paths.length + 1,
    reset: () => (paths = []),
    show(found) {
      next = found;
      newer.setAttribute("aria-disabled", String(paths.length === 0));
      older.setAttribute("aria-disabled", String(!next));
      element.hidden = paths.length === 0 && !next;
    },
  };
}
