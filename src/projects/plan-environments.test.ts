import { expect, it } from "vitest";
import { recordedEvents, testContext } from "../../test/support/context.ts";
import { eachEngine } from "../../test/support/databases.ts";
import { findConnection, findSecret } from "../connections/connection-store.ts";
import type { Context } from "../context.ts";
import { createEnvironment } from "../environments/create-environment.ts";
import { listEnvironments } from "../environments/list-environments.ts";
import { applyConfiguration } from "./apply-configuration.ts";
import type { Configuration } from "./configuration.ts";
import { createProject } from "./create-project.ts";
import { getProject } from "./get-project.ts";
import { listProjects } from "./list-projects.ts";
import { planConfiguration } from "./plan-configuration.ts";

const SECRET = "a secret of webhooks";

/** Everything in an order in which nothing could be made. */
const WHOLE: Configuration = {
  projects: [
    {
      key: "shop",
      source: "code",
      repository: "acme/shop",
      buildWorkflow: "build",
      environments: [
        { name: "prod", tier: "production", promotionFrom: "staging", workflow: "deploy", position: 2 },
        { name: "staging", tier: "staging", promotionFrom: "test", concurrency: "supersede", position: 1 },
        { name: "test", autoDeploy: true, timeLimitMinutes: 5, position: 0 },
      ],
      workflows: [
        {
          name: "deploy",
          provider: "command",
          target: "deploy-shop",
          parameters: [
            { name: "HEADGATE_IMAGE", source: "image", value: "api" },
            { name: "HEADGATE_MODE", source: "custom", value: "a=b:c" },
          ],
        },
        {
          name: "build",
          provider: "github",
          connection: "code",
          repository: "acme/ci",
          target: "build.yml",
          ref: "main",
        },
      ],
    },
  ],
  connections: [
    {
      name: "code",
      kind: "github",
      host: "github.com",
      password: "ghp_of_nobody",
      webhookSecret: SECRET,
      projects: "all",
    },
  ],
};

const apply = async (ctx: Context, configuration: Configuration) => {
  const { fingerprint } = await planConfiguration(ctx, configuration);
  return applyConfiguration(ctx, { configuration, fingerprint });
};

const planned = async (ctx: Context, configuration: Configuration): Promise<string[]> =>
  (await planConfiguration(ctx, configuration)).changes.map(
    ({ action, kind, name, field, before, after }) =>
      `${action} ${kind} ${name}` +
      (field === null ? "" : ` ${field}: ${JSON.stringify(before)} → ${JSON.stringify(after)}`),
  );

const refusal = (code: string, message: RegExp) => ({
  code,
  message: expect.stringMatching(message) as string,
});

