/** What can go wrong, named by what to do about it. */

/** The events were not taken, or nothing is known of it. */
export class FeedError extends Error {
  override name = "FeedError";
}

/**
 * passbackd takes none now; the same events may be sent again. They may have been taken all the same, which does no
 * harm. *after*: the seconds that it asked to wait, if it did.
 */
export class TryLaterError extends FeedError {
  override name = "TryLaterError";
  readonly after: number | undefined;

  constructor(reason: string, options: { after?: number | undefined; cause?: unknown } = {}) {
    super(reason, { cause: options.cause });
    this.after = options.after;
  }
}

/** One event of a request. *line*: counted from 1. *line*, *field*: null where it is no single one. */
export interface RefusedEvent {
  readonly line: number | null;
  readonly field: string | null;
  readonly reason: string;
}

/** None of the events was taken, because of those in *errors*: correct them, and send all again. */
export class EventsRefusedError extends FeedError {
  override name = "EventsRefusedError";
  readonly errors: readonly RefusedEvent[];

  constructor(errors: readonly RefusedEvent[]) {
    super(errors.map(named).join("; ") || "no reason given");
    this.errors = errors;
  }
}

/** The token does not suffice: correct the settings. *errors*: the events that it may not send; none if it is unknown. */
export class NotAllowedError extends FeedError {
  override name = "NotAllowedError";
  readonly errors: readonly RefusedEvent[];

  constructor(message: string, errors: readonly RefusedEvent[] = []) {
    super([message, ...errors.map(named)].join(": "));
    this.errors = errors;
  }
}

function named({ line, reason }: RefusedEvent): string {
  return line === null ? reason : `event ${line}: ${reason}`;
}

/** More than is taken at once: send fewer events in one call. */
export class TooLargeError extends FeedError {
  override name = "TooLargeError";
}
