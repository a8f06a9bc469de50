import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { Statuspage } from 'statuspage.io';
import { expect, test } from '../test';

test.use({ initialData: 'sample to read' });

/** Installed by `.ci/tools clients`. */
const PYTHON = resolve(__dirname, '../../target/tools/clients/bin/python');

test('an unmodified API client reads the page', { tag: '@dates' }, async ({ candor }) => {
  const client = new Statuspage('tidewater');
  // The client has a hard-coded host; nothing else is changed.
  (client as unknown as { apiClient: { defaults: { baseURL: string } } }).apiClient.defaults.baseURL = candor.url;
  const summary = await client.api.getSummary();
  expect(summary.page.name).toBe('Tidewater Maps');
  expect(summary.components.map((it) => it.name)).toContain('Tile API');
  expect(await client.api.getStatus()).toEqual({ page: summary.page, status: summary.status });
  expect((await client.api.getComponents()).components).toEqual(summary.components);
  const { incidents } = await client.api.incidents.getAll();
  expect(incidents).toHaveLength(50);
  expect(incidents[0].incident_updates[0].body).not.toBe('');
  expect((await client.api.incidents.getUnresolved()).incidents).toEqual(summary.incidents);
  const planned = (await client.api.scheduledMaintenances.getAll()).scheduled_maintenances;
  expect(planned.map((it) => it.impact)).toContain('maintenance');
  expect((await client.api.scheduledMaintenances.getUpcoming()).scheduled_maintenances.length).toBeGreaterThan(0);
});

test('feed readers and calendars parse the feeds and the calendar', { tag: '@dates' }, async ({ candor }) => {
  const { stdout } = await promisify(execFile)(PYTHON, [resolve(__dirname, '../clients/read.py'), candor.url]);
  const { atom, rss, calendar } = JSON.parse(stdout);
  expect([atom.version, rss.version]).toEqual(['atom10', 'rss20']);
  for (const feed of [atom, rss]) {
    expect(feed.title).toBe('Tidewater Maps Status - Incident History');
    expect(feed.entries).toHaveLength(25);
    expect(feed.entries[0].link).toContain(`${candor.url}/incidents/`);
    expect(feed.entries[0].text).toMatch(/<strong>[A-Z][a-z ]+<\/strong> - /);
  }
  expect(rss.entries.map((it: { link: string }) => it.link)).toEqual(atom.entries.map((it: { link: string }) => it.link));
  expect(calendar.length).toBeGreaterThan(0);
});
