// The bell: one notification for each status that an order of the customer has reached, live.

import { listen } from "./api.js";
import { clock, h, text } from "./ui.js";
import { isId, isText, notificationsOf, stored } from "./shop-store.js";
import { stateTag } from "./shop-parts.js";
import { verify, watchCustomer } from "./shop-customer.js";

/** How many are kept to be shown. */
const MAX_KEPT = 20;
/** At most so often the list is drawn. */
const RENDER_PERIOD_MS = 250;

const panel = document.querySelector("#notifications");
const list = panel.querySelector("[data-notifications]");
const bell = document.querySelector('[data-opens="#notifications"]');
const badge = bell.querySelector("[data-unread]");
/** Where it is said whether the stream is open. */
const tags = [panel.querySelector("[data-live]")];
const watchers = new Set();

const isNotification = (one) => isId(one?.id) && isId(one.order_id) && isText(one.status) && isText(one.at);

/** What is known of the notifications of a user: the newest, and the last that was seen. */
const kept = (user) => stored(localStorage, notificationsOf(user), (value) => ({
  recent: Array.isArray(value?.recent) ? value.recent.filter(isNotification).slice(-MAX_KEPT) : [],
  unread: isId(value?.unread) ? value.unread : 0,
}));

let user, timer, end;
let isLive = false;
/** What has arrived since the list was drawn. */
let arrived = [];
/** Those that were unread when the list was opened. */
let fresh = 0;

/** Calls `watcher` with the notifications that have arrived, at most once in a drawing period. */
export const watchNotifications = (watcher) => watchers.add(watcher);

/** A tag that says whether the page is live. */
export function liveTag() {
  const tag = h("span.tag");
  tags.push(tag);
  showLive(isLive);
  return tag;
}

function receive({ id, order_id, status, at }) {
  arrived.push({ id, order_id, status, at });
  timer ??= setTimeout(publish, RENDER_PERIOD_MS);
  const { recent, unread } = kept(user).get();
  if (recent.some((one) => one.id >= id)) return; // Another tab has received it.
  kept(user).set({ recent: [...recent, { id, order_id, status, at }].slice(-MAX_KEPT), unread: unread + 1 });
}

function publish() {
  timer = undefined;
  const batch = arrived;
  arrived = [];
  render();
  for (const watcher of watchers) watcher(batch);
}

function render() {
  const { recent, unread } = user ? kept(user).get() : { recent: [], unread: 0 };
  badge.hidden = unread === 0;
  badge.textContent = unread > 99 ? "99+" : unread;
  bell.setAttribute("aria-label", unread ? text("notifications_unread", { count: unread }) : text("notifications"));
  panel.querySelector("[data-none]").hidden = recent.length > 0;
  const marked = Math.max(unread, fresh);
  list.replaceChildren(...recent.toReversed().map((one, at) => h("li", { class: at < marked ? "new" : null },
    stateTag(one.status),
    h("p", {}, h("a", { href: `/shop/order?id=${one.order_id}` }, text(`news_${one.status}`, { id: one.order_id }))),
    h("time.tiny.faint.num", { datetime: one.at }, clock(one.at)))));
}

function connect() {
  end?.();
  end = undefined;
  for (const tag of tags) tag.hidden = !user;
  // A hidden page gives its connection back: browsers have only a few for each service.
  if (!user || document.hidden) return;
  const last = kept(user).get().recent.at(-1)?.id ?? 0;
  end = listen("user", `/users/${user.id}/notifications/stream?last_event_id=${last}`, {
    open: () => showLive(true),
    lost() {
      showLive(false);
      // A stream ends with its token, or its user.
      verify();
    },
    message: receive,
  });
}

function showLive(live) {
  isLive = live;
  for (const tag of tags) tag.replaceChildren(h(live ? "span.dot" : "span.dot.down"), text(live ? "live" : "lost"));
}

document.addEventListener("click", ({ target }) => {
  // The listener of ui.js, which opens the panel, has run before.
  if (!target.closest('[data-opens="#notifications"]') || panel.hidden || !user) return;
  const { recent, unread } = kept(user).get();
  fresh = unread;
  kept(user).set({ recent, unread: 0 });
  render();
});
panel.addEventListener("close", () => {
  fresh = 0;
  render();
});
document.addEventListener("visibilitychange", connect);
addEventListener("storage", ({ key }) => user && key === notificationsOf(user) && render());
watchCustomer((now) => {
  if (user && now?.id === user.id) return;
  user = now;
  render();
  connect();
});
