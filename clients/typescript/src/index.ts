export { EventsRefusedError, FeedError, NotAllowedError, TooLargeError, TryLaterError } from "./errors.js";
export type { RefusedEvent } from "./errors.js";
export type * from "./events.js";
export { HttpFeed } from "./http-feed.js";
export type { HttpFeedOptions } from "./http-feed.js";
