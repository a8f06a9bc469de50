import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { chromium } from './chromium';
import { expect, test } from './test';

const PROGRAM = resolve(__dirname, '../target/tools/lighthouse/node_modules/.bin/lighthouse');
const { args, executablePath } = chromium.launchOptions;

type Report = {
  categories: Record<string, { title: string; score: number; auditRefs: { id: string; weight: number }[] }>;
  audits: Record<string, { score: number | null; title: string; displayValue?: string }>;
};

test.use({ initialData: 'sample' });

const pages: Record<string, (url: string) => string | Promise<string>> = {
  'the status': () => '/',
  'the history': () => '/history',
  'an incident': newestIncident,
};

for (const [name, find] of Object.entries(pages)) {
  test(`Lighthouse finds nothing to mend at ${name}`, async ({ candor }) => {
    const address = await find(candor.url);
    const { stdout } = await promisify(execFile)(
      PROGRAM,
      [candor.url + address, '--quiet', '--output=json', '--output-path=stdout', `--chrome-flags=${args.join(' ')}`],
      { env: { ...process.env, CHROME_PATH: executablePath }, maxBuffer: 64 * 1024 * 1024 },
    );
    const report: Report = JSON.parse(stdout);
    const categories = Object.values(report.categories);
    console.log(`${address}: ${categories.map(({ title, score }) => `${title} ${Math.round(score * 100)}`).join(', ')}`);
    const wanting = categories
      .flatMap(({ auditRefs }) => auditRefs)
      .filter(({ weight }) => weight > 0)
      .map(({ id }) => report.audits[id])
      .filter(({ score }) => score !== null && score < 0.9)
      .map(({ title, displayValue }) => `${title} ${displayValue ?? ''}`);
    expect(wanting).toEqual([]);
    expect(categories.map(({ score }) => score)).toEqual(categories.map(() => 1));
  });
}

async function newestIncident(url: string): Promise<string> {
  const page = await (await fetch(url)).text();
  return /href="(\/incidents\/[a-z0-9]+)"/.exec(page)![1];
}
