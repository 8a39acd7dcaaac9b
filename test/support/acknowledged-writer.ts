import { openDatabase } from "../../src/storage/database.ts";

// A process for a test to kill: writes settings from many callers at once, and says of each when it is acknowledged.
const [directory = "", prefix = ""] = process.argv.slice(2);
const { db } = await openDatabase({ kind: "embedded", directory });

async function writeOn(caller: number): Promise<never> {
  for (let count = 0; ; count += 1) {
    const name = `${prefix}-${caller}-${count}`;
    await db
      .insertInto("settings")
      .values({ name, value: "x".repeat(200) })
      .execute();
    process.stdout.write(`${name}\n`);
  }
}

await Promise.all(Array.from({ length: 32 }, (_, caller) => writeOn(caller)));
