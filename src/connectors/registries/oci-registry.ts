import { hasBlob, mountBlob } from "./oci-blobs.ts";
import { checkRegistry } from "./oci-check.ts";
import { findManifest, pullManifest, pushManifest } from "./oci-manifests.ts";
import type { RegistrySession } from "./oci-session.ts";
import type { Registry } from "./registry.ts";

/** The port's view of a session. All these calls may be repeated without harm. */
export function ociRegistry(session: RegistrySession): Registry {
  const retrying: RegistrySession["retrying"] = (signal, work) => session.retrying(signal, work);
  return {
    settings: session.settings,
    check: (signal) => checkRegistry(session, signal),
    pullManifest: (repository, reference, signal) =>
      retrying(signal, () => pullManifest(session, repository, reference, signal)),
    findManifest: (repository, reference, signal) =>
      retrying(signal, () => findManifest(session, repository, reference, signal)),
    pushManifest: (repository, reference, manifest, signal) =>
      retrying(signal, () => pushManifest(session, { repository, reference }, manifest, signal)),
    hasBlob: (repository, digest, signal) =>
      retrying(signal, () => hasBlob(session, repository, digest, signal)),
    mountBlob: (repository, digest, from, signal) =>
      retrying(signal, () => mountBlob(session, repository, { digest, from, signal })),
  };
}
