import { type Locator, type Page } from '@playwright/test';

/** More tab stops than any page has. */
const MAX_STOPS = 400;
/** In longer lists, options are chosen by typing. */
const LONG_LIST = 30;

/**
 * Makes the tests of this worker use the keyboard: click, fill, check and selectOption reach their control with Tab. A
 * control that the keyboard can't reach fails the test.
 */
export function useKeyboardOnly(page: Page): void {
  const locator = Object.getPrototypeOf(page.locator('html'));
  if (locator.click === press) return;
  Object.assign(locator, { click: press, fill: type, check: choose, selectOption: pick });
}

/** Activates a link, button or summary, or toggles a checkbox. */
async function press(this: Locator): Promise<void> {
  await reach(this);
  const page = this.page();
  const turns = await this.evaluate((it) => it instanceof HTMLInputElement && it.type === 'checkbox');
  if (turns) return page.keyboard.press('Space');
  const leads = await this.evaluate((it) => it.closest('a[href], button:not([type=button])') !== null);
  // Waits for the navigation, like Playwright's click.
  await Promise.all([leads && page.waitForEvent('framenavigated'), page.keyboard.press('Enter')]);
}

/** Replaces a field's value with `text`. */
async function type(this: Locator, text: string): Promise<void> {
  const { keyboard } = this.page();
  await reach(this);
  const kind = await this.evaluate((it) => (it as HTMLInputElement).type);
  if (kind === 'datetime-local' && text) {
    const [, year, month, day, hour, minute] = /^(\d+)-(\d+)-(\d+)T(\d+):(\d+)$/.exec(text)!;
    const half = Number(hour) < 12 ? 'AM' : 'PM';
    await keyboard.type(`${month}${day}${year}`);
    await keyboard.press('ArrowRight');
    await keyboard.type(`${String(Number(hour) % 12 || 12).padStart(2, '0')}${minute}${half}`);
    return;
  }
  if (kind === 'date' && text) {
    const [year, month, day] = text.split('-');
    return keyboard.type(`${month}${day}${year}`);
  }
  await keyboard.press('ControlOrMeta+A');
  await (text ? keyboard.type(text) : keyboard.press('Delete'));
}

/** Selects a radio button or checks a checkbox. */
async function choose(this: Locator): Promise<void> {
  const { keyboard } = this.page();
  const isOne = await this.evaluate((it) => (it as HTMLInputElement).type === 'radio');
  if (!isOne) {
    await reach(this);
    if (!(await this.isChecked())) await keyboard.press('Space');
    return;
  }
  await reach(this, 'its set');
  for (let stop = 0; stop < MAX_STOPS && !(await this.isChecked()); stop++) await keyboard.press('ArrowDown');
}

/** Selects an option by value or text; in long lists, only by text. */
async function pick(this: Locator, option: string): Promise<string[]> {
  const { keyboard } = this.page();
  await reach(this);
  await keyboard.press('Home');
  const long = await this.evaluate((it, long) => (it as HTMLSelectElement).length > long, LONG_LIST);
  if (long) await keyboard.type(option);
  const chosen = () =>
    this.evaluate((it) => {
      const { selectedOptions } = it as HTMLSelectElement;
      return [selectedOptions[0]?.value, selectedOptions[0]?.label];
    });
  for (let stop = 0; stop < MAX_STOPS && !(await chosen()).includes(option); stop++) await keyboard.press('ArrowDown');
  if (!(await chosen()).includes(option)) throw new Error(`no key chooses ${option}`);
  return [option];
}

/** Presses Tab until `locator`, or another radio button of its group, has the focus. */
async function reach(locator: Locator, what: 'itself' | 'its set' = 'itself'): Promise<void> {
  await locator.waitFor();
  for (let stop = 0; stop < MAX_STOPS; stop++) {
    const isThere = await locator.evaluate((it, what) => {
      const focused = document.activeElement;
      // Text inside a control represents it, as with a click.
      const control = it.closest('a, button, summary, label') ?? it;
      const wanted = control instanceof HTMLLabelElement ? control.control : control;
      if (what === 'itself' || !(it instanceof HTMLInputElement)) return focused === it || focused === wanted;
      return focused instanceof HTMLInputElement && focused.name === it.name && focused.form === it.form;
    }, what);
    if (isThere) return;
    await locator.page().keyboard.press('Tab');
  }
  throw new Error(`Tab never comes to ${locator}`);
}
