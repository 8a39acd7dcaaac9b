import type { RegistryConnector } from "./registries/registry.ts";

/** The outside, one entry for each kind of system. */
export interface Connectors {
  readonly registries: RegistryConnector;
}
