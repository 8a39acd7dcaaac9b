import type { CallOptions, GithubSession } from "./github-session.ts";

const PER_PAGE = 100;
/** GitHub itself ends a filtered list of runs after 1,000. */
const MAX_PAGES = 10;

/** The pages of a list, as they came, as long as GitHub names a next one. Throws ExternalSystemError. */
export async function* githubPages(
  github: GithubSession,
  doing: string,
  route: string,
  parameters: Readonly<Record<string, unknown>>,
  options: CallOptions,
): AsyncGenerator<unknown, void, void> {
  for (let page = 1; page <= MAX_PAGES; page += 1) {
    const reply = await github.call(route, { ...parameters, per_page: PER_PAGE, page }, options);
    if (reply.status !== 200) throw github.refusal(reply, doing);
    yield reply.data;
    if (!/;\s*rel="?next"?/.test(reply.header("link") ?? "")) return;
  }
}
