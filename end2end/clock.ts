/** Where the clock of every server under test starts; without it, servers use the machine's clock. */
const START = process.env.CANDOR_TEST_NOW;

/** How far the clock of the newest server is ahead of the machine's, in ms. */
let offset = 0;

/** Sets the clock to its start, for a new server; gives the settings of the programs that share this clock. */
export function restartClock(): Record<string, string> {
  if (START) offset = Date.parse(START) - Date.now();
  return clockSettings();
}

/** The settings of a program that shares the clock of the newest server. */
export function clockSettings(): Record<string, string> {
  return START ? { CANDOR_TEST_CLOCK_OFFSET_MS: String(offset) } : {};
}

/** The time of the newest server, in ms since 1970. */
export function now(): number {
  return Date.now() + offset;
}

/** The time of the newest server `minutes` from now, as a `datetime-local` in UTC, the zone of a fresh page. */
export function minutesAhead(minutes: number): string {
  return new Date(now() + minutes * 60_000).toISOString().slice(0, 16);
}
