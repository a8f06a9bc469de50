import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Candor } from '../candor';
import { expect, test } from '../test';

test.use({ initialData: 'sample to read' });

/** The lines that w3m, a text browser, shows at `path`. */
async function readLines(candor: Candor, path: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)('w3m', ['-dump', '-cols', '80', candor.url + path]);
  return stdout.split('\n').map((line) => line.trim());
}

/** Checks that these lines follow each other; a long date may wrap. */
function expectInOrder(lines: string[], wanted: (string | RegExp)[]): void {
  let at = 0;
  for (const line of wanted) {
    const matches = (it: string) => (typeof line === 'string' ? it === line : line.test(it));
    const found = lines.findIndex((it, i) => i >= at && (matches(it) || matches(`${it} ${lines[i + 1]}`)));
    expect(found, `${line} after line ${at} of\n${lines.join('\n')}`).toBeGreaterThanOrEqual(0);
    at = found + (matches(lines[found]) ? 1 : 2);
  }
}

/** The path of the first link whose address begins with `beginning`. */
async function linkPath(candor: Candor, path: string, beginning: string, words: string): Promise<string> {
  const html = await (await fetch(candor.url + path)).text();
  const links = [...html.matchAll(/<a href="([^"]+)"[^>]*>([^<]*)</g)];
  return links.find(([, href, text]) => href.startsWith(beginning) && text.includes(words))![1];
}

const TILES = 'Satellite tiles are missing over the Bay of Biscay';
const NAVIGATION = 'Tidewater Maps Status History Uptime Subscribe';

test('in a text browser the page starts with open incidents', {
  tag: '@dates',
}, async ({ candor }) => {
  const lines = await readLines(candor, '/');
  expectInOrder(lines, [
    'Skip to content',
    NAVIGATION,
    /^Satellite imagery: partial outage since .*\d\d:\d\d( WES?T)?$/,
    /^The other 11 components are operational\. Next update due by .*\d\d:\d\d WES?T\.$/,
    'Active incident',
    TILES,
    /^Identified · /,
    '• Satellite imagery: partial outage',
    /^• Started .*\d\d:\d\d WES?T$/,
    /^1\. Identified .*\d\d:\d\d · .* ago$/,
    /^2\. Identified/,
    /^3\. Investigating/,
    /^Next update due by .*\d\d:\d\d WES?T$/,
    'Get updates on this incident',
    'Components',
    /^Maps 4 components 1 of 4 in partial outage/,
    'Scheduled maintenance',
    'Satellite imagery moves to new storage',
    /^• \w{3} .*\d\d:\d\d – .*\d\d:\d\d WES?T$/,
    'Past incidents',
    TILES,
    'Ongoing, see above',
    'No incidents',
    /^All times in Lisbon \(WES?T\)$/,
    '• RSS',
  ]);
});

test('in a text browser components have status, uptime and bad days in words', { tag: '@dates' }, async ({ candor }) => {
  const lines = await readLines(candor, '/');
  const listed = (await candor.shell(['component', 'list'])).trim().split('\n').slice(1);
  expect(listed).toHaveLength(12);
  for (const line of listed) {
    const [, path, , status] = line.split(/\s{2,}/);
    const name = path.split(' - ').pop()!;
    const at = lines.findIndex((it) => it.startsWith(`• ${name} `));
    expect(at, `${name} in\n${lines.join('\n')}`).toBeGreaterThan(0);
    const [, uptime, words] = /(\S+%) uptime (.+)$/.exec(lines[at])!;
    expect(uptime, name).toMatch(/^\d+(\.\d\d)?%$/);
    expect(words.toLowerCase(), name).toBe(status.replaceAll('_', ' '));
    expect(lines[at + 1].startsWith('Since '), name).toBe(status !== 'operational');
  }
  expectInOrder(lines, [
    /^• Satellite imagery .*Partial outage$/,
    /^\w{3} \d+ \w{3} 20\d\d$/,
    /^. Partial outage .*(h|min)$/,
    /^. Counted as downtime .*(h|min)$/,
    new RegExp(`^${TILES} Since .*\\d\\d:\\d\\d · Ongoing$`),
    /Sea data 4 components Operational/,
  ]);
});

test('in a text browser an incident has its updates newest first', { tag: '@dates' }, async ({ candor }) => {
  const lines = await readLines(candor, await linkPath(candor, '/', '/incidents/', TILES));
  expectInOrder(lines, [
    NAVIGATION,
    /^[A-Z][a-z]+ 20\d\d$/,
    'Identified',
    TILES,
    /^Started .*, \d\d:\d\d WES?T\. Next update due by .*\d\d:\d\d WES?T\.$/,
    'Get updates on this incident',
    'Severity',
    'Partial outage',
    'Started',
    /, \d\d:\d\d WES?T$/,
    'Duration',
    / so far$/,
    'Affected',
    /Satellite imagery: partial outage$/,
    'Timeline',
    '3 updates',
    /^1\. Identified/,
    /^2\. Identified/,
    /^3\. Investigating/,
    /^Tiles from zoom level 9 upwards come back empty/,
    'Link to this incident',
    /^Previous incident /,
  ]);
});

test('in a text browser a maintenance has its window and components', { tag: '@dates' }, async ({ candor }) => {
  const lines = await readLines(candor, await linkPath(candor, '/', '/incidents/', 'moves to new storage'));
  expectInOrder(lines, [
    NAVIGATION,
    'Scheduled maintenance',
    'Satellite imagery moves to new storage',
    'Scheduled for',
    /, 02:00 to 04:00 WES?T$/,
    'Affected',
    /Satellite imagery$/,
    'Timeline',
    /^1\. Scheduled/,
    'Link to this maintenance Add to calendar',
  ]);
});

test('in a text browser the history has a search and months', { tag: '@dates' }, async ({ candor }) => {
  const lines = await readLines(candor, '/history');
  expectInOrder(lines, [
    NAVIGATION,
    'History',
    /^57 incidents since/,
    /^\[ +\] *Filters$/,
    /^\[All components *\]$/,
    /^\[All severities *\]$/,
    /^\[All time *\]$/,
    /^Apply/,
    /^[A-Z][a-z]+ 20\d\d$/,
    /^\d+\. \w{3} \d+$/,
    TILES,
    'Partial outage · Satellite imagery',
    /^Identified .*(h|min)$/,
    /^[A-Z][a-z]+ 20\d\d$/,
  ]);
});

test('in a text browser uptime figures have their rules and reasons', { tag: '@dates' }, async ({ candor }) => {
  const lines = await readLines(candor, '/uptime');
  expectInOrder(lines, [
    NAVIGATION,
    'Uptime',
    'Share of each month without an outage.',
    'Uptime by component and month, in per cent',
    /^Maps +\d+\.\d\d$/,
    /^Tile API .*99\.\d\d.* 100 /,
    'Download CSV',
    'How we calculate this',
    /^Major outages count fully, partial outages count 30%/,
  ]);
});

test('in a text browser embed and error pages are complete', { tag: '@dates' }, async ({ candor }) => {
  expectInOrder(await readLines(candor, '/embed'), ['Satellite imagery: partial outage', `• ${TILES}`]);
  expectInOrder(await readLines(candor, '/nowhere'), ['Error 404', 'Page not found', /Current status/, /^All times in/]);
});
