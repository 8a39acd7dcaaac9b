import { expect, it } from "vitest";
import { writtenTogether } from "./written-together.ts";

it("writes what came while a write was under way in the next one, in order", async () => {
  const written: (readonly number[])[] = [];
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const put = writtenTogether<number>(async (items) => {
    written.push(items);
    await gates[written.length - 1]?.promise;
  });
  const first = put(1);
  await expect.poll(() => written).toEqual([[1]]);
  const rest = Promise.all([put(2), put(3), put(4)]);
  gates[0]?.resolve();
  await first;
  await expect.poll(() => written).toEqual([[1], [2, 3, 4]]);
  gates[1]?.resolve();
  await rest;
});

it("a write that fails fails its items alone", async () => {
  const put = writtenTogether<string>(async (items) => {
    if (items.includes("bad")) throw new Error("the lease is lost");
  });
  const failing = [put("bad"), put("beside it")];
  for (const one of failing) await expect(one).rejects.toThrow("the lease is lost");
  await put("good");
});

it("writes many in parts", async () => {
  const lengths: number[] = [];
  const put = writtenTogether<number>(async (items) => void lengths.push(items.length));
  await Promise.all(Array.from({ length: 450 }, (_, index) => put(index)));
  expect(lengths).toEqual([200, 200, 50]);
});
