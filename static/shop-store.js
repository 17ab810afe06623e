// What the shop keeps in the browser. Anybody can have written anything there, so it is checked whenever it is read.

/**
 * A value under `name` of a storage. `check` makes a valid value of what is stored, which may be anything, or null.
 */
export function stored(storage, name, check) {
  return {
    get() {
      try {
        return check(JSON.parse(storage.getItem(name)));
      } catch {
        return check(null);
      }
    },
    set(value) {
      if (value === null) storage.removeItem(name);
      else storage.setItem(name, JSON.stringify(value));
    },
    /** Calls `changed` after another tab has changed it. */
    watch(changed) {
      addEventListener("storage", ({ key }) => (key === name || key === null) && changed());
    },
  };
}

export const isId = (value) => Number.isSafeInteger(value) && value > 0;
export const isAmount = (value) => Number.isSafeInteger(value) && value >= 0;
export const isText = (value) => typeof value === "string" && value !== "";

/** A fresh Idempotency-Key. `crypto.randomUUID` exists in secure contexts only, and a shop may be reached by plain HTTP. */
export function freshKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The name under which the notifications of a user are kept. */
export const notificationsOf = (user) => `notifications-${user.id}`;

/** The name under which the start of the payment of an order is kept. */
export const paymentOf = (id) => `payment-${id}`;

/** Removes what is kept of a customer. What may have become an order stays, with its lines, until it is answered. */
export function removeTraces(user) {
  localStorage.removeItem(notificationsOf(user));
  if (!localStorage.getItem("submission")) localStorage.removeItem("cart");
  for (const name of Object.keys(sessionStorage)) if (name.startsWith(paymentOf(""))) sessionStorage.removeItem(name);
}
