// Who shops: a customer without an account where the shop is open, or with one. The token lives as long as the tab;
// who it was is remembered, so that other tabs and later visits go on as the same customer.

import { Away, Refused, call, session } from "./api.js";
import { closePanel, openPanel, say, text } from "./ui.js";
import { isId, isText, notificationsOf, removeTraces, stored } from "./shop-store.js";
import { title } from "./shop-parts.js";

const isUser = (user) => isId(user?.id) && isText(user.name);
const remembered = stored(localStorage, "customer", (user) => (isUser(user) ? { id: user.id, name: user.name } : null));
const accountNeeded = stored(sessionStorage, "account-needed", (value) => value === true);

const panel = document.querySelector("#customer");
const notice = panel.querySelector("[data-customer-notice]");
const opener = document.querySelector('[data-opens="#customer"]');
const watchers = new Set();
/** Why the last session has ended, until somebody logs in. */
let ended;

/** The customer, `{id, name}`, or null. */
export const customer = () => session.get()?.user ?? null;

/** Calls `watcher` with the customer now, and whenever it is another. */
export function watchCustomer(watcher) {
  watchers.add(watcher);
  watcher(customer());
}

/** Goes on as this customer, or as nobody. */
export function become(user, token) {
  if (user) ended = undefined;
  session.set(user && { user: { id: user.id, name: user.name }, token });
  show();
  for (const watcher of watchers) watcher(customer());
}

/** Forgets who shops, in the next tabs too. */
export function forget() {
  remembered.set(null);
  become(null);
}

const isUnauthorized = (error) => error instanceof Refused && error.code?.startsWith("token_");

/** As `call`, but asks the customer to log in where that is what the service misses, and then calls again. */
export async function ask(...request) {
  for (;;) {
    const token = session.get()?.token;
    try {
      return await call(...request);
    } catch (error) {
      if (!isUnauthorized(error)) throw error;
      // Somebody has logged in meanwhile.
      if (session.get()?.token !== token) continue;
      expire(error);
      if (!(await identify(error.code === "token_missing" ? text("account_needed") : error.message))) throw error;
    }
  }
}

/** Ends the session that a service has refused. */
function expire({ code, message }) {
  if (code !== "token_missing") {
    ended = message;
  } else if (!accountNeeded.get()) {
    accountNeeded.set(true);
    choose("login");
  }
  // Several calls may be refused at once; a form that is being filled in stays as it is.
  if (session.get()) become(null);
}

let identifying;

/** Asks who shops, and says why. Resolves to the customer, or to null if the panel was closed. */
export function identify(why) {
  identifying ??= new Promise((resolve) => {
    // One dialog at a time: the one that is open makes room and comes back.
    const before = document.querySelector("[data-panel][aria-modal]:not([hidden])");
    if (before && before !== panel) closePanel(before);
    if (panel.hidden) openPanel(panel, opener);
    explain(ended ?? why);
    panel.addEventListener("close", () => {
      identifying = undefined;
      if (before && before !== panel) openPanel(before, document.querySelector(`[data-opens="#${before.id}"]`));
      resolve(customer());
    }, { once: true });
  });
  return identifying;
}

function explain(why) {
  notice.textContent = why ?? "";
  notice.hidden = !why;
  if (why) say(why);
}

// The panel.

function choose(kind) {
  for (const choice of panel.querySelectorAll("[data-choose]")) {
    choice.setAttribute("aria-pressed", String(choice.dataset.choose === kind));
    choice.hidden = choice.dataset.choose === "guest" && accountNeeded.get();
  }
  for (const form of panel.querySelectorAll("form")) form.hidden = form.dataset.form !== kind;
}

function show() {
  const user = customer();
  panel.querySelector("[data-known]").hidden = !user;
  panel.querySelector("[data-unknown]").hidden = Boolean(user);
  panel.querySelector("[data-customer-name]").textContent = user?.name ?? "";
  document.querySelector("[data-account]").textContent = user?.name ?? text("log_in");
  opener.setAttribute("aria-label", user ? text("account_of", user) : text("log_in"));
  choose(accountNeeded.get() ? "login" : "guest");
}

