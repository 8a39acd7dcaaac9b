import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createFreeze } from "../../src/environments/create-freeze.ts";
import { FreezeDraft } from "../../src/environments/freeze-draft.ts";
import { eachEngine } from "../support/databases.ts";
import { type DeployScene, deployScene } from "../support/deploy-scene.ts";
import type { Answer } from "../support/server.ts";

interface Example {
  readonly section: string;
  readonly request: string;
  readonly status: number;
  /** Null: no body. Texts of a deployment that describe a value stand for one of that shape. */
  readonly reply: unknown;
}

const FOLDER = fileURLToPath(new URL("./examples/aviator/", import.meta.url));
const load = (name: string): Example => JSON.parse(readFileSync(`${FOLDER}${name}.json`, "utf8")) as Example;
const NAMES = readdirSync(FOLDER).map((file) => file.replace(".json", ""));

const isText = (shape: RegExp) => (value: unknown) => typeof value === "string" && shape.test(value);
const orNull = (shape: RegExp) => (value: unknown) => value === null || isText(shape)(value);
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const CANDIDATE = /^1\.2\.3-rc\d$/;
const RELEASE = /^1\.2\.3$/;
const STATUS = /^(?:pending|in_progress|success|failure|canceling|canceled|error|unknown)$/;

/** What the document only describes: the shape of each value of a deployment. */
const SHAPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  actor: orNull(/^\S+$/),
  deploy_end_at: orNull(MOMENT),
  deploy_start_at: orNull(MOMENT),
  environment_name: isText(/^(?:seen|turned)$/),
  error_message: orNull(/^./),
  from_release_candidate_version: orNull(CANDIDATE),
  from_release_version: orNull(RELEASE),
  id: (value) => Number.isInteger(value),
  release_candidate_version: isText(CANDIDATE),
  release_version: isText(RELEASE),
  status: isText(STATUS),
};

/** A value that the document gives as it is, and no description of one. */
const isLiteral = (value: unknown): boolean => orNull(STATUS)(value);

/** Where a deployment is not like its example: the same keys in the same order, and each value as given or of its shape. */
function differences(actual: object, example: object): string[] {
  const values = Object.entries(actual);
  if (values.map(([key]) => key).join(" ") !== Object.keys(example).join(" "))
    return [`has the keys ${Object.keys(actual).join(" ")}`];
  const expected = example as Readonly<Record<string, unknown>>;
  return values.flatMap(([key, value]) => {
    const isRight = isLiteral(expected[key]) ? value === expected[key] : SHAPES[key]?.(value);
    return isRight === true ? [] : [`${key} is ${JSON.stringify(value)}`];
  });
}

/** Where the body of an answer is not as in the document: none, a refusal word for word, or deployments. */
function bodyProblems({ text, json, headers }: Answer, { status, reply }: Example): string[] {
  if (reply === null) return text === "" && headers.get("content-length") === "0" ? [] : [`is ${text}`];
  if (status >= 400) return text === JSON.stringify(reply) ? [] : [`is ${text}`];
  const [example] = [reply].flat();
  const shown = [json].flat();
  if (Array.isArray(json) !== Array.isArray(reply) || shown.length === 0) return [`is ${text}`];
  return shown.flatMap((one) => differences(one as object, example as object));
}

/** Every request and reply of the document "API Reference for Releases", asked of a server in the state they speak of. */
eachEngine((engine) => {
  let scene: DeployScene;
  const replayed = new Map<string, () => Promise<Answer>>();

  beforeAll(async () => {
    scene = await deployScene(engine);
    const { server } = scene;
    for (const name of ["seen", "turned", "empty", "frozen"]) await scene.addEnvironment("web", { name });
    for (const [index, commit] of scene.commits.entries()) await scene.cut(`1.2.3-rc${index + 1}`, commit);
    for (const version of ["1.2.3-rc1", "1.2.3-rc2"])
      for (const environment of ["seen", "turned"]) await scene.report(environment, version, "success");
    const place = { project: "web", environment: "frozen" };
    await createFreeze(server.ctx, FreezeDraft.parse({ name: "audit", place, reason: "the audit" }));

    const at = (project: string, rest: string): string => `/api/releases/${project}/${rest}`;
    const send = (method: string, path: string, body?: object): Promise<Answer> =>
      server.send(method, path, body ? { body } : {});

    replayed.set("create-release", () => scene.cut("1.2.4-rc1"));
    replayed.set("create-release-version", () => scene.cut("1.2.4"));
    replayed.set("create-release-commit", () => scene.cut("1.2.4-rc2", "no commit"));
    replayed.set("create-release-repository", () =>
      send("POST", at("web", "releases/1.2.4-rc3"), { repo: "acme/nope", commit: scene.commits[0] }),
    );
    replayed.set("create-deployment", () => scene.deploy("seen", "1.2.3-rc3"));
    replayed.set("create-deployment-version", () => scene.deploy("seen", "1.2.3"));
    replayed.set("create-deployment-environment", () => scene.deploy("nope", "1.2.3-rc1"));
    replayed.set("create-deployment-release", () => scene.deploy("seen", "9.9.9-rc1"));
    replayed.set("update-deployment", () => scene.report("seen", "1.2.3-rc1", "failure"));
    replayed.set("update-deployment-version", () => scene.report("seen", "1.2.3", "success"));
    replayed.set("update-deployment-environment", () => scene.report("nope", "1.2.3-rc1", "success"));
    replayed.set("update-deployment-release", () => scene.report("seen", "9.9.9-rc1", "success"));
    replayed.set("list-deployments", () => scene.list("seen"));
    replayed.set("list-deployments-environment", () => scene.list("nope"));
    replayed.set("list-deployments-project", () => send("GET", at("nope", "environments/seen/deployments")));
    replayed.set("rollback", () => scene.rollBack("turned"));
    replayed.set("rollback-frozen", () => scene.rollBack("frozen"));
    replayed.set("rollback-project", () => send("POST", at("nope", "environments/seen/rollback"), {}));
    replayed.set("rollback-environment", () => scene.rollBack("nope"));
    replayed.set("rollback-none", () => scene.rollBack("empty"));
  });
  afterAll(() => scene.stop());

  test.each(NAMES)("%s is answered as in the document", async (name) => {
    const example = load(name);
    const answer = await replayed.get(name)?.();
    expect(answer?.status).toBe(example.status);
    expect(answer && bodyProblems(answer, example)).toEqual([]);
  });

  test("every example is replayed", () => {
    expect([...replayed.keys()].toSorted()).toEqual(NAMES.toSorted());
  });
});
