import * as z from "zod";

/** What an environment is for; what runs in production is what users see. */
export const Tier = z.enum(["production", "staging", "development"]);
export type Tier = z.output<typeof Tier>;
