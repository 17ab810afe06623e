// What every page of the shop has around its content: who shops, the bell, and the last call.

import { watchCalls } from "./api.js";
import { milliseconds, text } from "./ui.js";
import { title } from "./shop-parts.js";
import "./shop-notifications.js";

const bar = document.querySelector(".behind");
const part = (name) => bar.querySelector(`[data-${name}]`);

watchCalls(({ service, method, path, status, ms, trace }) => {
  part("call").hidden = false;
  part("method").className = `method ${method.toLowerCase()}`;
  part("method").textContent = method;
  part("path").textContent = path;
  part("status").className = `status s${Math.floor(status / 100) || 5}`;
  part("status").textContent = status || text("no_answer");
  part("ms").textContent = milliseconds(ms);
  part("service").className = `hop is-${service}`;
  part("service").lastElementChild.textContent = title(service);
  if (trace) part("behind").href = `/live/#trace=${trace}`;
});

// A page that the browser kept when it was left shows what was true then.
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
