import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Database } from "../../src/storage/database.ts";
import { openFileStorage } from "../../src/storage/file-storage.ts";
import { testContext } from "../support/context.ts";
import { eachEngine, type Engine, onPostgres, type TestDatabase } from "../support/databases.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { type Answer, type ApiServer, byName, startApi } from "./api-server.ts";

interface BackupServer extends ApiServer {
  readonly folder: string;
  readonly database: TestDatabase;
  readonly make: (who: string | null, body: unknown) => Promise<Answer>;
}

async function startOn(engine: Engine): Promise<BackupServer> {
  const database = await engine.open();
  const folder = await temporaryDirectory();
  const server = await startApi(await contextOn(database.db, folder.path), byName(PEOPLE));
  return {
    ...server,
    folder: folder.path,
    database,
    make: (who, body) => server.send(who, "POST", "/v1/backups", body),
    close: async () => {
      await server.close();
      await folder.remove();
    },
  };
}

const PEOPLE = { root: { systemAdmin: true }, admin: { roles: { any: "admin" as const } } };

async function contextOn(db: Database, folder: string) {
  const backupDirectory = join(folder, "backups");
  return testContext(db, { files: await openFileStorage(folder, { minFreeBytes: 0, backupDirectory }) });
}

describe("backups at /v1", () => {
  eachEngine((engine) => {
    let server: BackupServer;
    beforeAll(async () => {
      server = await startOn(engine);
    });
    afterAll(() => server.close());

    it("are refused to those who are no system admins, and to names that are none", async () => {
      const { make } = server;
      expect((await make("admin", {})).status).toBe(403);
      expect((await make(null, {})).status).toBe(401);
      expect((await server.send("admin", "GET", "/v1/backups")).status).toBe(403);
      for (const body of [{ name: "../up" }, { name: "" }, { name: 1 }])
        expect(await make("root", body)).toMatchObject({ status: 400, body: { errors: [{ path: "name" }] } });
      expect(await make("root", { out: "/etc" })).toMatchObject({ body: { errors: [{ path: "out" }] } });
      expect(await server.send("root", "GET", "/v1/backups")).toMatchObject({ body: { items: [] } });
    });
  });

  onPostgres((engine) => {
    let server: BackupServer;
    beforeAll(async () => {
      server = await startOn(engine);
    });
    afterAll(() => server.close());

    it("are left to pg_dump, whose command line is told without the password", async () => {
      const answer = await server.make("root", {});
      expect(answer).toMatchObject({ status: 409, body: { type: "urn:headgate:error:BACKUP_NOT_HERE" } });
      const { detail } = answer.body as { detail: string };
      const { port, pathname, username, password } = new URL(server.database.url ?? "");
      expect(detail).toContain("pg_dump --format=custom --file=headgate.dump --host=");
      expect(detail).toContain(`--port=${port} --username=${username} --dbname=${pathname.slice(1)};`);
      expect(detail).not.toContain(password === "" ? "password" : password);
    });
  });
});
