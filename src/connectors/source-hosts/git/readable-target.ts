import { ExternalSystemError } from "../../../kernel/errors.ts";
import type { SourceTarget } from "../source-host.ts";

const SCHEME_TEXT = "only https is read, and http where the connection allows it";

function reasonAgainst({ url, plainHttp }: SourceTarget): string | null {
  if (url.protocol === "http:" && !plainHttp) return "the connection does not allow plain HTTP";
  if (url.protocol !== "https:" && url.protocol !== "http:") return SCHEME_TEXT;
  if (url.username !== "" || url.password !== "") return "an address with a user in it is not read";
  return url.search !== "" || url.hash !== "" ? "an address with a query in it is not read" : null;
}

/** Refuses every address but one of a repository over https, or http where the connection allows it. */
export function requireReadable(target: SourceTarget): void {
  const reason = reasonAgainst(target);
  if (reason === null) return;
  const { protocol, host } = target.url;
  throw new ExternalSystemError(`connecting to ${protocol}//${host}: ${reason}`, {
    system: target.name,
    retryable: false,
  });
}
