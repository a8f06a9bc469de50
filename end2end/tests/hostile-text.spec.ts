import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Page } from '@playwright/test';
import { addComponent, addGroup, component, expectMessage, logIn, openFresh, openIncident } from '../steps';
import { expect, OWNER, test } from '../test';

const NASTY = '</textarea></title><script>alert(1)</script><img src=x onerror=alert(1)>"><svg onload=alert(1)>';
const BODY = [
  NASTY,
  '[press me](javascript:alert(1)) and [me](JaVaScRiPt:alert(1)) and <javascript:alert(1)>',
  '![a picture](javascript:alert(1)) and [data](data:text/html,<script>alert(1)</script>)',
  '<a href="javascript:alert(1)">here</a> &lt;b&gt; &amp;',
].join('\n\n');

/** The text created no elements and ran nothing. (The watch fails the test on any dialog.) */
async function expectHarmless(page: Page): Promise<void> {
  await expect(page.locator('img, svg[onload], script:not([nonce], [src^="/assets/"]), [onerror], [onclick]')).toHaveCount(0);
  await expect(page.locator('a[href^="javascript" i], a[href^="data" i]')).toHaveCount(0);
}

test('hostile text stays text on public pages and in forms', async ({ page, visitor, watch }) => {
  await logIn(page);
  await addGroup(page, NASTY);
  await addComponent(page, NASTY, NASTY);
  const id = await openIncident(page, NASTY, { message: BODY, components: { [NASTY]: 'Partial outage' } });
  await page.goto('/admin/settings');
  await page.getByLabel('Page name').fill(NASTY);
  await page.getByRole('button', { name: 'Save settings' }).click();
  await expectMessage(page, 'Settings saved.');
  await page.goto('/admin/brand');
  await page.getByLabel('Footer links').fill(`https://example.org/ ${NASTY.slice(0, 40)}`);
  await page.getByRole('button', { name: 'Save brand' }).click();
  await expectMessage(page, 'Brand saved. The page shows it now.');

  await test.step('visitors read it literally', async () => {
    for (const path of ['/', '/history', `/incidents/${id}`, `/history?q=${encodeURIComponent(NASTY)}`]) {
      await openFresh(visitor, path);
      await expect(visitor.getByRole('link', { name: NASTY }).first()).toBeVisible();
      if (!path.startsWith('/history')) {
        await expect(visitor.getByRole('article').locator('.text')).toContainText(NASTY);
        await expect(visitor.getByRole('article')).toContainText('<a href="javascript:alert(1)">here</a> <b> &');
      }
      await expectHarmless(visitor);
    }
    await expect(visitor.getByLabel('Search titles and updates')).toHaveValue(NASTY);
    await openFresh(visitor, '/');
    await expect(component(visitor, NASTY)).toBeVisible();
    await openFresh(visitor, `/incidents/${id}`);
    await expect(visitor).toHaveTitle(`${NASTY} · ${NASTY}`);
    await expect(visitor.getByRole('heading', { level: 1 })).toHaveText(NASTY);
  });

  await test.step('managers find it in their forms as they typed it', async () => {
    await page.goto(`/admin/incidents/${id}`);
    await expectHarmless(page);
    await page.getByRole('link', { name: /^Edit the update of/ }).click();
    await expect(page.getByLabel('Message', { exact: true })).toHaveValue(BODY);
    await expectHarmless(page);
    await page.getByRole('button', { name: 'Preview', exact: true }).click();
    await expect(page.getByLabel('Message', { exact: true })).toHaveValue(BODY);
    await expect(page.locator('.preview')).toContainText(NASTY);
    await expectHarmless(page);
    await page.goto(`/admin/incidents/${id}/edit`);
    await expect(page.getByLabel('Title', { exact: true })).toHaveValue(NASTY);
    await page.goto(`/admin/incidents/${id}/deletion`);
    await expect(page.locator('.quoted')).toHaveText(NASTY);
    await page.goto('/admin/components');
    await page.locator('li').getByRole('link', { name: /^Edit/ }).click();
    await expect(page.getByLabel('Name', { exact: true })).toHaveValue(NASTY);
    await expect(page.getByLabel('Group', { exact: true }).getByRole('option', { name: NASTY })).toHaveCount(1);
    await expectHarmless(page);
    for (const path of ['', '/incidents', '/incidents/new', '/audit', '/settings', '/brand', '/managers', '/account']) {
      await page.goto(`/admin${path}`);
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
      await expectHarmless(page);
    }
  });

  await test.step('the footer links nowhere but to the web and to mail', async () => {
    await page.goto('/admin/brand');
    await page.getByLabel('Footer links').fill('javascript:alert(1) Help');
    await watch.expects(422, page, () => page.getByRole('button', { name: 'Save brand' }).click());
    await expect(page.getByLabel('Footer links')).toHaveAttribute('aria-invalid', 'true');
    await expect(page.getByLabel('Footer links')).toHaveValue('javascript:alert(1) Help');
  });
});

