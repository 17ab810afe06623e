// Calls of the desk. Where the shop asks for a log-in they wait until an admin has logged in, and are then made.

import { Away, Refused, call, session } from "./api.js";
import { say, text } from "./ui.js";

const form = document.querySelector("#login");
const desk = document.querySelector("#desk");
const leave = document.querySelector("#logout");

/** Says "asked" when a log-in is asked for, and "done" after it. */
export const logins = new EventTarget();

/** Why the last token was given up. */
let expired;
/** The log-in that all calls wait for. */
let pending;

/** Makes a call as `call` of api.js does, but asks for a log-in if one is needed. */
export async function ask(service, method, path, options) {
  for (;;) {
    await pending;
    const token = session.get()?.token;
    try {
      const answer = await call(service, method, path, options);
      show(service, token);
      return answer;
    } catch (error) {
      const about = error instanceof Refused && (error.code === "not_allowed" || error.code.startsWith("token_"));
      if (!about) {
        show(service, token);
        throw error;
      }
      // Somebody has logged in while this call was under way.
      if (session.get()?.token !== token) continue;
      if (error.code === "not_allowed") {
        desk.hidden = true;
        await login(text("not-admin", { name: session.get()?.user?.name }));
      } else if (error.code === "token_missing") {
        await login(expired ?? error.message);
      } else {
        // A shop where nobody has to log in asks for no token, but refuses one that has expired.
        expired = error.message;
        session.set(null);
      }
    }
  }
}

/** Shows the desk, which is hidden until it is known that nobody has to log in first. Products are for everybody. */
function show(service, token) {
  if (service !== "product") desk.hidden = false;
  leave.hidden = !token;
}

function login(why) {
  pending ??= new Promise((done) => {
    const focused = document.activeElement;
    form.querySelector("#login-why").textContent = why;
    form.hidden = false;
    desk.inert = true;
    say(why);
    (form.email.value ? form.password : form.email).focus();
    logins.dispatchEvent(new Event("asked"));
    let isBusy = false;
    form.onsubmit = async (event) => {
      event.preventDefault();
      if (isBusy) return;
      isBusy = true;
      const isRight = await entered();
      isBusy = false;
      if (!isRight) return;
      expired = pending = undefined;
      form.hidden = true;
      desk.inert = false;
      focused.focus();
      logins.dispatchEvent(new Event("done"));
      done();
    };
  });
  return pending;
}

/** Whether the address and password in the form are right. If not, the form says so. */
async function entered() {
  const failure = form.querySelector("[role=alert]");
  failure.textContent = "";
  try {
    const body = { email: form.email.value, password: form.password.value };
    const { data } = await call("user", "POST", "/auth/login", { body });
    session.set({ user: data.user, token: data.access_token });
    form.password.value = "";
    return true;
  } catch (error) {
    failure.textContent = explain(error, "user");
    return false;
  }
}

leave.addEventListener("click", async () => {
  // The token is given up here even if its service can't be reached to end it.
  await call("user", "POST", "/auth/logout").catch(() => {});
  session.set(null);
  location.reload();
});

/** A sentence about a call that failed. Any error but a refusal and an absence is a defect and is thrown on. */
export function explain(error, service) {
  if (error instanceof Refused) return error.message;
  if (!(error instanceof Away)) throw error;
  return error.code ? error.message : text("away", { service: text(`service-${service}`) });
}
