/** What a caller asks of a list of names in order: those behind `last` ("" is before all). */
export interface NameRequest {
  readonly last: string;
  readonly limit: number;
}

/** Names in order; `more` says that others follow. */
export interface NamePage {
  readonly names: readonly string[];
  readonly more: boolean;
}

/** Cuts one name too many off a list. */
export const cutNames = (names: readonly string[], limit: number): NamePage => ({
  names: names.slice(0, limit),
  more: names.length > limit,
});
