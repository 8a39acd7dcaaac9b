import type { CiProviders } from "./ci-providers/ci-provider.ts";
import type { RegistryConnector } from "./registries/registry.ts";
import type { SourceHosts } from "./source-hosts/source-host.ts";

/** The outside, one entry for each kind of system. */
export interface Connectors {
  readonly registries: RegistryConnector;
  readonly ciProviders: CiProviders;
  readonly sourceHosts: SourceHosts;
}
