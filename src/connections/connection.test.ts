import { describe, expect, it } from "vitest";
import {
  type Connection,
  ConnectionName,
  coversRepository,
  isSharedWith,
  namespaceIn,
  RegistryHost,
  RegistryNamespace,
} from "./connection.ts";
import { blankConnection } from "./create-connection.ts";

const accepts = (schema: { safeParse: (value: unknown) => { success: boolean } }, value: unknown) =>
  schema.safeParse(value).success;

const connection = (facts: Partial<Connection>): Connection => ({ ...blankConnection(new Date()), ...facts });

describe("a registry's host", () => {
  it.each([
    "registry.example.com",
    "registry.example.com:5000",
    "localhost",
    "localhost:5000",
    "registry:5000",
    "10.0.0.7:5000",
    "[::1]:5000",
    "[fe80::1]",
    "a-b.c-d.example",
  ])("may be %s", (host) => expect(accepts(RegistryHost, host)).toBe(true));

  it.each([
    "",
    "registry",
    "https://registry.example.com",
    "registry.example.com/team",
    "user@registry.example.com",
    "user:password@registry.example.com:443",
    "Registry.example.com",
    "registry.example.com:",
    "registry.example.com:0",
    "registry.example.com:65536",
    "registry.example.com:http",
    "-a.example.com",
    "a..example.com",
    "registry.example.com?x=1",
    "registry.example.com#x",
    "registry.example.com\\x",
    " registry.example.com",
    "registry.example.com\n",
    "::1",
    "[::1",
    `${"a".repeat(64)}.example.com`,
    // Other ways to write an address, and what looks like one.
    "127.1",
    "2130706433:80",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "[::ffff:127.0.0.1]:5000",
    "[0:0:0:0:0:0:0:1]",
    "256.256.256.256:5000",
    "1.2.3.4.5",
    "[:::]",
  ])("must not be %j", (host) => expect(accepts(RegistryHost, host)).toBe(false));
});

describe("a namespace", () => {
  it.each(["", "team", "team/apps", "a-b/c_d/e.f/g__h/i--j"])("may be %j", (namespace) =>
    expect(accepts(RegistryNamespace, namespace)).toBe(true),
  );

  it.each(["/", "team/", "/team", "team//apps", "..", "a/../b", "Team", "a b", "a___b", "a..b", "team\n"])(
    "must not be %j",
    (namespace) => expect(accepts(RegistryNamespace, namespace)).toBe(false),
  );
});

describe("a connection's name", () => {
  it("must not look like an id, so that one text can stand for either", () => {
    expect(accepts(ConnectionName, "production.eu-1")).toBe(true);
    expect(accepts(ConnectionName, "65f000000000000000000000")).toBe(false);
    expect(accepts(ConnectionName, "../x")).toBe(false);
  });
});

describe("sharing", () => {
  it("reaches the projects named, or all of them", () => {
    const shared = connection({ projects: [{ id: "one", key: "one" }] });
    expect(isSharedWith(shared, "one")).toBe(true);
    expect(isSharedWith(shared, "other")).toBe(false);
    expect(isSharedWith(connection({ allProjects: true }), "other")).toBe(true);
  });

  it("keeps a project inside its own part of the registry inside", () => {
    const inside = connection({ builtIn: true, allProjects: true });
    expect(namespaceIn(inside, "shop")).toBe("shop");
    expect(coversRepository(inside, "shop", "shop/web")).toBe(true);
    expect(coversRepository(inside, "shop", "bank/web")).toBe(false);
    expect(coversRepository(inside, "shop", "shopping/web")).toBe(false);
  });

  it("keeps a project inside the connection's namespace", () => {
    const team = connection({ namespace: "team/apps" });
    expect(coversRepository(team, "shop", "team/apps/web")).toBe(true);
    expect(coversRepository(team, "shop", "team/apps")).toBe(false);
    expect(coversRepository(team, "shop", "team/appstore/web")).toBe(false);
    expect(coversRepository(connection({}), "shop", "anything")).toBe(true);
  });
});
