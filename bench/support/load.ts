import { connect } from "node:net";

/** A request with a body of JSON. */
export interface Ask {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

/** What is asked again and again. */
export interface Load {
  /** GET where nothing else is said. */
  readonly url: URL;
  /** What a caller, counted from 0, asks for in its nth turn. */
  readonly ask?: (caller: number, turn: number) => Ask;
  readonly headers: Readonly<Record<string, string>>;
  /** Callers at the same time, each with a connection of its own. */
  readonly callers: number;
  readonly seconds: number;
}

const HEAD_END = Buffer.from("\r\n\r\n");

/**
 * Asks for so long, each caller anew as soon as it has its answer; the answers per second. Cheaper than a
 * full client, so that the servers are what is measured. Throws when an answer is not 200 or has no length.
 */
export async function answersPerSecond(load: Load): Promise<number> {
  const begunAt = performance.now();
  const until = begunAt + load.seconds * 1000;
  const counts = await Promise.all(
    Array.from({ length: load.callers }, (_, caller) => callUntil(load, caller, until)),
  );
  const seconds = (performance.now() - begunAt) / 1000;
  return counts.reduce((sum, count) => sum + count, 0) / seconds;
}

/** Heads and bodies as they go out: all that is the same in each turn is put together once. */
function requestsOf({ url, headers, ask }: Load, caller: number): (turn: number) => string {
  const lines = Object.entries({ host: url.host, ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  const head = lines.join("");
  if (!ask) return () => `GET ${url.pathname}${url.search} HTTP/1.1\r\n${head}\r\n`;
  return (turn) => {
    const { method, path, body } = ask(caller, turn);
    const text = JSON.stringify(body);
    const length = Buffer.byteLength(text);
    return `${method} ${path} HTTP/1.1\r\n${head}content-type: application/json\r\ncontent-length: ${length}\r\n\r\n${text}`;
  };
}

function callUntil(load: Load, caller: number, until: number): Promise<number> {
  const { url } = load;
  const request = requestsOf(load, caller);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: url.hostname, port: Number(url.port) });
    let received = Buffer.alloc(0);
    let count = 0;
    socket.setNoDelay(true).once("error", reject);
    socket.once("connect", () => socket.write(request(count)));
    socket.on("data", (chunk) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      const length = lengthOfAnswer(received);
      if (length instanceof Error) socket.destroy(length);
      else if (length !== null && received.length >= length) {
        received = Buffer.alloc(0);
        count += 1;
        if (performance.now() < until) socket.write(request(count));
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
