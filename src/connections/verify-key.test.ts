import { randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import { eachEngine } from "../../test/support/databases.ts";
import { StartError } from "../kernel/errors.ts";
import { createSecretBox } from "./secret-box.ts";
import { verifyKey } from "./verify-key.ts";

eachEngine((engine) => {
  it("lets the same key start again and refuses another in one line", async () => {
    const key = randomBytes(32);
    const first = await engine.open();
    await verifyKey(first.db, createSecretBox(key));
    const { db } = await first.reopen();
    await verifyKey(db, createSecretBox(key));
    const refusal = await verifyKey(db, createSecretBox(randomBytes(32))).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(StartError);
    expect(String(refusal)).toMatch(/^StartError: The key [0-9a-f]{8} is not the one .*HEADGATE_KEY_FILE.*$/);
    await verifyKey(db, createSecretBox(key));
  });

  it("lets one key win when two replicas start at once on an empty database", async () => {
    const { db } = await engine.open();
    const boxes = [createSecretBox(randomBytes(32)), createSecretBox(randomBytes(32))];
    const starts = await Promise.allSettled(boxes.map((box) => verifyKey(db, box)));
    expect(starts.map((start) => start.status).toSorted()).toEqual(["fulfilled", "rejected"]);
  });
});
