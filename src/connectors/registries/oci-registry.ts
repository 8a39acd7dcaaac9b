import { hasBlob } from "./oci-blobs.ts";
import { createLimiter } from "../../kernel/limiter.ts";
import { checkRegistry } from "./oci-check.ts";
import { findManifest, pullManifest, putManifest } from "./oci-manifests.ts";
import { listReferrers, pushReferrer } from "./oci-referrers.ts";
import type { RegistrySession } from "./oci-session.ts";
import type { Registry } from "./registry.ts";

/** The port's view of a session. All these calls may be repeated without harm. */
export function ociRegistry(session: RegistrySession): Registry {
  const retrying: RegistrySession["retrying"] = (signal, work) => session.retrying(signal, work);
  // Each push may rewrite a list: those of this program do not overwrite one another.
  const oneByOne = createLimiter(1);
  return {
    settings: session.settings,
    check: (signal) => checkRegistry(session, signal),
    pullManifest: (repository, reference, signal) =>
      retrying(signal, () => pullManifest(session, repository, reference, signal)),
    findManifest: (repository, reference, signal) =>
      retrying(signal, () => findManifest(session, repository, reference, signal)),
    pushManifest: (repository, reference, manifest, signal) =>
      retrying(signal, async () => {
        const stored = await putManifest(session, { repository, reference }, manifest, signal);
        return stored.digest;
      }),
    listReferrers: (repository, digest, signal) =>
      retrying(signal, () => listReferrers(session, { repository, digest }, signal)),
    pushReferrer: (repository, attached, signal) =>
      retrying(signal, () => oneByOne(() => pushReferrer(session, repository, attached, signal))),
    hasBlob: (repository, digest, signal) =>
      retrying(signal, () => hasBlob(session, repository, digest, signal)),
  };
}
