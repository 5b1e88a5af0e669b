/** When to send again what was not taken. Pure. */

/** Seconds: the pause after the first try, which doubles up to the longest. */
const FIRST = 0.1;
const LONGEST = 5;

/**
 * How long to wait for the next try, in seconds; null to give up.
 *
 * @param tries How many have failed, at least one.
 * @param left The seconds that are left.
 * @param after What the server asked for, which is a floor.
 * @param jitter From 0 to 1; half of a pause is random, so that many senders do not come back at once.
 */
export function pause(tries: number, left: number, after: number | undefined, jitter: number): number | null {
  const ceiling = Math.min(FIRST * 2 ** (tries - 1), LONGEST);
  const wanted = Math.max((ceiling * (1 + jitter)) / 2, after ?? 0);
  return wanted <= left ? wanted : null;
}
