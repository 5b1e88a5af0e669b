/** An event of each kind, and slips that the types do not take. */

import type { Event } from "../src/index.js";

const WHERE = { user_id: "42", course_id: "physics", usage_id: "p1" };
const PLATFORM = { issuer: "https://lms.example", client_id: "client", lti_user_id: "sub" };
const MODIFIED = "2026-03-02T08:00:00.000Z";

export const SCORE = {
  type: "score.changed",
  ...WHERE,
  points_earned: 1.5,
  points_possible: 2,
  modified: MODIFIED,
} as const satisfies Event;

const LAUNCH = {
  type: "launch",
  ...WHERE,
  oauth_consumer_key: "north",
  lis_result_sourcedid: "sourcedid",
  lis_outcome_service_url: "https://lms.example/outcomes",
  resource_link_id: "link",
  modified: MODIFIED,
} as const satisfies Event;

export const EXAMPLES: readonly Event[] = [
  SCORE,
  { type: "score.cleared", ...WHERE, modified: MODIFIED },
  {
    type: "course.structure",
    course_id: "physics",
    version: 1,
    blocks: [
      { usage_id: "physics", parent: null },
      { usage_id: "p1", parent: "physics", points_possible: 2 },
    ],
  },
  { type: "course.structure", course_id: "physics", user_id: "42", version: 1, blocks: [] },
  LAUNCH,
  {
    type: "launch",
    ...WHERE,
    ...PLATFORM,
    lineitem: "https://lms.example/lineitems/1",
    scopes: "https://purl.imsglobal.org/spec/lti-ags/scope/score",
    modified: MODIFIED,
  },
  { type: "assignment.disabled", oauth_consumer_key: "north", lis_result_sourcedid: "sourcedid", modified: MODIFIED },
  { type: "assignment.disabled", ...PLATFORM, lineitem: "https://lms.example/lineitems/1", modified: MODIFIED },
  { type: "user.retired", user_id: "43" },
];

/** Each of them has one line that does not compile; should it do so one day, the marks above them are faults. */
export const SLIPS: readonly Event[] = [
  // @ts-expect-error no such type
  { type: "score.change", ...WHERE },
  // @ts-expect-error a field is missing
  { type: "score.cleared", user_id: "42", course_id: "physics" },
  // @ts-expect-error an id is text or a number
  { type: "user.retired", user_id: null },
  // @ts-expect-error of LTI 1.1 and 1.3 at once
  { ...LAUNCH, ...PLATFORM, lineitem: "https://lms.example/lineitems/1" },
  // @ts-expect-error a name is misspelt
  { ...SCORE, modifed: MODIFIED },
];
