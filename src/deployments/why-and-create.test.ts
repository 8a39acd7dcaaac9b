import assert from "node:assert/strict";
import fc from "fast-check";
import { beforeAll, expect, it } from "vitest";
import { as } from "../../test/support/context.ts";
import { eachEngine } from "../../test/support/databases.ts";
import { type DeploymentScene, deploymentScene } from "../../test/support/deployment-scene.ts";
import { Role } from "../access/role.ts";
import type { Context } from "../context.ts";
import { createFreeze } from "../environments/create-freeze.ts";
import { Concurrency } from "../environments/environment.ts";
import { FreezeDraft } from "../environments/freeze-draft.ts";
import { Tier } from "../environments/tier.ts";
import { DomainError, isDomainError } from "../kernel/errors.ts";
import { newId } from "../kernel/id.ts";
import { markBad } from "../releases/mark-bad.ts";
import { BuildStatus } from "../releases/release-candidate.ts";
import type { Database } from "../storage/database.ts";
import { createDeployment } from "./create-deployment.ts";
import { type Deployment, holdsEnvironment, isQueued } from "./deployment.ts";
import { listActive } from "./deployment-store.ts";
import { explainGates } from "./explain-gates.ts";
import type { Gate, GateReport } from "./gate.ts";
import { insertHold } from "./hold-store.ts";

/** How many states are made; HEADGATE_SOAK=1 for the long form. */
const RUNS = process.env["HEADGATE_SOAK"] === "1" ? 1_000 : 60;

const VERSIONS = ["1.0-rc1", "1.0-rc2", "1.0-rc3"] as const;
const Version = fc.constantFrom(...VERSIONS);
const mostly = (never: number) => fc.nat({ max: never }).map((drawn) => drawn === 0);

/** A moment within a few hours of the scene's, in minutes. */
const Minute = fc.integer({ min: -180, max: 180 });

const Schedule = fc.oneof(
  fc.constant({ kind: "now" as const }),
  fc.record({ kind: fc.constant("once" as const), from: Minute, minutes: fc.integer({ min: 1, max: 240 }) }),
  fc.record({
    kind: fc.constant("recurring" as const),
    cron: fc.constantFrom("0 * * * *", "30 */2 * * 1-5", "0 11 * * *"),
    durationMinutes: fc.integer({ min: 1, max: 90 }),
    zone: fc.constantFrom("UTC", "Europe/Berlin", "Asia/Kathmandu"),
  }),
);

const AnyFreeze = fc.record({
  place: fc.constantFrom("everything", "project", "tier", "tier of the project", "environment", "elsewhere"),
  effect: fc.constantFrom("deny" as const, "allow" as const),
  schedule: Schedule,
  bypass: fc.option(fc.constantFrom(...Role.options)),
  expires: fc.option(fc.integer({ min: 1, max: 300 })),
  isLifted: mostly(5),
});

const Deed = fc.oneof(
  fc.record({ kind: fc.constant("deploy" as const), version: Version, byPerson: fc.boolean() }),
  fc.record({ kind: fc.constant("rollback" as const) }),
  fc.record({ kind: fc.constant("hold" as const), version: Version }),
  fc.record({
    kind: fc.constant("end" as const),
    outcome: fc.constantFrom("success" as const, "success" as const, "failure" as const),
  }),
  fc.record({
    kind: fc.constant("report" as const),
    version: Version,
    status: fc.constantFrom(
      "pending" as const,
      "in_progress" as const,
      "success" as const,
      "unknown" as const,
    ),
  }),
  fc.record({ kind: fc.constant("wait" as const), minutes: fc.integer({ min: 1, max: 30 }) }),
);

const State = fc.record({
  hasWorkflow: fc.nat({ max: 4 }).map((drawn) => drawn > 0),
  concurrency: fc.constantFrom(...Concurrency.options),
  tier: fc.constantFrom(...Tier.options),
  isPromoted: mostly(3),
  staging: fc.array(Deed, { maxLength: 4 }),
  prod: fc.array(Deed, { maxLength: 6 }),
  /** What happens once the gates are as they are. */
  since: fc.array(Deed, { maxLength: 2 }),
  builds: fc.tuple(...VERSIONS.map(() => fc.constantFrom<BuildStatus[]>("ready", "ready", "ready", "ready"))),
  newBuild: fc.constantFrom<BuildStatus[]>("ready", "ready", "ready", ...BuildStatus.options),
  freezes: fc.array(AnyFreeze, { maxLength: 2 }),
  isMarked: mostly(7),
  isHeld: mostly(3),
  asked: fc.constantFrom(...VERSIONS, "2.0-rc1", "3.0"),
  role: fc.option(
    fc.constantFrom(...Role.options, "releaser" as const, "releaser" as const, "admin" as const),
    {
      freq: 15,
    },
  ),
  isPerson: fc.boolean(),
  later: fc.integer({ min: 0, max: 120 }),
});
type State = typeof State extends fc.Arbitrary<infer T> ? T : never;

