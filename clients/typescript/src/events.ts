// Made by `npm run generate` out of docs/events.schema.json: change that.

/**
 * An event of passbackd. On the stream every value is text.
 */
export type Event =
  | ScoreChangedEvent
  | ScoreClearedEvent
  | CourseStructureEvent
  | LearnerStructureEvent
  | LaunchEvent
  | UngradedLaunchEvent
  | PlatformLaunchEvent
  | LineItemsLaunchEvent
  | UngradedPlatformLaunchEvent
  | AssignmentDisabledEvent
  | LineItemDisabledEvent
  | LinkDisabledEvent
  | UserRetiredEvent;
/**
 * A time with a zone (RFC 3339), at most an hour ahead of the event's arrival. Intake takes the other forms of ISO 8601 too.
 */
export type Time = string;
/**
 * One of the tool's own ids.
 */
export type Id = string | number;
/**
 * Weighted points: a number, or its text.
 */
export type PointsEarned = number | string;
/**
 * Weighted points, not negative: a number, or its text.
 */
export type PointsPossible = number | string;
/**
 * One of the tool's own ids.
 */
export type BlockId = string;
/**
 * Weighted points, not negative.
 */
export type BlockPoints = number;
/**
 * Empty, as if it were absent.
 */
export type Empty = "";
/**
 * A consumer key, an issuer or an id of the campus's.
 */
export type CampusId = string | number;
/**
 * A sourcedid as the LMS sent it.
 */
export type SourcedId = string | number;
/**
 * A whole http or https address, its host as DNS has it.
 */
export type Url = string;
/**
 * A title, or an id of the campus's; may be empty.
 */
export type Detail = string | number;
/**
 * As the launch had it.
 */
export type Flag = boolean | number | string;
/**
 * The id of a deployment; may be empty.
 */
export type Deployment = string | number;
/**
 * The scopes of the launch's endpoint claim, whole, with a blank between two.
 */
export type Scopes = string;

/**
 * A learner's newest points on a problem. The order of two changes is that of `modified`.
 */
export interface ScoreChangedEvent {
  /**
   * When it happened: the order of two changes, whenever they arrive. Without it the arrival counts.
   */
  modified?: Time | null;
  user_id: Id;
  course_id: Id;
  usage_id: Id;
  type: "score.changed";
  points_earned: PointsEarned;
  points_possible: PointsPossible;
}
/**
 * The learner's score on a problem was taken back: it counts as not attempted, until a newer score.
 */
export interface ScoreClearedEvent {
  /**
   * When it happened: the order of two changes, whenever they arrive. Without it the arrival counts.
   */
  modified?: Time | null;
  user_id: Id;
  course_id: Id;
  usage_id: Id;
  type: "score.cleared";
}
/**
 * The whole tree of a course, in place of the one before. On the stream `blocks` is the text of the array.
 */
export interface CourseStructureEvent {
  /**
   * When it happened: the order of two changes, whenever they arrive. Without it the arrival counts.
   */
  modified?: Time | null;
  type: "course.structure";
  course_id: Id;
  /**
   * Never goes back; the same version has the same blocks.
   */
  version: number | string;
  /**
   * @minItems 1
   */
  blocks: [BlockDocument, ...BlockDocument[]];
  user_id?: null;
}
/**
 * A block of a course. Exactly one has no parent: the course; only scored problems have points.
 */
export interface BlockDocument {
  usage_id: BlockId;
  parent?: BlockId | null;
  points_possible?: BlockPoints | null;
}
/**
 * A learner's own tree, which wins over the course's for this learner; without blocks it is taken away again.
 */
export interface LearnerStructureEvent {
  /**
   * When it happened: the order of two changes, whenever they arrive. Without it the arrival counts.
   */
  modified?: Time | null;
  type: "course.structure";
  course_id: Id;
  user_id: Id;
  /**
   * Counted by itself. Never goes back; the same version has the same blocks.
   */
  version: number | string;
  blocks: BlockDocument[];
}
/**
 * A verified launch over LTI 1.1 of something graded. It registers the assignment.
 */
export interface LaunchEvent {
  /**
   * When it happened: the order of two changes, whenever they arrive. Without it the arrival counts.
   */
  modified?: Time | null;
  issuer?: Empty | null;
  client_id?: Empty | null;
  lineitem?: Empty | null;
  lineitems?: Empty | null;
  user_id: Id;
  course_id: Id;
  usage_id: Id;
  type: "launch";
  oauth_consumer_key: CampusId;
  lis_result_sourcedid: SourcedId;
  lis_outcome_service_url: Url;
  /**
   * With it, a newer sourcedid or address for the same consumer, learner, block and link replaces the old one.
   */
  resource_link_id?: Detail | null;
  lti_user_id?: Detail | null;
  tool_consumer_instance_guid?: Detail | null;
  context_title?: Detail | null;
  resource_link_title?: Detail | null;
  ext_outcome_submission_submitted_at_accepted?: Flag | null;
  ext_outcome_submission_prioritize_non_tool_grade_accepted?: Flag | null;
}
/**
 * A launch over LTI 1.1 of which the LMS wants no grade. Nothing is stored.
 */
