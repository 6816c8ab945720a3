// Calls of the HTTP API with the session's cookie.

import { facts } from "./page.js";
import { refusalWords } from "./refusals.js";
import { _ } from "./texts.js";

/** What the API refused, with its `status`, its `code`, a `message` for people and the `field` it concerns. */
export class Refusal extends Error {
  constructor(status, { code = "", message = "", field = null } = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.field = field;
  }
}

/**
 * The answer to a call under /api/v1 as it comes; throws `Refusal`, also when the server cannot be reached (status 0).
 * `keepalive`: it is sent even if the page is left.
 */
export async function ask(path, { method = "GET", body, signal, accept = "application/json", keepalive = false } = {}) {
  const headers = { Accept: `${accept};text=id` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET") headers["X-CSRF"] = facts.csrf ?? "";
  let response;
  try {
    response = await fetch(`/api/v1${path}`, { method, headers, signal, keepalive, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0, { code: "unreachable", message: _("The server does not answer. Recording goes on if it runs.") });
  }
  if (response.ok) return response;
  if (response.status === 401) {
    location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
  }
  let told = {};
  try {
    told = (await response.json()).error ?? {};
  } catch {
    // not ours: a proxy in between answered
  }
  throw new Refusal(response.status, { ...told, message: refusalWords(response.status, told) });
}

/** The JSON answer to a call. */
export const askJson = async (path, options) => (await ask(path, options)).json();

/** A query string from what is set in `values`. */
export function query(values) {
  const set = Object.entries(values).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return set.length ? `?${new URLSearchParams(set)}` : "";
}
