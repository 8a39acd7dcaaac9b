import { afterEach, beforeEach, expect, test } from "vitest";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { answerAll } from "./embedded-answers.ts";
import { type EmbeddedFile, openEmbeddedFile } from "./embedded-file.ts";
import type { WorkerReply, WorkerRequest } from "./embedded-protocol.ts";

let file: EmbeddedFile;
let remove: () => Promise<void>;
beforeEach(async () => {
  const place = await temporaryDirectory();
  ({ remove } = place);
  file = openEmbeddedFile({ role: "writer", directory: place.path });
  file.run({ sql: "create table marks (name text primary key)", parameters: [] });
});
afterEach(async () => {
  file.close();
  await remove();
});

let lastId = 0;
const write = (name: string): WorkerRequest => ({
  id: (lastId += 1),
  kind: "write",
  job: { statements: [{ sql: "insert into marks values (?)", parameters: [name] }], guard: null },
});
const run = (sql: string): WorkerRequest => ({
  id: (lastId += 1),
  kind: "run",
  statement: { sql, parameters: [] },
});

/** The messages that went back. */
function answersTo(...requests: readonly WorkerRequest[]): readonly (readonly WorkerReply[])[] {
  const messages: (readonly WorkerReply[])[] = [];
  answerAll(file, requests, (replies) => messages.push(replies));
  expect(messages.flat().map(({ id }) => id)).toEqual(requests.map(({ id }) => id));
  return messages;
}
const sizes = (messages: readonly (readonly WorkerReply[])[]) => messages.map(({ length }) => length);
const marks = () => file.run({ sql: "select name from marks order by name", parameters: [] }).rows;

test("writes that follow each other share a commit, and no write gets into the transaction between them", () => {
  const messages = answersTo(
    write("a"),
    write("b"),
    run("begin immediate"),
    run("insert into marks values ('undone')"),
    { id: (lastId += 1), kind: "rollback" },
    write("c"),
  );
  expect(sizes(messages)).toEqual([2, 3, 1]);
  expect(marks()).toEqual([{ name: "a" }, { name: "b" }, { name: "c" }]);
});

test("a write that fails among others fails alone", () => {
  const [replies] = answersTo(write("a"), write("a"), write("b"));
  expect(replies?.map(({ outcome }) => "failure" in outcome)).toEqual([false, true, false]);
  expect(marks()).toEqual([{ name: "a" }, { name: "b" }]);
});

const inside = (sql: string, begins = false): WorkerRequest => ({
  id: (lastId += 1),
  kind: "inside",
  statement: { sql, parameters: [] },
  begins,
});
const commit = (): WorkerRequest => ({ id: (lastId += 1), kind: "commit" });
const failed = (messages: readonly (readonly WorkerReply[])[]) =>
  messages.flat().map(({ outcome }) => "failure" in outcome);

test("a statement of a transaction that SQLite has undone is not written by itself", () => {
  const insert = "insert or rollback into marks values ('a')";
  const messages = answersTo(
    inside(insert, true),
    inside(insert),
    inside("insert into marks values ('b')"),
    commit(),
  );
  expect(failed(messages)).toEqual([false, true, true, true]);
  expect(marks()).toEqual([]);
});

test("what comes after a commit that failed finds the writer free", () => {
  file.run({ sql: "create table children (parent text references marks (name))", parameters: [] });
  const messages = answersTo(
    inside("pragma defer_foreign_keys = on", true),
    inside("insert into children values ('nobody')"),
    commit(),
    write("a"),
    inside("insert into marks values ('b')", true),
    commit(),
  );
  expect(failed(messages)).toEqual([false, false, true, false, false, false]);
  expect(marks()).toEqual([{ name: "a" }, { name: "b" }]);
});

test("however many wait, a commit and a message hold so many at most", () => {
  const many = (count: number, request: (name: string) => WorkerRequest) =>
    Array.from({ length: count }, (_, index) => request(String(index)));
  expect(sizes(answersTo(...many(1_001, write)))).toEqual([500, 500, 1]);
  expect(sizes(answersTo(...many(33, () => run("select 1"))))).toEqual([16, 16, 1]);
});

test("a statement that fails is told to who asked, and the next is answered", () => {
  const [replies] = answersTo(run("select nonsense"), run("select 1 as one"));
  expect(replies).toMatchObject([
    { outcome: { failure: { message: "no such column: nonsense" } } },
    { outcome: { value: { rows: [{ one: 1 }] } } },
  ]);
});
