import { expectMessage, logIn, logOut } from '../steps';
import { expect, OWNER, test } from '../test';

const REFUSED =
  "Incorrect e-mail address or password, or the account is disabled. After several attempts, wait a few " +
  'minutes or ask an owner for a reset link.';

test.describe('the first owner', () => {
  test.use({ initialData: 'empty' });

  test('uses the link once and chooses a strong password', async ({
    page,
    candor,
    watch,
  }) => {
    await expect.poll(() => candor.setupLink()).toBeTruthy();
    const link = candor.setupLink()!;
    const choose = async (password: string) => {
      await page.getByLabel('Password').fill(password);
      await page.getByRole('button', { name: 'Create account' }).click();
    };
    await page.goto(link);
    await page.getByLabel('Your name').fill(OWNER.name);
    await page.getByLabel('Email').fill(OWNER.email);

    await watch.expects(422, page, () => choose('too short'));
    await expect(page.getByLabel('Password')).toHaveAccessibleDescription(/use at least 15 characters \(this has 9\)/);
    await expect(page.getByLabel('Password')).toHaveAttribute('aria-invalid', 'true');
    await expect(page.getByLabel('Password')).toBeFocused();
    await expect(page.getByLabel('Password')).toHaveValue('');
    await expect(page.getByLabel('Your name')).toHaveValue(OWNER.name);
    await expect(page.getByLabel('Email')).toHaveValue(OWNER.email);

    await watch.expects(422, page, () => choose('passwordpassword'));
    await expect(page.getByLabel('Password')).toHaveAccessibleDescription(/commonly used password/);

    await choose(OWNER.password);
    await expectMessage(page, 'Welcome to Candor. Start by adding your components.');

    await watch.expects(404, page, () => page.goto(link));
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('This link is no longer valid');
  });
});

test.describe('an owner', () => {
  test('logs out and in again', async ({ page }) => {
    await logIn(page);
    await logOut(page);
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Log in');
    await page.goto('/admin/audit');
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Log in');
    await page.getByLabel('Email').fill(OWNER.email.toUpperCase());
    await page.getByLabel('Password').fill(OWNER.password);
    await page.getByRole('button', { name: 'Log in' }).click();
    await expect(page.getByRole('heading', { level: 1 }), 'where they wanted to go').toHaveText('Audit log');
  });

  test('gets the same login error as an unknown address', async ({ page, watch }) => {
    await page.goto('/login');
    const attempt = async (email: string) => {
      await page.getByLabel('Email').fill(email);
      await page.getByLabel('Password').fill('not the right password');
      await watch.expects(422, page, () => page.getByRole('button', { name: 'Log in' }).click());
      await expect(page.getByRole('alert')).toHaveText(REFUSED);
      await expect(page.getByLabel('Email')).toHaveValue(email);
    };
    await attempt(OWNER.email);
    await attempt('nobody@example.org');
  });
});
