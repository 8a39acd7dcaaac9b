import type { FastifyReply, FastifyRequest } from "fastify";
import type { Context } from "../../context.ts";
import type { RegistryAction } from "../../repositories/registry-token.ts";
import type { TargetKind, Targets } from "./target.ts";

/** One request, told who makes it. */
export interface Call {
  readonly ctx: Context;
  /** False when the token shown is not good for pulling from this repository. */
  readonly mayPull: (repository: string) => boolean;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly query: URLSearchParams;
}

export type Method = "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
export const METHODS: readonly Method[] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/** What a method does with a kind of path. */
export interface Route<Kind extends TargetKind> {
  /** What a token must be good for. */
  readonly needs: RegistryAction | "catalog" | null;
  readonly handle: (call: Call, target: Targets[Kind]) => Promise<FastifyReply>;
}

export type RoutesOf<Kind extends TargetKind> = Partial<Record<Method, Route<Kind>>>;
