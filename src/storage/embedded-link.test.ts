import { expect, test } from "vitest";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { startWorker } from "./embedded-link.ts";

test("a thread that ends because it was asked to is no misfortune, also when its end is seen with its answer", async () => {
  const { path, remove } = await temporaryDirectory();
  const misfortunes: Error[] = [];
  for (let round = 0; round < 40; round += 1) {
    const link = await startWorker({ role: "writer", directory: path }, (error) => misfortunes.push(error));
    const closed = link.close();
    // Nobody looks for a while, so that in some rounds both are seen at once.
    const until = performance.now() + round;
    while (performance.now() < until);
    await closed;
  }
  expect(misfortunes).toEqual([]);
  await remove();
});
