import { expect, test, vi } from "vitest";
import { onPostgres } from "../support/databases.ts";
import { githubDeploys, type Site, VERSION } from "../support/github-deploys.ts";
import { clientOf } from "../support/server.ts";
import { startServerProcess } from "../support/server-process.ts";

const SITES = 12;
const PATIENT = { timeout: 90_000, interval: 100 };

/** Acceptance fact 51, of replicas. */
onPostgres((engine) => {
  test("two servers on one database never dispatch the same deployment twice, also when one is killed", async () => {
    const scene = await githubDeploys(engine);
    const sites: Site[] = [];
    for (let count = 0; count < SITES; count += 1) sites.push(await scene.site());
    await scene.server.stop();
    const [one, other] = await Promise.all([
      startServerProcess(scene.settings),
      startServerProcess(scene.settings),
    ]);
    const at = ({ url }: { readonly url: string }) => clientOf(url, scene.settings.HEADGATE_ADMIN_TOKEN);
    const answers = await Promise.all(
      sites.map(({ name }, index) =>
        at(index % 2 === 0 ? one : other).send("POST", `/api/releases/web/environments/${name}/deployments`, {
          body: { release_candidate_version: VERSION },
        }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
    await vi.waitUntil(() => sites.every((site) => site.runs().length > 0), PATIENT);
    await one.kill();
    for (const site of sites) for (const run of site.runs()) scene.github.complete(run, "success");
    for (const { name } of sites)
      await vi.waitUntil(async () => {
        const { json } = await at(other).send("GET", `/api/releases/web/environments/${name}/deployments`);
        return (json as { status: string }[])[0]?.status === "success";
      }, PATIENT);
    expect(sites.map((site) => site.runs().length)).toEqual(sites.map(() => 1));
    expect(sites.map((site) => site.dispatches())).toEqual(sites.map(() => 1));
    await other.stop();
    await scene.github.stop();
    await scene.git.stop();
  }, 300_000);
});