const REQUESTS = {
  guest: ["/users", (answer) => [answer]],
  login: ["/auth/login", (answer) => [answer.user, answer.access_token]],
  register: ["/auth/register", (answer) => [answer.user, answer.access_token]],
};

/** The fields of a form that are filled in. A password is sent as it is. */
function values(form) {
  const trimmed = [...new FormData(form)].map(([name, value]) => [name, name === "password" ? value : value.trim()]);
  return Object.fromEntries(trimmed.filter(([, value]) => value !== ""));
}

async function submit(form) {
  const [path, read] = REQUESTS[form.dataset.form];
  explain(null);
  showErrors(form, {});
  const send = form.querySelector("[type=submit]");
  if (send.getAttribute("aria-disabled")) return;
  send.setAttribute("aria-disabled", "true");
  try {
    const { data } = await call("user", "POST", path, { body: values(form) });
    const [user, token] = read(data);
    // A new user has no notifications yet. Those that are kept are of a database before this one.
    if (form.dataset.form !== "login") localStorage.removeItem(notificationsOf(user));
    remembered.set({ id: user.id, name: user.name });
    become(user, token);
    form.reset();
    closePanel(panel);
  } catch (error) {
    refuse(form, error);
  } finally {
    send.removeAttribute("aria-disabled");
  }
}

function refuse(form, error) {
  if (isUnauthorized(error)) {
    expire(error);
    explain(text("account_needed"));
  } else if (error instanceof Refused && error.problem.errors) {
    showErrors(form, error.problem.errors);
  } else if (error instanceof Refused) {
    explain(error.message);
  } else if (error instanceof Away) {
    explain(text("away_form", { service: title("user") }));
  } else {
    throw error;
  }
}

function showErrors(form, errors) {
  for (const input of form.querySelectorAll("input")) {
    const why = errors[input.name];
    input.toggleAttribute("aria-invalid", false);
    if (why) input.setAttribute("aria-invalid", "true");
    input.nextElementSibling.textContent = why ?? "";
  }
  form.querySelector("[aria-invalid=true]")?.focus();
}

/** Says in the other tabs who has logged out. */
const exits = new BroadcastChannel("log-out");
exits.onmessage = ({ data }) => data === customer()?.id && leave();

/** Shows nothing more of the customer, and keeps nothing. */
async function leave() {
  const { user, token } = session.get();
  // Whoever leaves has left, whether or not the service hears of it; the token dies by itself soon.
  const logout = token && call("user", "POST", "/auth/logout").catch(() => {});
  forget();
  removeTraces(user);
  await logout;
  location.assign("/shop/");
}

function logOut() {
  exits.postMessage(customer().id);
  leave();
}

for (const choice of panel.querySelectorAll("[data-choose]")) choice.addEventListener("click", () => choose(choice.dataset.choose));
for (const form of panel.querySelectorAll("form")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(form);
  });
}
panel.querySelector("[data-log-out]").addEventListener("click", logOut);
panel.addEventListener("close", () => explain(null));

let verifying = false;

/** Checks that the session is valid, and that the customer is still the same: the database may be a new one. */
export async function verify() {
  const { user, token } = session.get() ?? {};
  if (!user || verifying) return;
  verifying = true;
  // Somebody else may have come meanwhile.
  const isSame = () => session.get()?.token === token && customer()?.id === user.id;
  try {
    const { data } = await call("user", "GET", `/users/${user.id}`);
    if (!token && data.name !== user.name && isSame()) forget();
  } catch (error) {
    if (!isSame()) return;
    if (isUnauthorized(error)) expire(error);
    else if (error instanceof Refused) forget();
  } finally {
    verifying = false;
  }
}

if (!session.get() && remembered.get() && !accountNeeded.get()) session.set({ user: remembered.get() });
show();
verify();
