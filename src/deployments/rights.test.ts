import { beforeAll, expect, it } from "vitest";
import { as, asRole } from "../../test/support/context.ts";
import { eachEngine } from "../../test/support/databases.ts";
import { type DeploymentScene, deploymentScene } from "../../test/support/deployment-scene.ts";
import { NOBODY } from "../access/actor.ts";
import { Role } from "../access/role.ts";
import { changeConnection } from "../connections/change-connection.ts";
import { createConnection } from "../connections/create-connection.ts";
import type { Context } from "../context.ts";
import { changeEnvironment } from "../environments/change-environment.ts";
import { createEnvironment } from "../environments/create-environment.ts";
import { createFreeze } from "../environments/create-freeze.ts";
import { FreezeDraft } from "../environments/freeze-draft.ts";
import { liftFreeze } from "../environments/lift-freeze.ts";
import { listEnvironments } from "../environments/list-environments.ts";
import { isDomainError } from "../kernel/errors.ts";
import { newId } from "../kernel/id.ts";
import { liftBadMark, markBad } from "../releases/mark-bad.ts";
import type { Database } from "../storage/database.ts";
import { changeWorkflow } from "../workflows/change-workflow.ts";
import { createWorkflow } from "../workflows/create-workflow.ts";
import { explainGates } from "./explain-gates.ts";
import { getDeployment } from "./get-deployment.ts";
import { liftHold, listHolds } from "./lift-hold.ts";
import { listDeployments } from "./list-deployments.ts";
import { reportDeployment } from "./report-deployment.ts";

/** "done", or the code of what a use case refuses. */
const answer = async (work: () => Promise<unknown>): Promise<string> => {
  try {
    await work();
    return "done";
  } catch (error) {
    if (!isDomainError(error)) throw error;
    return error.code;
  }
};

/** What whoever may is answered the second time, when what was asked for is done. */
const AGAIN: Readonly<Record<string, string>> = {
  liftHold: "HOLD_NOT_FOUND",
  liftBadMark: "MARK_NOT_FOUND",
  createEnvironment: "ENVIRONMENT_EXISTS",
  "workflow of GitHub": "WORKFLOW_EXISTS",
  "workflow of a program": "WORKFLOW_EXISTS",
};

const freezeOf = (place: object) =>
  FreezeDraft.parse({ name: `f-${newId(new Date()).slice(-8)}`, place, reason: "a test" });

/** Each use case with the least role that it needs; whoever may not see the project gets the second word. */
const USE_CASES: readonly (readonly [
  string,
  Role | "system",
  (by: Context, scene: DeploymentScene, number: number) => Promise<unknown>,
])[] = [
  ["listEnvironments", "viewer", (by, { project }) => listEnvironments(by, project.key)],
  ["listHolds", "viewer", (by, { project }) => listHolds(by, { projectKey: project.key, environment: null })],
  ["getDeployment", "viewer", (by, _, number) => getDeployment(by, number)],
  [
    "listDeployments",
    "viewer",
    (by, { project: { key } }) =>
      listDeployments(by, {
        project: { key },
        environment: "prod",
        status: null,
        page: { after: null, limit: 10 },
      }),
  ],
  [
    "explainGates",
    "viewer",
    (by, { project: { key } }) =>
      explainGates(by, { project: { key }, environment: "prod", version: "1.0-rc1" }),
  ],
  ["createDeployment", "releaser", (by, scene) => scene.deploy("prod", "1.0-rc1", { by })],
  ["rollBackEnvironment", "releaser", (by, scene) => scene.rollBack("prod", { by })],
  ["cancelDeployment", "releaser", (by, scene, number) => scene.cancel(number, by)],
  [
    "reportDeployment",
    "releaser",
    (by, { project: { key } }) =>
      reportDeployment(by, {
        project: { key },
        environment: "prod",
        version: "1.0-rc1",
        status: "success",
        message: "",
      }),
  ],
  [
    "liftHold",
    "releaser",
    (by, { project }) => liftHold(by, { projectKey: project.key, environment: "prod", version: "1.0-rc2" }),
  ],
  [
    "markBad",
    "approver",
    (by, { project }) => markBad(by, { projectKey: project.key, version: "1.0-rc3", reason: "it leaks" }),
  ],
  [
    "liftBadMark",
    "approver",
    (by, { project }) => liftBadMark(by, { projectKey: project.key, version: "1.0-rc3" }),
  ],
  [
    "createEnvironment",
    "admin",
    (by, { project }) => createEnvironment(by, { projectKey: project.key, draft: { name: "canary" } }),
  ],
  [
    "changeEnvironment",
    "admin",
    (by, { project }) =>
      changeEnvironment(by, { projectKey: project.key, name: "prod", change: { tier: "production" } }),
  ],
  [
    "freeze of a project",
    "admin",
    (by, { project: { key } }) => createFreeze(by, freezeOf({ project: key })),
  ],
  [
    "freeze of an environment",
    "admin",
    (by, { project: { key } }) => createFreeze(by, freezeOf({ project: key, environment: "prod" })),
  ],
  [
    "freeze of a tier of the project",
    "admin",
    (by, { project: { key } }) => createFreeze(by, freezeOf({ project: key, tier: "staging" })),
  ],
  [
    "workflow of GitHub",
    "admin",
    (by, { project }) =>
      createWorkflow(by, {
        projectKey: project.key,
        draft: { name: "hub", provider: "github", target: "deploy.yml" },
      }),
  ],
  [
    "workflow of a program",
    "system",
    (by, { project }) =>
      createWorkflow(by, {
        projectKey: project.key,
        draft: { name: "other", provider: "command", target: "other" },
      }),
  ],
  [
    "change of a program's workflow",
    "system",
    (by, { project }) =>
      changeWorkflow(by, { projectKey: project.key, name: "ship", change: { target: "ship" } }),
  ],
];

