import type { FastifyPluginAsync } from "fastify";
import type { Context } from "../../context.ts";
import { createFreeze } from "../../environments/create-freeze.ts";
import { upcomingWindows } from "../../environments/freeze-windows.ts";
import type { Freeze } from "../../environments/freeze.ts";
import { getFreeze, liftFreeze, listFreezes } from "../../environments/lift-freeze.ts";
import { showFreezes } from "../../environments/show-freezes.ts";
import { answer } from "../answer.ts";
import { CreateFreeze, GetFreeze, LiftFreeze, ListFreezes } from "../contract/freezes.ts";
import { onlyOne } from "../only-one.ts";

const WINDOWS = 5;

export const freezeRoutes: FastifyPluginAsync = async (app) => {
  answer(app, CreateFreeze, async (ctx, { body }) => show(ctx, await createFreeze(ctx, body)));
  answer(app, ListFreezes, async (ctx) => ({ items: await showFreezes(ctx, await listFreezes(ctx)) }));
  answer(app, GetFreeze, async (ctx, { params }) => show(ctx, await getFreeze(ctx, params.freeze)));
  answer(app, LiftFreeze, async (ctx, { params }) => show(ctx, await liftFreeze(ctx, params.freeze)));
};

const show = async (ctx: Context, freeze: Freeze) => ({
  ...onlyOne(await showFreezes(ctx, [freeze])),
  windows: upcomingWindows(freeze, ctx.now(), WINDOWS),
});
