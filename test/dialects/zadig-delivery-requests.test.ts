import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eachEngine } from "../support/databases.ts";
import { startTestServer, type TestServer, valueAt } from "../support/server.ts";
import { create, makeProject, plainBody, RELEASES, settled } from "../support/zadig-project.ts";

/** Requests that need no registry. Numbers are those of the acceptance facts in the notes on Zadig's versions. */
eachEngine((engine) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer(await engine.place());
    await makeProject(server, "shop");
    await makeProject(server, "bank");
  });
  afterAll(() => server.stop());

  const list = (query: string, options = {}) => server.send("GET", `${RELEASES}?${query}`, options);

  describe("lists (7-14, 17, 64)", () => {
    test.each([
      ["pageNum=1&pageSize=10", "'ProjectKey' failed on the 'required' tag"],
      ["projectKey=shop&pageSize=10", "'PageNum' failed on the 'required' tag"],
      ["projectKey=shop&pageNum=0&pageSize=10", "'PageNum' failed on the 'required' tag"],
      ["projectKey=shop&pageNum=1&pageSize=", "'PageSize' failed on the 'required' tag"],
      ["projectKey=shop&pageNum=abc&pageSize=10", 'strconv.ParseInt: parsing "abc": invalid syntax'],
      ["projectKey=shop&pageNum=99999999999999999999&pageSize=10", "value out of range"],
      ["projectKey=shop&pageNum=1&pageSize=1001", "pageSize must be at most 1000"],
    ])("%s is a bad request", async (query, description) => {
      const answer = await list(query);
      expect(answer.status).toBe(400);
      expect(answer.json).toMatchObject({ type: "error", message: "Bad Request", code: 400, extra: {} });
      expect(valueAt(answer.json, "description")).toContain(description);
    });

    test("versions come newest first, with both names of their time and without services", async () => {
      await makeProject(server, "lists");
      for (const version_name of ["A", "B", "C"])
        expect((await create(server, plainBody({ project_key: "lists", version_name }))).status).toBe(200);
      await settled(server, "C", "lists");
      const { json } = await list("projectKey=lists&pageNum=1&pageSize=10");
      expect(json).toMatchObject({
        total: 3,
        list: [{ version_name: "C" }, { version_name: "B" }, { version_name: "A" }],
      });
      const line = valueAt(json, "list", 0) as Record<string, unknown>;
      expect(Object.keys(line).toSorted()).toEqual([
        "create_time",
        "created_by",
        "created_time",
        "description",
        "id",
        "labels",
        "progress",
        "source",
        "status",
        "type",
        "version_name",
      ]);
      expect(line).toMatchObject({
        labels: [],
        type: "K8SYaml",
        source: "manual",
        created_by: "admin(OpenAPI)",
      });
      expect(line["create_time"]).toBe(line["created_time"]);
      expect(Math.abs(Number(line["create_time"]) - Date.now() / 1000)).toBeLessThan(600);
    });

    test("negative paging means the first 20; a page past the end is empty with the true total", async () => {
      await makeProject(server, "pages");
      const names = Array.from({ length: 23 }, (_, at) => `v${at}`);
      await Promise.all(
        names.map((version_name) => create(server, plainBody({ project_key: "pages", version_name }))),
      );
      const first = await list("projectKey=pages&pageNum=-1&pageSize=-5");
      expect(valueAt(first.json, "list")).toHaveLength(20);
      expect(valueAt((await list("projectKey=pages&pageNum=2&pageSize=20")).json, "list")).toHaveLength(3);
      expect((await list("projectKey=pages&pageNum=9&pageSize=20")).json).toEqual({ list: [], total: 23 });
    });

    test("labels are distinct, sorted, and none is empty", async () => {
      await makeProject(server, "labels");
      const bodies = [
        ["b", "a", "", "b"],
        ["Z", "a"],
      ];
      for (const [at, labels] of bodies.entries())
        await create(server, plainBody({ project_key: "labels", version_name: `v${at}`, labels }));
      for (const path of [
        `${RELEASES}/labels?projectKey=labels`,
        "/api/aslan/delivery/releases/labels?projectName=labels",
      ])
        expect((await server.send("GET", path)).json).toEqual(["Z", "a", "b"]);
      expect(valueAt(await settled(server, "v0", "labels"), "labels")).toEqual(["b", "a", "", "b"]);
    });

    test("versions by status and by label, with the total of those", async () => {
      await makeProject(server, "filters");
      for (const [at, labels] of [["a"], ["b", "a"], ["b"]].entries()) {
        await create(server, plainBody({ project_key: "filters", version_name: `v${at}`, labels }));
        await settled(server, `v${at}`, "filters");
      }
      const named = async (filter: string) => {
        const { json } = await list(`projectKey=filters&pageNum=1&pageSize=1${filter}`);
        const lines = valueAt(json, "list") as readonly { readonly version_name: string }[];
        return [valueAt(json, "total"), ...lines.map((line) => line.version_name)];
      };
      expect(await named("&label=a")).toEqual([2, "v1"]);
      expect(await named("&label=b&status=success")).toEqual([2, "v2"]);
      expect(await named("&status=success")).toEqual([3, "v2"]);
      expect(await named("&status=failed")).toEqual([0]);
      expect(await named("&label=c")).toEqual([0]);
      const odd = await list("projectKey=filters&pageNum=1&pageSize=1&status=cancelled");
      expect([odd.status, valueAt(odd.json, "description")]).toEqual([
        400,
        "status must be one of creating, retrying, success, failed",
      ]);
    });
  });

  describe("creating (15-21, 40, 41)", () => {
    test("the answer is Zadig's, and says where the version is", async () => {
      const answer = await create(server, plainBody({ version_name: "created", desc: "d", labels: ["x"] }));
      expect([answer.status, answer.json]).toEqual([200, { message: "success" }]);
      const id = answer.headers.get("x-release-id");
      expect(id).toMatch(/^[0-9a-f]{24}$/);
      expect(answer.headers.get("location")).toBe(`${RELEASES}/${id}`);
      expect(await settled(server, "created")).toMatchObject({
        id,
        status: "success",
        created_by: "admin(OpenAPI)",
      });
    });

    test("a name is taken once in a project, and free in another", async () => {
      expect((await create(server, plainBody({ version_name: "twice" }))).status).toBe(200);
      const again = await create(server, plainBody({ version_name: "twice" }));
      expect(again.status).toBe(400);
      expect(again.json).toMatchObject({
        type: "error",
        code: 6560,
        message: "新建交付中心版本失败",
        extra: {},
      });
      expect(valueAt(again.json, "description")).toContain("version already exist");
      expect((await create(server, plainBody({ project_key: "bank", version_name: "twice" }))).status).toBe(
        200,
      );
    });

    test("of two identical creates at once exactly one succeeds", async () => {
      const answers = await Promise.all(
        Array.from({ length: 5 }, () => create(server, plainBody({ version_name: "race" }))),
      );
      expect(answers.map(({ status }) => String(status)).toSorted()).toEqual([
        "200",
        "400",
        "400",
        "400",
        "400",
      ]);
    });

    test("with an Idempotency-Key a repeat is answered like the first, and another body is refused", async () => {
      const headers = { "idempotency-key": `key-${engine.kind}` };
      const first = await create(server, plainBody({ version_name: "once" }), { headers });
      const repeat = await create(server, plainBody({ version_name: "once" }), { headers });
      expect([first.status, repeat.status]).toEqual([200, 200]);
      expect(repeat.headers.get("x-release-id")).toBe(first.headers.get("x-release-id"));
      const other = await create(server, plainBody({ version_name: "other" }), { headers });
      expect([other.status, valueAt(other.json, "code")]).toEqual([422, 422]);
      expect(valueAt(other.json, "description")).toContain("Idempotency-Key");
    });

    test("YAML of a manual version is stored byte for byte", async () => {
      const yaml = "# note\r\nkind: ConfigMap\r\ndata: {a: '1'}   \r\n";
      const services = [{ service_name: "api", yaml_content: yaml, images: [] }];
      await create(server, plainBody({ version_name: "verbatim", services }));
      expect(valueAt(await settled(server, "verbatim"), "services", 0, "yaml_content")).toBe(yaml);
    });

    test("an unknown service comes into being, with an event", async () => {
      const services = [{ service_name: `new-${engine.kind}`, images: [] }];
      await create(server, plainBody({ version_name: "newcomer", services }));
      const known = await server.send("GET", "/v1/projects/shop/services?limit=200");
      expect(known.text).toContain(`new-${engine.kind}`);
    });

    test.each([
      [{ project_key: "" }, "project_key"],
      [{ version_name: "" }, "version_name"],
      [{ version_name: "x".repeat(129) }, "version_name"],
      [{ version_name: "../up" }, "version_name"],
      [{ version_name: "a/b" }, "version_name"],
      [{ version_name: " v1" }, "version_name"],
      [{ version_name: 7 }, "version_name"],
      [{ source: "somewhere" }, "source"],
      [{ labels: "x" }, "labels"],
      [{ labels: [1] }, "labels.0"],
      [{ desc: "x".repeat(9000) }, "desc"],
      [{ production: "yes" }, "production"],
      [{ services: [{ images: [] }] }, "services.0.service_name"],
      [{ services: [{ service_name: "api" }, { service_name: "../up" }] }, "services.1.service_name"],
      [
        { services: [{ service_name: "api", images: [{ push_image: 1 }] }] },
        "services.0.images.0.push_image",
      ],
    ])("a body with %j is refused with a text that names the field", async (changes, named) => {
      const answer = await create(server, plainBody({ version_name: "refused", ...changes }));
      expect(answer.status).toBe(400);
      expect(answer.json).toMatchObject({ type: "error", code: 400, message: "Bad Request" });
      expect(valueAt(answer.json, "description")).toContain(named);
    });

    test.each([
      ['{"project_key":', "the body is not JSON"],
      ["", "EOF"],
      ["[]", "expected object"],
    ])("the body %j is refused", async (body, description) => {
      const answer = await create(server, body);
      expect([answer.status, valueAt(answer.json, "code")]).toEqual([400, 400]);
      expect(valueAt(answer.json, "description")).toContain(description);
    });

    test("refused creates leave nothing behind", async () => {
      const before = await list("projectKey=shop&pageNum=1&pageSize=1");
      const broken = { service_name: "api", yaml_content: "a: [", images: [] };
      for (const services of [
        [broken],
        [{ service_name: "a b", images: [] }],
        [{ service_name: "api" }, { service_name: "api" }],
      ])
        expect((await create(server, plainBody({ version_name: "half", services }))).status).toBe(400);
      const after = await list("projectKey=shop&pageNum=1&pageSize=1");
      expect(valueAt(after.json, "total")).toBe(valueAt(before.json, "total"));
      expect((await create(server, plainBody({ version_name: "half" }))).status).toBe(200);
    });

    test("a body over 16 MiB is refused", async () => {
      const answer = await create(server, plainBody({ desc: "x".repeat(17 * 1024 * 1024) }));
      expect([answer.status, valueAt(answer.json, "code")]).toEqual([413, 413]);
    });

    test("from_env needs a name (41)", async () => {
      const answer = await create(server, plainBody({ version_name: "env", source: "from_env" }));
      expect([answer.status, valueAt(answer.json, "code")]).toEqual([400, 6560]);
      expect(valueAt(answer.json, "description")).toBe("env name is required when source is from env");
    });

    test("a version of Helm charts is refused in words", async () => {
      const answer = await server.send("POST", `${RELEASES}/helm`, { body: plainBody() });
      expect([answer.status, valueAt(answer.json, "code")]).toEqual([400, 6560]);
      expect(valueAt(answer.json, "description")).toContain("not served yet");
    });

    test("from_env says clearly that there are no clusters yet", async () => {
      const answer = await create(
        server,
        plainBody({ version_name: "env", source: "from_env", env_name: "dev" }),
      );
      expect(answer.status).toBe(400);
      expect(answer.json).toMatchObject({ code: 6560 });
      expect(valueAt(answer.json, "description")).toContain("this server knows no clusters");
    });
  });

  describe("one version (46-48, 51-54, 56-58)", () => {
    test("an unknown version is 404, by id and by name", async () => {
      const byId = await server.send("GET", `${RELEASES}/${"0".repeat(24)}`);
      expect([byId.status, valueAt(byId.json, "code")]).toEqual([404, 404]);
      const byName = await server.send("GET", `${RELEASES}/detail?projectKey=shop&versionName=none`);
      expect([byName.status, valueAt(byName.json, "code")]).toEqual([404, 404]);
      expect((await server.send("GET", `${RELEASES}/not-an-id`)).status).toBe(404);
    });

    test("?view shows the names of one generation of clients", async () => {
      await create(server, plainBody({ version_name: "views" }));
      const id = String(valueAt(await settled(server, "views"), "id"));
      const keys = async (view: string) =>
        Object.keys((await server.send("GET", `${RELEASES}/${id}?view=${view}`)).json as object);
      expect(await keys("legacy")).toEqual(["version_info", "deploy_infos", "distribute_infos"]);
      expect(await keys("flat")).toEqual(
        expect.arrayContaining(["id", "version_name", "project_key", "created_time"]),
      );
      expect(await keys("v4")).toEqual(
        expect.arrayContaining(["version", "project_name", "created_at", "deleted_at"]),
      );
      expect((await server.send("GET", `${RELEASES}/${id}?view=other`)).status).toBe(400);
    });

    test("deleting frees the name, may be repeated, and never reaches into another project", async () => {
      await create(server, plainBody({ version_name: "gone" }));
      const id = String(valueAt(await settled(server, "gone"), "id"));
      const remove = (query: string) => server.send("DELETE", `${RELEASES}/${id}${query}`);
      const missing = await remove("");
      expect(missing.status).toBe(400);
      expect(valueAt(missing.json, "description")).toBe("projectKey can't be empty!");
      expect((await remove("?projectKey=bank")).json).toEqual({ message: "success" });
      expect((await server.send("GET", `${RELEASES}/${id}`)).status).toBe(200);
      const total = async () =>
        Number(valueAt((await list("projectKey=shop&pageNum=1&pageSize=1")).json, "total"));
      const before = await total();
      expect((await remove("?projectKey=shop")).json).toEqual({ message: "success" });
      expect(await total()).toBe(before - 1);
      expect((await remove("?projectKey=shop")).json).toEqual({ message: "success" });
      expect((await server.send("GET", `${RELEASES}/${id}`)).status).toBe(404);
      expect((await create(server, plainBody({ version_name: "gone" }))).status).toBe(200);
    });

    test("a malformed id cannot be deleted", async () => {
      const answer = await server.send("DELETE", `${RELEASES}/xyz?projectKey=shop`);
      expect(answer.status).toBe(400);
      expect(answer.json).toMatchObject({ type: "error", code: 6562, message: "删除交付中心版本失败" });
      expect(valueAt(answer.json, "description")).toContain("failed to delete delivery version, ID: xyz");
    });

    test("an id may be written in upper case", async () => {
      await create(server, plainBody({ version_name: "upper" }));
      const id = String(valueAt(await settled(server, "upper"), "id")).toUpperCase();
      expect((await server.send("GET", `${RELEASES}/${id}`)).status).toBe(200);
      expect((await server.send("DELETE", `${RELEASES}/${id}?projectKey=shop`)).status).toBe(200);
      expect((await server.send("GET", `${RELEASES}/${id}`)).status).toBe(404);
    });

    test("only a failed version can be retried, by body or by query", async () => {
      await create(server, plainBody({ version_name: "fine" }));
      const id = String(valueAt(await settled(server, "fine"), "id"));
      const byBody = await server.send("POST", `${RELEASES}/retry`, { body: { id, projectKey: "shop" } });
      const byQuery = await server.send("POST", `${RELEASES}/retry?id=${id}&projectKey=shop`);
      for (const { status, json } of [byBody, byQuery]) {
        expect(status).toBe(400);
        expect(valueAt(json, "description")).toContain("status:success");
      }
    });

    test.each([
      [{}, 400, "id can't be empty!"],
      [{ id: "0".repeat(24) }, 400, "projectName can't be empty!"],
      [{ id: "0".repeat(24), projectKey: "shop" }, 404, "Unknown version"],
      [{ id: "0".repeat(24), project_key: "shop" }, 404, "Unknown version"],
    ])("retrying %j is refused", async (body, status, description) => {
      const answer = await server.send("POST", `${RELEASES}/retry`, { body });
      expect(answer.status).toBe(status);
      expect(valueAt(answer.json, "description")).toContain(description);
    });
  });

  test.each([
    ["/openapi/delivery/releases/%ff", 400, { type: "error", code: 400 }],
    [`/openapi/delivery/releases/${"x".repeat(3000)}`, 414, { type: "error", code: 414 }],
    ["/v1/projects/%ff", 400, { status: 400, title: "Not a valid request" }],
    ["/v2/shop/%ff/tags/list", 400, { errors: [{ code: "NAME_INVALID" }] }],
  ])("an address that cannot be read (%#) is refused in its API's own form", async (path, status, body) => {
    const answer = await server.send("GET", path);
    expect(answer.status).toBe(status);
    expect(answer.json).toMatchObject(body);
  });

  test("unknown paths and methods have Zadig's plain texts", async () => {
    const path = await server.send("GET", "/openapi/delivery/nothing");
    expect([path.status, path.text]).toEqual([404, "Invalid path: /openapi/delivery/nothing"]);
    const method = await server.send("PUT", `${RELEASES}/${"0".repeat(24)}`);
    expect([method.status, method.text]).toEqual([
      405,
      `Method not allowed: PUT ${RELEASES}/${"0".repeat(24)}`,
    ]);
  });
});
