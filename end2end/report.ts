import { resolve } from 'node:path';
import { type FullResult, type Reporter } from '@playwright/test/reporter';

const START = process.env.CANDOR_TEST_NOW;

/** The folder for traces, screenshots, server logs and databases of failing tests. */
export const FAILURES = resolve(__dirname, '../target/failures/browser', (START ?? 'now').replaceAll(':', ''));

/** Prints the servers' start time and the folder with failures. */
export default class Report implements Reporter {
  onBegin(): void {
    console.log(START ? `Every server starts at ${START}.` : "Servers use the machine's clock.");
  }

  onEnd({ status }: FullResult): void {
    if (status === 'passed') return;
    console.log(`Traces, screenshots, logs and databases of what failed: ${FAILURES}`);
    if (START) console.log(`To repeat it: cd end2end && CANDOR_TEST_NOW=${START} npx playwright test -g TITLE`);
  }
}
