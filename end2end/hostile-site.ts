import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';

/**
 * A hostile site on this machine. It answers at a bare address, at a name below `localhost`, and at `localhost`, which
 * browsers treat as the same site as a server on another port.
 */
export class HostileSite {
  private constructor(
    private readonly server: Server,
    private readonly port: number,
  ) {}

  /** Answers every path with `html`. */
  static async showing(html: string): Promise<HostileSite> {
    const page = `<!doctype html><title>Free tickets</title><h1>Free tickets</h1>${html}`;
    const server = createServer((_, answer) => answer.setHeader('content-type', 'text/html; charset=utf-8').end(page));
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    return new HostileSite(server, (server.address() as AddressInfo).port);
  }

  at(host: string): string {
    return `http://${host}:${this.port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((closed) => this.server.close(closed));
  }
}
