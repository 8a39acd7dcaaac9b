import type { FastifyPluginAsync } from "fastify";
import { readMatrix } from "../../deployments/read-matrix.ts";
import { answer } from "../answer.ts";
import { ReadMatrix } from "../contract/matrix.ts";

export const matrixRoutes: FastifyPluginAsync = async (app) => {
  answer(app, ReadMatrix, async (ctx, { query }) => {
    const { projects = null, after = null, limit } = query;
    const { items, next } = await readMatrix(ctx, { projects, after, limit });
    return { items: items.map(({ project, environments }) => ({ ...project, environments })), next };
  });
};
