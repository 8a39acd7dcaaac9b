import { recordEvent } from "../../src/audit/record-event.ts";
import { sealEvents } from "../../src/audit/seal-events.ts";
import { signingKey } from "../../src/audit/signing-key.ts";
import { inTransaction } from "../../src/context.ts";
import { type DatabaseOptions, openDatabase } from "../../src/storage/database.ts";
import { testContext } from "./context.ts";

/*
 * A process that writes and seals events until it is killed; its argument says where, as JSON. It says so on
 * its standard output when the first event is written.
 */
const { db } = await openDatabase(JSON.parse(process.argv[2] ?? "") as DatabaseOptions);
const ctx = testContext(db);
const sealer = { holder: String(process.pid), signer: await signingKey(ctx) };
await db.updateTable("sealer_lease").set({ leased_until: 0 }).execute();

const write = (): Promise<void> =>
  inTransaction(ctx, async (tx) => {
    for (const subjectId of ["one", "two"])
      await recordEvent(tx, { kind: "user.created", projectId: null, subjectId });
  });
await write();
process.stdout.write("writing\n");
for (;;) await Promise.all([write(), write(), sealEvents(ctx, sealer, "system")]);
