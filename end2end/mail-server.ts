import { createServer, type Server, type Socket } from 'node:net';
import { type AddressInfo } from 'node:net';

/** A received mail: its recipient and its text without the encoding of the transfer. */
export type Mail = { to: string; text: string };

/** An SMTP server that accepts every mail. */
export class MailServer {
  readonly mails: Mail[] = [];
  private server?: Server;
  private readonly sockets = new Set<Socket>();

  /** Starts the server; returns the options of `candor serve`. */
  async flags(_url: string): Promise<string[]> {
    const server = createServer((socket) => this.talk(socket));
    this.server = server;
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as AddressInfo;
    return ['--smtp-url', `smtp://127.0.0.1:${port}?tls=none`, '--smtp-from', 'Status <status@example.org>'];
  }

  /** The links in the newest mail to `address` that was received after the first `seen` mails. */
  async links(address: string, seen = 0): Promise<string[]> {
    for (let waited = 0; ; waited += 50) {
      const mail = this.mails.slice(seen).findLast((mail) => mail.to === address);
      if (mail) return mail.text.match(/https?:\/\/\S+\/subscribe\/\S+/g) ?? [];
      if (waited > 15_000) throw new Error(`no mail to ${address}`);
      await new Promise((passed) => setTimeout(passed, 50));
    }
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    const server = this.server;
    if (server) await new Promise((closed) => server.close(closed));
  }

  private talk(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('error', () => {});
    let rest = '';
    let to = '';
    let data: string[] | undefined;
    socket.write('220 sink\r\n');
    socket.on('data', (chunk) => {
      const lines = (rest + chunk).split('\r\n');
      rest = lines.pop()!;
      for (const line of lines) {
        if (data) {
          if (line !== '.') {
            data.push(line);
            continue;
          }
          this.mails.push({ to, text: decode(data.join('\n')) });
          data = undefined;
          socket.write('250 taken\r\n');
        } else if (/^DATA/i.test(line)) {
          data = [];
          socket.write('354 go on\r\n');
        } else {
          to = /^RCPT TO:<(.*)>/i.exec(line)?.[1] ?? to;
          socket.write(/^QUIT/i.test(line) ? '221 bye\r\n' : '250 ok\r\n');
        }
      }
    });
  }
}

/** Undoes quoted-printable. */
function decode(text: string): string {
  return text.replace(/=\n/g, '').replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
}
