import { expect, it } from "vitest";
import { begunAhead } from "./begun-ahead.ts";

/** A connection that answers when it is told to. */
function begin() {
  const sent: { readonly sql: string; readonly answer: PromiseWithResolvers<string> }[] = [];
  const query = begunAhead<string>((sql) => {
    const answer = Promise.withResolvers<string>();
    sent.push({ sql, answer });
    return answer.promise;
  }, "nothing");
  const ask = (sql: string): Promise<string> => query(sql, []);
  const words = () => sent.map(({ sql }) => sql);
  const answer = (sql: string) => sent.find((one) => one.sql === sql)?.answer;
  return { ask, words, answer };
}

const soon = () => new Promise((done) => setImmediate(done));
const refusal = new Error("canceling statement due to user request");

it("sends reads along with what begins the transaction, and answers once both are answered", async () => {
  const { ask, words, answer } = begin();
  expect(await ask("begin")).toBe("nothing");
  const asked = Promise.all([ask("select 1"), ask("select 2")]);
  expect(words()).toEqual(["begin", "select 1", "select 2"]);
  answer("select 1")?.resolve("one");
  answer("select 2")?.resolve("two");
  expect(await Promise.race([asked, soon()])).toBeUndefined();
  answer("begin")?.resolve("begun");
  expect(await asked).toEqual(["one", "two"]);
  void ask("update 3");
  expect(words().at(-1)).toBe("update 3");
});

it("lets a write wait until the transaction has begun, and what comes behind it too", async () => {
  const { ask, words, answer } = begin();
  await ask("begin");
  void ask("select 1");
  void ask("update 2");
  void ask("select 3");
  await soon();
  expect(words()).toEqual(["begin", "select 1"]);
  answer("begin")?.resolve("begun");
  await soon();
  expect(words()).toEqual(["begin", "select 1", "update 2", "select 3"]);
});

it("fails everything, and sends no write, where the transaction has not begun", async () => {
  const { ask, words, answer } = begin();
  await ask("begin");
  const asked = ["select 1", "update 2", "rollback"].map((sql) => expect(ask(sql)).rejects.toBe(refusal));
  answer("begin")?.reject(refusal);
  answer("select 1")?.resolve("one");
  await Promise.all(asked);
  expect(words()).toEqual(["begin", "select 1"]);
});

it("begins anew with each transaction", async () => {
  const { ask, words, answer } = begin();
  await ask("begin");
  answer("begin")?.resolve("begun");
  void ask("update 1");
  await soon();
  answer("update 1")?.resolve("one");
  await soon();
  void ask("commit");
  await ask("begin; set local statement_timeout = 1");
  void ask("select 2");
  expect(words()).toEqual([
    "begin",
    "update 1",
    "commit",
    "begin; set local statement_timeout = 1",
    "select 2",
  ]);
});
