import { expect, it } from "vitest";
import { testContext } from "../../test/support/context.ts";
import { eachEngine } from "../../test/support/databases.ts";
import { inTransaction } from "../context.ts";
import { createProject } from "../projects/create-project.ts";
import { createAuthenticator } from "./authenticate.ts";
import { listApiTokens } from "./list-api-tokens.ts";
import { renewInternalToken } from "./renew-internal-token.ts";

const authenticate = createAuthenticator({ adminToken: null });
const HOUR = 3_600_000;

eachEngine((engine) => {
  it("makes a new token at each start; the ones before last an hour more, and are removed in the end", async () => {
    const { db } = await engine.open();
    let clock = Date.UTC(2026, 0, 1);
    const ctx = testContext(db, { now: () => new Date(clock) });
    const renew = () => inTransaction(ctx, renewInternalToken);
    const who = (text: string) => authenticate(ctx, text, { address: null, requestId: null });
    const old = await renew();
    clock += HOUR;
    const current = await renew();
    clock += HOUR - 1;
    expect(await who(old)).toMatchObject({ name: "headgate" });
    clock += 1;
    await expect(who(old)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    clock += 1000 * HOUR;
    expect(await who(current)).toMatchObject({ name: "headgate" });
    await renew();
    const { items } = await listApiTokens(ctx, { user: "headgate", page: { after: null, limit: 50 } });
    expect(items).toHaveLength(2);
  });

  it("makes a token that pulls and pushes in every project, also in later ones, and administers nothing", async () => {
    const ctx = testContext((await engine.open()).db);
    const text = await inTransaction(ctx, renewInternalToken);
    const { id } = await createProject(ctx, { key: "shop", name: "Shop" });
    const actor = await authenticate(ctx, text, { address: null, requestId: null });
    expect(actor).toMatchObject({ name: "headgate", systemAdmin: false, roles: { [id]: "releaser" } });
  });
});
