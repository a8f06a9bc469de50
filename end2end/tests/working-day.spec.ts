import { minutesAhead } from '../clock';
import { addApp, addAuthenticator, addPasskey } from '../second-factor';
import { addComponent, addGroup, card, component, compose, expectMessage, expectNoOverflow, expectPreview, logIn, logOut, openFresh, openIncident, openSection, postUpdate, setStatus } from '../steps';
import { expect, OWNER, PUBLISHER, test } from '../test';

// A long scenario, which also runs with the keyboard only.
test.describe.configure({ timeout: 240_000 });
// Browsers allow passkeys at `localhost`, not at an IP address.
test.use({ onLocalhost: true });

const TITLE = 'Mail arrives late';
const MINUTES = 125;

test('a publisher reports an incident until its end', { tag: '@dates' }, async ({
  page,
  candor,
  anotherBrowser,
  visitor,
}) => {
  const entry = visitor.locator('.entries > li').filter({ hasText: TITLE });

  await test.step('before it, the owner has put components on the page and nothing is wrong', async () => {
    const owner = await anotherBrowser();
    await logIn(owner);
    await addGroup(owner, 'Mail');
    await addComponent(owner, 'Sending', 'Mail');
    await addComponent(owner, 'Receiving', 'Mail');
    await addComponent(owner, 'Website');
    await candor.addManager(PUBLISHER, 'publisher');
    await logIn(page, PUBLISHER);
    await openFresh(visitor, '/');
    await expect(visitor.getByRole('heading', { level: 1 })).toHaveText('All systems operational');
    await expect(visitor.getByText('No active incidents.')).toBeVisible();
    const group = visitor.locator('.panel').filter({ has: visitor.getByText('Mail', { exact: true }) });
    await expect(group.locator('.line').first()).toContainText(/2 components\s+Operational/);
    for (const name of ['Sending', 'Receiving', 'Website']) await expect(component(visitor, name)).toContainText('Operational');
    await expectNoOverflow(visitor);
  });

  await test.step('a preview shows the message as visitors will read it, and publishes nothing', async () => {
    await page.goto('/admin');
    await page.locator('#main').getByRole('link', { name: 'New incident' }).first().click();
    await page.getByLabel('Title').fill(TITLE);
    await compose(page, {
      phase: 'Investigating',
      message: 'Mails wait for **up to an hour**.\n\nNothing is lost.',
      components: { Sending: 'Partial outage', Receiving: 'Degraded performance' },
    });
    await page.getByText('More options').click();
    await page.getByLabel('Started').fill(minutesAhead(-MINUTES));
    await page.getByLabel('Detected by').fill('Monitoring');
    await page.getByLabel('Internal note').fill('The queue on mx2, see runbook 12.');
    await expectPreview(page, 'up to an hour');
    await expect(page.getByLabel('Title')).toHaveValue(TITLE);
    await expect(page.getByLabel('Sending')).toHaveValue('partial_outage');
    await expect(page.getByLabel('Detected by')).toHaveValue('Monitoring');
    await expectNoOverflow(page);
    await openFresh(visitor, '/');
    await expect(visitor.getByRole('heading', { level: 1 })).toHaveText('All systems operational');
  });

  const id = await test.step('it is published as it was previewed', async () => {
    await page.getByRole('button', { name: 'Publish incident' }).click();
    await expectMessage(page, 'Incident published.');
    await expectNoOverflow(page);
    return new URL(page.url()).pathname.split('/').pop()!;
  });

  await test.step('the visitor reads it on the status page', async () => {
    await visitor.reload();
    await expect(visitor.getByRole('heading', { level: 1 })).toHaveText(
      /^Sending: partial outage; Receiving: degraded performance since .*\d\d:\d\d/,
    );
    await expect(visitor.getByText('The other component is operational.')).toBeVisible();
    await expect(visitor.getByRole('heading', { level: 2, name: 'Active incident', exact: true })).toBeVisible();
    await expect(card(visitor, TITLE).locator('.pill')).toHaveText(/^Investigating · 2 h [56] min$/);
    await expect(card(visitor, TITLE)).toContainText('Sending: partial outage');
    await expect(card(visitor, TITLE)).toContainText('Receiving: degraded performance');
    await expect(card(visitor, TITLE).getByRole('strong').filter({ hasText: 'up to an hour' })).toBeVisible();
    await expect(component(visitor, 'Sending')).toContainText('Partial outage');
    await expect(component(visitor, 'Receiving')).toContainText('Degraded performance');
    await expect(component(visitor, 'Website')).toContainText('Operational');
    await expect(visitor.getByText('runbook')).toHaveCount(0);
    await expectNoOverflow(visitor);
  });

  await test.step('and in the history', async () => {
    await visitor.getByRole('link', { name: 'History', exact: true }).click();
    await expect(visitor.getByRole('heading', { level: 1 })).toHaveText('History');
    await expect(entry).toHaveCount(1);
    await expect(entry).toContainText(/Partial outage · (Sending, Receiving|Receiving, Sending)/);
    await expect(entry.locator('.pill')).toHaveText('Investigating');
    await expect(visitor.getByText(/^1 incident since /)).toBeVisible();
    await expectNoOverflow(visitor);
  });

  const updates = [
    { phase: 'Identified', message: 'One of two queues stands still.', components: { Receiving: 'Operational' } },
    { phase: 'Monitoring', message: 'The queue moves again.', components: { Sending: 'Degraded performance' } },
  ];
  for (const [index, update] of updates.entries()) {
    await test.step(`${update.phase.toLowerCase()} is read everywhere`, async () => {
      await postUpdate(page, id, update);
      await openFresh(visitor, '/history');
      await expect(entry.locator('.pill')).toHaveText(update.phase);
      for (const path of ['/', `/incidents/${id}`]) {
        await openFresh(visitor, path);
        const newest = visitor.getByRole('article').getByRole('listitem').filter({ hasText: update.message });
        await expect(newest).toContainText(update.phase);
        await expect(newest).toBeVisible();
      }
      await expect(visitor.locator('.timeline > li')).toHaveCount(index + 2);
      await expect(visitor.getByRole('definition').filter({ hasText: /^2 h \d+ min so far$/ })).toBeVisible();
    });
  }

  await test.step('components follow the updates', async () => {
    await openFresh(visitor, '/');
    await expect(visitor.getByRole('heading', { level: 1 })).toHaveText(/^Sending: degraded performance since .*\d\d:\d\d/);
    await expect(component(visitor, 'Sending')).toContainText('Degraded performance');
    await expect(component(visitor, 'Receiving')).toContainText('Operational');
  });

  await test.step('resolved, everything is operational and the page says how long it took', async () => {
    await postUpdate(page, id, { phase: 'Resolved', message: 'All mail has arrived.' });
    await openFresh(visitor, '/');
    await expect(visitor.getByRole('heading', { level: 1 })).toHaveText('All systems operational');
    await expect(component(visitor, 'Sending')).toContainText('Operational');
    await expect(visitor.getByRole('article')).toHaveCount(0);
    await expect(visitor.locator('.past').filter({ hasText: TITLE })).toContainText(/Partial outage for 2 h \d+ min/);
    await expectNoOverflow(visitor);

    await openFresh(visitor, '/history');
    await expect(entry.locator('.length')).toHaveText(/^2 h \d+ min$/);
    await expect(entry.locator('.pill')).toHaveCount(0);
    await expect(visitor.getByText(/^1 incident since .* · 1\.0 per month · 2 h \d+ min in total\.$/)).toBeVisible();

    await entry.getByRole('link', { name: TITLE }).click();
    await expect(visitor).toHaveURL(`/incidents/${id}`);
    await visitor.reload();
    await expect(visitor.getByRole('heading', { level: 1 })).toHaveText(TITLE);
    await expect(visitor.getByRole('definition').filter({ hasText: /^2 h \d+ min$/ })).toBeVisible();
    await expect(visitor.getByRole('definition').filter({ hasText: 'Monitoring' })).toBeVisible();
    await expect(visitor.getByRole('heading', { level: 2, name: 'Timeline' })).toBeVisible();
    await expect(visitor.locator('.timeline > li').first()).toContainText('All mail has arrived.');
    await expect(visitor.locator('.timeline > li .said strong')).toHaveText([
      'Resolved',
      'Monitoring',
      'Identified',
      'Investigating',
    ]);
    await expect(visitor.getByText('runbook')).toHaveCount(0);
    await expectNoOverflow(visitor);
  });
});

