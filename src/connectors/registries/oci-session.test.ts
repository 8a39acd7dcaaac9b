import { expect, it } from "vitest";
import { originOf } from "./oci-session.ts";
import type { RegistrySettings } from "./registry.ts";

const settings = (host: string, plainHttp: boolean): RegistrySettings => ({
  name: "test",
  host,
  plainHttp,
  allowPrivate: false,
  caPem: null,
  credentials: null,
  tokenHosts: [],
});

it.for([
  ["registry.example.com", false, "https://registry.example.com"],
  ["registry.example.com:5000", false, "https://registry.example.com:5000"],
  ["registry.example.com:5000", true, "http://registry.example.com:5000"],
  ["[::1]:5000", true, "http://[::1]:5000"],
  ["docker.io", false, "https://registry-1.docker.io"],
] as const)("a registry named %s (plain http: %s) is spoken to at %s", ([host, plainHttp, origin]) => {
  expect(originOf(settings(host, plainHttp)).origin).toBe(origin);
});
