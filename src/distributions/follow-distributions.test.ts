import type { KyselyPlugin } from "kysely";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { testContext } from "../../test/support/context.ts";
import { eachEngine } from "../../test/support/databases.ts";
import { createConnection } from "../connections/create-connection.ts";
import { type Context, inTransaction } from "../context.ts";
import { createProject } from "../projects/create-project.ts";
import { deleteRelease } from "../releases/delete-release.ts";
import { prepareRelease } from "../releases/prepare-release.ts";
import type { ReleaseView } from "../releases/release-view.ts";
import { batch } from "../storage/batch.ts";
import type { Database } from "../storage/database.ts";
import { addBlobs, markBlobsVerified } from "./distribution-blob-store.ts";
import type { BlobArrival } from "./distribution-progress.ts";
import { moveStep } from "./distribution-store.ts";
import { finishDistribution } from "./finish-distribution.ts";
import { followDistributions, type ProgressFollower } from "./follow-distributions.ts";
import { getDistributionProgress } from "./get-distribution-progress.ts";
import { watchAgain } from "./progress-editions.ts";
import { addItemBlobs, listProgressSteps, listReported } from "./progress-store.ts";

const PATIENCE = { timeout: 20_000 };
const [BASE, OWN, OTHER] = ["a", "b", "c"].map((letter) => `sha256:${letter.repeat(64)}`) as [
  string,
  string,
  string,
];

/** A database that counts what is asked of it. */
function counted(db: Database) {
  let count = 0;
  const plugin: KyselyPlugin = {
    transformQuery: ({ node }) => {
      count += 1;
      return node;
    },
    transformResult: ({ result }) => Promise.resolve(result),
  };
  return { db: db.withPlugin(plugin), statements: () => count };
}

