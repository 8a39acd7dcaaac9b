import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { commandLine, measureScript, quoted, together, type Usage } from "./support/commands.ts";
import { type ImageSet, type SetImage, targetRepository } from "./support/image-set.ts";
import { type BenchRegistry, blobFile, mustKeep } from "./support/registries.ts";

/** What a peer copies, and where it may keep its notes. */
export interface PeerWork {
  readonly images: readonly SetImage[];
  readonly source: BenchRegistry;
  readonly target: BenchRegistry;
  readonly namespace: string;
  /** Home of the peer: with an empty folder it knows nothing of earlier runs. */
  readonly home: string;
}

const SKOPEO = ["skopeo", "--insecure-policy"];

/**
 * skopeo's location cache lies under the home of its user; of root it lies in one place for all, so skopeo is told
 * that it runs for somebody else (containers/image, pkg/blobinfocache/default.go).
 */
const skopeoEnvironment = (home: string): Record<string, string> => ({
  HOME: home,
  XDG_DATA_HOME: home,
  XDG_RUNTIME_DIR: home,
  _CONTAINERS_ROOTLESS_UID: "1000",
});

/** How skopeo reaches a registry: over https with the certificate in the folder, as Headgate does; else over http. */
function access(side: "src" | "dest", registry: BenchRegistry, home: string): string[] {
  if (!registry.certificate) return [`--${side}-tls-verify=false`];
  writeFileSync(join(home, "ca.crt"), registry.certificate.certificatePem);
  return [`--${side}-cert-dir`, home];
}

/** `skopeo copy --all`, a process for each image, all at the same time. */
export function skopeoTogether({ images, source, target, namespace, home }: PeerWork): Promise<Usage> {
  const flags = ["--all", "--quiet", ...access("src", source, home), ...access("dest", target, home)];
  const lines = images.map((image) =>
    commandLine(
      ...SKOPEO,
      "copy",
      ...flags,
      `docker://${source.host}/${image.repository}:${image.tag}`,
      `docker://${target.host}/${targetRepository(image, namespace)}:${image.tag}`,
    ),
  );
  return measureScript(together(lines), skopeoEnvironment(home));
}

/** `skopeo sync` with a list of all images: one process, one image after another. */
export function skopeoSync({ images, source, target, namespace, home }: PeerWork): Promise<Usage> {
  const list = join(home, "images.yml");
  const wanted = images.map(({ repository, tag }) => `    ${repository}: ["${tag}"]\n`).join("");
  writeFileSync(list, `${source.host}:\n  tls-verify: false\n  images:\n${wanted}`);
  const flags = ["--all", "--src", "yaml", "--dest", "docker", "--dest-tls-verify=false"];
  const line = commandLine(...SKOPEO, "sync", ...flags, list, `${target.host}/${namespace}`);
  return measureScript(line, skopeoEnvironment(home));
}

/** The least that can be done: see `uploadFiles`. */
const AT_A_TIME = 6;

/**
 * The floor: curl PUTs the unique blobs from the source registry's own files, six at a time over kept connections.
 * Nothing is read from a registry, nothing is looked up and nothing is verified. One curl opens all uploads, one
 * sends all bodies; Expect is left out, for it only costs a round trip.
 */
export async function uploadFiles(work: PeerWork, blobs: ImageSet["blobs"]): Promise<Usage> {
  const { source, target, namespace, home } = work;
  const opening = join(home, "opening");
  const sending = join(home, "sending");
  const uploads = `http://${target.host}/v2/${namespace}/floor/blobs/uploads/`;
  const parallel = `parallel\nparallel-max = ${AT_A_TIME}\nsilent\nshow-error\nfail\n`;
  const open = blobs.map(() => `url = "${uploads}"\noutput = "/dev/null"\n`).join("");
  writeFileSync(
    opening,
    `${parallel}request = "POST"\nheader = "Content-Length: 0"\nwrite-out = "%header{location}\\n"\n${open}`,
  );
  const files = blobs.map(({ digest }) => quoted(`${digest} ${blobFile(source, digest)}`));
  const script = [
    `mapfile -t locations < <(curl -K ${quoted(opening)})`,
    `files=(${files.join(" ")})`,
    '[ "${#locations[@]}" -eq "${#files[@]}" ]',
    `{ printf ${quoted(`${parallel}header = "Expect:"\noutput = "/dev/null"\n`.replaceAll("\n", "\\n"))}`,
    'for i in "${!files[@]}"; do',
    `  printf 'upload-file = "%s"\\nurl = "%s&digest=%s"\\n' "\${files[i]#* }" "\${locations[i]}" "\${files[i]%% *}"`,
    `done; } > ${quoted(sending)}`,
    `curl -K ${quoted(sending)}`,
  ].join("\n");
  const usage = await measureScript(script);
  const digests = blobs.map(({ digest }) => digest);
  mustKeep(target, digests);
  return usage;
}

/** The end of a pipe without any check: `curl GET | curl PUT` of one blob. */
export async function pipeBlob(work: PeerWork, digest: string): Promise<Usage> {
  const { source, target, images, namespace } = work;
  const repository = images[0]?.repository ?? "";
  const blob = `http://${source.host}/v2/${repository}/blobs/${digest}`;
  const uploads = `http://${target.host}/v2/${namespace}/pipe/blobs/uploads/`;
  const curl = "curl --silent --show-error --fail";
  const usage = await measureScript(
    [
      `location=$(${curl} -X POST -H "Content-Length: 0" -w "%header{location}" ${quoted(uploads)})`,
      `${curl} ${quoted(blob)} | ${curl} -T - -H Expect: "$location&digest=${digest}"`,
    ].join("\n"),
  );
  mustKeep(target, [digest]);
  return usage;
}
