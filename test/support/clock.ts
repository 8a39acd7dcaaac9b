import type { TestServer } from "./server.ts";

/** Has a server in this process believe that it is so many milliseconds later than it is. */
export const setAhead = (server: TestServer, millis: number): void =>
  void Object.assign(server.ctx, { now: () => new Date(Date.now() + millis) });
