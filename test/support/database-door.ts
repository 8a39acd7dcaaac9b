import { connect, createServer, type Socket } from "node:net";
import type { AddressInfo } from "node:net";

/** A door in front of a PostgreSQL server, which a test can close. */
export interface DatabaseDoor {
  /** The same database, through the door. */
  readonly url: string;
  /** Ends all connections and lets nobody in, as when the server has stopped. */
  shut(): void;
  /** Keeps connections, old and new, but passes nothing on, as when the network swallows it all. */
  freeze(): void;
  open(): void;
  stop(): Promise<void>;
}

/** Puts a door in front of the database at this address. */
export async function startDatabaseDoor(url: string): Promise<DatabaseDoor> {
  const behind = new URL(url);
  const sockets = new Set<Socket>();
  let state: "open" | "shut" | "frozen" = "open";

  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => sockets.delete(socket));
    return socket;
  };
  const server = createServer((client) => {
    keep(client);
    if (state === "shut") return void client.destroy();
    if (state === "frozen") return;
    const onward = keep(connect(Number(behind.port), behind.hostname));
    client.on("data", (chunk: Buffer) => {
      if (state === "open") onward.write(chunk);
    });
    onward.on("data", (chunk: Buffer) => {
      if (state === "open") client.write(chunk);
    });
    client.once("close", () => onward.destroy());
    onward.once("close", () => client.destroy());
  });
  const endAll = (): void => sockets.forEach((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = new URL(url);
  address.hostname = "127.0.0.1";
  address.port = String((server.address() as AddressInfo).port);
  return {
    url: address.href,
    shut: () => {
      state = "shut";
      endAll();
    },
    freeze: () => void (state = "frozen"),
    // What was swallowed meanwhile would leave both sides at odds.
    open: () => {
      endAll();
      state = "open";
    },
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      endAll();
      await closed;
    },
  };
}