export interface UngradedLaunchEvent {
  /**
   * When it happened: the order of two changes, whenever they arrive. Without it the arrival counts.
   */
  modified?: Time | null;
  issuer?: Empty | null;
  client_id?: Empty | null;
  lineitem?: Empty | null;
  lineitems?: Empty | null;
  type: "launch";
  lis_result_sourcedid: Empty;
}
/**
 * A verified launch over LTI 1.3 with a line item. It registers the assignment.
 */
export interface PlatformLaunchEvent {
  /**
   * When it happened: the order of two changes, whenever they arrive. Without it the arrival counts.
   */
  modified?: Time | null;
  issuer: CampusId;
  client_id: CampusId;
  lis_result_sourcedid?: Empty | null;
  lis_outcome_service_url?: Empty | null;
  user_id: Id;
  course_id: Id;
  usage_id: Id;
  type: "launch";
  /**
   * A consumer key, an issuer or an id of the campus's.
   */
  lti_user_id: string | number;
  deployment_id?: Deployment | null;
  scopes?: Scopes | null;
  resource_link_id?: Detail | null;
  context_title?: Detail | null;
  resource_link_title?: Detail | null;
  /**
   * The launch's `product_family_code`.
   */
  product_family?: Detail | null;
  /**
   * Only if `oauth_consumer_key_sign` was verified: the assignment of that LTI 1.1 consumer moves here.
   */
  oauth_consumer_key?: Detail | null;
  /**
   * The link over LTI 1.1, where it was another one.
   */
  lti1p1_resource_link_id?: Detail | null;
  lineitem: Url;
  lineitems?: Url | Empty | null;
}
/**
 * A verified launch over LTI 1.3 without a line item: with the scope for it, the column is found or made.
 */
export interface LineItemsLaunchEvent {
  /**
   * When it happened: the order of two changes, whenever they arrive. Without it the arrival counts.
   */
  modified?: Time | null;
  issuer: CampusId;
  client_id: CampusId;
  lis_result_sourcedid?: Empty | null;
  lis_outcome_service_url?: Empty | null;
  user_id: Id;
  course_id: Id;
  usage_id: Id;
  type: "launch";
  /**
   * A consumer key, an issuer or an id of the campus's.
   */
  lti_user_id: string | number;
  deployment_id?: Deployment | null;
  scopes?: Scopes | null;
  resource_link_id?: Detail | null;
  context_title?: Detail | null;
  resource_link_title?: Detail | null;
  /**
   * The launch's `product_family_code`.
   */
  product_family?: Detail | null;
  /**
   * Only if `oauth_consumer_key_sign` was verified: the assignment of that LTI 1.1 consumer moves here.
   */
  oauth_consumer_key?: Detail | null;
  /**
   * The link over LTI 1.1, where it was another one.
   */
  lti1p1_resource_link_id?: Detail | null;
  lineitems: Url;
  lineitem?: Empty | null;
}
/**
 * A launch over LTI 1.3 of which the platform wants no grade. Nothing is stored.
 */
export interface UngradedPlatformLaunchEvent {
  /**
   * When it happened: the order of two changes, whenever they arrive. Without it the arrival counts.
   */
  modified?: Time | null;
  issuer: CampusId;
  client_id: CampusId;
  lis_result_sourcedid?: Empty | null;
  lis_outcome_service_url?: Empty | null;
  type: "launch";
  scopes?: Scopes | null;
  lineitem?: Empty | null;
  lineitems?: Empty | null;
}
/**
 * No more grades for this sourcedid, until a newer launch.
 */
export interface AssignmentDisabledEvent {
  /**
   * When it happened: the order of two changes, whenever they arrive. Without it the arrival counts.
   */
  modified?: Time | null;
  issuer?: Empty | null;
  client_id?: Empty | null;
  lineitem?: Empty | null;
  lineitems?: Empty | null;
  type: "assignment.disabled";
  oauth_consumer_key: CampusId;
  lis_result_sourcedid: SourcedId;
}
/**
 * No more grades for this learner in this line item, until a newer launch.
 */
export interface LineItemDisabledEvent {
  /**
   * When it happened: the order of two changes, whenever they arrive. Without it the arrival counts.
   */
  modified?: Time | null;
  issuer: CampusId;
  client_id: CampusId;
  lis_result_sourcedid?: Empty | null;
  lis_outcome_service_url?: Empty | null;
  type: "assignment.disabled";
  lti_user_id: CampusId;
  lineitem: Url;
  oauth_consumer_key?: Empty | null;
}
/**
 * As for a line item, where the launch named only `lineitems`.
 */
export interface LinkDisabledEvent {
  /**
   * When it happened: the order of two changes, whenever they arrive. Without it the arrival counts.
   */
  modified?: Time | null;
  issuer: CampusId;
  client_id: CampusId;
  lis_result_sourcedid?: Empty | null;
  lis_outcome_service_url?: Empty | null;
  type: "assignment.disabled";
  lti_user_id: CampusId;
  lineitems: Url;
  resource_link_id: CampusId;
  lineitem?: Empty | null;
  oauth_consumer_key?: Empty | null;
}
/**
 * Everything about that learner is deleted.
 */
export interface UserRetiredEvent {
  /**
   * When it happened: the order of two changes, whenever they arrive. Without it the arrival counts.
   */
  modified?: Time | null;
  type: "user.retired";
  user_id: Id;
}
