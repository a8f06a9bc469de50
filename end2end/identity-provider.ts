import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { clockSettings } from './clock';

export class IdentityProvider {
  private process?: ChildProcess;

  /** Starts the provider for the Candor server at `url`; returns the options of `candor serve`. */
  async flags(url: string): Promise<string[]> {
    // Its signed times must match the clock of the server under test.
    const clock = pathToFileURL(join(__dirname, 'shifted-clock.mjs')).href;
    const args = ['--import', clock, join(__dirname, 'fake-provider.mjs'), `${url}/login/oidc/callback`];
    const process_ = spawn(process.execPath, args, { env: { ...process.env, ...clockSettings() } });
    this.process = process_;
    let stderr = '';
    process_.stderr.on('data', (text) => (stderr += text));
    const issuer = await new Promise<string>((found, failed) => {
      process_.stdout.once('data', (text) => found(String(text).trim()));
      process_.once('exit', (code) => failed(new Error(`the provider ended with ${code}: ${stderr}`)));
    });
    const rules = 'domain:example.org=viewer,group:writers=publisher,group:owners=owner';
    const client = ['--oidc-client-id', 'candor', '--oidc-client-secret', 'a secret between the two'];
    return ['--oidc-issuer', issuer, ...client, '--oidc-name', 'Harbour ID', '--oidc-scopes', 'groups', '--oidc-roles', rules];
  }

  async stop(): Promise<void> {
    const process_ = this.process;
    if (!process_ || process_.exitCode !== null) return;
    const ended = new Promise((end) => process_.once('exit', end));
    process_.kill();
    await ended;
  }
}
