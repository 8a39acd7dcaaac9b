import { type AddressInfo, createServer, type Server, type Socket } from "node:net";

/** A server below HTTP; whatever it does with a socket happens when the first bytes of a request are there. */
export async function startRaw(onData: (socket: Socket) => void): Promise<Server> {
  const raw = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => onData(socket));
  });
  await new Promise<void>((resolve) => raw.listen(0, "127.0.0.1", resolve));
  return raw;
}

export const urlOf = (raw: Server): URL =>
  new URL(`http://127.0.0.1:${(raw.address() as AddressInfo).port}/`);
