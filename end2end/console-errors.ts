import { type BrowserContext, expect, type Page, type Request } from '@playwright/test';

/** What Chromium writes to the console for an answer that is an error; the answer itself is judged here. */
const ECHO = 'Failed to load resource: the server responded with a status of';
/** A preview frames pages without scripts, into which Playwright and axe try to put theirs. */
const SANDBOXED = "Blocked script execution in 'about:srcdoc'";
/** The browser gave the request up itself, because somebody went on to another page; no server can cause it. */
const LEFT = 'net::ERR_ABORTED';

/** Watches every page: errors in the console, failed requests, unasked-for error answers, dialogs, violated policies. */
export class Watch {
  private troubles: string[] = [];
  private refused = new Map<Request, string>();
  private over = false;

  async begin(context: BrowserContext): Promise<void> {
    await context.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (event) => {
        console.error(`policy violated: ${event.violatedDirective} by ${event.blockedURI || event.sourceFile}`);
      });
    });
    context.on('console', (message) => {
      const expected = [ECHO, SANDBOXED].some((words) => message.text().startsWith(words));
      if (message.type() === 'error' && !expected) this.note(`console: ${message.text()}`);
    });
    context.on('weberror', (error) => this.note(`page: ${error.error().message}`));
    context.on('requestfailed', (request) => {
      const reason = request.failure()?.errorText;
      if (reason !== LEFT) this.note(`failed: ${request.url()}: ${reason}`);
    });
    context.on('response', (response) => {
      if (response.status() < 400 || this.over) return;
      this.refused.set(response.request(), `answer: ${response.status()} for ${response.url()}`);
    });
    context.on('dialog', (dialog) => {
      this.note(`dialog: ${dialog.message()}`);
      return dialog.dismiss();
    });
  }

  /** Does something whose answer is a page with the error `status`. */
  async expects(status: number, page: Page, act: () => Promise<unknown>): Promise<void> {
    const answered = page.waitForResponse((response) => {
      const { request, status } = { request: response.request(), status: response.status() };
      return request.isNavigationRequest() && (status < 300 || status >= 400);
    });
    await act();
    const response = await answered;
    expect(response.status(), `the answer of ${response.url()}`).toBe(status);
    this.refused.delete(response.request());
  }

  /** What happens from now on is the end of the test. */
  end(): void {
    this.over = true;
  }

  found(): string[] {
    return [...this.troubles, ...this.refused.values()];
  }

  private note(trouble: string): void {
    if (!this.over) this.troubles.push(trouble);
  }
}
