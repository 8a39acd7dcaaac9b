import type { DemoServer } from "./demo-server.ts";
import type { LiveFolder } from "./deploy-program.ts";
import type { Narrator } from "./narrator.ts";
import type { PackedImage } from "./pack-images.ts";
import type { RegistryAddress } from "./registry-client.ts";

/** The names of what is made, for the hints at the end. */
export interface Played {
  /** Null: the images were pushed to an outside registry. */
  readonly build: DemoServer | null;
  readonly production: DemoServer;
  readonly target: RegistryAddress;
  readonly version: string;
  readonly promotedVersion: string;
}

/** Where everything is that the later steps need. */
export interface Scene extends Played {
  readonly say: Narrator;
  readonly images: readonly PackedImage[];
  readonly source: RegistryAddress;
  readonly connectionId: string;
  readonly targetInside: boolean;
  /** What the environments run. */
  readonly live: LiveFolder;
}
