import { includes, type Role } from "./role.ts";

/** Who acts: a user through a token, or the program itself. Roles are already cut down to the token's scopes. */
export interface Actor {
  /** The name that records and events show. */
  readonly name: string;
  readonly userId: string | null;
  readonly tokenId: string | null;
  /** May do everything everywhere. */
  readonly systemAdmin: boolean;
  /** Role by project id. */
  readonly roles: Readonly<Record<string, Role>>;
  /** The projects in which it may report, though it may have no role there. */
  readonly reportsIn: readonly string[];
  /** Where the request came from; null for work that no request began. */
  readonly address: string | null;
  readonly requestId: string | null;
}

/** The program itself, in tasks and at start. */
export const SYSTEM: Actor = {
  name: "system",
  userId: null,
  tokenId: null,
  systemAdmin: true,
  roles: {},
  reportsIn: [],
  address: null,
  requestId: null,
};

/** A caller that showed no token: sees nothing. */
export const NOBODY: Actor = { ...SYSTEM, name: "anonymous", systemAdmin: false };

/** The role this actor has in a project; null when it may not even see it. */
export const roleIn = (actor: Actor, projectId: string): Role | null =>
  actor.systemAdmin ? "admin" : (actor.roles[projectId] ?? null);

/** True when this actor may say how deployments are in a project. */
export const mayReport = (actor: Actor, projectId: string): boolean =>
  includes(roleIn(actor, projectId), "releaser") || actor.reportsIn.includes(projectId);

/** The ids of the projects this actor may see; null means all of them. */
export const visibleProjects = (actor: Actor): readonly string[] | null =>
  actor.systemAdmin ? null : Object.keys(actor.roles);
