/** Routes as they were registered: `/v1/projects/:project`. */
export type RouteList = { readonly methods: readonly string[]; readonly path: string }[];

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

const matches = (pattern: string, path: string): boolean =>
  new RegExp(
    `^${pattern
      .split("/")
      .map((part) => (part.startsWith(":") ? "[^/]+" : escaped(part)))
      .join("/")}$`,
  ).test(path);

/** The methods that this path takes, in the order of their names. */
export const methodsOf = (routes: RouteList, path: string): string[] =>
  [
    ...new Set(routes.filter((route) => matches(route.path, path)).flatMap((route) => route.methods)),
  ].toSorted();
