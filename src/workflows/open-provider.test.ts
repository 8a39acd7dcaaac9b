import { expect, it } from "vitest";
import { testContext } from "../../test/support/context.ts";
import { eachEngine } from "../../test/support/databases.ts";
import { changeConnection } from "../connections/change-connection.ts";
import { createConnection } from "../connections/create-connection.ts";
import { createProject } from "../projects/create-project.ts";
import { openProvider } from "./open-provider.ts";

eachEngine((engine) => {
  it("starts nothing through a connection that is no longer shared, and follows what runs there", async () => {
    const ctx = testContext((await engine.open()).db);
    const { id: projectId } = await createProject(ctx, { key: "web", name: "web" });
    const { id: connectionId } = await createConnection(ctx, {
      name: "hub",
      kind: "github",
      host: "github.com",
      projects: ["web"],
    });
    const run = { projectId, provider: "github", connectionId, repository: "acme/web" } as const;
    expect(await openProvider(ctx, { ...run, state: "intended" })).toMatchObject({ canFind: true });
    await changeConnection(ctx, { connection: "hub", change: { projects: [] } });
    await expect(openProvider(ctx, { ...run, state: "intended" })).rejects.toMatchObject({
      code: "CONNECTION_NOT_FOUND",
      message: "the connection hub is no longer shared with the project",
    });
    expect(await openProvider(ctx, { ...run, state: "started" })).toMatchObject({ canFind: true });
  });
});
