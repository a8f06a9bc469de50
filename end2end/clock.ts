/** The start time of every server under test; without it, servers use the machine's clock. */
const START = process.env.CANDOR_TEST_NOW;

/** How far the newest server's clock is ahead of the machine's, in ms. */
let offset = 0;

/** Resets the clock for a new server; returns the environment of programs that share it. */
export function restartClock(): Record<string, string> {
  if (START) offset = Date.parse(START) - Date.now();
  return clockSettings();
}

/** The environment of a program that shares the newest server's clock. */
export function clockSettings(): Record<string, string> {
  return START ? { CANDOR_TEST_CLOCK_OFFSET_MS: String(offset) } : {};
}

/** The newest server's time, in ms since 1970. */
export function now(): number {
  return Date.now() + offset;
}

/** The newest server's time in `minutes`, as a `datetime-local` in UTC, the default time zone of a page. */
export function minutesAhead(minutes: number): string {
  return new Date(now() + minutes * 60_000).toISOString().slice(0, 16);
}