test('an owner sets up the page and its managers', async ({
  page,
  candor,
  javaScriptEnabled,
  anotherBrowser,
  visitor,
}) => {
  const publisher = await anotherBrowser();

  await test.step('the page gets its name and what it tells about', async () => {
    await logIn(page);
    await openSection(page, 'Settings');
    await page.getByLabel('Page name').fill('Tidewater');
    await page.getByLabel('Time zone').fill('Europe/Lisbon');
    await page.getByRole('button', { name: 'Save settings' }).click();
    await expectMessage(page, 'Settings saved.');
    await page.getByRole('navigation', { name: 'Settings' }).getByRole('link', { name: 'Brand' }).click();
    await page.getByLabel('Footer links (optional)').fill('https://example.org/help Help');
    await page.getByRole('button', { name: 'Save brand' }).click();
    await expectMessage(page, 'Brand saved. The page shows it now.');
    await addGroup(page, 'Mail');
    await addComponent(page, 'Sending', 'Mail');
    await expectNoOverflow(page);
    await openFresh(visitor, '/');
    await expect(visitor).toHaveTitle('All systems operational · Tidewater');
    await expect(visitor.getByRole('banner').getByText('Tidewater', { exact: true })).toBeVisible();
    await expect(visitor.getByText(/^All times in Lisbon \(WES?T\)$/)).toBeVisible();
    await expect(visitor.getByRole('link', { name: 'Help' })).toBeVisible();
    await expect(component(visitor, 'Sending')).toContainText('Operational');
  });

  await test.step('a publisher is invited and takes the link', async () => {
    await openSection(page, 'Managers');
    await page.getByLabel('Name').fill(PUBLISHER.name);
    await page.getByLabel('Email').fill(PUBLISHER.email);
    await page.getByRole('button', { name: 'Create invite link' }).click();
    await publisher.goto(await page.getByLabel('The link').inputValue());
    await publisher.getByLabel('Password').fill(PUBLISHER.password);
    await publisher.getByRole('button', { name: 'Set the password and log in' }).click();
    await expect(publisher.getByRole('heading', { level: 1 })).toHaveText('Dashboard');
  });

  await test.step('a status is set on the board of the desk, and back', async () => {
    await openSection(page, 'Dashboard');
    for (const status of ['Degraded performance', 'Operational']) {
      await setStatus(page, 'Sending', status);
      await openFresh(visitor, '/');
      await expect(component(visitor, 'Sending')).toContainText(status);
    }
  });

  await test.step('what the publisher wrote is put right', async () => {
    const id = await openIncident(publisher, TITLE, { message: 'Nothing is lots.', components: { Sending: 'Partial outage' } });
    await page.goto('/admin');
    await page.getByRole('link', { name: TITLE, exact: true }).click();
    await page.getByRole('link', { name: /^Edit the update of/ }).click();
    await page.getByLabel('Message', { exact: true }).fill('Nothing is lost.');
    await page.getByRole('button', { name: 'Save changes' }).click();
    await expectMessage(page, 'Update saved and marked as edited.');
    await openFresh(visitor, `/incidents/${id}`);
    await expect(visitor.getByText('Nothing is lost.')).toBeVisible();
  });

  await test.step('a program gets a token, and is refused once it is revoked', async () => {
    await page.goto('/admin/account');
    await page.getByRole('link', { name: 'API tokens' }).click();
    await page.getByLabel('Name').fill('Deploy');
    await page.getByLabel('Scope').selectOption('Publish');
    await page.getByRole('button', { name: 'Create token' }).click();
    const secret = await page.getByLabel('The token').inputValue();
    const ask = () => fetch(`${candor.url}/v1/token`, { headers: { authorization: `Bearer ${secret}` } });
    expect((await ask()).status).toBe(200);
    await page.getByRole('link', { name: 'Back to the tokens' }).click();
    await page.getByRole('row', { name: 'Deploy' }).getByRole('button', { name: 'Revoke' }).click();
    await expectMessage(page, 'Token revoked.');
    expect((await ask()).status).toBe(401);
    await expectNoOverflow(page);
  });

  await test.step("a session that the publisher forgot elsewhere is ended, and the publisher's own goes on", async () => {
    await publisher.goto('/admin');
    await logOut(publisher);
    const forgotten = await anotherBrowser();
    await logIn(forgotten, PUBLISHER);
    await page.goto('/admin/managers');
    await page.getByRole('link', { name: 'Active sessions of managers' }).click();
    const sessions = page.getByRole('row').filter({ hasText: PUBLISHER.name });
    await expect(sessions).toHaveCount(1);
    await sessions.getByRole('button', { name: /^Log out/ }).click();
    await expectMessage(page, 'Session logged out.');
    await expectNoOverflow(page);
    await forgotten.reload();
    await expect(forgotten.getByRole('heading', { level: 1 })).toHaveText('Log in');
    await logIn(publisher, PUBLISHER);
  });

  await test.step('the owner adds a second factor, and asks everybody for one', async () => {
    // Passkeys need JavaScript; without it the manager adds an authenticator app.
    if (javaScriptEnabled) {
      await addAuthenticator(page);
      await addPasskey(page, 'Laptop');
      await expect(page.getByRole('heading', { level: 1 })).toHaveText('Recovery codes');
      await page.getByRole('link', { name: "I've saved them" }).click();
      await expect(page.getByText('never used')).toBeVisible();
    } else {
      await addApp(page);
    }
    await openSection(page, 'Settings');
    await page.getByLabel('Require two-factor authentication').check();
    await page.getByRole('button', { name: 'Save security settings' }).click();
    await expectMessage(page, 'Security settings saved.');
    await expectNoOverflow(page);
    await publisher.goto('/admin/incidents/new');
    await expect(publisher.getByRole('heading', { level: 1 })).toHaveText('Two-factor authentication');
    await expect(publisher.getByRole('alert')).toContainText('Two-factor authentication is required here');
    await addApp(publisher);
    await publisher.goto('/admin');
    await expect(publisher.getByRole('heading', { level: 1 })).toHaveText('Dashboard');
  });

  await test.step('whoever leaves is out at once', async () => {
    await openSection(page, 'Managers');
    await page.getByRole('table').getByRole('link', { name: PUBLISHER.name }).click();
    await page.getByRole('button', { name: 'Deactivate account' }).click();
    await expectMessage(page, 'Account deactivated.');
    await expectNoOverflow(page);
    await publisher.reload();
    await expect(publisher.getByRole('heading', { level: 1 })).toHaveText('Log in');
  });

  await test.step('the audit tells who did what', async () => {
    await openSection(page, 'Audit log');
    await expectNoOverflow(page);
    const auditRow = (who: string, words: string) => page.getByRole('row').filter({ hasText: who }).filter({ hasText: words });
    await expect(auditRow(OWNER.name, `invited manager ${PUBLISHER.name}`)).toBeVisible();
    await expect(auditRow(PUBLISHER.name, `opened incident ${TITLE}`)).toBeVisible();
    await expect(auditRow(OWNER.name, `edited an update of incident ${TITLE}`)).toBeVisible();
    await expect(auditRow(OWNER.name, 'revoked API token Deploy')).toBeVisible();
    await expect(auditRow(OWNER.name, `disabled manager ${PUBLISHER.name}`)).toBeVisible();
    await logOut(page);
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Log in');
  });
});
