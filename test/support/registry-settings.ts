import type { RegistrySettings } from "../../src/connectors/registries/registry.ts";
import type { TestRegistry } from "./registries.ts";

/** The settings with which a test registry is reached: loopback allowed, its token host confirmed. */
export function settingsFor(
  registry: TestRegistry,
  changes: Partial<RegistrySettings> = {},
): RegistrySettings {
  const { host, username, password, caPem, tokens } = registry;
  return {
    name: `registry at ${host}`,
    host,
    plainHttp: caPem === undefined,
    allowPrivate: true,
    caPem: caPem ?? null,
    credentials: username && password ? { username, password } : null,
    tokenHosts: tokens ? [tokens.host] : [],
    ...changes,
  };
}
