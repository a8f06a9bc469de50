import { type ChildProcess, spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { restartClock } from './clock';

const PROGRAM = resolve(__dirname, process.env.CANDOR_BIN ?? '../target/debug/candor');

/** A manager's login. */
export type Person = { name: string; email: string; password: string };

/** A Candor server with its own folder, database and port. */
export class Candor {
  url = '';
  /** Standard output. */
  stdout = '';
  /** Standard error. */
  log = '';
  private server?: ChildProcess;
  private hasLostDatabase = false;
  private readonly clock = restartClock();

  private constructor(private readonly folder: string) {}

  static async inFreshFolder(): Promise<Candor> {
    return new Candor(await mkdtemp(join(tmpdir(), 'candor-')));
  }

  /**
   * Runs `candor serve` on a free port and waits until it listens. With `named`, visitors reach it as `localhost`,
   * where browsers allow passkeys; `more` returns options that depend on that address.
   */
  async serve(onLocalhost = false, more: (url: string) => Promise<string[]> = async () => []): Promise<void> {
    const port = onLocalhost ? await freePort() : 0;
    const url = `http://localhost:${port}`;
    const name = onLocalhost ? ['--base-url', url, ...(await more(url))] : [];
    const server = this.start('serve', '--listen', `127.0.0.1:${port}`, ...name, '--data-dir', this.folder);
    this.server = server;
    server.stderr!.on('data', (text) => (this.log += text));
    this.url = await new Promise((found, failed) => {
      server.stdout!.on('data', (text) => {
        this.stdout += text;
        const line = /^Listening on (\S+)$/m.exec(this.stdout);
        if (line) found(line[1]);
      });
      server.once('error', failed);
      server.once('exit', (code) => failed(new Error(`candor serve ended with ${code}: ${this.log}`)));
    });
  }

  /** The one-time link for the first owner; undefined until it is printed. */
  setupLink(): string | undefined {
    return /^\s*(\S+\/setup\/\S+)$/m.exec(this.stdout)?.[1];
  }

  /** Runs a CLI command on the server's database; returns its output. */
  async shell(args: string[], input = ''): Promise<string> {
    const command = this.start(...args);
    let stdout = '';
    let stderr = '';
    command.stdout!.on('data', (text) => (stdout += text));
    command.stderr!.on('data', (text) => (stderr += text));
    // A command that reads no input may exit before this write; the exit code reports failures.
    command.stdin!.on('error', () => {}).end(input);
    const code = await new Promise((ended) => command.once('close', ended));
    if (code !== 0) throw new Error(`candor ${args.join(' ')} ended with ${code}: ${stderr}`);
    return stdout;
  }

  /** Adds a manager. */
  async addManager(who: Person, role: 'viewer' | 'publisher' | 'owner'): Promise<void> {
    const options = ['--name', who.name, '--email', who.email, '--role', role];
    await this.shell(['manager', 'add', ...options, '--password-stdin'], `${who.password}\n`);
  }

  /** Adds a subscriber to one component, or to the page. */
  async addSubscriber(email: string, component?: string): Promise<void> {
    const scope = component ? ['--component', component] : [];
    await this.shell(['subscriber', 'add', email, ...scope, '--data-dir', this.folder]);
  }

  /** Makes every login and re-authentication older by this many minutes. */
  async ageSessions(minutes: number): Promise<void> {
    const ago = `strftime('%Y-%m-%dT%H:%M:%f+00:00', created_at, '-${minutes} minutes')`;
    await this.changeDatabase(`update sessions set created_at = ${ago}, data = json_remove(data, '$.proved_at')`);
  }

  /** Makes every promised update due this many minutes earlier; the next change publishes it. */
  async advancePromises(minutes: number): Promise<void> {
    const earlier = `strftime('%Y-%m-%dT%H:%M:%f+00:00', next_update_at, '-${minutes} minutes')`;
    await this.changeDatabase(`update incidents set next_update_at = ${earlier} where next_update_at is not null`);
  }

  private async changeDatabase(change: string): Promise<void> {
    const program = 'import sqlite3, sys; base = sqlite3.connect(sys.argv[1]); base.execute(sys.argv[2]); base.commit()';
    const python = spawn('python3', ['-c', program, `${this.folder}/candor.db`, change], { stdio: ['ignore', 'ignore', 'inherit'] });
    const code = await new Promise((ended) => python.once('close', ended));
    if (code !== 0) throw new Error(`python3 ended with ${code}`);
  }

  /** Moves the database away and creates a folder in its place. */
  async loseDatabase(): Promise<void> {
    this.hasLostDatabase = true;
    const lost = join(this.folder, 'lost');
    await mkdir(lost);
    for (const file of ['candor.db', 'candor.db-wal', 'candor.db-shm']) {
      await rename(join(this.folder, file), join(lost, file)).catch((error) => {
        if (error.code !== 'ENOENT') throw error;
      });
    }
    await mkdir(join(this.folder, 'candor.db'));
  }

  /** The lines of the log that no lost database explains. */
  unexpectedLog(): string {
    const lines = this.log.split('\n').filter((line) => line !== '');
    return lines.filter((line) => !(this.hasLostDatabase && line.includes('database'))).join('\n');
  }

  /** Copies the server's output, log, clock and database into `folder`. */
  async saveState(folder: string): Promise<void> {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'stdout.txt'), this.stdout);
    await writeFile(join(folder, 'log.txt'), this.log);
    await writeFile(join(folder, 'clock.json'), JSON.stringify({ start: process.env.CANDOR_TEST_NOW, ...this.clock }));
    await cp(this.folder, join(folder, 'data'), { recursive: true });
  }

  /** Stops the server; returns its exit code. If it fails or logged anything, its state is copied to `explained`. */
  async stop(explained?: string): Promise<number | null> {
    const server = this.server;
    let code: number | null = 0;
    if (server && server.exitCode === null) {
      const ended = new Promise<number | null>((end) => server.once('exit', end));
      server.kill('SIGTERM');
      code = await ended;
    }
    if (explained && (code !== 0 || this.unexpectedLog())) await this.saveState(explained);
    await rm(this.folder, { recursive: true });
    return code;
  }

  private start(...args: string[]): ChildProcess {
    const env: NodeJS.ProcessEnv = {
      // How long a connection to the database takes depends on what else the machine does.
      RUST_LOG: 'warn,tower_sessions=error,sqlx::pool::acquire=error',
      CANDOR_DATABASE_URL: `sqlite://${this.folder}/candor.db`,
      // High limits for fast test clients; other tests cover the limits.
      CANDOR_API_READS: '100000',
      CANDOR_API_WRITES: '100000',
      // Playwright types faster than a person.
      CANDOR_TEST_MIN_FILL_MS: '0',
      ...this.clock,
    };
    const foreign = Object.entries(process.env).filter(([name]) => !name.startsWith('CANDOR_'));
    return spawn(PROGRAM, args, { env: { ...Object.fromEntries(foreign), ...env } });
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}
