import type { Connection } from "../connections/connection.ts";

/** Which projects use a connection, for people. */
export const sharedWith = (connection: Connection): string =>
  connection.allProjects ? "every project" : connection.projects.map(({ key }) => key).join(", ") || "nobody";
