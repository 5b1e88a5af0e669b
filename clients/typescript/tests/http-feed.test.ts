/** HttpFeed against servers that take, refuse, and misbehave. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { EventsRefusedError, FeedError, HttpFeed, NotAllowedError, TooLargeError, TryLaterError } from "../src/index.js";
import { EXAMPLES, SCORE } from "./examples.js";
import { listening, served, TAKEN } from "./servers.js";

test("events go as JSON lines with the token, and their ids come back", async () => {
  await served([[202, '{"accepted": 2, "ids": ["1-0", "1-1"]}'], TAKEN], async (url, received) => {
    const feed = new HttpFeed(`${url}/under/`, "t0ken");
    assert.deepEqual(await feed.send([SCORE, { type: "user.retired", user_id: "é😀\n" }]), ["1-0", "1-1"]);
    assert.deepEqual(await feed.send(SCORE), ["1-0"]);
    assert.deepEqual(await feed.send([]), []);
    assert.equal(received.length, 2);
    const [first, second] = received;
    assert.equal(first?.request.method, "POST");
    assert.equal(first?.request.url, "/under/events");
    assert.equal(first?.request.headers.authorization, "Bearer t0ken");
    assert.equal(first?.request.headers["content-type"], "application/x-ndjson");
    assert.deepEqual(
      first?.body.split("\n").map((line) => JSON.parse(line) as unknown),
      [SCORE, { type: "user.retired", user_id: "é😀\n" }],
    );
    assert.deepEqual(JSON.parse(second?.body ?? ""), SCORE);
  });
});

test("an event that is ordered by its time gets one, and keeps it over all tries", async () => {
  const { modified: _, ...timeless } = SCORE;
  await served([[503, "", { "Retry-After": "0" }], TAKEN], async (url, received) => {
    const before = new Date().toISOString();
    await new HttpFeed(url, "t").send([timeless, { type: "user.retired", user_id: "43" }, { ...timeless, modified: null }]);
    const [score, retirement, unset] = received.map(({ body }) => body.split("\n").map((line) => JSON.parse(line)))[1] ?? [];
    assert.ok(before <= score.modified && score.modified <= new Date().toISOString());
    assert.ok(!("modified" in retirement));
    assert.equal(unset.modified, score.modified);
    assert.equal(received[0]?.body, received[1]?.body);
  });
});

for (const status of [429, 502, 503]) {
  test(`what is not taken now is sent again (${status})`, async () => {
    await served([[status, "full"], [status, "full"], TAKEN], async (url, received) => {
      assert.deepEqual(await new HttpFeed(url, "t").send(SCORE), ["1-0"]);
      assert.equal(received.length, 3);
    });
  });
}

test("a longer pause than there is time is handed on", async () => {
  await served([[503, "Redis is away", { "Retry-After": "120" }]], async (url, received) => {
    const failed = new HttpFeed(url, "t").send(SCORE);
    await assert.rejects(failed, (error) => error instanceof TryLaterError && error.after === 120);
    assert.equal(received.length, 1);
  });
});

test("refused events are named", async () => {
  const errors = [{ line: 2, field: "user_id", reason: "user_id is empty" }];
  await served([[422, JSON.stringify({ errors })]], async (url, received) => {
    await assert.rejects(new HttpFeed(url, "t").send([SCORE, SCORE]), (error) => {
      assert.ok(error instanceof EventsRefusedError);
      assert.deepEqual(error.errors, errors);
      assert.equal(error.message, "event 2: user_id is empty");
      return true;
    });
    assert.equal(received.length, 1);
  });
});

const ANSWERS = [
  [401, NotAllowedError],
  [413, TooLargeError],
  [404, FeedError],
  [307, FeedError],
  [422, FeedError],
  [200, FeedError],
  [202, FeedError],
] as const;
for (const [status, kind] of ANSWERS) {
  test(`an answer is named by what to do next (${status})`, async () => {
    await served([[status, "what it said", { Location: "https://elsewhere.example/" }]], async (url, received) => {
      await assert.rejects(new HttpFeed(url, "t").send(SCORE), (error) => {
        assert.equal((error as Error).constructor, kind);
        assert.match((error as Error).message, /what it said/);
        return true;
      });
      assert.equal(received.length, 1);
    });
  });
}

test("a server that says nothing is given up, and so is one that is not there", async () => {
  let closed = "";
  await listening(() => undefined, async (url) => {
    closed = url;
    const feed = new HttpFeed(url, "t", { timeout: 0.2, giveUpAfter: 0 });
    await assert.rejects(feed.send(SCORE), (error) => error instanceof TryLaterError && /timeout/.test(error.message));
  });
  const feed = new HttpFeed(closed, "t", { giveUpAfter: 0.2 });
  await assert.rejects(feed.send(SCORE), (error) => error instanceof TryLaterError && /REFUSED/.test(error.message));
});

test("more than is taken at once, and what JSON does not have, is not sent", async () => {
  const feed = new HttpFeed("http://127.0.0.1:1", "t");
  await assert.rejects(feed.send(Array.from({ length: 30_000 }, () => ({ ...SCORE, usage_id: "x".repeat(255) }))), TooLargeError);
  for (const points of [Number.NaN, Number.POSITIVE_INFINITY]) {
    await assert.rejects(feed.send({ ...SCORE, points_earned: points }), /points_earned is not a finite number/);
  }
});

test("a URL or a token that is none is refused", () => {
  for (const url of ["passbackd.example", "ftp://passbackd.example", "https://", "http://h/?a=1"]) {
    assert.throws(() => new HttpFeed(url, "t"), TypeError);
  }
  for (const token of ["", "a b", "a\nb", "é"]) {
    assert.throws(() => new HttpFeed("http://h", token), /the token is empty, or holds/);
  }
});

test("each type of event has an example, which the types take", () => {
  assert.equal(new Set(EXAMPLES.map((event) => event.type)).size, 6);
});
