import { GetReleaseByVersion, type ReleaseReply } from "../../src/api/contract/releases.ts";
import type { DemoServer } from "./demo-server.ts";

/** One image in the body of Zadig's create call (its documentation of version management, v3.4). */
export interface ZadigImage {
  readonly container_name: string;
  readonly source_image?: string;
  readonly source_image_tag?: string;
  readonly target_image?: string;
  readonly target_image_tag?: string;
  readonly push_image: boolean;
}

/** The body of the create call. */
export interface ZadigVersion {
  readonly project_key: string;
  readonly version_name: string;
  readonly source: "manual" | "from_version";
  readonly original_version_name?: string;
  readonly desc: string;
  readonly labels: readonly string[];
  readonly image_registry_id: string;
  readonly services: readonly {
    readonly service_name: string;
    readonly yaml_content?: string;
    readonly images: readonly ZadigImage[];
  }[];
}

/** Creates a version as Zadig's clients do, and looks up what became of it. Throws with the server's own words. */
export async function createVersion(server: DemoServer, version: ZadigVersion): Promise<ReleaseReply> {
  const path = "/openapi/delivery/releases/k8s";
  const reply = await fetch(`${server.url}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${server.adminToken}`, "content-type": "application/json" },
    body: JSON.stringify(version),
  });
  const text = await reply.text();
  if (!reply.ok) throw new Error(`POST ${path} answered ${reply.status}: ${text}`);
  return showVersion(server, version.project_key, version.version_name);
}

/** A version as our own API shows it. */
export const showVersion = (server: DemoServer, project: string, version: string): Promise<ReleaseReply> =>
  server.client.call(GetReleaseByVersion, { params: { project, version } });
