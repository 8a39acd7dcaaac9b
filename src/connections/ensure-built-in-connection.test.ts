import { expect, it } from "vitest";
import { testContext } from "../../test/support/context.ts";
import { eachEngine } from "../../test/support/databases.ts";
import { ensureBuiltInConnection } from "./ensure-built-in-connection.ts";

eachEngine((engine) => {
  it("replicas that start for the first time at the same moment all start", async () => {
    const { db } = await engine.open();
    const ctx = testContext(db);
    const hosts = ["127.0.0.1:1001", "127.0.0.1:1002", "127.0.0.1:1003"];
    const starts = hosts.map((host) =>
      ensureBuiltInConnection(ctx, { host, plainHttp: true, allowPrivate: true }),
    );
    expect(await Promise.all(starts)).toHaveLength(3);
    const rows = await db.selectFrom("connections").select("host").execute();
    expect(rows).toHaveLength(1);
    expect(hosts).toContain(rows[0]?.host);
  });
});
