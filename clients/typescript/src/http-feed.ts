/** Sends events to passbackd's HTTP intake. */

import { setTimeout as sleep } from "node:timers/promises";
import { readAnswer } from "./answers.js";
import { TooLargeError, TryLaterError } from "./errors.js";
import type { Event } from "./events.js";
import { pause } from "./patience.js";

/** Bytes of a request that the intake takes. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;
/** Structures are ordered by their version, and retirements are newer than all that arrived before them. */
const WITHOUT_TIME: ReadonlySet<string> = new Set(["course.structure", "user.retired"]);

export interface HttpFeedOptions {
  /** Seconds for each try; 5 if absent. */
  readonly timeout?: number;
  /** Seconds for which it tries again where passbackd takes none now; 0 for one try, 10 if absent. */
  readonly giveUpAfter?: number;
}

/** passbackd's HTTP intake. */
export class HttpFeed {
  readonly #url: string;
  readonly #headers: Record<string, string>;
  readonly #timeout: number;
  readonly #giveUpAfter: number;

  /**
   * @param url Of the intake, `https://passbackd.example.edu`; `/events` is appended.
   * @param token One of `intake.tokens`.
   */
  constructor(url: string, token: string, options: HttpFeedOptions = {}) {
    const { protocol, search, hash } = new URL(url);
    if (!/^https?:$/.test(protocol) || search || hash) {
      throw new TypeError("the URL of the intake is not a whole http or https address");
    }
    if (!/^[\x21-\x7e]+$/.test(token)) {
      throw new TypeError("the token is empty, or holds what no token has: blanks, control or non-ASCII characters");
    }
    this.#url = `${url.replace(/\/+$/, "")}/events`;
    this.#headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/x-ndjson" };
    this.#timeout = options.timeout ?? 5;
    this.#giveUpAfter = options.giveUpAfter ?? 10;
  }

  /**
   * Send one event or many, all or nothing; the ids of their entries, once Redis has them.
   *
   * An event that is ordered by its `modified` and has none gets this moment, so that it may be sent twice.
   *
   * @throws {TypeError} A number is none, or a value is none that JSON has.
   * @throws {FeedError} They were not taken; the class says what to do.
   */
  async send(events: Event | Iterable<Event>): Promise<string[]> {
    const body = written(Symbol.iterator in events ? [...events] : [events]);
    if (body === "") return [];
    const ends = Date.now() + this.#giveUpAfter * 1000;
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#try(body);
      } catch (error) {
        if (!(error instanceof TryLaterError)) throw error;
        const seconds = pause(tries, (ends - Date.now()) / 1000, error.after, Math.random());
        if (seconds === null) throw error;
        await sleep(seconds * 1000);
      }
    }
  }

  async #try(body: string): Promise<string[]> {
    const signal = AbortSignal.timeout(this.#timeout * 1000);
    const request = { method: "POST", headers: this.#headers, body, signal, redirect: "manual" } as const;
    let response: Response;
    let answer: string;
    try {
      response = await fetch(this.#url, request);
      answer = await response.text();
    } catch (error) {
      throw new TryLaterError(`no answer: ${reason(error)}`, { cause: error });
    }
    return readAnswer(response.status, answer, response.headers.get("Retry-After"), Date.now());
  }
}

function written(events: readonly Event[]): string {
  const now = new Date().toISOString();
  const timed = events.map((event) =>
    WITHOUT_TIME.has(event.type) ? event : { ...event, modified: event.modified ?? now },
  );
  const body = timed.map((event) => JSON.stringify(event, checked)).join("\n");
  const bytes = Buffer.byteLength(body);
  if (bytes > MAX_BODY_BYTES) throw new TooLargeError(`${bytes} bytes are more than the ${MAX_BODY_BYTES} taken at once`);
  return body;
}

/** JSON would write null for what is no number, and nothing for what it does not have. */
function checked(name: string, value: unknown): unknown {
  const isNone = typeof value === "number" ? !Number.isFinite(value) : ["bigint", "function", "symbol"].includes(typeof value);
  if (isNone) throw new TypeError(`${name} is not a finite number or another value of JSON: ${String(value)}`);
  return value;
}

function reason(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message || cause.name : String(cause);
}

