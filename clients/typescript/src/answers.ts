/** What an answer of passbackd's HTTP intake means. Pure. */

import { EventsRefusedError, FeedError, NotAllowedError, TooLargeError, TryLaterError } from "./errors.js";
import type { RefusedEvent } from "./errors.js";

/** Of the intake, or of a proxy before it. */
const LATER = new Set([408, 425, 429, 500, 502, 503, 504]);
/** Characters of an answer that an error quotes. */
const QUOTED = 200;

/**
 * The ids of the stream's entries, in the order of the events. *now*: milliseconds since 1970, with which a
 * `Retry-After` that is a date is compared.
 *
 * @throws {FeedError} The events were not taken; the class says what to do.
 */
export function readAnswer(status: number, body: string, retryAfter: string | null, now: number): string[] {
  const found = object(body);
  if (status === 202 && Array.isArray(found["ids"])) return found["ids"].map(String);
  if ((status === 400 || status === 422) && Array.isArray(found["errors"])) {
    throw new EventsRefusedError(found["errors"].map(refused));
  }
  const said = `HTTP ${status}: ${body.slice(0, QUOTED)}`;
  if (status === 403 && Array.isArray(found["errors"]) && found["errors"].length > 0) {
    throw new NotAllowedError("the token does not allow this", found["errors"].map(refused));
  }
  if (status === 401 || status === 403) throw new NotAllowedError(`the token is not accepted: ${said}`);
  if (status === 413) throw new TooLargeError(said);
  if (LATER.has(status)) throw new TryLaterError(said, { after: seconds(retryAfter, now) });
  throw new FeedError(`not what passbackd's intake answers; is the URL right? ${said}`);
}

function object(body: string): Record<string, unknown> {
  try {
    const found: unknown = JSON.parse(body);
    return isObject(found) ? found : {};
  } catch {
    return {};
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function refused(error: unknown): RefusedEvent {
  const { line, field, reason } = isObject(error) ? error : { reason: error };
  return {
    line: typeof line === "number" ? line : null,
    field: typeof field === "string" ? field : null,
    reason: String(reason),
  };
}

/** What `Retry-After` asks for (RFC 9110, 10.2.3); undefined where it cannot be read. */
function seconds(retryAfter: string | null, now: number): number | undefined {
  const text = retryAfter?.trim() ?? "";
  if (/^\d+$/.test(text)) return Number(text);
  const moment = /^[A-Z][a-z]{2},/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(moment) ? undefined : Math.max(0, (moment - now) / 1000);
}