eachEngine((engine) => {
  let db: Database;
  beforeAll(async () => {
    ({ db } = await engine.open());
  });

  it.each(USE_CASES)(
    "%s needs the role %s, and is not there for whoever may not see the project",
    async (name, least, use) => {
      const scene = await deploymentScene(db);
      await scene.addEnvironment("prod");
      await scene.past("prod", "S1 S2 S3 R");
      const { number } = await scene.rollBack("prod");
      if (least === "approver")
        await markBad(scene.ctx, { projectKey: scene.project.key, version: "1.0-rc3", reason: "it leaks" });
      const strangers = [as(scene.ctx, NOBODY), asRole(scene.ctx, "another project", "admin")];
      for (const by of strangers) expect(await answer(() => use(by, scene, number))).toMatch(/_NOT_FOUND$/);
      const callers = Role.options.map((role) => asRole(scene.ctx, scene.project.id, role));
      const able = least === "system" ? [] : callers.slice(Role.options.indexOf(least));
      let expected = "done";
      for (const by of [...callers, scene.ctx]) {
        const may = by === scene.ctx || able.includes(by);
        expect([by.actor.name, await answer(() => use(by, scene, number))]).toEqual([
          by.actor.name,
          may ? expected : "FORBIDDEN",
        ]);
        if (may) expected = AGAIN[name] ?? "done";
      }
    },
  );

  it("lets a token that may only report do that, and nothing else", async () => {
    const scene = await deploymentScene(db);
    await scene.addEnvironment("prod");
    await scene.past("prod", "S1");
    const by = as(scene.ctx, { roles: { [scene.project.id]: "viewer" }, reportsIn: [scene.project.id] });
    const input = { project: { key: scene.project.key }, environment: "prod", version: "1.0-rc1" } as const;
    const reported = await reportDeployment(by, { ...input, status: "failure", message: "" });
    expect(reported.status).toBe("failure");
    expect(await answer(() => scene.deploy("prod", "1.0-rc1", { by }))).toBe("FORBIDDEN");
    expect(await answer(() => scene.rollBack("prod", { by }))).toBe("FORBIDDEN");
  });

  it("leaves freezes of everything and of a tier everywhere to a system admin", async () => {
    const scene = await deploymentScene(db);
    const admin = asRole(scene.ctx, scene.project.id, "admin");
    for (const place of [{}, { tier: "production" }]) {
      expect(await answer(() => createFreeze(admin, freezeOf(place)))).toBe("FORBIDDEN");
      const freeze = await createFreeze(scene.ctx, freezeOf(place));
      expect(await answer(() => liftFreeze(admin, freeze.id))).toBe("FORBIDDEN");
      await liftFreeze(scene.ctx, freeze.id);
    }
    const own = await createFreeze(admin, freezeOf({ project: scene.project.key }));
    const stranger = asRole(scene.ctx, "another project", "admin");
    expect(await answer(() => liftFreeze(stranger, own.id))).toBe("FREEZE_NOT_FOUND");
    expect(await answer(() => liftFreeze(asRole(scene.ctx, scene.project.id, "approver"), own.id))).toBe(
      "FORBIDDEN",
    );
    await liftFreeze(admin, own.id);
  });

  it("wants the secret again when a connection to a GitHub or to git is to lead elsewhere", async () => {
    const scene = await deploymentScene(db);
    for (const kind of ["github", "git"] as const) {
      const name = `${kind}-${scene.project.key}`;
      await createConnection(scene.ctx, {
        name,
        kind,
        host: "code.example.com",
        username: "ci",
        password: "pw",
      });
      const change = (what: object) => changeConnection(scene.ctx, { connection: name, change: what });
      for (const what of [{ host: "evil.example.com" }, { plainHttp: true }])
        await expect(change(what)).rejects.toMatchObject({ code: "INPUT_INVALID" });
      const moved = await change({ host: "new.example.com", password: "pw" });
      expect(moved.host).toBe("new.example.com");
      const admin = asRole(scene.ctx, scene.project.id, "admin");
      await expect(changeConnection(admin, { connection: name, change: {} })).rejects.toMatchObject({
        code: "FORBIDDEN",
      });
    }
  });
});
