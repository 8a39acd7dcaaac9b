import * as z from "zod";
import { Connection, ConnectionChange, ConnectionDraft } from "../../connections/connection.ts";
import { RepositorySlug } from "../../projects/project.ts";
import { type Endpoint, listOf, Nothing, PageQuery } from "./endpoint.ts";

const ConnectionInPath = z.object({
  connection: z.string().min(1).max(64).describe("the connection's id or name"),
});

const ConnectionReply = Connection.meta({ id: "Connection" });

export const CreateConnection = {
  method: "POST",
  path: "/v1/connections",
  concept: "connections",
  summary:
    "Make a connection to a registry, a host of git repositories or a GitHub; what is left out is a registry, anonymous, https and shared with nobody (system admins)",
  body: z.strictObject(ConnectionDraft.shape),
  status: 201,
  reply: ConnectionReply,
  idempotent: {},
} as const satisfies Endpoint;

export const ListConnections = {
  method: "GET",
  path: "/v1/connections",
  concept: "connections",
  summary: "List the connections shared with your projects, newest first",
  query: PageQuery,
  status: 200,
  reply: listOf(ConnectionReply),
} as const satisfies Endpoint;

export const GetConnection = {
  method: "GET",
  path: "/v1/connections/:connection",
  concept: "connections",
  summary: "Show one connection; its secrets are never shown",
  params: ConnectionInPath,
  status: 200,
  reply: ConnectionReply,
} as const satisfies Endpoint;

export const ChangeConnection = {
  method: "PATCH",
  path: "/v1/connections/:connection",
  concept: "connections",
  summary: "Change a connection; what is left out stays (system admins)",
  params: ConnectionInPath,
  body: z.strictObject(ConnectionChange.shape),
  status: 200,
  reply: ConnectionReply,
} as const satisfies Endpoint;

export const DeleteConnection = {
  method: "DELETE",
  path: "/v1/connections/:connection",
  concept: "connections",
  summary: "Delete a connection that no release, project or workflow uses (system admins)",
  params: ConnectionInPath,
  status: 204,
  reply: Nothing,
} as const satisfies Endpoint;

export const TestConnection = {
  method: "POST",
  path: "/v1/connections/:connection/test",
  concept: "connections",
  summary:
    "Reach the system and sign in there; a host of git repositories is tried with one of them (system admins)",
  params: ConnectionInPath,
  body: z.strictObject({
    confirmTokenHost: z
      .boolean()
      .default(false)
      .describe("of a registry: give the credentials to the token host that it names, from now on"),
    repository: RepositorySlug.nullable()
      .default(null)
      .describe("of a host of git repositories or a GitHub: one to read, org/name"),
  }),
  status: 200,
  reply: z
    .object({
      connection: ConnectionReply,
      check: z.object({
        reachable: z.boolean(),
        authenticated: z.boolean(),
        tokenHost: z
          .string()
          .nullable()
          .describe("of a registry: a host besides its own that makes its tokens"),
        message: z.string().describe("what came back"),
      }),
    })
    .meta({ id: "ConnectionTest" }),
} as const satisfies Endpoint;
