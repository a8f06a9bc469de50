import { type Page } from '@playwright/test';
import { type Candor } from '../candor';
import { type Watch } from '../console-errors';

/** A page of the product, with how to get there. */
export type Place = {
  name: string;
  go: (page: Page) => Promise<unknown>;
};

export type Means = { candor: Candor; watch: Watch };

/** What stands at an address. */
export function at(name: string, path: string): Place {
  return { name, go: (page) => page.goto(path) };
}

/** What the first `link` on the page at `path` leads to. */
export function linked(name: string, path: string, link: string): Place {
  return { name, go: (page) => follow(page, path, link) };
}

/** The form at `place` with `text` in the field that is called `label`. */
export function filled({ name, go }: Place, label: string, text: string): Place {
  const fill = (page: Page) => page.getByLabel(label, { exact: true }).fill(text);
  return { name, go: (page) => go(page).then(() => fill(page)) };
}

/** What is answered, with the error `status`, to a button that is pressed at `place`. */
export function answered({ watch }: Means, status: number, name: string, place: Place, button: string | RegExp): Place {
  return {
    name,
    go: async (page) => {
      await place.go(page);
      await watch.expects(status, page, () => page.getByRole('button', { name: button }).last().click());
    },
  };
}

/** The form at `place` with what is wrong beside its fields. */
export function refused(means: Means, place: Place, button: string | RegExp): Place {
  return answered(means, 422, `${place.name}-refused`, place, button);
}

/** The form at `place` with what somebody else did since: as if it had come from a version before this one. */
export function outrun(means: Means, place: Place, button: string | RegExp, change?: (page: Page) => Promise<unknown>): Place {
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
  return answered(means, 409, `${place.name}-conflict`, late, button);
}

/** Follows the first `link` on the page at `path`. */
export async function follow(page: Page, path: string, link: string): Promise<void> {
  await page.goto(path);
  await page.locator(link).first().click();
}
