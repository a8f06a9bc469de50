import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';

const PAGE = { id: 'k2v7xq0m4c9z', name: 'Harbor Maps', url: 'https://harbor.example', time_zone: 'UTC', updated_at: '2026-03-04T09:15:02Z' };
const COMPONENTS = ['Website', 'Tile API'].map((name, index) => ({
  id: `b1n8y5t3w6q${index}`,
  name,
  status: 'operational',
  position: index + 1,
  group: false,
  created_at: '2024-01-09T08:00:11Z',
}));
const INCIDENT = {
  id: 'q9s3e7u1a5lh',
  name: 'Tiles load slowly',
  status: 'resolved',
  impact: 'minor',
  created_at: '2026-03-01T10:00:00Z',
  started_at: '2026-03-01T10:00:00Z',
  updated_at: '2026-03-01T10:30:00Z',
  resolved_at: '2026-03-01T10:30:00Z',
  incident_updates: [
    { id: 'u1', status: 'resolved', body: 'Tiles are fast again.', display_at: '2026-03-01T10:30:00Z' },
    { id: 'u2', status: 'investigating', body: 'Tiles are slow.', display_at: '2026-03-01T10:00:00Z' },
  ],
  components: [],
};
const DOCUMENTS: Record<string, unknown> = {
  '/api/v2/summary.json': { page: PAGE, components: COMPONENTS, incidents: [], scheduled_maintenances: [] },
  '/api/v2/components.json': { page: PAGE, components: COMPONENTS },
  '/api/v2/incidents.json': { page: PAGE, incidents: [INCIDENT] },
  '/api/v2/scheduled-maintenances.json': { page: PAGE, scheduled_maintenances: [] },
  '/history.json?page=1': { months: [{ name: 'March', incidents: [{ code: INCIDENT.id, name: INCIDENT.name, impact: 'minor' }] }] },
};

/** A public status page of another program, from which Candor imports. */
export class OldPage {
  url = '';
  private server?: Server;
  private release?: () => void;
  private readonly released = new Promise<void>((release) => (this.release = release));

  /** Starts the server; returns the options of `candor serve`. It answers the last document only after `finish`. */
  async flags(_url: string): Promise<string[]> {
    const server = createServer(async (request, response) => {
      const path = request.url!;
      const document = DOCUMENTS[path] ?? (path.startsWith('/history.json') ? { months: [] } : undefined);
      if (path === '/history.json?page=1') await this.released;
      response.writeHead(document ? 200 : 404, { 'content-type': 'application/json' });
      response.end(JSON.stringify(document ?? {}));
    });
    this.server = server;
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    return ['--endpoint-hosts', this.url];
  }

  /** Answers everything from now on. */
  finish(): void {
    this.release!();
  }

  async stop(): Promise<void> {
    this.finish();
    this.server?.closeAllConnections();
    await new Promise((closed) => (this.server ? this.server.close(closed) : closed(undefined)));
  }
}
