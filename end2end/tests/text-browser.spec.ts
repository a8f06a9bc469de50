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
const NAVIGATION = /^Skip to content Tidewater Maps (Status: partial outage )?History Uptime Subscribe$/;

test('in a text browser the page starts with open incidents', {
  tag: '@dates',
}, async ({ candor }) => {
  const lines = await readLines(candor, '/');
  expectInOrder(lines, [
    NAVIGATION,
    'Partial outage: Satellite imagery',
    /^1 of 12 components is in partial outage, since .*\d\d:\d\d WES?T\. See incident$/,
    'Active incidents',
    TILES,
    /^Partial outage · open for /,
    '• Satellite imagery',
    /^1\. Identified .*\d\d:\d\d WES?T$/,
    /^2\. Identified/,
    /^3\. Investigating/,
    'Maintenance',
    'Satellite imagery moves to new storage',
    /^Scheduled · .* to \d\d:\d\d WES?T$/,
    'Components',
    'Uptime over the last 90 days',
    'Past incidents',
    `Ongoing: ${TILES}`,
    'No incidents reported.',
    'View incident history',
    /^Times are shown in Europe\/Lisbon \(WES?T\)\. Powered by Candor$/,
    '• Atom',
  ]);
});

test('in a text browser components have status and uptime in words', { tag: '@dates' }, async ({ candor }) => {
  const lines = await readLines(candor, '/');
  const listed = (await candor.shell(['component', 'list'])).trim().split('\n').slice(1);
  expect(listed).toHaveLength(12);
  for (const line of listed) {
    const [, path, , status] = line.split(/\s{2,}/);
    const name = path.split(' - ').pop()!;
    const at = lines.findIndex((it) => it.startsWith(`• ${name} `) && it.endsWith('% uptime, details'));
    expect(at, `${name} in\n${lines.join('\n')}`).toBeGreaterThan(0);
    const [about, ...after] = lines.slice(at + 1, at + 5);
    expect(about, name).toMatch(/^[^%]+$/);
    expect(after.map((it) => it.toLowerCase()), name).toContain(status.replaceAll('_', ' '));
    expect(after[0].startsWith('Since '), name).toBe(status !== 'operational');
  }
  expectInOrder(lines, [/^• Satellite imagery /, 'Partial outage', /^2 incidents, .*partial outage/, 'Sea data']);
});

test('in a text browser an incident has its updates newest first', { tag: '@dates' }, async ({ candor }) => {
  const lines = await readLines(candor, await linkPath(candor, '/', '/incidents/', TILES));
  expectInOrder(lines, [
    NAVIGATION,
    /^Partial outage · open for /,
    TILES,
    'Started',
    /, \d\d:\d\d WES?T$/,
    'Resolved',
    'ongoing',
    'Affected components',
    /Satellite imagery: partial outage$/,
    'Updates',
    /^1\. Identified/,
    /^2\. Identified/,
    /^3\. Investigating/,
    /^Tiles from zoom level 9 upwards come back empty/,
    'Get updates on this incident Current status Incident history',
  ]);
});

test('in a text browser a maintenance has its window and components', { tag: '@dates' }, async ({ candor }) => {
  const lines = await readLines(candor, await linkPath(candor, '/', '/incidents/', 'moves to new storage'));
  expectInOrder(lines, [
    NAVIGATION,
    /^Scheduled · /,
    'Satellite imagery moves to new storage',
    'Scheduled for',
    /, 02:00 to 04:00 WES?T$/,
    'Affected components',
    /Satellite imagery$/,
    'Updates',
    /^1\. Scheduled/,
    'Current status Incident history Add to calendar',
  ]);
});

test('in a text browser the history has a search and months', { tag: '@dates' }, async ({ candor }) => {
  const lines = await readLines(candor, '/history');
  expectInOrder(lines, [
    NAVIGATION,
    'Incident history',
    /^57 incidents since/,
    /^Search incidents \[ +\] Component \[All components *\] Impact$/,
    /^\[All impacts *\] Period \[All time *\]/,
    'Filter',
    /^[A-Z][a-z]+ 20\d\d$/,
    TILES,
    /^Partial outage · open for /,
    /^1\. Identified/,
    /^[A-Z][a-z]+ 20\d\d$/,
  ]);
});

test('in a text browser uptime figures have their rules and reasons', { tag: '@dates' }, async ({ candor }) => {
  const lines = await readLines(candor, '/uptime');
  expectInOrder(lines, [
    NAVIGATION,
    'Uptime',
    /^Major outages count fully/,
    'Tile API',
    /^\d+\.\d\d% over the last 12 months$/,
    'Tile API, month by month',
    /^Period +Uptime +Incidents$/,
    /^\d incidents?, .* (outage|performance)$/,
    /^Last 90 days +\d+(\.\d\d)?%/,
    /^\w+ 20\d\d +100% +No downtime$/,
    'Vector styles',
  ]);
});

test('in a text browser embed and error pages are complete', { tag: '@dates' }, async ({ candor }) => {
  expectInOrder(await readLines(candor, '/embed'), ['Partial outage: Satellite imagery', `• ${TILES}`]);
  expectInOrder(await readLines(candor, '/nowhere'), ['Error 404', 'Page not found', /Current status/, /^Times are shown in/]);
});
