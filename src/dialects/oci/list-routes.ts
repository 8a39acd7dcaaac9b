import type { FastifyReply } from "fastify";
import { listReferrers } from "../../repositories/list-referrers.ts";
import { listRepositories } from "../../repositories/list-repositories.ts";
import { listTags } from "../../repositories/list-tags.ts";
import type { NamePage, NameRequest } from "../../repositories/name-page.ts";
import { readDigest, readNamePage } from "./read.ts";
import type { Route, RoutesOf } from "./route.ts";
import { HEADER, INDEX_MEDIA_TYPE } from "./wire.ts";

const linkNext = (reply: FastifyReply, path: string, query: Record<string, string>): FastifyReply =>
  reply.header("link", `<${path}?${new URLSearchParams(query).toString()}>; rel="next"`);

/** Spec 1.1, "Content Discovery": the next page begins behind the last name of this one. */
function linkNames(reply: FastifyReply, path: string, asked: NameRequest, page: NamePage): void {
  const last = page.names.at(-1);
  if (page.more && last !== undefined) linkNext(reply, path, { last, n: String(asked.limit) });
}

/** Spec 1.1, "Listing Tags". */
const tags: Route<"tags"> = {
  needs: "pull",
  async handle({ ctx, reply, query }, { repository }) {
    const asked = readNamePage(query);
    const page = await listTags(ctx, { repository, page: asked });
    linkNames(reply, `/v2/${repository}/tags/list`, asked, page);
    return reply.send({ name: repository, tags: page.names });
  },
};

/** Docker registry API V2, "Catalog"; only what the caller may see. */
const catalog: Route<"catalog"> = {
  needs: "catalog",
  async handle({ ctx, reply, query }) {
    const asked = readNamePage(query);
    const page = await listRepositories(ctx, asked);
    linkNames(reply, "/v2/_catalog", asked, page);
    return reply.send({ repositories: page.names });
  },
};

/** Spec 1.1, "Listing Referrers": an index of what is attached, also of what nobody attached anything to. */
const referrers: Route<"referrers"> = {
  needs: "pull",
  async handle({ ctx, reply, query }, { repository, digest }) {
    const subject = readDigest(digest);
    const artifactType = query.get("artifactType") || null;
    const last = query.get("last") ?? "";
    const { manifests, more } = await listReferrers(ctx, { repository, subject, artifactType, last });
    const filter = artifactType === null ? {} : { artifactType };
    const end = manifests.at(-1);
    if (more && end)
      linkNext(reply, `/v2/${repository}/referrers/${subject}`, { ...filter, last: end.digest });
    if (artifactType !== null) void reply.header(HEADER.filtersApplied, "artifactType");
    const index = {
      schemaVersion: 2,
      mediaType: INDEX_MEDIA_TYPE,
      manifests: manifests.map((manifest) => ({
        mediaType: manifest.mediaType,
        digest: manifest.digest,
        size: manifest.sizeBytes,
        ...(manifest.artifactType === null ? {} : { artifactType: manifest.artifactType }),
        annotations: manifest.annotations,
      })),
    };
    // As bytes: a text would get a charset, which this type does not have.
    return reply.type(INDEX_MEDIA_TYPE).send(Buffer.from(JSON.stringify(index)));
  },
};

export const tagsRoutes: RoutesOf<"tags"> = { GET: tags };
export const catalogRoutes: RoutesOf<"catalog"> = { GET: catalog };
export const referrersRoutes: RoutesOf<"referrers"> = { GET: referrers };
