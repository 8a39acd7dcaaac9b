import type { FastifyPluginAsync } from "fastify";
import { changeConnection } from "../../connections/change-connection.ts";
import { createConnection } from "../../connections/create-connection.ts";
import { deleteConnection } from "../../connections/delete-connection.ts";
import { getConnection } from "../../connections/get-connection.ts";
import { listConnections } from "../../connections/list-connections.ts";
import { testConnection } from "../../connections/test-connection.ts";
import { answer } from "../answer.ts";
import {
  ChangeConnection,
  CreateConnection,
  DeleteConnection,
  GetConnection,
  ListConnections,
  TestConnection,
} from "../contract/connections.ts";
import { pageOf } from "../page-of.ts";

export const connectionRoutes: FastifyPluginAsync = async (app) => {
  answer(app, CreateConnection, (ctx, { body }) => createConnection(ctx, body));
  answer(app, ListConnections, (ctx, { query }) => listConnections(ctx, pageOf(query)));
  answer(app, GetConnection, (ctx, { params }) => getConnection(ctx, params.connection));
  answer(app, ChangeConnection, (ctx, { params, body }) =>
    changeConnection(ctx, { connection: params.connection, change: body }),
  );
  answer(app, DeleteConnection, (ctx, { params }) => deleteConnection(ctx, params.connection));
  answer(app, TestConnection, (ctx, { params, body }) =>
    testConnection(ctx, { connection: params.connection, ...body }),
  );
};