/** Refusals are part of the past that is made. */
const unlessRefused = (work: Promise<unknown>): Promise<unknown> =>
  work.catch((error: unknown) => {
    if (!isDomainError(error)) throw error;
  });

async function live(
  scene: DeploymentScene,
  name: string,
  deed: typeof Deed extends fc.Arbitrary<infer T> ? T : never,
): Promise<unknown> {
  const { id } = scene.project;
  const person = as(scene.ctx, { name: "ann", userId: "u1", roles: { [id]: "admin" } });
  switch (deed.kind) {
    case "deploy":
      return await unlessRefused(
        scene.deploy(name, deed.version, deed.byPerson ? { by: person, force: { reason: "must" } } : {}),
      );
    case "rollback":
      return await unlessRefused(scene.rollBack(name));
    case "report":
      return await scene.report(name, deed.version, deed.status);
    case "hold": {
      // It waits behind another one, is held, and then nothing is at work any more.
      for (const version of ["1.0-rc3", deed.version]) await unlessRefused(scene.deploy(name, version));
      await hold(scene, name, deed.version);
      return await endWhatIsAtWork(scene, name, "success");
    }
    case "wait":
      return scene.clock.step(deed.minutes);
    case "end":
      return await endWhatIsAtWork(scene, name, deed.outcome);
  }
}

async function endWhatIsAtWork(
  scene: DeploymentScene,
  name: string,
  outcome: "success" | "failure",
): Promise<void> {
  const { id } = await scene.environment(name);
  const atWork = (await listActive(scene.ctx.db, id)).find(holdsEnvironment);
  if (atWork && (await scene.runsOf(atWork)).length > 0) await scene.ends(atWork, outcome);
}

async function hold(scene: DeploymentScene, name: string, version: string): Promise<void> {
  const { ctx, project } = scene;
  await insertHold(ctx.db, {
    id: newId(new Date()),
    projectId: project.id,
    environmentId: (await scene.environment(name)).id,
    version,
    reason: "rolled back",
    createdBy: "bob",
    createdAt: ctx.now(),
  });
}

function freezeDraft(scene: DeploymentScene, { tier }: State, one: State["freezes"][number], index: number) {
  const project = scene.project.key;
  const at = (minute: number): string => new Date(scene.clock.now.getTime() + minute * 60_000).toISOString();
  const places = {
    everything: {},
    project: { project },
    tier: { tier },
    "tier of the project": { project, tier },
    environment: { project, environment: "prod" },
    elsewhere: { project, environment: "staging" },
  };
  const { schedule } = one;
  return FreezeDraft.parse({
    name: `${project}.${index}`,
    place: places[one.place as keyof typeof places],
    effect: one.effect,
    schedule:
      schedule.kind === "once"
        ? { kind: "once", startsAt: at(schedule.from), endsAt: at(schedule.from + schedule.minutes) }
        : schedule,
    reason: "a test",
    expiresAt: one.expires === null ? null : at(one.expires),
    bypass: one.bypass,
  });
}

/** Makes the state, and returns the context of whoever asks in it. */
async function setUp(db: Database, state: State): Promise<{ scene: DeploymentScene; caller: Context }> {
  // Those about everything would reach into the states that come later.
  await db.updateTable("freezes").set({ lifted_at: 0, lifted_by: "test" }).execute();
  const scene = await deploymentScene(db);
  const { ctx, project } = scene;
  await scene.addEnvironment("staging");
  await scene.addEnvironment("prod", {
    tier: state.tier,
    concurrency: state.concurrency,
    workflow: state.hasWorkflow ? "ship" : null,
  });
  for (const [index, version] of VERSIONS.entries()) await scene.candidate(version, state.builds[index]);
  await scene.candidate("2.0-rc1", state.newBuild);
  await scene.bareRelease("3.0");
  for (const deed of state.staging) await live(scene, "staging", deed);
  for (const deed of state.prod) await live(scene, "prod", deed);
  const { id } = await scene.environment("prod");
  if (state.isPromoted)
    await db
      .updateTable("environments")
      .set({ promotion_from_id: (await scene.environment("staging")).id })
      .where("id", "=", id)
      .execute();
  await setRules(db, scene, state);
  for (const deed of state.since) await live(scene, "prod", deed);
  scene.clock.step(state.later);
  const roles = state.role === null ? {} : { [project.id]: state.role };
  return { scene, caller: as(ctx, { userId: state.isPerson ? "u2" : null, roles }) };
}

