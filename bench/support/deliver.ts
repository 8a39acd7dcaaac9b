import { setTimeout as sleep } from "node:timers/promises";
import { CreateConnection } from "../../src/api/contract/connections.ts";
import { GetDistribution } from "../../src/api/contract/distributions.ts";
import { CreateProject } from "../../src/api/contract/projects.ts";
import { CreateRelease, type DistributionReply } from "../../src/api/contract/releases.ts";
import { isRunning } from "../../src/distributions/distribution.ts";
import type { BuiltServer } from "./built-server.ts";
import type { Usage } from "./commands.ts";
import { type SetImage, targetRepository } from "./image-set.ts";
import { countCpu } from "./process-usage.ts";
import type { BenchRegistry } from "./registries.ts";

/** What it cost the server to deliver a version. */
export interface DeliveryUsage extends Usage {
  /** From sending the POST to its answer; part of the wall time. */
  readonly postSeconds: number;
  /** How often the server was asked how far it is; its work for the answers is in the CPU time. */
  readonly looks: number;
}

export interface Delivery {
  readonly project: string;
  readonly images: readonly SetImage[];
  readonly source: BenchRegistry;
  readonly target: BenchRegistry;
  /** The id of the connection to the target. */
  readonly connection: string;
  /** First part of the images' repositories at the target, in place of the first part at the source. */
  readonly namespace: string;
  /** How long to wait between two looks. */
  readonly pollMillis: number;
}

let made = 0;
/** A name that was not used before on this server. */
const nextName = (prefix: string): string => `${prefix}-${(made += 1)}`;

/** Connects a registry with all projects, also later ones; the connection's id. */
export async function connectRegistry({ client }: BuiltServer, registry: BenchRegistry): Promise<string> {
  const { host, certificate } = registry;
  const connection = await client.call(CreateConnection, {
    body: {
      name: nextName("registry"),
      host,
      plainHttp: certificate === undefined,
      allowPrivate: true,
      caPem: certificate?.certificatePem ?? null,
      allProjects: true,
    },
  });
  return connection.id;
}

/** A project that has delivered nothing yet: what the server learns of blobs, it learns for each project. */
export async function freshProject({ client }: BuiltServer): Promise<string> {
  const key = nextName("bench");
  await client.call(CreateProject, { body: { key } });
  return key;
}

/**
 * Delivers a version and measures it, from sending the POST to `success`. The end is the moment that the server
 * wrote down, or the last look that did not see it yet, whichever is later, so that the looks can be few. Throws
 * when the version does not succeed.
 */
export async function deliver(server: BuiltServer, delivery: Delivery): Promise<DeliveryUsage> {
  const cpuSeconds = countCpu(server.pid);
  const begunAt = Date.now();
  const release = await server.client.call(CreateRelease, {
    params: { project: delivery.project },
    body: bodyOf(delivery),
  });
  const postedAt = Date.now();
  const params = { release: release.id, distribution: release.distribution.id };
  let lastUnended = postedAt;
  for (let looks = 1; ; looks += 1) {
    const lookedAt = Date.now();
    const distribution = await server.client.call(GetDistribution, { params });
    if (!isRunning(distribution.status)) {
      const endedAt = Math.max(endOf(distribution), lastUnended);
      const seconds = (millis: number): number => millis / 1000;
      return {
        wallSeconds: seconds(endedAt - begunAt),
        cpuSeconds: cpuSeconds(),
        postSeconds: seconds(postedAt - begunAt),
        looks,
      };
    }
    lastUnended = lookedAt;
    await sleep(delivery.pollMillis);
  }
}

function endOf({ status, error, endedAt, items }: DistributionReply): number {
  if (status === "success" && endedAt !== null) return endedAt.getTime();
  const reasons = items.map((item) => item.error).filter((reason) => reason !== "");
  throw new Error(`the version ended as ${status}: ${[error, ...reasons].join("; ")}`);
}

function bodyOf({ images, source, target, connection, namespace }: Delivery) {
  return {
    version: nextName("v"),
    targetConnection: connection,
    services: images.map((image) => {
      const name = image.repository.slice(image.repository.lastIndexOf("/") + 1);
      return {
        name,
        images: [
          {
            containerName: name,
            sourceImage: `${source.host}/${image.repository}`,
            sourceTag: image.tag,
            targetImage: `${target.host}/${targetRepository(image, namespace)}`,
            targetTag: image.tag,
          },
        ],
      };
    }),
  };
}
