/** HTTP servers of tests. */

import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Received {
  readonly request: IncomingMessage;
  readonly body: string;
}

type Answer = readonly [status: number, body: string, headers?: Record<string, string>];

export const TAKEN: Answer = [202, '{"accepted": 1, "ids": ["1-0"]}'];

/** Calls *use* with the URL of a server that answers one request after the other so, the last one again and again. */
export async function served(
  answers: readonly [Answer, ...Answer[]],
  use: (url: string, received: Received[]) => Promise<void>,
): Promise<void> {
  const received: Received[] = [];
  await listening(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    received.push({ request, body: Buffer.concat(parts).toString() });
    const [status, body, headers] = answers[Math.min(received.length, answers.length) - 1] ?? TAKEN;
    response.writeHead(status, headers).end(body);
  }, (url) => use(url, received));
}

/** Calls *use* with the URL of a server. */
export async function listening(
  handle: (request: IncomingMessage, response: ServerResponse) => unknown,
  use: (url: string) => Promise<void>,
): Promise<void> {
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}
