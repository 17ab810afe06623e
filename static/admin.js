// The admin's desk: its panels, and the live stream that keeps them true.

import { listen } from "./api.js";
import { clock, day, text } from "./ui.js";
import { learn } from "./admin-actions.js";
import { charts } from "./admin-charts.js";
import { history } from "./admin-history.js";
import { table } from "./admin-orders.js";
import { atMostEvery, loader } from "./admin-parts.js";
import { ask, logins } from "./admin-session.js";
import { stock } from "./admin-stock.js";
import { waiting } from "./admin-waiting.js";

/** After this time the page says that the stream is lost; in milliseconds. */
const LOST = 2000;
/** After this time an order is in the service's figures; in milliseconds. */
const COUNTED = 4000;

const $ = (css) => document.querySelector(css);

/** The panel of an order; it is loaded when the first one is opened. */
let details;
async function open(id, event) {
  // A click outside of the panel would close it.
  event.stopPropagation();
  const opener = event.currentTarget;
  details ??= import("./admin-order.js").then((panel) => panel.details($("#order"), (user) => all.ofUser(user)));
  details.catch(() => (details = undefined));
  (await details)(id, opener);
}
const all = table($("#orders"), open);
const wait = waiting($("#waiting"), {
  open,
  all() {
    all.choose("paid");
    $("#orders h2").focus();
  },
});
const past = history($("#history"), open);
const goods = stock($("#stock"));

/** The minutes of today, with the one that is not over. */
function today() {
  const now = new Date();
  return now.getHours() * 60 + now.getMinutes() + 1;
}

const summary = loader(
  $("#charts"),
  "order",
  (signal) => ask("order", "GET", `/orders/summary?period=${today()}`, { signal }),
  ({ data }) => {
    charts($("#charts"), data);
    $("#figures").hidden = false;
    all.count(data.statuses);
    wait.count(data.statuses.paid);
  },
);
const recount = atMostEvery(1000, summary.refresh);
let counting;

/** Counts now, and once more when the service has counted the latest orders too. */
function countAgain() {
  recount();
  clearTimeout(counting);
  counting = setTimeout(recount, COUNTED);
}

const panels = [wait, summary, all, goods, past];
const reload = () => panels.forEach((panel) => panel.reload());

// The live stream.
const live = $("#live");
let end, lost;

function listenToOrders() {
  end?.();
  end = listen("order", "/orders/activity/stream", {
    open() {
      clearTimeout(lost);
      lost = undefined;
      say("live", false);
      // A stream begins with what happens from now on.
      reload();
    },
    lost() {
      // An answer to any call says whether the session is what has ended.
      lost ??= setTimeout(() => (say("lost", true), summary.refresh()), LOST);
    },
    message(row) {
      past.add(row);
      learn(row.order_id, row.status);
      countAgain();
      goods.refresh();
    },
  });
}

function say(name, isDown) {
  live.querySelector(".dot").classList.toggle("down", isDown);
  live.lastElementChild.textContent = text(name);
}

logins.addEventListener("asked", () => end?.());
logins.addEventListener("done", listenToOrders);

const now = $("#now");
let minute = today();
function tick() {
  const time = new Date();
  now.textContent = `${day(time)}, ${clock(time)}`;
  // The minutes of the charts move on.
  if (minute !== today()) recount();
  minute = today();
}
setInterval(tick, 1000);
tick();
reload();
listenToOrders();