/** The corpus of the Rust tests; the file documents the format of its lines. */
function corpus(): string[] {
  const escapes = { n: '\n', r: '', t: '\t', '0': ' ', '\\': '\\', '"': '"' } as Record<string, string>;
  const file = readFileSync(join(__dirname, '../../tests/it/hostile_strings.txt'), 'utf8');
  const lines = file.split('\n').filter((line) => line && !line.startsWith('#'));
  return lines.map((line) =>
    line
      .replace(/\\(?:u\{([0-9a-f]+)\}|(.))/g, (_, code, sign) => {
        return code ? String.fromCodePoint(parseInt(code, 16)) : escapes[sign];
      })
      // The forms reject control characters; the Rust tests check that.
      .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, ' '),
  );
}

test('no text of the corpus runs in a browser', async ({ page, visitor }) => {
  test.setTimeout(180_000);
  await logIn(page);
  const texts = corpus();
  expect(texts.length).toBeGreaterThan(270);
  const hasComment = (text: string) => text.includes('<!--');
  const uncommented = texts.filter((text) => !hasComment(text));
  const third = Math.ceil(uncommented.length / 3);
  const parts = [0, 1, 2].map((part) => uncommented.slice(part * third, (part + 1) * third));
  for (const part of [...parts, texts.filter(hasComment)]) {
    const message = part.join('\n\n');
    const title = part[Math.min(5, part.length - 1)].replace(/\s+/g, ' ').trim().slice(0, 250);
    const id = await openIncident(page, title, { message });
    await expectHarmless(page);
    await page.getByRole('link', { name: /^Edit the update of/ }).click();
    // Comments are not stored.
    if (!hasComment(message)) await expect(page.getByLabel('Message', { exact: true })).toHaveValue(message.trimEnd());
    await page.getByRole('button', { name: 'Preview', exact: true }).click();
    await expect(page.locator('.preview')).toBeVisible();
    await expectHarmless(page);
    await openFresh(visitor, `/incidents/${id}`);
    await expect(visitor.getByRole('heading', { level: 1 })).toHaveText(title);
    await expectHarmless(visitor);
  }
  for (const path of ['/', '/history', `/history?q=${encodeURIComponent(texts[70])}`]) {
    await openFresh(visitor, path);
    await expectHarmless(visitor);
  }
  // Titles appear in more places than messages, so only a sample is tested, with the headings they create.
  for (const text of texts.filter((_, index) => index % 24 === 7)) {
    const title = text.replace(/\s+/g, ' ').trim();
    const id = await openIncident(page, title, { message: text });
    await openFresh(visitor, `/incidents/${id}`);
    await expect(visitor.getByRole('heading', { level: 1 })).toHaveText(title);
    await expectHarmless(visitor);
  }
  await openFresh(visitor, '/');
  await expectHarmless(visitor);
});

test.describe('a first owner', () => {
  test.use({ initialData: 'empty' });

  test('with a hostile name and address changes no page', async ({ page, candor, watch }) => {
    await expect.poll(() => candor.setupLink()).toBeTruthy();
    await page.goto(candor.setupLink()!);
    await page.getByLabel('Your name').fill(NASTY);
    await page.getByLabel('Email').fill(NASTY);
    await page.getByLabel('Password').fill(OWNER.password);
    const press = () => page.getByRole('button', { name: 'Create account' }).click();
    await watch.expects(422, page, press);
    await expect(page.getByLabel('Email')).toHaveValue(NASTY);
    await expect(page.getByLabel('Your name')).toHaveValue(NASTY);
    await expectHarmless(page);
    await page.getByLabel('Email').fill(OWNER.email);
    await page.getByLabel('Password').fill(OWNER.password);
    await press();
    await expect(page.getByRole('link', { name: NASTY })).toBeVisible();
    await page.goto('/admin/managers');
    await page.getByRole('table').getByRole('link', { name: NASTY }).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(NASTY);
    await expectHarmless(page);
    await page.goto(`/admin/audit?done=${encodeURIComponent(NASTY)}`);
    await expect(page.getByRole('status')).toHaveCount(0);
    await expectHarmless(page);
  });
});
