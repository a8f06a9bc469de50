import { type BrowserContext, expect, type Page, type Request } from '@playwright/test';

/** Chromium logs every error response to the console; the watch checks the response itself. */
const ERROR_STATUS_MESSAGE = 'Failed to load resource: the server responded with a status of';
/** A preview frames pages without scripts, into which Playwright and axe try to inject theirs. */
const SANDBOX_MESSAGE = "Blocked script execution in 'about:srcdoc'";
/** The browser cancelled the request because of a navigation. */
const ABORTED_BY_NAVIGATION = 'net::ERR_ABORTED';

/** Collects console errors, failed requests, unexpected error responses, dialogs and policy violations of all pages. */
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
      const expected = [ERROR_STATUS_MESSAGE, SANDBOX_MESSAGE].some((words) => message.text().startsWith(words));
      if (message.type() === 'error' && !expected) this.note(`console: ${message.text()}`);
    });
    context.on('weberror', (error) => this.note(`page: ${error.error().message}`));
    context.on('requestfailed', (request) => {
      const reason = request.failure()?.errorText;
      if (reason !== ABORTED_BY_NAVIGATION) this.note(`failed: ${request.url()}: ${reason}`);
    });
    context.on('response', (response) => {
      // The preview beside a composer keeps what it shows if it gets no answer.
      const isLivePreview = /(^|&)live=1(&|$)/.test(response.request().postData() ?? '');
      // The preview of the brand shows what is wrong with the form.
      const isFramedForm = response.status() === 422 && isInsideFrame(response.request());
      if (response.status() < 400 || this.over || isLivePreview || isFramedForm) return;
      this.refused.set(response.request(), `answer: ${response.status()} for ${response.url()}`);
    });
    context.on('dialog', (dialog) => {
      this.note(`dialog: ${dialog.message()}`);
      return dialog.dismiss();
    });
  }

  /** Does something that navigates to a page with the error `status`. */
  async expects(status: number, page: Page, act: () => Promise<unknown>): Promise<void> {
    const answered = page.waitForResponse((response) => {
      const { request, status } = { request: response.request(), status: response.status() };
      return request.isNavigationRequest() && !isInsideFrame(request) && (status < 300 || status >= 400);
    });
    await act();
    const response = await answered;
    expect(response.status(), `the answer of ${response.url()}`).toBe(status);
    this.refused.delete(response.request());
  }

  /** Ignores error responses from now on, because the test has ended. */
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

/** Whether a frame of a page navigates. A page that just opened has no frame yet. */
function isInsideFrame(request: Request): boolean {
  try {
    return request.isNavigationRequest() && request.frame().parentFrame() !== null;
  } catch {
    return false;
  }
}
