import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Page } from '@playwright/test';
import { clockSettings } from '../clock';
import { logIn } from '../steps';
import { expect, test } from '../test';

/** Installed by `.ci/tools clients`. */
const CLIENTS = resolve(__dirname, '../../target/tools/clients/bin');

/** Creates a token with the scope "admin". */
async function createToken(page: Page): Promise<string> {
  await logIn(page);
  await page.goto('/admin/tokens');
  await page.getByLabel('Name').fill('Client');
  await page.getByLabel('Scope').selectOption('Admin');
  await page.getByRole('button', { name: 'Create token' }).click();
  return page.getByLabel('The token').inputValue();
}

test('an unmodified API client manages the page', { tag: '@dates' }, async ({ page, candor, visitor }) => {
  const script = resolve(__dirname, '../clients/manage.py');
  const env = { ...process.env, ...clockSettings() };
  const { stdout } = await promisify(execFile)(`${CLIENTS}/python`, [script, candor.url, await createToken(page)], { env });
  expect(JSON.parse(stdout)).toEqual({
    component: ['Billing', '', 'operational', null],
    renamed: 'Invoices',
    group: ['Shop', 'Money', true],
    opened: ['investigating', 'major', 'partial_outage', 1],
    unresolved: ['Invoices are late'],
    worded: ['identified', 'A queue had run full.'],
    over: ['resolved', true, 'This incident has been resolved.'],
    review: ['The queue has an alarm now.', 'postmortem'],
    planned: ['maintenance', true, false, true],
    listed: ['Move of the database'],
    template: ['Late', 'investigating', 1],
    deleted: ['Move of the database', 'Shop', null],
    gone: [404, 'not_found'],
    wrong: [422, '/component/name'],
  });
  await visitor.goto('/');
  await expect(visitor.getByRole('link', { name: 'Invoices are late' }).first()).toBeVisible();
  await page.goto('/admin/audit');
  await expect(page.getByRole('cell', { name: 'Ines Duarte by Client' }).first()).toBeVisible();
});

test('API responses always match the OpenAPI document', async ({ page, candor }, { outputDir }) => {
  test.setTimeout(600_000);
  // schemathesis saves its examples in the working directory and would start with them next time.
  await mkdir(outputDir, { recursive: true });
  const secret = await createToken(page);
  const ask = async (method: string, path: string, body?: object) => {
    const answer = await fetch(`${candor.url}/v1/pages${path}`, {
      method,
      headers: { authorization: `Bearer ${secret}` },
      body: body && JSON.stringify(body),
    });
    return answer.json();
  };
  const [{ id }] = await ask('GET', '');
  const component = await ask('POST', `/${id}/components`, { component: { name: 'API' } });
  const group = await ask('POST', `/${id}/component-groups`, { component_group: { name: 'Core', components: [component.id] } });
  const incident = await ask('POST', `/${id}/incidents`, { incident: { name: 'Slow', body: 'We look.' } });
  await ask('PUT', `/${id}/incidents/${incident.id}/postmortem`, { postmortem: { body_draft: 'It was a cable.' } });
  const update = incident.incident_updates[0].id;
  const env = { ...process.env, PAGE: id, COMPONENT: component.id, GROUP: group.id, INCIDENT: incident.id, UPDATE: update };
  const config = resolve(__dirname, '../clients/schemathesis.toml');
  const args = ['--config-file', config, 'run', `${candor.url}/v1/openapi.json`, '-H', `Authorization: Bearer ${secret}`];
  const { stdout } = await promisify(execFile)(`${CLIENTS}/schemathesis`, args, { env, cwd: outputDir, maxBuffer: 1e8 }).catch((error) => {
    throw new Error(error.stdout);
  });
  expect(stdout).toMatch(/ (\d{3,}) generated, \1 passed/);
});
