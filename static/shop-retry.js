// Calls that are repeated until they are answered.

import { Away } from "./api.js";

/** A pause doubles from the first to the longest. */
export const FIRST_PAUSE_MS = 1000;
export const LONGEST_PAUSE_MS = 15_000;

/** Refusals that say "not yet". */
const TEMPORARY = ["key_under_way", "request_timeout"];

/** Whether a later try may succeed. */
export const isTemporary = (error) => error instanceof Away || TEMPORARY.includes(error.code);

/**
 * What `attempt` returns, once its service answers. Before each pause `away` is called with the error and a function
 * that ends the pause. Throws what a service refuses, and the reason of `signal`.
 */
export async function untilAnswered(attempt, { away, signal }) {
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    try {
      return await attempt();
    } catch (error) {
      if (!isTemporary(error)) throw error;
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, pause);
        const end = () => {
          clearTimeout(timer);
          resolve();
        };
        signal?.addEventListener("abort", end, { once: true });
        if (!signal?.aborted) away(error, end);
      });
      signal?.throwIfAborted();
    }
  }
}
