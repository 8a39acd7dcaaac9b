import type { FastifyPluginAsync } from "fastify";
import { changeUser } from "../../access/change-user.ts";
import { createApiToken } from "../../access/create-api-token.ts";
import { createUser } from "../../access/create-user.ts";
import { getUser } from "../../access/get-user.ts";
import { grantRole } from "../../access/grant-role.ts";
import { listApiTokens } from "../../access/list-api-tokens.ts";
import { listRoles } from "../../access/list-roles.ts";
import { listUsers } from "../../access/list-users.ts";
import { revokeApiToken } from "../../access/revoke-api-token.ts";
import { revokeRole } from "../../access/revoke-role.ts";
import { signIn } from "../../access/sign-in.ts";
import { whoAmI } from "../../access/who-am-i.ts";
import { answer } from "../answer.ts";
import { GrantRole, ListRoles, RevokeRole } from "../contract/roles.ts";
import { SignIn, WhoAmI } from "../contract/sign-in.ts";
import { CreateToken, ListTokens, RevokeToken } from "../contract/tokens.ts";
import { ChangeUser, CreateUser, GetUser, ListUsers } from "../contract/users.ts";
import { pageOf } from "../page-of.ts";

export const signInRoutes: FastifyPluginAsync = async (app) => {
  answer(app, SignIn, (ctx, { body }) => signIn(ctx, body));
  answer(app, WhoAmI, (ctx) => whoAmI(ctx));
};

export const userRoutes: FastifyPluginAsync = async (app) => {
  answer(app, CreateUser, (ctx, { body }) => createUser(ctx, body));
  answer(app, ListUsers, (ctx, { query }) => listUsers(ctx, pageOf(query)));
  answer(app, GetUser, (ctx, { params }) => getUser(ctx, params.user));
  answer(app, ChangeUser, (ctx, { params, body }) => changeUser(ctx, { user: params.user, change: body }));
};

export const roleRoutes: FastifyPluginAsync = async (app) => {
  answer(app, ListRoles, async (ctx, { params }) => ({ items: await listRoles(ctx, params.project) }));
  answer(app, GrantRole, (ctx, { params, body }) =>
    grantRole(ctx, { projectKey: params.project, user: params.user, role: body.role }),
  );
  answer(app, RevokeRole, (ctx, { params }) =>
    revokeRole(ctx, { projectKey: params.project, user: params.user }),
  );
};

export const tokenRoutes: FastifyPluginAsync = async (app) => {
  answer(app, CreateToken, (ctx, { body }) => createApiToken(ctx, body));
  answer(app, ListTokens, (ctx, { query }) => listApiTokens(ctx, { user: query.user, page: pageOf(query) }));
  answer(app, RevokeToken, (ctx, { params }) => revokeApiToken(ctx, params.token));
};
