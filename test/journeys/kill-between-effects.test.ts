import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Database, openDatabase } from "../../src/storage/database.ts";
import { eachEngine } from "../support/databases.ts";
import { githubDeploys, type GithubDeploys, type Site, VERSION } from "../support/github-deploys.ts";
import type { Run } from "../support/github/world.ts";
import { type Client, clientOf } from "../support/server.ts";
import { type ServerProcess, startServerProcess } from "../support/server-process.ts";
import type { WireDeployment } from "../support/deploy-scene.ts";

/** How often a server is killed at each moment; HEADGATE_SOAK=1 for the long form. */
const ROUNDS = process.env["HEADGATE_SOAK"] === "1" ? 30 : 5;
const rounds = Array.from({ length: ROUNDS }, (_, round) => round + 1);
const PATIENT = { timeout: 90_000, interval: 100 };
/** Servers that start again and again on a busy machine. */
vi.setConfig({ testTimeout: 240_000 });

/** Acceptance fact 51, of a single server: the stand-in for GitHub says when it is killed. */
eachEngine((engine) => {
  let scene: GithubDeploys;
  let shown: Site;
  let hidden: Site;
  let running: ServerProcess;
  let client: Client;

  const start = async (): Promise<void> => {
    running = await startServerProcess(scene.settings);
    client = clientOf(running.url, scene.settings.HEADGATE_ADMIN_TOKEN);
  };
  const path = ({ name }: Site): string => `/api/releases/web/environments/${name}/deployments`;
  const deploy = async (site: Site): Promise<void> => {
    const answer = await client.send("POST", path(site), { body: { release_candidate_version: VERSION } });
    expect(answer.status).toBe(201);
  };
  const newest = async (site: Site): Promise<WireDeployment | undefined> =>
    ((await client.send("GET", path(site))).json as WireDeployment[])[0];
  const reaches = (site: Site, status: string) =>
    expect.poll(async () => (await newest(site))?.status, PATIENT).toBe(status);
  /** Looks into the database of the server that was killed. */
  const whileDead = async <T>(work: (db: Database) => Promise<T>): Promise<T> => {
    const { db, close } = await openDatabase(scene.place);
    try {
      return await work(db);
    } finally {
      await close();
    }
  };
  /** A minute goes by, in which a run would have been found; and so does the dead server's lease. */
  const aMinuteLater = async (db: Database): Promise<void> => {
    await db
      .updateTable("workflow_runs")
      .set((row) => ({ sent_at: row("sent_at", "-", 60_000) }))
      .where("state", "not in", ["refused", "ended"])
      .execute();
    await db.updateTable("tasks").set({ leased_until: 0 }).where("state", "=", "running").execute();
  };
  const stateOf = async (db: Database): Promise<string> => {
    const query = db.selectFrom("workflow_runs").select("state").orderBy("id", "desc");
    return (await query.executeTakeFirstOrThrow()).state;
  };
  const complete = (run: Run | undefined): void => {
    if (!run) throw new Error("GitHub has no such run");
    scene.github.complete(run, "success");
  };
  /** One deployment that goes well, so that it is known what runs of the site show. */
  const warmUp = async (site: Site): Promise<void> => {
    await deploy(site);
    await vi.waitUntil(() => site.runs().length === 1, PATIENT);
    complete(site.runs()[0]);
    await vi.waitUntil(async () => (await newest(site))?.status === "success", PATIENT);
  };

  beforeAll(async () => {
    scene = await githubDeploys(engine);
    shown = await scene.site({ shows: "id" });
    hidden = await scene.site({ shows: "nothing" });
    await scene.server.stop();
    await start();
    await warmUp(shown);
    await warmUp(hidden);
  });
  afterAll(async () => {
    await running.kill();
    await scene.github.stop();
    await scene.git.stop();
  });

  test.each(rounds)(
    "a server killed between the intent and the start starts its deployment once, where runs show our id (round %i)",
    async () => {
      const before = { runs: shown.runs().length, dispatches: shown.dispatches() };
      scene.github.faults.disturb(/dispatches/, { kind: "swallow" }, 1);
      await deploy(shown);
      await expect.poll(() => shown.dispatches(), PATIENT).toBe(before.dispatches + 1);
      await running.kill();
      await whileDead(async (db) => {
        expect(await stateOf(db)).toBe("sent");
        await aMinuteLater(db);
      });
      await start();
      await expect.poll(() => shown.runs().length, PATIENT).toBe(before.runs + 1);
      complete(shown.runs().at(-1));
      await reaches(shown, "success");
      expect(shown.runs()).toHaveLength(before.runs + 1);
      expect(shown.dispatches()).toBe(before.dispatches + 2);
    },
  );

  test.each(rounds)(
    "a server killed between the start and its record follows the one run that came of it (round %i)",
    async (round) => {
      const site = round % 2 === 0 ? shown : hidden;
      const before = { runs: site.runs().length, dispatches: site.dispatches() };
      const killed = Promise.withResolvers<void>();
      scene.github.hooks.onDispatch = async () => {
        await running.kill();
        killed.resolve();
      };
      await deploy(site);
      await killed.promise;
      scene.github.hooks.onDispatch = undefined;
      await whileDead(async (db) => {
        expect(await stateOf(db)).toBe("sent");
        await aMinuteLater(db);
      });
      await start();
      const run = site.runs().at(-1);
      complete(run);
      await reaches(site, "success");
      await expect.poll(async () => (await newest(site))?.error_message, PATIENT).toBeNull();
      expect(site.runs()).toHaveLength(before.runs + 1);
      expect(site.dispatches()).toBe(before.dispatches + 1);
    },
  );

  test("a server killed between the intent and the start leaves its deployment unknown where runs show nothing", async () => {
    const before = { runs: hidden.runs().length, dispatches: hidden.dispatches() };
    scene.github.faults.disturb(/dispatches/, { kind: "swallow" }, 1);
    await deploy(hidden);
    await expect.poll(() => hidden.dispatches(), PATIENT).toBe(before.dispatches + 1);
    await running.kill();
    await whileDead(aMinuteLater);
    await start();
    await reaches(hidden, "unknown");
    expect(hidden.runs()).toHaveLength(before.runs);
    expect(hidden.dispatches()).toBe(before.dispatches + 1);
  });
});
