import { connect } from "node:net";

/** What is asked again and again. */
export interface Load {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Callers at the same time, each with a connection of its own. */
  readonly callers: number;
  readonly seconds: number;
}

const HEAD_END = Buffer.from("\r\n\r\n");

/**
 * Asks by GET for so long, each caller anew as soon as it has its answer; the answers per second. Cheaper than a
 * full client, so that the servers are what is measured. Throws when an answer is not 200 or has no length.
 */
export async function answersPerSecond(load: Load): Promise<number> {
  const begunAt = performance.now();
  const until = begunAt + load.seconds * 1000;
  const counts = await Promise.all(Array.from({ length: load.callers }, () => callUntil(load, until)));
  const seconds = (performance.now() - begunAt) / 1000;
  return counts.reduce((sum, count) => sum + count, 0) / seconds;
}

function callUntil({ url, headers }: Load, until: number): Promise<number> {
  const lines = Object.entries({ host: url.host, ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  const request = `GET ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join("")}\r\n`;
  return new Promise((resolve, reject) => {
    const socket = connect({ host: url.hostname, port: Number(url.port) });
    let received = Buffer.alloc(0);
    let count = 0;
    socket.setNoDelay(true).once("error", reject);
    socket.once("connect", () => socket.write(request));
    socket.on("data", (chunk) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      const length = lengthOfAnswer(received);
      if (length instanceof Error) socket.destroy(length);
      else if (length !== null && received.length >= length) {
        received = Buffer.alloc(0);
        count += 1;
        if (performance.now() < until) socket.write(request);
        else socket.end(() => resolve(count));
      }
    });
  });
}

/** How long the whole answer is, once its head is there; an Error when it is not what is measured. */
function lengthOfAnswer(received: Buffer): number | Error | null {
  const end = received.indexOf(HEAD_END);
  if (end < 0) return null;
  const head = received.toString("latin1", 0, end);
  if (!head.startsWith("HTTP/1.1 200 "))
    return new Error(`an answer begins with ${head.split("\r\n", 1).join()}`);
  const length = /^content-length: (\d+)\r?$/im.exec(head)?.[1];
  return length === undefined ? new Error("an answer has no length") : end + HEAD_END.length + Number(length);
}