async function setRules(db: Database, scene: DeploymentScene, state: State): Promise<void> {
  const { ctx, project } = scene;
  for (const [index, one] of state.freezes.entries()) {
    const freeze = await createFreeze(ctx, freezeDraft(scene, state, one, index));
    if (one.isLifted)
      await db.updateTable("freezes").set({ lifted_at: 0 }).where("id", "=", freeze.id).execute();
  }
  if (state.isMarked)
    await markBad(ctx, { projectKey: project.key, version: state.asked, reason: "it leaks" });
  if (state.isHeld) await hold(scene, "prod", state.asked);
}

const CODES = {
  readiness: "RELEASE_NOT_READY",
  bad: "RELEASE_BAD",
  hold: "RELEASE_HELD",
  promotion: "PROMOTION_MISSING",
  freeze: "ENVIRONMENT_FROZEN",
  concurrency: "ENVIRONMENT_BUSY",
  permission: "FORBIDDEN",
} as const satisfies Record<Gate["rule"], string>;

type Answer = Deployment | DomainError;

const answerOf = (work: Promise<Deployment>): Promise<Answer> =>
  work.catch((error: unknown) => {
    if (error instanceof DomainError) return error;
    throw error;
  });

/** How many are in front of a deployment that waits: what is at work, rollbacks, and what was accepted before. */
async function inFront(scene: DeploymentScene, deployment: Deployment): Promise<number> {
  const active = await listActive(scene.ctx.db, deployment.environmentId);
  return active.filter(
    (one) =>
      one.number !== deployment.number &&
      (holdsEnvironment(one) ||
        (isQueued(one) && (one.number < deployment.number || one.kind === "rollback"))),
  ).length;
}

async function expectSame(
  scene: DeploymentScene,
  report: GateReport,
  answer: Answer,
  state: State,
): Promise<void> {
  const closed = report.gates.filter((gate) => gate.state === "closed");
  assert.equal(report.state, closed.length > 0 ? "closed" : report.behind > 0 ? "queued" : "open");
  const [first] = closed;
  if (first) {
    const mayDeploy = !closed.some(({ rule }) => rule === "permission");
    assert.ok(answer instanceof DomainError);
    assert.equal(answer.code, mayDeploy ? CODES[first.rule] : "FORBIDDEN");
    if (mayDeploy) assert.deepEqual(answer.details, { gates: closed });
    return;
  }
  if (answer instanceof DomainError) throw answer;
  const isOpen = report.state === "open";
  const { status, started, waitsFor, forced } = answer;
  const expected = { status: "pending", started: isOpen && state.hasWorkflow, waitsFor: "", forced: [] };
  assert.deepEqual({ status, started, waitsFor, forced }, expected);
  assert.equal((await scene.runsOf(answer)).length, started ? 1 : 0);
  if (!isOpen) assert.equal(await inFront(scene, answer), report.behind);
}

eachEngine((engine) => {
  let db: Database;
  beforeAll(async () => {
    ({ db } = await engine.open());
  });

  it(
    "asking why and asking for the deployment give the same answer in every state",
    async () => {
      const seen = new Map<string, number>();
      await fc.assert(
        fc.asyncProperty(State, async (state) => {
          const { scene, caller } = await setUp(db, state);
          const question = {
            project: { key: scene.project.key },
            environment: "prod",
            version: state.asked,
          };
          if (state.role === null) {
            const hidden = { code: "PROJECT_NOT_FOUND" };
            await assert.rejects(explainGates(caller, question), hidden);
            await assert.rejects(createDeployment(caller, { ...question, force: null }), hidden);
            return;
          }
          const report = await explainGates(caller, question);
          const answer = await answerOf(createDeployment(caller, { ...question, force: null }));
          await expectSame(scene, report, answer, state);
          const { id } = await scene.environment("prod");
          const passed = (await listActive(db, id)).some(
            (one) => isQueued(one) && !(answer instanceof DomainError) && one.number < answer.number,
          );
          for (const key of [
            report.state === "open" && passed && state.hasWorkflow ? "passes" : report.state,
            ...report.gates.filter((gate) => gate.state === "closed").map(({ rule }) => rule),
          ])
            seen.set(key, (seen.get(key) ?? 0) + 1);
        }),
        { numRuns: RUNS, seed: process.env["HEADGATE_SOAK"] === "1" ? Date.now() : 20_260_302 },
      );
      // All kinds of states came, one that passes those that are kept among them.
      expect([...seen.keys()].toSorted()).toEqual(
        [...Object.keys(CODES), "closed", "open", "passes", "queued"].toSorted(),
      );
    },
    RUNS * 5_000,
  );
});
