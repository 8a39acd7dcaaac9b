import { setRenderedYaml } from "../releases/release-content-store.ts";
import { renderManifests } from "../releases/render-manifests.ts";
import type { CopyRun } from "./copy-run.ts";

/** The second step: writes the YAML with pinned references. On its own, for reading YAML may take longer than a transaction. */
export async function renderPinned(run: CopyRun): Promise<void> {
  if (run.content.manifests.every(({ receivedYaml }) => receivedYaml === "")) return;
  await run.task.step(
    "render",
    () => renderManifests(run.content),
    async (db, rendered) => {
      for (const { serviceName, yaml } of rendered)
        await setRenderedYaml(db, run.content.id, serviceName, yaml);
    },
  );
}
