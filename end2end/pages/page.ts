import { type Page } from '@playwright/test';
import { type Candor } from '../candor';
import { type Watch } from '../console-errors';

/** A page to visit, and how to reach it. */
export type Place = {
  name: string;
  go: (page: Page) => Promise<unknown>;
};

export type Means = { candor: Candor; watch: Watch };

export function placeAt(name: string, path: string): Place {
  return { name, go: (page) => page.goto(path) };
}

/** The page behind the first `link` on the page at `path`. */
export function linkedPlace(name: string, path: string, link: string): Place {
  return { name, go: (page) => follow(page, path, link) };
}

/** The form at `place` with `text` in the field `label`. */
export function filledForm({ name, go }: Place, label: string, text: string): Place {
  const fill = (page: Page) => page.getByLabel(label, { exact: true }).fill(text);
  return { name, go: (page) => go(page).then(() => fill(page)) };
}

/** The page with the error `status` after a click on `button` at `place`. */
export function errorPlace({ watch }: Means, status: number, name: string, place: Place, button: string | RegExp): Place {
  return {
    name,
    go: async (page) => {
      await place.go(page);
      await watch.expects(status, page, () => page.getByRole('button', { name: button }).last().click());
    },
  };
}

/** The form at `place` with validation errors. */
export function invalidForm(means: Means, place: Place, button: string | RegExp): Place {
  return errorPlace(means, 422, `${place.name}-refused`, place, button);
}

/** The form at `place` with an edit conflict: it is submitted with version 0. */
export function conflictPlace(means: Means, place: Place, button: string | RegExp, change?: (page: Page) => Promise<unknown>): Place {
  const late = {
    name: place.name,
    go: async (page: Page) => {
      await place.go(page);
      await change?.(page);
      const form = page.locator('form', { has: page.getByRole('button', { name: button }) }).last();
      const versions = form.locator('input[name$=version]');
      await versions.evaluateAll((all: HTMLInputElement[]) => all.forEach((input) => (input.value = '0')));
    },
  };
  return errorPlace(means, 409, `${place.name}-conflict`, late, button);
}

export async function follow(page: Page, path: string, link: string): Promise<void> {
  await page.goto(path);
  await page.locator(link).first().click();
}