eachEngine((engine) => {
  async function begin(configuration: Configuration = {}) {
    const { db } = await engine.open();
    const ctx = testContext(db);
    await apply(ctx, configuration);
    return { db, ctx };
  }
  const order = async (ctx: Context): Promise<[string, number][]> =>
    (await listEnvironments(ctx, "shop")).map(({ name, position }) => [name, position]);

  it("makes a project with its repository, workflows and environments, whatever needs what", async () => {
    const { db, ctx } = await begin();
    expect(await planned(ctx, WHOLE)).toEqual([
      "create project shop",
      "create connection code",
      'create connection code kind: null → "github"',
      'create connection code host: null → "github.com"',
      'create connection code projects: null → "all"',
      'create connection code password: null → "***"',
      'create connection code webhookSecret: null → "***"',
      "create workflow shop/deploy",
      'create workflow shop/deploy provider: null → "command"',
      'create workflow shop/deploy target: null → "deploy-shop"',
      'create workflow shop/deploy parameters: null → ["HEADGATE_IMAGE=image:api","HEADGATE_MODE=custom:a=b:c"]',
      "create workflow shop/build",
      'create workflow shop/build provider: null → "github"',
      'create workflow shop/build connection: null → "code"',
      'create workflow shop/build repository: null → "acme/ci"',
      'create workflow shop/build target: null → "build.yml"',
      'create workflow shop/build ref: null → "main"',
      "create environment shop/test",
      "create environment shop/test position: null → 0",
      "create environment shop/test autoDeploy: null → true",
      "create environment shop/test timeLimitMinutes: null → 5",
      "create environment shop/staging",
      'create environment shop/staging tier: null → "staging"',
      "create environment shop/staging position: null → 1",
      'create environment shop/staging concurrency: null → "supersede"',
      'create environment shop/staging promotionFrom: null → "test"',
      "create environment shop/prod",
      'create environment shop/prod tier: null → "production"',
      "create environment shop/prod position: null → 2",
      'create environment shop/prod workflow: null → "deploy"',
      'create environment shop/prod promotionFrom: null → "staging"',
      'create project shop source: null → "code"',
      'create project shop repository: null → "acme/shop"',
      'create project shop buildWorkflow: null → "build"',
    ]);
    await apply(ctx, WHOLE);
    const [test, staging, prod] = await listEnvironments(ctx, "shop");
    expect([test, staging, prod]).toMatchObject([
      { name: "test", tier: "development", autoDeploy: true, timeLimitMinutes: 5, promotionFromId: null },
      { name: "staging", tier: "staging", concurrency: "supersede", promotionFromId: test?.id },
      { name: "prod", tier: "production", promotionFromId: staging?.id },
    ]);
    const code = await findConnection(db, "code");
    const project = await getProject(ctx, "shop");
    expect(project).toMatchObject({ sourceConnectionId: code?.id, repository: "acme/shop" });
    expect(project.buildWorkflowId).not.toBeNull();
    expect(prod?.workflowId).not.toBe(project.buildWorkflowId);
    const { sealedWebhookSecret } = await findSecret(db, code?.id ?? "");
    expect(ctx.secrets.open(sealedWebhookSecret ?? "", code?.id ?? "")).toBe(SECRET);
    expect(JSON.stringify(await recordedEvents(db))).not.toContain(SECRET);
  });

  it("has nothing to do the second time, and records nothing then", async () => {
    const { db, ctx } = await begin(WHOLE);
    const before = await recordedEvents(db);
    expect(await planned(ctx, WHOLE)).toEqual([]);
    await apply(ctx, WHOLE);
    expect(await recordedEvents(db)).toEqual(before);
  });

  it("changes single fields, takes away with null, and leaves alone what is not said", async () => {
    const { ctx } = await begin(WHOLE);
    const shop = (part: object): Configuration => ({ projects: [{ key: "shop", ...part }] });
    const single: [Configuration, string[]][] = [
      [shop({ environments: [{ name: "prod" }], workflows: [{ name: "deploy" }] }), []],
      [
        shop({ environments: [{ name: "prod", workflow: null, promotionFrom: null }] }),
        [
          'change environment shop/prod workflow: "deploy" → null',
          'change environment shop/prod promotionFrom: "staging" → null',
        ],
      ],
      [
        shop({ workflows: [{ name: "deploy", target: "other", parameters: [] }] }),
        [
          'change workflow shop/deploy target: "deploy-shop" → "other"',
          'change workflow shop/deploy parameters: ["HEADGATE_IMAGE=image:api","HEADGATE_MODE=custom:a=b:c"] → []',
        ],
      ],
      [
        shop({ source: null, repository: null, buildWorkflow: null }),
        [
          'change project shop source: "code" → null',
          'change project shop repository: "acme/shop" → null',
          'change project shop buildWorkflow: "build" → null',
        ],
      ],
      [
        { connections: [{ name: "code", webhookSecret: `${SECRET}, the next` }] },
        ['change connection code webhookSecret: "***" → "***"'],
      ],
      [
        { connections: [{ name: "code", webhookSecret: null }] },
        ['change connection code webhookSecret: "***" → null'],
      ],
    ];
    for (const [configuration, changes] of single) {
      expect(await planned(ctx, configuration)).toEqual(changes);
      await apply(ctx, configuration);
      expect(await planned(ctx, configuration)).toEqual([]);
    }
    expect(await listEnvironments(ctx, "shop")).toMatchObject([{ timeLimitMinutes: 5 }, {}, {}]);
  });

  it("takes the order of the environments from the list, and moves none that stands right", async () => {
    const { ctx } = await begin({ projects: [{ key: "shop" }] });
    const listed = (...names: string[]): Configuration => ({
      projects: [{ key: "shop", environments: names.map((name) => ({ name })) }],
    });
    await apply(ctx, listed("staging", "prod"));
    expect(await order(ctx)).toEqual([
      ["staging", 0],
      ["prod", 1],
    ]);
    expect(await planned(ctx, listed("prod"))).toEqual([]);
    await apply(ctx, listed("test", "staging", "prod"));
    expect((await order(ctx)).map(([name]) => name)).toEqual(["test", "staging", "prod"]);
    expect(await planned(ctx, listed("test", "prod"))).toEqual([]);
    await apply(ctx, listed("prod", "test"));
    expect((await order(ctx)).findIndex(([name]) => name === "test")).toBeGreaterThan(
      (await order(ctx)).findIndex(([name]) => name === "prod"),
    );
    expect(await planned(ctx, listed("prod", "test"))).toEqual([]);
  });

  it("turns a promotion around in one go, also through environments that the file does not name", async () => {
    const { ctx } = await begin({
      projects: [
        {
          key: "shop",
          environments: [
            { name: "a" },
            { name: "between", promotionFrom: "a" },
            { name: "b", promotionFrom: "between" },
          ],
        },
      ],
    });
    const turned: Configuration = {
      projects: [
        {
          key: "shop",
          environments: [
            { name: "a", promotionFrom: "b", position: 9 },
            { name: "b", promotionFrom: null, position: 0 },
          ],
        },
      ],
    };
    await apply(ctx, turned);
    const names = new Map((await listEnvironments(ctx, "shop")).map(({ id, name }) => [id, name]));
    const from = (await listEnvironments(ctx, "shop")).map(({ name, promotionFromId }) => [
      name,
      names.get(promotionFromId ?? "") ?? null,
    ]);
    expect(Object.fromEntries(from)).toEqual({ a: "b", between: "a", b: null });
  });

  it("refuses what cannot be, says of which thing, and makes nothing of the rest", async () => {
    const { db, ctx } = await begin();
    const shop = (part: object): Configuration => ({ projects: [{ key: "shop", ...part }] });
    const bad: [Configuration, object][] = [
      [
        shop({
          environments: [
            { name: "a", promotionFrom: "b" },
            { name: "b", promotionFrom: "a" },
          ],
        }),
        refusal("INPUT_INVALID", /^environment shop\/a: promotionFrom: .* to a from itself/),
      ],
      [
        shop({ environments: [{ name: "a", promotionFrom: "nowhere" }] }),
        refusal("ENVIRONMENT_NOT_FOUND", /^environment shop\/a: promotionFrom: /),
      ],
      [
        shop({ environments: [{ name: "a", workflow: "none" }] }),
        refusal("WORKFLOW_NOT_FOUND", /^environment shop\/a: workflow: /),
      ],
      [
        shop({ workflows: [{ name: "w", target: "x" }] }),
        refusal("INPUT_INVALID", /^workflow shop\/w: provider: a new workflow needs one/),
      ],
      [
        shop({ workflows: [{ name: "w", provider: "command" }] }),
        refusal("INPUT_INVALID", /^workflow shop\/w: target: a new workflow needs one/),
      ],
      [
        shop({ workflows: [{ name: "w", provider: "command", target: "/bin/sh" }] }),
        refusal("INPUT_INVALID", /^projects\.0\.workflows\.0\.target: must be the name/),
      ],
      [
        shop({ workflows: [{ name: "w", provider: "github", target: "x.yml", connection: "none" }] }),
        refusal("CONNECTION_NOT_FOUND", /^workflow shop\/w: connection: /),
      ],
      [
        shop({ source: "none", repository: "acme/shop" }),
        refusal("CONNECTION_NOT_FOUND", /^project shop: source: /),
      ],
      [shop({ buildWorkflow: "none" }), refusal("WORKFLOW_NOT_FOUND", /^project shop: buildWorkflow: /)],
      [
        { ...shop({ source: "reg" }), connections: [{ name: "reg", host: "a.example", projects: "all" }] },
        refusal("INPUT_INVALID", /^project shop: source: reg leads to a registry/),
      ],
      [
        shop({ environments: [{ name: "a" }, { name: "a" }] }),
        refusal("INPUT_INVALID", /^projects\.0\.environments\.1: a has an entry above already/),
      ],
      [
        { connections: [{ name: "code", host: "a.example", kind: "git", webhookSecret: SECRET }] },
        refusal("INPUT_INVALID", /^connection code: webhookSecret: only a GitHub/),
      ],
      [
        { connections: [{ name: "code", host: "a.example", kind: "github", webhookSecret: "short" }] },
        refusal("INPUT_INVALID", /^connections\.0\.webhookSecret: /),
      ],
    ];
    for (const [configuration, expected] of bad)
      await expect(planConfiguration(ctx, configuration)).rejects.toMatchObject(expected);
    expect((await listProjects(ctx, { after: null, limit: 10 })).items).toEqual([]);
    expect(await recordedEvents(db)).toEqual([]);
  });

  it("keeps the kind of a connection and the provider of a workflow", async () => {
    const { ctx } = await begin(WHOLE);
    await expect(
      planConfiguration(ctx, { connections: [{ name: "code", kind: "git" }] }),
    ).rejects.toMatchObject(refusal("INPUT_INVALID", /^connection code: kind: it is github for ever/));
    const other: Configuration = {
      projects: [{ key: "shop", workflows: [{ name: "deploy", provider: "github" }] }],
    };
    await expect(planConfiguration(ctx, other)).rejects.toMatchObject(
      refusal("INPUT_INVALID", /^workflow shop\/deploy: provider: it is command for ever/),
    );
  });

  it("allows the programs of the operator's configuration alone", async () => {
    const { db } = await engine.open();
    const base = testContext(db);
    const ciProviders = { ...base.connectors.ciProviders, programs: ["deploy-shop"] };
    const ctx: Context = { ...base, connectors: { ...base.connectors, ciProviders } };
    await createProject(ctx, { key: "shop", name: "shop" });
    const using = (target: string): Configuration => ({
      projects: [{ key: "shop", workflows: [{ name: "w", provider: "command", target }] }],
    });
    await expect(planConfiguration(ctx, using("rm"))).rejects.toMatchObject(
      refusal("INPUT_INVALID", /^workflow shop\/w: target: the operator allows deploy-shop, not rm/),
    );
    await apply(ctx, using("deploy-shop"));
  });

  it("refuses a plan when an environment changed in between", async () => {
    const { ctx } = await begin({ projects: [{ key: "shop" }] });
    const configuration: Configuration = {
      projects: [{ key: "shop", environments: [{ name: "prod", tier: "production" }] }],
    };
    const { fingerprint } = await planConfiguration(ctx, configuration);
    await createEnvironment(ctx, { projectKey: "shop", draft: { name: "prod" } });
    await expect(applyConfiguration(ctx, { configuration, fingerprint })).rejects.toMatchObject({
      code: "CONFIGURATION_CHANGED",
    });
  });
});
