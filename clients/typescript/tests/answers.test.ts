/** What an answer means, and how long the client goes on. Pure. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { readAnswer } from "../src/answers.js";
import { NotAllowedError, TryLaterError } from "../src/errors.js";
import { pause } from "../src/patience.js";

const NOW = Date.UTC(2026, 2, 2, 8);

const HEADERS = [
  [null, undefined],
  ["7", 7],
  ["Mon, 02 Mar 2026 08:00:30 GMT", 30],
  ["Mon, 02 Mar 2026 07:00:00 GMT", 0],
  ["soon", undefined],
  ["-1", undefined],
] as const;
for (const [header, seconds] of HEADERS) {
  test(`the pause that is asked for is read (${header})`, () => {
    assert.throws(
      () => readAnswer(503, "", header, NOW),
      (error) => error instanceof TryLaterError && error.after === seconds,
    );
  });
}

test("what a token may not send is named", () => {
  const errors = [{ line: 2, field: "type", reason: "this token is for launch only" }];
  assert.throws(
    () => readAnswer(403, JSON.stringify({ errors }), null, NOW),
    (error) => error instanceof NotAllowedError && error.errors[0]?.line === 2 && error.message.includes("for launch only"),
  );
});

test("pauses grow and end with the time that is given", () => {
  assert.deepEqual([1, 2, 3, 7, 99].map((tries) => pause(tries, 10, undefined, 1)), [0.1, 0.2, 0.4, 5, 5]);
  assert.equal(pause(1, 10, undefined, 0), 0.05);
  assert.equal(pause(1, 0.05, undefined, 1), null);
});

test("a pause that is asked for is kept or not waited for", () => {
  assert.equal(pause(1, 10, 7, 0), 7);
  assert.equal(pause(1, 10, 11, 0), null);
});