describe("the progress of a project's distributions", () => {
  eachEngine((engine) => {
    let ctx: Context;
    let project: string;
    let follower: ProgressFollower;
    let follows: { readonly db: Database; readonly statements: () => number };
    beforeEach(async () => {
      ctx = testContext((await engine.open()).db);
      project = (await createProject(ctx, { key: "shop", name: "Shop" })).id;
      const connection = { allowPrivate: true, plainHttp: true, allProjects: true };
      await createConnection(ctx, { name: "build", host: "127.0.0.1:9", ...connection });
      await createConnection(ctx, { name: "prod", host: "127.0.0.1:10", ...connection });
      follows = counted(ctx.db);
      follower = followDistributions({ db: follows.db, log: ctx.log });
    });
    afterEach(() => follower.stop());

    /** A release of two images, whose copy nobody carries out. */
    async function begin(version: string): Promise<ReleaseView> {
      const image = (name: string) => ({
        containerName: name,
        imageName: "",
        sourceImage: `127.0.0.1:9/team/${name}:1`,
        sourceTag: "",
        targetImage: "",
        targetTag: "",
        push: true,
      });
      const record = await prepareRelease(ctx, {
        projectKey: "shop",
        version,
        source: "manual",
        originalVersion: null,
        environmentName: "",
        production: false,
        description: "",
        labels: [],
        targetConnectionId: "prod",
        withReferrers: null,
        createdBy: "test",
        services: [{ name: "s", yaml: "", images: [image("one"), image("two")] }],
      });
      return record(ctx);
    }

    /** What the first step writes: both images share a layer. */
    const pin = async ({ content, distribution }: ReleaseView): Promise<void> => {
      const [one, two] = content.items;
      if (!one || !two) throw new Error("two images");
      await inTransaction(ctx, async ({ db }) => {
        const sizes = [BASE, OWN, OTHER].map((digest, index) => ({ digest, sizeBytes: 1000 * (index + 1) }));
        await addBlobs(db, distribution.id, sizes);
        await addItemBlobs(db, distribution.id, [
          { itemId: one.id, digests: [BASE, OWN] },
          { itemId: two.id, digests: [BASE, OTHER] },
        ]);
        for (const { id: itemId } of [one, two])
          await moveStep(
            db,
            { distributionId: distribution.id, itemId },
            ["waiting"],
            { status: "copying" },
            ctx.now(),
          ).execute();
      });
    };
    const report = (view: ReleaseView, blobs: Record<string, number>, bytesPerSecond: number | null) =>
      ctx.db
        .updateTable("tasks")
        .set({ progress_json: JSON.stringify({ movingBytes: 0, bytesPerSecond, blobs }) })
        .where("id", "=", view.distribution.taskId)
        .execute();
    const verify = (view: ReleaseView, digest: string, arrival: BlobArrival) =>
      batch(ctx.db, markBlobsVerified(ctx.db, view.distribution.id, [digest], arrival, ctx.now()));
    const progressOf = (view: ReleaseView) => getDistributionProgress(ctx, view.distribution.id);

    it("is known image by image and blob by blob; what images share is counted once, and for each of them", async () => {
      const view = await begin("1");
      expect(await progressOf(view)).toMatchObject({
        releaseId: view.content.id,
        version: "1",
        totalBytes: 0,
        totalItems: 2,
        blobs: [],
        items: [{ status: "waiting", totalBytes: 0, movedBytes: 0 }, { status: "waiting" }],
      });
      await pin(view);
      await report(view, { [BASE]: 400 }, 200);
      expect(await progressOf(view)).toMatchObject({
        totalBytes: 6000,
        verifiedBytes: 0,
        movingBytes: 400,
        bytesPerSecond: 200,
        secondsLeft: 28,
        items: [
          { containerName: "one", status: "copying", totalBytes: 3000, movedBytes: 400, blobs: [BASE, OWN] },
          {
            containerName: "two",
            status: "copying",
            totalBytes: 4000,
            movedBytes: 400,
            blobs: [BASE, OTHER],
          },
        ],
        blobs: [
          { digest: BASE, sizeBytes: 1000, movedBytes: 400, state: "moving" },
          { digest: OWN, sizeBytes: 2000, movedBytes: 0, state: "waiting" },
          { digest: OTHER, sizeBytes: 3000, movedBytes: 0, state: "waiting" },
        ],
      });
      await verify(view, BASE, "copied");
      await verify(view, OWN, "mounted");
      await verify(view, OTHER, "present");
      // The task has not reported again, so what it said of the first blob is over.
      expect(await progressOf(view)).toMatchObject({
        verifiedBytes: 6000,
        movingBytes: 0,
        bytesPerSecond: null,
        secondsLeft: null,
        items: [{ movedBytes: 3000 }, { movedBytes: 4000 }],
        blobs: [{ state: "copied" }, { state: "mounted" }, { state: "present", movedBytes: 3000 }],
      });
    });

    it("is no rate while a target only stores what it has, and a rate of 0 when the task has fallen silent", async () => {
      const view = await begin("1");
      await pin(view);
      await report(view, { [BASE]: 1000 }, 0);
      expect(await progressOf(view)).toMatchObject({ movingBytes: 1000, bytesPerSecond: null });
      await report(view, { [BASE]: 999 }, 0);
      expect(await progressOf(view)).toMatchObject({
        movingBytes: 999,
        bytesPerSecond: 0,
        secondsLeft: null,
      });
      await report(view, { [BASE]: 500 }, 77);
      const look = async (before: Awaited<ReturnType<typeof watchAgain>> | null) => {
        const { id } = view.distribution;
        const [found] = await listReported(ctx.db, [id]);
        if (!found) throw new Error("it is there");
        return watchAgain(ctx.db, found, (await listProgressSteps(ctx.db, [id])).get(id) ?? [], before);
      };
      const first = await look(null);
      expect(first.edition.whole.bytesPerSecond).toBe(77);
      expect((await look(first)).edition).toBe(first.edition);
      const later = await look({ ...first, reportedAt: first.reportedAt - 60_000 });
      expect(later.edition.changes).toMatchObject({ bytesPerSecond: 0, items: [], blobs: [] });
    });

    it("comes in editions: the whole, what has changed, how it ended", async () => {
      const view = await begin("1");
      let rung = 0;
      const stop = follower.follow(project, () => void (rung += 1));
      const latest = () => follower.editions(project)[0];
      await expect.poll(() => latest()?.whole.status, PATIENCE).toBe("creating");
      const first = latest();
      expect(first).toMatchObject({ before: null, changes: first?.whole });
      await pin(view);
      await expect.poll(() => latest()?.whole.totalBytes, PATIENCE).toBe(6000);
      const pinned = latest();
      expect(pinned?.before).toBe(first?.number);
      await report(view, { [OWN]: 5 }, null);
      await expect.poll(() => latest()?.before, PATIENCE).toBe(pinned?.number);
      expect(latest()?.changes).toMatchObject({
        movingBytes: 5,
        items: [{ containerName: "one", movedBytes: 5 }],
        blobs: [{ digest: OWN, movedBytes: 5, state: "moving" }],
      });
      expect(latest()?.changes.items[0]).not.toHaveProperty("blobs");
      await inTransaction(ctx, (tx) => finishDistribution(tx, view.distribution.id));
      await expect.poll(() => latest()?.whole.status, PATIENCE).toBe("failed");
      expect(rung).toBeGreaterThanOrEqual(4);
      stop();
      expect(follower.editions(project)).toEqual([]);
    });

    it("is of the projects alone that somebody follows, and of all their distributions", async () => {
      await createProject(ctx, { key: "other", name: "Other" });
      const [one, two] = [await begin("1"), await begin("2")];
      const stop = follower.follow(project, () => undefined);
      const statuses = () =>
        follower.editions(project).map(({ whole }) => `${whole.version} ${whole.status}`);
      await expect.poll(statuses, PATIENCE).toEqual(["1 creating", "2 creating"]);
      await deleteRelease(ctx, { contentId: one.content.id, projectKey: null });
      await expect.poll(statuses, PATIENCE).toEqual(["1 cancelled", "2 creating"]);
      expect(follower.editions(two.content.id)).toEqual([]);
      stop();
    });

    it("costs the database the same for five hundred readers as for one, and nothing for none", async () => {
      const view = await begin("1");
      const idle = counted(ctx.db);
      const nobodys = followDistributions({ db: idle.db, log: ctx.log });
      const since = performance.now();
      const stops = Array.from({ length: 500 }, () => follower.follow(project, () => undefined));
      for (const bytes of [1, 2]) {
        await pin(view).catch(() => undefined);
        await report(view, { [BASE]: bytes }, null);
        await expect.poll(() => follower.editions(project)[0]?.whole.movingBytes, PATIENCE).toBe(bytes);
      }
      const looks = Math.ceil((performance.now() - since) / 500) + 1;
      expect(follows.statements()).toBeGreaterThan(0);
      expect(follows.statements()).toBeLessThanOrEqual(looks * 4);
      expect(idle.statements()).toBe(0);
      for (const stop of stops) stop();
      await nobodys.stop();
    });
  });
});
