import type { Actor } from "../../src/access/actor.ts";
import { createConnection } from "../../src/connections/create-connection.ts";
import type { Context } from "../../src/context.ts";
import { testContext } from "../support/context.ts";
import type { Engine } from "../support/databases.ts";
import { makeSourceScene, makeHistory, type SourceScene } from "../support/source-scene.ts";
import { type Answer, type ApiServer, byName, startApi } from "./api-server.ts";

/** `/v1` with the projects `shop` and `other`, a repository with commits, and people of every role in `shop`. */
export interface DeployPlace extends ApiServer {
  readonly ctx: Context;
  readonly source: SourceScene;
  /** Of the repository's main branch, oldest first. */
  readonly commits: readonly string[];
  /** Sends a request and fails the test unless the answer has this status; returns its body. */
  must<Body = Record<string, unknown>>(
    status: number,
    ...request: Parameters<ApiServer["send"]>
  ): Promise<Body>;
  /** Adds somebody, or changes who somebody is. */
  know(name: string, person: Partial<Actor>): void;
  readonly projectId: string;
  /** Makes an environment of `shop`. */
  environment(name: string, terms?: object): Promise<void>;
  /** Cuts a candidate of `shop` from the first commit. */
  cut(version: string, terms?: object): Promise<void>;
}

/** The code at the end of a problem's type. */
export const codeOf = ({ body }: Answer): string =>
  (body as { type: string }).type.replace("urn:headgate:error:", "");

/** Starts it. Nothing carries tasks out, so what was started stays as it is. */
export async function deployPlace(engine: Engine): Promise<DeployPlace> {
  const { db } = await engine.open();
  const source = await makeSourceScene();
  const plain = testContext(db);
  const ctx: Context = { ...plain, connectors: { ...plain.connectors, sourceHosts: source.hosts } };
  const people: Record<string, Partial<Actor>> = { root: { systemAdmin: true }, stranger: {} };
  const server = await startApi(ctx, byName(people));
  const repository = await source.server.repository("acme/shop.git");
  const commits = await makeHistory(repository);
  await createConnection(ctx, {
    name: "code",
    kind: "git",
    host: source.server.host,
    plainHttp: true,
    allowPrivate: true,
    allProjects: true,
  });
  const must: DeployPlace["must"] = async <Body>(
    status: number,
    ...request: Parameters<ApiServer["send"]>
  ) => {
    const answer = await server.send(...request);
    if (answer.status !== status)
      throw new Error(
        `${JSON.stringify(request)} was answered ${answer.status}: ${JSON.stringify(answer.body)}`,
      );
    return answer.body as Body;
  };
  const { id: projectId } = await must<{ id: string }>(201, "root", "POST", "/v1/projects", { key: "shop" });
  await must(201, "root", "POST", "/v1/projects", { key: "other" });
  await must(200, "root", "PATCH", "/v1/projects/shop", { source: "code", repository: "acme/shop" });
  for (const role of ["viewer", "releaser", "approver", "admin"] as const) {
    people[role] = { roles: { [projectId]: role }, userId: `user-${role}` };
    people[`${role}-token`] = { roles: { [projectId]: role } };
  }
  return {
    ...server,
    ctx,
    source,
    commits,
    must,
    know: (name, person) => void (people[name] = person),
    projectId,
    environment: async (name, terms = {}) =>
      void (await must(201, "root", "POST", "/v1/projects/shop/environments", { name, ...terms })),
    cut: async (version, terms = {}) =>
      void (await must(201, "root", "POST", "/v1/projects/shop/candidates", {
        version,
        commit: commits[0],
        ...terms,
      })),
    close: async () => {
      await server.close();
      await source.stop();
    },
  };
}
